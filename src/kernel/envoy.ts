/**
 * Goes to other namespaces in our stead: a process beside us, with our memory and descriptors, makes the calls. We cannot: our
 * threads share their root, and any may start another one at any time. Each call costs a switch to it and back.
 */
import { CrError } from "../error.ts";
import { Desk, OWN_WORDS } from "./beside.ts";
import { NR } from "./nr.ts";
import { addressOf, check, startEnvoy, type sys } from "./sys.ts";
import { PR } from "./uapi/prctl.ts";
import { CLONE } from "./uapi/sched.ts";

/** `struct envoy` of ffi/beside.c, in words of 8 bytes, behind those of every desk. */
const WORD = { parent: OWN_WORDS, size: OWN_WORDS + 1 } as const;
const STACK = 65536;
const SIGKILL = 9;
/** Calls that give it other rights. */
const CHANGES: ReadonlySet<number> = new Set([NR.setns, NR.setresuid, NR.setresgid]);

/** A system call as `sys` makes it: by us, or by an envoy. */
export type Caller = typeof sys;

export class Envoy implements Disposable {
  readonly #desk = new Desk(WORD.size);
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  readonly pid: number;
  /** Makes a call there: the result, or the negative errno. Descriptors that come of it are ours. */
  readonly call: Caller;

  constructor() {
    this.#desk.words[WORD.parent] = BigInt(process.pid);
    const top = addressOf(this.#stack) + STACK;
    this.pid = startEnvoy(this.#desk.address, top - (top % 16));
    if (this.pid < 0) throw new CrError("cannot start a process that goes to other namespaces", { code: "EAGAIN" });
    this.call = (nr, ...args) => {
      const result = this.#desk.ask(nr, args);
      // who becomes another forgets that it has to die with us
      if (CHANGES.has(nr)) this.#desk.ask(NR.prctl, [PR.SET_PDEATHSIG, SIGKILL]);
      return result;
    };
  }

  [Symbol.dispose](): void {
    this.#desk.dismiss(this.pid);
    // it ran on it until now
    addressOf(this.#stack);
  }
}

/**
 * One who makes namespaces that belong to another user namespace than ours.
 * @param owner our descriptor of that; undefined for ours
 */
export function envoyOf(owner: number | undefined): Envoy {
  const envoy = new Envoy();
  if (owner === undefined) return envoy;
  try {
    check(envoy.call(NR.setns, owner, CLONE.NEWUSER), "cannot enter a user namespace");
    return envoy;
  } catch (error) {
    envoy[Symbol.dispose]();
    throw error;
  }
}
