/**
 * Keyrings of a restored tree: made again by the tasks themselves, with the rights of those to whom they belong. A session keyring
 * can be shared only by its name, which others may have given to theirs: it is asked for as somebody whom no other keyring knows.
 */
import { type Arg, type CallOptions, load32, type Program, type Result } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { TscriuKey, TscriuKeyrings } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import type { IdRange } from "../kernel/proc/uidmap.ts";
import { addressOf, cstring, sys } from "../kernel/sys.ts";
import { KEY_PERM, KEY_SPEC, KEYCTL } from "../kernel/uapi/keyctl.ts";
import type { Log } from "../log.ts";
import { DESCRIPTION, ENOKEY, OF_USER, sessionOf } from "./keyrings.ts";

const KEEP = -1;
const { ALL, SEARCH } = KEY_PERM;
/** While keys are being made: whoever possesses or owns them may do anything. */
const OPEN = ((ALL << 24) | (ALL << 16)) >>> 0;
const FOUND_BY_GROUP = SEARCH << 8;
/** What a fresh session keyring allows nobody. */
const FOUND_BY_ANYBODY = (SEARCH << 16) | (SEARCH << 8) | SEARCH;

/** A task, with the keyrings that its first thread has. */
export interface Keyholder {
  readonly pid: number;
  /** Its real user and group, as its user namespace has them. */
  readonly uid: number;
  readonly gid: number;
  readonly program: Program;
  readonly rings: TscriuKeyrings;
  /** Its user namespace, where that is not ours: names of keyrings are apart in each. */
  readonly space:
    | { readonly id: number; readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] }
    | undefined;
}

/** Users and groups of a thread for a few calls: who it is, and who it is to files and keys. */
interface As {
  readonly uid: number;
  readonly gid: number;
  readonly fsuid: number;
  readonly fsgid: number;
}

/** Whether our own thread has another session keyring than that of its user: a task that has none would come back with it. */
function hasOwnSession(): boolean {
  // looked at they are there, and a search finds them unless it begins elsewhere
  if (sys(NR.keyctl, KEYCTL.GET_KEYRING_ID, KEY_SPEC.USER_SESSION, 0) < 0) return false;
  const type = cstring("keyring");
  const name = cstring(sessionOf(process.getuid?.() ?? 0));
  return sys(NR.request_key, addressOf(type), addressOf(name), 0, 0) === ENOKEY;
}

/** Far from all users: behind it a range for each of our pids. */
const STRANGERS = 0xc000_0000;
const RANGE = 128;

/** Whether this user namespace of ours knows such users. */
function knows(id: number): boolean {
  const before = sys(NR.setfsuid, id);
  return sys(NR.setfsuid, before) === id;
}

/** The last of a namespace, which surely has others for what it does. */
function lastOf(ranges: readonly IdRange[], index: number): number | undefined {
  const ends = ranges.map(({ first, count }) => ({ last: first + count - 1, count }));
  const [most] = ends.sort((a, b) => b.count - a.count);
  return most && most.count > 2 * RANGE ? most.last - (index % RANGE) : undefined;
}

export class RestoredKeys {
  readonly #table = new Map<number, TscriuKey>();
  /** Numbers of those that are there, by user namespace and id. */
  readonly #made = new Map<string, number>();
  /** What still has to be limited, in the order in which it was made. */
  readonly #open: { readonly holder: Keyholder; readonly key: TscriuKey; readonly serial: number }[] = [];
  readonly #holders: readonly Keyholder[];
  /** Those without a session keyring, who would come back with ours. */
  readonly #strays: readonly Keyholder[];
  readonly #names = new Map<string, number>();
  /** Somebody for each session keyring, as whom it is found. */
  readonly #strangers = new Map<string, { readonly uid: number; readonly gid: number } | undefined>();

  constructor(
    holders: readonly Keyholder[],
    readonly log: Log,
  ) {
    for (const { rings } of holders) for (const key of rings.keys) this.#table.set(key.id, key);
    const having = holders.filter(({ rings }) => (rings.session ?? rings.process ?? rings.thread) !== undefined);
    const own = having.length === 0 ? 0 : sys(NR.keyctl, KEYCTL.GET_KEYRING_ID, KEY_SPEC.PROCESS, 0);
    const hasKeys = own >= 0 || own === ENOKEY;
    if (!hasKeys)
      log.warn(
        "keys of the tree do not come back, for this kernel has none (CONFIG_KEYS), or a filter forbids them (seccomp): restore it elsewhere, or let the programs add them again",
      );
    this.#holders = hasKeys ? having : [];
    this.#strays = hasKeys && hasOwnSession() ? holders.filter(({ rings }) => rings.session === undefined) : [];
  }

