import { closeFd, openPath } from "./fd.ts";
import { NR } from "./nr.ts";
import { addressOf, cstring, must } from "./sys.ts";
import { O } from "./uapi/fcntl.ts";

const here = cstring(".");

/**
 * Acts with a directory as root and as current one: names of any kind lead into it. Links of /proc still lead out.
 * @param directory a descriptor of ours
 */
export function insideRoot<T>(directory: number, act: () => T): T {
  const root = openPath("/", O.PATH | O.DIRECTORY);
  const cwd = openPath(".", O.PATH | O.DIRECTORY);
  try {
    must(NR.fchdir, [directory], "cannot enter a directory");
    must(NR.chroot, [addressOf(here)], "cannot make a directory the root");
    return act();
  } finally {
    must(NR.fchdir, [root]);
    must(NR.chroot, [addressOf(here)]);
    must(NR.fchdir, [cwd]);
    closeFd(root);
    closeFd(cwd);
  }
}
