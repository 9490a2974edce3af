/** The keyrings of a tree and what is in them, read by the tasks that possess them. */
import type { Program } from "../agent/program.ts";
import type { TscriuKey, TscriuKeyrings } from "../image/schema.gen.ts";
import { lookInside } from "../kernel/inside.ts";
import { taskOf } from "../kernel/inside-task.ts";
import { NR } from "../kernel/nr.ts";
import { type KeyLine, readKeys } from "../kernel/proc/keys.ts";
import { type IdRange, idOutside } from "../kernel/proc/uidmap.ts";
import { KEY_PERM, KEY_SPEC, KEYCTL } from "../kernel/uapi/keyctl.ts";
import type { Log } from "../log.ts";
import {
  askOthers,
  DESCRIPTION,
  ENOKEY,
  type KeyringAnswers,
  OF_USER,
  type OtherAnswers,
  searchUsers,
} from "./keyrings.ts";
import type { Questions } from "./questions.ts";

const EACCES = -13;
const ENOSYS = -38;
/** Of keys that are there, but of no use any more: expired, revoked, refused. */
const DEAD: ReadonlySet<number> = new Set([ENOKEY, -127, -128, -129]);
const FIRST_READ = 1024;
/** Possessors of a user's session keyring may search it, unless somebody has changed that. */
const SEARCHED = KEY_PERM.SEARCH << 24;

/** A thread whose keyrings are looked at. */
export interface Holder {
  readonly pid: number;
  readonly tid: number;
  /** Its real user, as its user namespace has it. */
  readonly uid: number;
  /** Its file system user, as we call them. */
  readonly fsuid: number;
  /** Those of its user namespace; undefined where that is ours. */
  readonly uids: readonly IdRange[] | undefined;
}

/** A thread that has no agent, besides its process's first. */
export interface OtherThread {
  readonly tid: number;
  readonly uid: number;
}

const decoder = new TextDecoder();
const hex = (serial: number) => serial.toString(16).padStart(8, "0");

/** The session keyring of a thread, as the kernel has it: 0 where there is none, undefined where nobody can look. */
export function sessionInside(tid: number): number | undefined {
  return lookInside((inside) => {
    const cred = taskOf(inside, tid)?.to("cred", "cred");
    return cred?.to("session_keyring", "key")?.int("serial") ?? 0;
  });
}

export class TreeKeys {
  /** Those that were met, by their numbers: undefined for what does not come back. */
  readonly #known = new Map<number, TscriuKey | undefined>();
  /** /proc/keys as users see it. */
  readonly #lists = new Map<number, Map<number, KeyLine>>();
  /** How many threads have a session keyring. */
  readonly #users = new Map<number, { readonly first: Holder; threads: number; isApart: boolean }>();

  constructor(readonly log: Log) {}

  /**
   * The keyrings of a process's first thread; undefined where it has none.
   * @param others how many threads it has besides
   */
  of(holder: Holder, answers: KeyringAnswers, program: Program, others: number): TscriuKeyrings | undefined {
    const session = this.#sessionOf(holder, answers, program);
    const own = [session, answers.process, answers.thread];
    if (own.every((serial) => serial <= 0)) return undefined;
    const entry: TscriuKeyrings = { keys: [] };
    const take = (serial: number) => this.#take(serial, holder, program, entry.keys);
    if (session > 0) {
      const users = this.#users.get(session) ?? { first: holder, threads: 0, isApart: false };
      users.threads += 1 + others;
      users.isApart ||= users.first.uids !== holder.uids;
      this.#users.set(session, users);
      const ring = take(session);
      if (ring) entry.session = ring.id;
    }
    const [process, thread] = [answers.process, answers.thread].map((serial) =>
      serial > 0 ? take(serial) : undefined,
    );
    if (process) entry.process = process.id;
    if (thread) entry.thread = thread.id;
    return entry;
  }

