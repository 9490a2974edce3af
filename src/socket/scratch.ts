import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { insideRoot } from "../kernel/chroot.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { makeTmpfs } from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { tryBind, unixAddress } from "../kernel/socket.ts";
import { addressOf, check, cstring, must, sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";

/**
 * A file system of our own that no path leads to. A socket that is bound there, with any name, has that name for good and
 * occupies nothing: as one whose file was deleted.
 */
export class ScratchRoot implements Disposable {
  readonly #mount: number;

  constructor() {
    this.#mount = makeTmpfs("cannot make a file system for socket names");
  }

  [Symbol.dispose](): void {
    closeFd(this.#mount);
  }

  /** Binds a socket to a path that nobody can reach. `name` is raw: as unix_diag tells it. */
  bind(fd: number, name: Uint8Array): void {
    insideRoot(this.#mount, () => {
      const path = pathOf(name);
      makeDirectories(dirname(path));
      check(tryBind(fd, unixAddress(name)), "cannot bind a socket to a name of old", { path });
      must(NR.unlinkat, [AT.FDCWD, addressOf(latin1(path)), 0]);
    });
  }

  /**
   * Binds a socket to a name of old, with its file at another path: made in a directory beside that path, and moved there.
   * @param to absolute; must be free, and its directory there
   */
  bindMoved(fd: number, name: Uint8Array, to: string): void {
    const aside = `${dirname(to)}/.tscriu-${process.pid}-${fd}`;
    const subject = { path: to };
    mkdirSync(aside, { mode: 0o700 });
    try {
      const root = openPath(aside, O.PATH | O.DIRECTORY);
      try {
        insideRoot(root, () => {
          const path = pathOf(name);
          makeDirectories(dirname(path));
          check(tryBind(fd, unixAddress(name)), "cannot bind a socket to a name of old", { path });
        });
      } finally {
        closeFd(root);
      }
      const [from, target] = [latin1(`${aside}${join("/", pathOf(name))}`), cstring(to)];
      must(
        NR.renameat2,
        [AT.FDCWD, addressOf(from), AT.FDCWD, addressOf(target), 0],
        "cannot move a socket's file",
        subject,
      );
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
  }
}

/** Its bytes as characters, without the NUL. */
function pathOf(name: Uint8Array): string {
  return Buffer.from(name).toString("latin1").replace(/\0.*$/s, "");
}

/** Bytes of a name are no text: each is a character here. */
function latin1(path: string): Uint8Array {
  return cstring(Buffer.from(path, "latin1"));
}

function makeDirectories(path: string): void {
  if (path === "." || path === "/" || path === "") return;
  makeDirectories(dirname(path));
  const name = latin1(path);
  // It may be there already, and it may be `..`: what is wrong shows when the socket is bound.
  sys(NR.mkdirat, AT.FDCWD, addressOf(name), 0o700);
}
