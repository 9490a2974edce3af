import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { MFD } from "../kernel/uapi/fcntl.ts";

let known: number | undefined;

/**
 * Device number of the kernel's own tmpfs, on which memfds and shared anonymous memory lie. Nobody can reach its files by
 * path, whatever their names look like.
 */
export function shmemDevice(): number {
  if (known === undefined) {
    const name = cstring("tscriu");
    const fd = check(sys(NR.memfd_create, addressOf(name), MFD.CLOEXEC), "cannot make an anonymous file");
    known = statFd(fd).dev;
    closeFd(fd);
  }
  return known;
}
