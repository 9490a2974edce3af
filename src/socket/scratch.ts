import { dirname } from "node:path";
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
    const here = cstring(".");
    const path = Buffer.from(name).toString("latin1").replace(/\0.*$/s, "");
    must(NR.fchdir, [this.#mount]);
    must(NR.chroot, [addressOf(here)]);
    try {
      makeDirectories(dirname(path));
      check(tryBind(fd, unixAddress(name)), "cannot bind a socket to a name of old", { path });
      const file = latin1(path);
      must(NR.unlinkat, [AT.FDCWD, addressOf(file), 0]);
    } finally {
      must(NR.fchdir, [this.#root]);
      must(NR.chroot, [addressOf(here)]);
      must(NR.fchdir, [this.#cwd]);
    }
  }
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