  /** Keyrings that threads share: before these are made. */
  begin(): void {
    for (const stray of this.#strays) this.#leave(stray);
    for (const holder of this.#holders) {
      const { session, process } = holder.rings;
      this.#join(holder, session);
      this.#own(holder, process, KEY_SPEC.PROCESS);
    }
  }

  /** Those of first threads, which later ones would not be without, and what limits the keys. */
  finish(): void {
    for (const holder of this.#holders) this.#own(holder, holder.rings.thread, KEY_SPEC.THREAD);
    // what is in a keyring before that itself, which leads to it
    for (const { holder, key, serial } of this.#open.reverse()) {
      run(holder, owner(key), (call) => {
        call([KEYCTL.CHOWN, serial, KEEP, key.gid], { ignore: true });
        if (key.left !== undefined)
          call([KEYCTL.SET_TIMEOUT, serial, Math.max(1, key.left)], {
            what: "cannot limit the life of a key",
            subject: about(key),
          });
        call([KEYCTL.SETPERM, serial, key.perm], { what: "cannot set what a key allows", subject: about(key) });
      });
    }
    this.#open.length = 0;
  }

  /** To none at all there is no way back: who had none has that of its user, as the kernel gives it to whoever asks. */
  #leave(holder: Keyholder): void {
    const { pid, program, uid, gid } = holder;
    let theirs: Result | undefined;
    let own: Result | undefined;
    run(holder, { uid, gid, fsuid: uid, fsgid: gid }, (call) => {
      theirs = call([KEYCTL.GET_KEYRING_ID, KEY_SPEC.USER_SESSION, 0], { ignore: true });
      call([KEYCTL.JOIN_SESSION_KEYRING, program.text(sessionOf(uid))], { ignore: true });
      own = call([KEYCTL.GET_KEYRING_ID, KEY_SPEC.SESSION, 0], { ignore: true });
    });
    if (theirs && own && program.result(theirs) === program.result(own)) return;
    this.log.warn(
      `a task without a session keyring has not come back with its user's: let it join one (keyctl session), or restore from where there is none (pid ${pid})`,
    );
  }

  #join(holder: Keyholder, id: number | undefined): void {
    const ring = id === undefined ? undefined : this.#table.get(id);
    if (!ring || OF_USER.test(ring.description)) return;
    const apart = this.#strangerFor(holder, ring);
    const known = this.#madeFor(holder, ring);
    if (apart && known !== undefined) {
      this.#joinAgain(holder, ring, apart, known);
      return;
    }
    const as = { ...owner(ring), ...(apart && { fsuid: apart.uid, fsgid: apart.gid }) };
    const what = "cannot join a session keyring";
    let got: Result | undefined;
    const place = holder.program.keep(DESCRIPTION);
    run(holder, as, (call) => {
      call([KEYCTL.JOIN_SESSION_KEYRING, holder.program.text(ring.description)], { what, subject: about(ring) });
      got = call([KEYCTL.GET_KEYRING_ID, KEY_SPEC.SESSION, 0], { what, subject: about(ring) });
      call([KEYCTL.DESCRIBE, got, place, DESCRIPTION], { what, subject: about(ring) });
    });
    const serial = got ? holder.program.result(got) : 0;
    const words = new TextDecoder().decode(place.bytes).split(";");
    const isStrangers = known === undefined && (Number.parseInt(words[3] ?? "", 16) & FOUND_BY_ANYBODY) !== 0;
    if (isStrangers || (known !== undefined && known !== serial)) throw nameIsTaken(holder, ring);
    if (known !== undefined) return;
    if (apart) run(holder, as, (call) => call([KEYCTL.CHOWN, serial, KEEP, apart.gid], { what, subject: about(ring) }));
    run(holder, owner(ring), (call) => {
      const found = apart ? FOUND_BY_GROUP : 0;
      call([KEYCTL.SETPERM, serial, OPEN | found], { what, subject: about(ring) });
    });
    this.#note(holder, ring, serial);
    this.#fill(holder, ring, serial);
  }

