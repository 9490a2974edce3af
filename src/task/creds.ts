/** Who a thread is: user and group ids, capabilities, securebits. Everything here is per thread. */
import type { Data, Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { keep } from "../image/codec.ts";
import type { CredsEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { readProcFile } from "../kernel/proc/read.ts";
import type { ProcStatus } from "../kernel/proc/status.ts";
import { CAPABILITY_VERSION_3 } from "../kernel/uapi/capability.ts";
import { PR, PR_CAP_AMBIENT, SECBIT } from "../kernel/uapi/prctl.ts";
import { type Label, restoreLabel } from "./label.ts";
import type { Questions } from "./questions.ts";

/** Translates ids of this user namespace into those of the task's: the identity where they share it. */
export interface IdMap {
  uid(id: number): number;
  gid(id: number): number;
}

/** What an `IdMap` calls those whom the namespace does not know. */
const UNKNOWN = 0xffff_ffff;

const IDENTITY: IdMap = { uid: (id) => id, gid: (id) => id };

/** prctl(PR.GET_SECUREBITS). */
export function askSecurebits(questions: Questions): () => number {
  const result = questions.call(NR.prctl, [PR.GET_SECUREBITS, 0, 0, 0, 0], { what: "cannot read the securebits" });
  return () => questions.result(result);
}

/** What was last made: threads are alike. */
let last: { text: string | undefined; securebits: number; label: string; map: IdMap; entry: CredsEntry } | undefined;

/** The credentials of a thread, with its label: those of threads that are alike are one object, which is kept. */
export function credsOf(status: ProcStatus, securebits: number, own: Label, map: IdMap = IDENTITY): CredsEntry {
  const text = status.credentials;
  const label = JSON.stringify(own);
  const same = last && text !== undefined && last.text === text && last.securebits === securebits;
  if (last && same && last.label === label && last.map === map) return last.entry;
  const entry = keep({ ...dumpCreds(status, securebits, map), ...own });
  last = { text, securebits, label, map, entry };
  return entry;
}

/** From a thread's status, as this user namespace sees it, and its securebits. */
export function dumpCreds(status: ProcStatus, securebits: number, map: IdMap = IDENTITY): CredsEntry {
  const [uid, euid, suid, fsuid] = status.uid;
  const [gid, egid, sgid, fsgid] = status.gid;
  const entry: CredsEntry = {
    uid: map.uid(uid),
    gid: map.gid(gid),
    euid: map.uid(euid),
    egid: map.gid(egid),
    suid: map.uid(suid),
    sgid: map.gid(sgid),
    fsuid: map.uid(fsuid),
    fsgid: map.gid(fsgid),
    cap_inh: [...status.capInheritable],
    cap_prm: [...status.capPermitted],
    cap_eff: [...status.capEffective],
    cap_bnd: [...status.capBounding],
    secbits: securebits,
    groups: status.groups.map((id) => map.gid(id)),
    cap_amb: [...status.capAmbient],
    tscriu_groups: [],
  };
  if (entry.groups.includes(UNKNOWN)) entry.tscriu_groups = [...status.groups];
  if (status.noNewPrivs) entry.no_new_privs = 1;
  return entry;
}

/** A capability set as one number; images hold two words, low first. */
function bits(words: readonly number[]): bigint {
  return BigInt((words[0] ?? 0) >>> 0) | (BigInt((words[1] ?? 0) >>> 0) << 32n);
}

let known: bigint | undefined;

/** The capabilities that this kernel has. */
function knownCapabilities(): bigint {
  known ??= (2n << BigInt(readProcFile("/proc/sys/kernel/cap_last_cap").trim())) - 1n;
  return known;
}

const SETS = ["cap_inh", "cap_prm", "cap_eff", "cap_bnd", "cap_amb"] as const;

/** Whether nothing of ids, groups, capabilities and securebits is to be set. */
function isSame(entry: CredsEntry, own: CredsEntry): boolean {
  return (
    entry.secbits === own.secbits &&
    [...USERS, ...GROUPS].every((name) => entry[name] === own[name]) &&
    SETS.every((name) => sameNumbers(entry[name], own[name])) &&
    sameNumbers(entry.groups, own.groups)
  );
}

function* each(set: bigint): Generator<number> {
  for (let cap = 0; set >> BigInt(cap) !== 0n; cap++) if ((set >> BigInt(cap)) & 1n) yield cap;
}

const hex = (set: bigint) => `0x${set.toString(16)}`;

function capset(program: Program, sets: { eff: bigint; prm: bigint; inh: bigint }): void {
  const header = program.reserve(8);
  header.view.setUint32(0, CAPABILITY_VERSION_3, true);
  const data = program.reserve(24);
  for (const word of [0, 1]) {
    const part = (set: bigint) => Number((set >> BigInt(word * 32)) & 0xffff_ffffn);
    data.view.setUint32(word * 12, part(sets.eff), true);
    data.view.setUint32(word * 12 + 4, part(sets.prm), true);
    data.view.setUint32(word * 12 + 8, part(sets.inh), true);
  }
  program.call(NR.capset, [header, data], {
    what: "cannot set the capabilities: the restored task has some that we lack",
    subject: { permitted: hex(sets.prm), inheritable: hex(sets.inh) },
  });
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function groupList(program: Program, groups: readonly number[]): Data {
  const place = program.reserve(Math.max(8, groups.length * 4));
  for (const [i, group] of groups.entries()) place.view.setUint32(i * 4, group, true);
  return place;
}

/** Appends a change of the supplementary groups. */
export function setGroups(program: Program, groups: readonly number[]): void {
  const what = "cannot set the supplementary groups";
  program.call(NR.setgroups, [groups.length, groupList(program, groups)], { what });
}

const USERS = ["uid", "euid", "suid", "fsuid"] as const;
const GROUPS = ["gid", "egid", "sgid", "fsgid"] as const;

function restoreIds(program: Program, entry: CredsEntry, own: CredsEntry): void {
  const subject = { uid: entry.uid, gid: entry.gid };
  // as root first all to the target: CAP_SETGID must still be there, which NO_SETUID_FIXUP sees to
  if (USERS.some((name) => entry[name] !== own[name])) {
    program.call(NR.setresuid, [entry.uid, entry.euid, entry.suid], { what: "cannot set the user ids", subject });
    program.call(NR.setfsuid, [entry.fsuid], { ignore: true });
    // setfsuid tells no errors: asked for nothing it returns what is
    program.call(NR.setfsuid, [-1], { expect: entry.fsuid, what: "cannot set the file system user id", subject });
  }
  if (GROUPS.some((name) => entry[name] !== own[name])) {
    program.call(NR.setresgid, [entry.gid, entry.egid, entry.sgid], { what: "cannot set the group ids", subject });
    program.call(NR.setfsgid, [entry.fsgid], { ignore: true });
    program.call(NR.setfsgid, [-1], { expect: entry.fsgid, what: "cannot set the file system group id", subject });
  }
}

/** The bounding set can only shrink. */
function checkBounding(entry: CredsEntry, own: CredsEntry): void {
  const missing = bits(entry.cap_bnd) & ~bits(own.cap_bnd) & knownCapabilities();
  if (missing === 0n) return;
  throw new CrError("the image's capability bounding set is larger than ours", {
    code: "EPERM",
    subject: { missing: hex(missing) },
    remedy: "restore with all capabilities in the bounding set (outside of a container that drops them)",
  });
}

/**
 * Makes the thread that runs the program who it was. Afterwards it may not be able to do anything privileged, so this
 * comes last of all that needs privileges; what already is as it was is left alone, so that an unprivileged restore of one's
 * own task needs no capability.
 *
 * Order: groups; user and group ids while NO_SETUID_FIXUP keeps the capabilities; inheritable and ambient capabilities
 * while all permitted ones are there; bounding set; final securebits; final capabilities; the security label; no_new_privs.
 * @param own who the thread is now
 */
export function restoreCreds(program: Program, entry: CredsEntry, own: CredsEntry): void {
  if (!isSame(entry, own)) restoreRights(program, entry, own);
  restoreLabel(program, entry, own);
  if (entry.no_new_privs && !own.no_new_privs) restoreNoNewPrivs(program);
}

function restoreRights(program: Program, entry: CredsEntry, own: CredsEntry): void {
  checkBounding(entry, own);
  const knownSet = knownCapabilities();
  const want = (words: readonly number[]) => bits(words) & knownSet;
  const idsDiffer = [...USERS, ...GROUPS].some((name) => entry[name] !== own[name]);
  const ambient = want(entry.cap_amb);
  const ambientDiffers = ambient !== want(own.cap_amb);
  const secbits = (value: number) =>
    program.call(NR.prctl, [PR.SET_SECUREBITS, value, 0, 0, 0], { what: "cannot set the securebits" });

  if (!sameNumbers(entry.groups, own.groups)) {
    setGroups(program, entry.groups);
  }
  let current = own.secbits;
  if ((idsDiffer || ambientDiffers) && bits(own.cap_eff) !== 0n) {
    current = (own.secbits & ~SECBIT.NO_CAP_AMBIENT_RAISE) | SECBIT.NO_SETUID_FIXUP;
    if (current !== own.secbits) secbits(current);
  }
  if (idsDiffer) restoreIds(program, entry, own);

  const sets = { eff: want(entry.cap_eff), prm: want(entry.cap_prm), inh: want(entry.cap_inh) };
  const has = { eff: want(own.cap_eff), prm: want(own.cap_prm), inh: want(own.cap_inh) };
  // inheritable ones outside the bounding set can only be had while it is still whole
  if (sets.inh !== has.inh && (ambientDiffers || (sets.inh & ~want(entry.cap_bnd)) !== 0n)) {
    capset(program, { ...has, inh: sets.inh });
    has.inh = sets.inh;
  }
  if (ambientDiffers) {
    const what = "cannot set the ambient capabilities";
    program.call(NR.prctl, [PR.CAP_AMBIENT, PR_CAP_AMBIENT.CLEAR_ALL, 0, 0, 0], { what });
    for (const cap of each(ambient))
      program.call(NR.prctl, [PR.CAP_AMBIENT, PR_CAP_AMBIENT.RAISE, cap, 0, 0], { what });
  }
  for (const cap of each(want(own.cap_bnd) & ~want(entry.cap_bnd))) {
    program.call(NR.prctl, [PR.CAPBSET_DROP, cap, 0, 0, 0], {
      what: "cannot drop a capability from the bounding set",
      subject: { capability: cap },
    });
  }
  if (current !== entry.secbits) secbits(entry.secbits);
  if (sets.eff !== has.eff || sets.prm !== has.prm || sets.inh !== has.inh) capset(program, sets);
}

/** Sets no_new_privs, which cannot be unset. An unprivileged thread needs it before it installs seccomp filters. */
export function restoreNoNewPrivs(program: Program): void {
  program.call(NR.prctl, [PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0], { what: "cannot set no_new_privs" });
}
