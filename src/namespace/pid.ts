/** Pid namespaces (pid_namespaces(7)): the numbers themselves are those of the process tree. */
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { closeFd, linkOf as linkOfFd, O, openPath, tryIoctl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { check, must } from "../kernel/sys.ts";
import { NS } from "../kernel/uapi/ioctl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { External, RestoreOptions } from "../options.ts";
import { linkOf } from "./ids.ts";
import type { NamespaceKind } from "./kind.ts";
import { askPidLimits } from "./pid-limits.ts";

/** The name under which a namespace stays outside: `--external pid[INODE]:KEY`. @param link `pid:[INODE]` */
export function keyOf(link: string, external: readonly External[]): string | undefined {
  const ino = /\d+/.exec(link)?.[0];
  return external.find(({ kind, id }) => kind === "pid" && id === ino)?.value;
}

/** Our descriptor of a namespace that stayed outside (`--inherit-fd fd[N]:KEY`); undefined for one that did not. */
export function givenPidNamespace(
  images: ImageDirectory,
  id: number,
  { inheritFds }: Pick<RestoreOptions, "inheritFds">,
): number | undefined {
  const key = images.read("PIDNS", id)[0]?.ext_key;
  if (key === undefined) return undefined;
  const found = inheritFds.find(({ resource }) => resource === key)?.fd;
  if (found !== undefined) return found;
  throw new CrError("the pid namespace stayed outside at the dump, and is not given", {
    code: "UNSUPPORTED",
    subject: { key },
    remedy: `pass --inherit-fd 'fd[N]:${key}', N being a descriptor of the namespace`,
  });
}

/** How many pid namespaces lie between ours and the one that a descriptor of ours is open on. */
export function levelsBelowOurs(fd: number): number {
  const ours = linkOf("self", "pid");
  let at = openPath(`/proc/self/fd/${fd}`, O.RDONLY, "cannot open a pid namespace");
  try {
    for (let levels = 0; ; levels++) {
      if (linkOfFd(at) === ours) return levels;
      const what = "the pid namespace that was given lies outside of ours";
      const outer = check(tryIoctl(at, NS.GET_PARENT), what, { fd }, "run tscriu in it, or in one above it");
      closeFd(at);
      at = outer;
    }
  } finally {
    closeFd(at);
  }
}

/** Acts so that whoever we clone meanwhile is born into the pid namespace that a descriptor of ours is open on. */
export function bornInto<T>(fd: number, act: () => T): T {
  const home = openPath("/proc/self/ns/pid", O.RDONLY);
  try {
    must(NR.setns, [fd, CLONE.NEWPID], "cannot enter the pid namespace that was given");
    try {
      return act();
    } finally {
      must(NR.setns, [home, CLONE.NEWPID], "cannot come back from a pid namespace");
    }
  } finally {
    closeFd(home);
  }
}

export const pid: NamespaceKind = {
  name: "pid",
  flag: CLONE.NEWPID,

  isGiven: (images, id) => images.read("PIDNS", id)[0]?.ext_key !== undefined,

  check(images, ids, options) {
    for (const id of ids) givenPidNamespace(images, id, options);
  },

  save(images, id, member, options, foreign) {
    const link = foreign.find((one) => one.name === "pid" && one.id === id)?.link ?? linkOf(member, "pid");
    const ext_key = keyOf(link, options.external);
    if (ext_key !== undefined) images.write("PIDNS", id, [{ ext_key }]);
  },

  ask(questions, { member, link }, options) {
    // one that a task's next children are born into has nobody to ask yet
    if (keyOf(link, options.external) !== undefined || linkOf(member, "pid") !== link) return undefined;
    const answers = askPidLimits(questions);
    return (images, id) => {
      const limits = answers();
      if (Object.keys(limits).length > 0) images.write("PIDNS", id, [limits]);
    };
  },
};