  /** One that is there, which a whole tree may have: whoever comes to it in few steps. */
  #joinAgain(holder: Keyholder, ring: TscriuKey, apart: { uid: number; gid: number }, known: number): void {
    const { program } = holder;
    const note = { what: "cannot join a session keyring", subject: about(ring) };
    const gid = program.call(NR.setfsgid, [apart.gid], { ignore: true });
    const uid = program.call(NR.setfsuid, [apart.uid], { ignore: true });
    program.call(NR.keyctl, [KEYCTL.JOIN_SESSION_KEYRING, program.text(ring.description)], note);
    const got = program.call(NR.keyctl, [KEYCTL.GET_KEYRING_ID, KEY_SPEC.SESSION, 0], note);
    program.call(NR.setfsuid, [uid], { ignore: true });
    program.call(NR.setfsgid, [gid], { ignore: true });
    program.run();
    if (program.result(got) !== known) throw nameIsTaken(holder, ring);
  }

  /** The keyring of a process or thread. */
  #own(holder: Keyholder, id: number | undefined, which: number): void {
    const ring = id === undefined ? undefined : this.#table.get(id);
    if (!ring) return;
    let got: Result | undefined;
    run(holder, owner(ring), (call) => {
      got = call([KEYCTL.GET_KEYRING_ID, which, 1], { what: "cannot make a keyring", subject: about(ring) });
    });
    const serial = got ? holder.program.result(got) : 0;
    this.#note(holder, ring, serial);
    this.#fill(holder, ring, serial);
  }

  #fill(holder: Keyholder, ring: TscriuKey, into: number): void {
    for (const id of ring.links) {
      const key = this.#table.get(id);
      if (key) this.#put(holder, key, into);
    }
  }

  #put(holder: Keyholder, key: TscriuKey, into: number): void {
    const { program } = holder;
    const note = { what: "cannot make a key", subject: about(key) };
    const users = OF_USER.exec(key.description);
    const known = this.#madeFor(holder, key);
    if (key.type === "keyring" && users) {
      const id = Number(users[2]);
      const which = users[1] ? KEY_SPEC.USER_SESSION : KEY_SPEC.USER;
      run(holder, { uid: id, gid: key.gid, fsuid: id, fsgid: key.gid }, (call) =>
        call([KEYCTL.LINK, which, into], note),
      );
    } else if (known !== undefined) {
      run(holder, owner(key), (call) => call([KEYCTL.LINK, known, into], note));
    } else {
      let made: Result | undefined;
      const payload = key.payload ?? new Uint8Array(0);
      run(holder, owner(key), (call) => {
        const words = [program.text(key.type), program.text(key.description)];
        made = program.call(
          NR.add_key,
          [...words, payload.length > 0 ? program.data(payload) : 0, payload.length, into],
          note,
        );
        call([KEYCTL.SETPERM, made, OPEN], note);
      });
      const serial = made ? program.result(made) : 0;
      this.#note(holder, key, serial);
      this.#fill(holder, key, serial);
    }
  }

  /** A user and group whom no other keyring lets in; undefined where there is none. */
  #strangerFor(holder: Keyholder, ring: TscriuKey): { uid: number; gid: number } | undefined {
    const id = nameIn(holder, ring);
    const known = this.#strangers.get(id);
    if (known) return known;
    const name = `${holder.space?.id}:${ring.description}`;
    const index = this.#names.get(name) ?? 0;
    this.#names.set(name, index + 1);
    const { uids, gids } = holder.space ?? {};
    const ours = STRANGERS + (process.pid * RANGE + (index % RANGE));
    const uid = uids ? lastOf(uids, index) : knows(ours) ? ours : undefined;
    const gid = gids ? lastOf(gids, index) : ours;
    const found = uid === undefined || gid === undefined ? undefined : { uid, gid };
    this.#strangers.set(id, found);
    return found;
  }

  #madeFor(holder: Keyholder, key: TscriuKey): number | undefined {
    return this.#made.get(nameIn(holder, key));
  }

  #note(holder: Keyholder, key: TscriuKey, serial: number): void {
    this.#made.set(nameIn(holder, key), serial);
    this.#open.push({ holder, key, serial });
  }
}

const nameIn = ({ space }: Keyholder, { id }: TscriuKey) => `${space?.id}:${id}`;
const about = ({ description }: TscriuKey) => ({ key: description });

function nameIsTaken({ pid }: Keyholder, ring: TscriuKey): CrError {
  return new CrError("somebody else has a session keyring of that name in the user namespace", {
    code: "EEXIST",
    subject: { ...about(ring), pid },
    remedy: "restore it when that has gone (keyctl unlink), or into a user namespace of its own",
  });
}

function owner({ uid, gid }: TscriuKey): As {
  return { uid, gid, fsuid: uid, fsgid: gid };
}

type KeyCall = (args: readonly Arg[], options?: CallOptions) => Result;

/** Runs calls of keyctl as others, whom the user namespace may not know: then as the task. */
function run({ program }: Keyholder, as: As, build: (call: KeyCall) => void): void {
  const before = program.keep(24);
  const groups = program.keep(24);
  const parts = [0, 8, 16];
  program.call(
    NR.getresuid,
    parts.map((at) => before.at(at)),
  );
  program.call(
    NR.getresgid,
    parts.map((at) => groups.at(at)),
  );
  program.call(NR.setresgid, [as.gid, KEEP, KEEP], { ignore: true });
  program.call(NR.setfsgid, [as.fsgid], { ignore: true });
  program.call(NR.setresuid, [as.uid, KEEP, KEEP], { ignore: true });
  program.call(NR.setfsuid, [as.fsuid], { ignore: true });
  build((args, options) => program.call(NR.keyctl, args, options));
  const what = "cannot be who it was";
  // first, for that alone gives back the capabilities that went with it
  program.call(NR.setfsuid, [load32(before.at(8))], { ignore: true });
  program.call(NR.setresuid, [load32(before), KEEP, KEEP], { what });
  program.call(NR.setresgid, [load32(groups), KEEP, KEEP], { what });
  program.call(NR.setfsgid, [load32(groups.at(8))], { ignore: true });
  program.run();
  program.forget();
}
