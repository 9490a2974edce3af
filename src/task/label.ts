/** The label that a security module gave a thread: an AppArmor profile, an SELinux context. */
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { type CoreEntry, type CredsEntry, Lsmtype } from "../image/schema.gen.ts";
import { type Attributes, attributesOf, hostLsm, type Lsm, labelFile } from "../kernel/lsm.ts";
import { NR } from "../kernel/nr.ts";
import type { LsmProfile } from "../options.ts";

/** What credentials keep of it. */
export type Label = Pick<CredsEntry, "lsm_profile" | "lsm_sockcreate">;

const TYPES: Readonly<Record<Lsm, Lsmtype>> = {
  none: Lsmtype.NO_LSM,
  other: Lsmtype.NO_LSM,
  selinux: Lsmtype.SELINUX,
  apparmor: Lsmtype.APPARMOR,
};
const WORDS = ["none", "SELinux", "AppArmor"];

/** For the inventory. */
export function lsmType(lsm = hostLsm()): Lsmtype {
  return TYPES[lsm];
}

/**
 * A thread's label. AppArmor tells the mode of the profile as well, which is no part of its name; who is not confined has
 * none.
 * @param path directory of the thread in /proc
 * @throws CrError when the label is one of a module that nothing here knows, and differs from our own
 */
export function readLabel(path: string, lsm = hostLsm(), has: Attributes = attributesOf(path)): Label {
  if (lsm === "none") return {};
  const current = has(labelFile(lsm, has));
  if (lsm === "other") return refuseUnknown(current, path);
  if (lsm === "selinux") {
    const create = has("sockcreate");
    return { ...(current ? { lsm_profile: current } : {}), ...(create ? { lsm_sockcreate: create } : {}) };
  }
  const name = current?.replace(/ \([a-z]+\)$/, "");
  return name === undefined || name === "" || name === "unconfined" ? {} : { lsm_profile: name };
}

function refuseUnknown(current: string | undefined, path: string): Label {
  if (current === attributesOf("/proc/thread-self")("current")) return {};
  throw new CrError("the task has a label of a security module that is neither SELinux nor AppArmor", {
    code: "UNSUPPORTED",
    subject: { path: `${path}/attr/current`, label: current },
    remedy: "run it and tscriu under one label",
  });
}

/**
 * Checks that the labels of a set can be given here, before anything is made, and puts `--lsm-profile` in their place.
 * @param type lsmtype of the inventory
 */
export function prepareLabels(
  cores: readonly CoreEntry[],
  type: Lsmtype | undefined,
  wanted: LsmProfile | undefined,
  lsm = hostLsm(),
): void {
  const creds = cores.map(({ thread_core }) => thread_core?.creds).filter((one) => one !== undefined);
  const here = WORDS[TYPES[lsm]];
  if (wanted) {
    if (wanted.lsm !== lsm) {
      throw new CrError(`--lsm-profile is for ${WORDS[TYPES[wanted.lsm]]}, and this kernel does not run with it`, {
        code: "UNSUPPORTED",
        subject: { "security module": here },
        remedy: "name a profile of the module that is there, or leave the option out",
      });
    }
    for (const one of creds) one.lsm_profile = wanted.name;
    return;
  }
  const labelled = creds.find(({ lsm_profile }) => lsm_profile !== undefined);
  if (labelled === undefined || (type ?? Lsmtype.NO_LSM) === TYPES[lsm]) return;
  throw new CrError(`the tree was confined by ${WORDS[type ?? 0] ?? "an unknown module"}, which does not run here`, {
    code: "UNSUPPORTED",
    subject: { label: labelled.lsm_profile, "security module": here },
    remedy: "restore under a kernel that runs with it, or choose a label of this one with --lsm-profile TYPE:NAME",
  });
}

/**
 * Gives a thread its label. SELinux lets only a process without other threads change: its leader does that before they are
 * made, and they have it from there.
 * @param own what the thread has by now
 */
export function restoreLabel(program: Program, entry: Label, own: Label, lsm = hostLsm()): void {
  const { lsm_profile: profile, lsm_sockcreate: create } = entry;
  if (profile !== undefined && profile !== own.lsm_profile) {
    const file = labelFile(lsm, attributesOf("/proc/thread-self"));
    write(program, file, lsm === "apparmor" ? `changeprofile ${profile}` : profile);
  }
  if (create !== undefined && create !== own.lsm_sockcreate) write(program, "sockcreate", create);
}

function write(program: Program, file: string, text: string): void {
  const path = `/proc/thread-self/attr/${file}`;
  const what = "cannot set the security label";
  const subject = { path, label: text };
  const [atFdcwd, writeOnly] = [-100, 1];
  const fd = program.call(NR.openat, [atFdcwd, program.text(path), writeOnly], { what, subject });
  const bytes = new TextEncoder().encode(text);
  program.call(NR.write, [fd, program.data(bytes), bytes.length], {
    what: `${what} (is its policy loaded, and may we change to it?)`,
    subject,
    expect: bytes.length,
  });
  program.call(NR.close, [fd], { what });
}
