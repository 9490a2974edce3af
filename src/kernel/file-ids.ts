/**
 * Whose the files are that we make: setfsuid(2), setfsgid(2). A file system that was mounted inside a user namespace takes none of users
 * that the namespace does not know, and what a tree gets from us is its root's. Our capabilities stay.
 */
import { NR } from "./nr.ts";
import { addressOf, check, sys } from "./sys.ts";
import { PR, SECBIT } from "./uapi/prctl.ts";

export interface FileIds {
  readonly uid: number;
  readonly gid: number;
}

let assumed: FileIds | undefined;

function become({ uid, gid }: FileIds): void {
  const dumpable = sys(NR.prctl, PR.GET_DUMPABLE, 0, 0, 0, 0);
  const secbits = sys(NR.prctl, PR.GET_SECUREBITS, 0, 0, 0, 0);
  // a change of the user would take capabilities away
  const kept = sys(NR.prctl, PR.SET_SECUREBITS, secbits | SECBIT.NO_SETUID_FIXUP, 0, 0, 0);
  check(kept, "cannot make files in the name of others", { uid, gid });
  sys(NR.setfsgid, gid);
  sys(NR.setfsuid, uid);
  sys(NR.prctl, PR.SET_SECUREBITS, secbits, 0, 0, 0);
  sys(NR.prctl, PR.SET_DUMPABLE, dumpable, 0, 0, 0);
}

/** From now on what we make is theirs, and ours again once the result is called. This thread alone changes. */
export function makeFilesAs(ids: FileIds): () => void {
  const before = assumed;
  assumed = ids;
  become(ids);
  return () => {
    if (assumed !== ids) return;
    assumed = before;
    become(before ?? own());
  };
}

const own = (): FileIds => ({ uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 });

/** What `make` makes is ours in any case. */
export function makeFilesAsOurselves<T>(make: () => T): T {
  if (!assumed) return make();
  become(own());
  try {
    return make();
  } finally {
    become(assumed);
  }
}

/** After a change of our user, which takes the files along: setresuid(2). */
export function keepFileIds(): void {
  if (assumed) become(assumed);
}

const EOVERFLOW = -75;

/** A call that makes a file, once more in the name of `owner` where the file system does not know us. */
export function makeFilesLike(owner: FileIds, make: () => number): number {
  const made = make();
  if (made !== EOVERFLOW) return made;
  const back = makeFilesAs({ uid: owner.uid, gid: owner.gid });
  try {
    return make();
  } finally {
    back();
  }
}

const MOST_GROUPS = 65536;
const KEEP = -1;

/** What whoever is born gets from us, and how their user namespace came to be. */
export interface Birth {
  /** Supplementary groups; undefined for ours. */
  readonly groups: readonly number[] | undefined;
  /** Whose the user namespace is that is made; undefined for ours. */
  readonly owner: number | undefined;
}

/** Acts in such a way that whoever is born meanwhile has these. Our capabilities stay. */
export function bearing<T>({ groups, owner }: Birth, act: () => T): T {
  return withGroups(groups, () => (owner === undefined ? act() : asUser(owner, act)));
}

function asUser<T>(uid: number, act: () => T): T {
  const self = process.geteuid?.() ?? 0;
  const dumpable = sys(NR.prctl, PR.GET_DUMPABLE, 0, 0, 0, 0);
  const secbits = sys(NR.prctl, PR.GET_SECUREBITS, 0, 0, 0, 0);
  sys(NR.prctl, PR.SET_SECUREBITS, secbits | SECBIT.NO_SETUID_FIXUP, 0, 0, 0);
  try {
    check(sys(NR.setresuid, KEEP, uid, KEEP), "cannot make a user namespace in the name of its owner", { uid });
    return act();
  } finally {
    sys(NR.setresuid, KEEP, self, KEEP);
    sys(NR.prctl, PR.SET_SECUREBITS, secbits, 0, 0, 0);
    sys(NR.prctl, PR.SET_DUMPABLE, dumpable, 0, 0, 0);
    keepFileIds();
  }
}

function withGroups<T>(groups: readonly number[] | undefined, act: () => T): T {
  if (!groups) return act();
  const own = new Uint32Array(MOST_GROUPS);
  const count = check(sys(NR.getgroups, MOST_GROUPS, addressOf(own)), "cannot read our supplementary groups");
  const wanted = Uint32Array.from(groups);
  const size = wanted.length;
  check(sys(NR.setgroups, size, size > 0 ? addressOf(wanted) : 0), "cannot set the supplementary groups");
  try {
    return act();
  } finally {
    sys(NR.setgroups, count, addressOf(own));
  }
}