  /**
   * Whether threads of such a process may have keyrings that its first one does not have.
   * @param isDear each of them would have to be stopped to tell: only where somebody has a keyring of a thread
   */
  mayDiffer({ fsuid }: Holder, isDear: boolean): boolean {
    for (const { serial, type, description } of this.#list(fsuid).values()) {
      if (type !== "keyring" || description.startsWith(".") || OF_USER.test(description)) continue;
      if (isDear && description !== "_tid") continue;
      if (description !== "_pid" && !this.#known.has(serial)) return true;
    }
    return false;
  }

  /** What the other threads of a process have besides, which does not come back. @param ask has each of them answer */
  tellOfOthers(
    holder: Holder,
    first: KeyringAnswers,
    ask: (question: (questions: Questions) => () => OtherAnswers) => readonly OtherAnswers[],
    tids: readonly number[],
  ): void {
    ask((questions) => askOthers(questions, holder.uid).answers).forEach(({ users, thread }, i) => {
      const who = `pid ${holder.pid}, thread ${tids[i]}`;
      const what = thread > 0 ? "a keyring of its own" : users > 0 !== first.users > 0 ? "another session keyring" : "";
      if (what === "") return;
      this.log.warn(
        `a thread has ${what} than its process's first one, which does not come back: let the program add its keys again (${who})`,
      );
    });
  }

  /** Says whom else a keyring may belong to: once all tasks were looked at. */
  tell(): void {
    for (const [serial, { first, threads, isApart }] of this.#users) {
      const ring = this.#known.get(serial);
      if (!ring || ring.links.length === 0) continue;
      if (isApart)
        this.log.warn(
          `tasks in several user namespaces have the session keyring ${ring.description}, and come back with one for each of these: let those inside join one of their own (keyctl session) (pid ${first.pid}, key ${hex(serial)})`,
        );
      const isIn = (key: TscriuKey | undefined) => key?.links.includes(serial) ?? false;
      const links = [...this.#known.values()].filter(isIn).length;
      const usage = this.#lineOf(ring, first)?.usage ?? 0;
      if (usage <= threads + links) continue;
      this.log.warn(
        `others may have the session keyring ${ring.description} too, and the tree comes back with a copy of it: start the program with a keyring of its own (keyctl session) (pid ${first.pid}, key ${hex(serial)})`,
      );
    }
  }

  /** The number of the session keyring that it has for itself; 0 for none. */
  #sessionOf(holder: Holder, { users, session }: KeyringAnswers, program: Program): number {
    const { uid } = holder;
    if (users > 0) {
      // nobody but the user refers to it: no session has it, and no keyring in a session
      if ((this.#list(this.#outside(uid, holder)).get(users)?.usage ?? 0) === 1) return 0;
      const found = this.#unsure(holder);
      return found === users ? 0 : found;
    }
    if (users === ENOKEY) return Math.max(0, session ?? 0);
    if (users === ENOSYS) return 0;
    if (!DEAD.has(users) && users !== EACCES) return this.#unsure(holder);
    // whether that of its user is there at all, and can be found
    const theirs = program.call(NR.keyctl, [KEYCTL.GET_KEYRING_ID, KEY_SPEC.USER_SESSION, 0, 0, 0], { ignore: true });
    const place = program.reserve(DESCRIPTION);
    program.call(NR.keyctl, [KEYCTL.DESCRIBE, theirs, place, DESCRIPTION, 0], { ignore: true });
    const again = searchUsers(program, uid);
    program.run();
    const permissions = Number.parseInt(describe(place.bytes)?.[3] ?? "0", 16);
    if (program.result(again) > 0) return 0;
    if ((permissions & SEARCHED) === 0) return this.#unsure(holder);
    const own = program.call(NR.keyctl, [KEYCTL.GET_KEYRING_ID, KEY_SPEC.SESSION, 0, 0, 0], { ignore: true });
    program.run();
    return Math.max(0, program.result(own));
  }

  /** The same where no question tells. */
  #unsure({ tid, pid }: Holder): number {
    const found = sessionInside(tid);
    if (found === undefined)
      this.log.warn(
        `whether it has a session keyring cannot be seen, and that is lost: let the program join one of its own (keyctl session) (pid ${pid})`,
      );
    return found ?? 0;
  }

  /** Appends a key to `keys`, and what is in it, unless that was done before. */
  #take(serial: number, holder: Holder, program: Program, keys: TscriuKey[]): TscriuKey | undefined {
    if (this.#known.has(serial)) return this.#known.get(serial);
    this.#known.set(serial, undefined);
    const key = this.#read(serial, holder, program);
    if (!key) return undefined;
    const { links } = key;
    key.links = [];
    keys.push(key);
    this.#known.set(serial, key);
    for (const link of links) {
      const taken = this.#take(link, holder, program, keys);
      if (taken) key.links.push(taken.id);
    }
    return key;
  }

  #read(serial: number, holder: Holder, program: Program): TscriuKey | undefined {
    const words = program.keep(DESCRIPTION);
    const described = program.call(NR.keyctl, [KEYCTL.DESCRIBE, serial, words, DESCRIPTION, 0], { ignore: true });
    const first = program.reserve(FIRST_READ);
    const answer = program.call(NR.keyctl, [KEYCTL.READ, serial, first, FIRST_READ, 0], { ignore: true });
    program.run();
    const [type, uid, gid, permissions, description] = describe(words.bytes) ?? [];
    program.forget();
    const result = program.result(described);
    if (result < 0 || type === undefined || description === undefined) {
      if (DEAD.has(result)) this.log.info(`a key that has expired or was revoked does not come back: ${hex(serial)}`);
      else this.#lost(holder, serial, "a key", "the task may not look at it");
      return undefined;
    }
    const what = `the key "${description}" of the type ${type}`;
    const key: TscriuKey = {
      ...{ id: serial, type, description, uid: Number(uid), gid: Number(gid) },
      ...{ perm: Number.parseInt(permissions ?? "0", 16), links: [] },
    };
    if (type === "keyring" && OF_USER.test(description)) return key;
    const length = program.result(answer);
    if ((type !== "user" && type !== "keyring") || length < 0) {
      this.#lost(
        holder,
        serial,
        what,
        type === "user" ? "the task may not read it" : "the kernel does not tell what is in it",
      );
      return undefined;
    }
    let bytes = first.bytes.slice(0, length);
    if (length > FIRST_READ) {
      const all = program.reserve(length);
      program.call(NR.keyctl, [KEYCTL.READ, serial, all, length, 0], { what: "cannot read a key" });
      program.run();
      bytes = all.bytes.slice();
    }
    if (type === "user") key.payload = bytes;
    else key.links = [...new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)];
    const line = this.#lineOf(key, holder);
    if (line?.left !== undefined) key.left = line.left;
    if (line === undefined && type === "user")
      this.log.warn(
        `when ${what} expires cannot be seen, and it comes back without a time: let its owner view it (keyctl setperm) (pid ${holder.pid}, key ${hex(serial)})`,
      );
    return key;
  }

  #lost({ pid }: Holder, serial: number, what: string, why: string): void {
    this.log.warn(
      `${what} does not come back, for ${why}: let the program add it again after the restore (pid ${pid}, key ${hex(serial)})`,
    );
  }

  /** What /proc/keys tells of a key to its owner. */
  #lineOf({ id, uid }: TscriuKey, holder: Holder): KeyLine | undefined {
    return this.#list(0).get(id) ?? this.#list(this.#outside(uid, holder)).get(id) ?? this.#list(holder.fsuid).get(id);
  }

  #outside(uid: number, { uids }: Holder): number {
    return uids ? (idOutside(uids, uid) ?? 0) : uid;
  }

  #list(uid: number): Map<number, KeyLine> {
    const list = this.#lists.get(uid) ?? readKeys(uid);
    this.#lists.set(uid, list);
    return list;
  }
}

/** `TYPE;UID;GID;PERMISSIONS;DESCRIPTION`, the last of which may have semicolons itself. */
function describe(bytes: Uint8Array): string[] | undefined {
  const end = bytes.indexOf(0);
  const parts = /^([^;]*);(-?\d+);(-?\d+);([0-9a-f]+);(.*)$/s.exec(decoder.decode(bytes.subarray(0, Math.max(0, end))));
  return parts ? parts.slice(1) : undefined;
}
