import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { closeFd, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { tryBind, unixAddress } from "../kernel/socket.ts";
import { addressOf, check, cstring, must, sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";

// linux/mount.h
const FSOPEN_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 1;

/**
 * A file system of our own that no path leads to. A socket that is bound there, with any name, has that name for good and
 * occupies nothing: as one whose file was deleted.
 */
export class ScratchRoot implements Disposable {
  readonly #mount: number;
  readonly #root = openPath("/", O.PATH | O.DIRECTORY);
  readonly #cwd = openPath(".", O.PATH | O.DIRECTORY);

  constructor() {
    const type = cstring("tmpfs");
    const what = "cannot make a file system for socket names";
    const context = must(NR.fsopen, [addressOf(type), FSOPEN_CLOEXEC], what);
    try {
      must(NR.fsconfig, [context, FSCONFIG_CMD_CREATE, 0, 0, 0], what);
      this.#mount = must(NR.fsmount, [context, FSMOUNT_CLOEXEC, 0], what);
    } finally {
      closeFd(context);
    }
  }

  [Symbol.dispose](): void {
    for (const fd of [this.#mount, this.#root, this.#cwd]) closeFd(fd);
  }

  /** Binds a socket to a path that nobody can reach. `name` is raw: as unix_diag tells it. */
  bind(fd: number, name: Uint8Array): void {
    this.#inside(
      this.#mount,
      (path, file) => {
        makeDirectories(dirname(path));
        check(tryBind(fd, unixAddress(name)), "cannot bind a socket to a name of old", { path });
        must(NR.unlinkat, [AT.FDCWD, addressOf(file), 0]);
      },
      name,
    );
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
        this.#inside(
          root,
          (path) => {
            makeDirectories(dirname(path));
            check(tryBind(fd, unixAddress(name)), "cannot bind a socket to a name of old", { path });
          },
          name,
        );
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

  /** Acts with this directory as root and as current one: names of any kind lead into it. */
  #inside(directory: number, act: (path: string, file: Uint8Array) => void, name: Uint8Array): void {
    const here = cstring(".");
    const path = pathOf(name);
    must(NR.fchdir, [directory]);
    must(NR.chroot, [addressOf(here)]);
    try {
      act(path, latin1(path));
    } finally {
      must(NR.fchdir, [this.#root]);
      must(NR.chroot, [addressOf(here)]);
      must(NR.fchdir, [this.#cwd]);
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
