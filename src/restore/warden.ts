/**
 * The init of a pid namespace that is made around a tree (`--new-pidns`): a puppet that goes on as the agent's own loop, which
 * reaps orphans, passes signals on and ends when nobody is left. It dies with us until the tree runs; whoever lives in its
 * namespace dies with it.
 */
import { arch } from "../agent/arch/index.ts";
import { AREA, CONTROL, STATE_KEEP } from "../agent/layout.ts";
import { LAST_PID } from "../agent/pid.ts";
import type { Puppet } from "../agent/puppet.ts";
import { ALL_SIGNALS, readRegs, writeRegs } from "../agent/tracee.ts";
import { RootGround, type Surroundings } from "../file/ground.ts";
import { closeOthers } from "../file/numbers.ts";
import { O, openPath } from "../kernel/fd.ts";
import { mountsSeenBy } from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { detach, setOptions, setSigmask } from "../kernel/ptrace.ts";
import { AT } from "../kernel/uapi/fcntl.ts";
import { MNT } from "../kernel/uapi/mount.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { setAffinity } from "../task/sched.ts";

const PR_SET_NAME = 15;
/** MS_NOSUID | MS_NODEV | MS_NOEXEC. */
const HARMLESS = 0xe;

export class Warden implements Disposable {
  #ground: RootGround | undefined;

  constructor(
    readonly puppet: Puppet,
    /** What the tree's root is called there. */
    readonly root: number,
    /** It stays in our session, in which a shell continues the tree; signals from there reach that too. */
    readonly isJob: boolean,
  ) {
    const { program } = puppet;
    program.call(NR.prctl, [PR_SET_NAME, program.text("tscriu-init"), 0, 0, 0]);
    program.run();
  }

  /** A mount namespace like ours, with a /proc that shows the new pid namespace: for a tree that has our mounts. */
  mountProc(): void {
    const { program } = this.puppet;
    const none = program.text("none");
    const what = "cannot mount /proc for the new pid namespace";
    program.call(NR.unshare, [CLONE.NEWNS], { what });
    program.call(NR.mount, [none, program.text("/"), 0, MNT.REC | MNT.SLAVE, 0], { what });
    const proc = program.text("proc");
    program.call(NR.mount, [proc, program.text("/proc"), proc, HARMLESS, 0], { what });
    program.call(NR.chdir, [program.text("/")], { what });
    program.run();
    const root = openPath(`/proc/${this.puppet.pid}/root`, O.PATH | O.DIRECTORY, "cannot open the new root");
    this.#ground = new RootGround(root);
  }

  /** What it lives in that is not ours. */
  get namespaces(): { readonly directory: string; readonly made: readonly string[] } {
    return { directory: `/proc/${this.puppet.pid}/ns`, made: this.#ground ? ["pid", "mnt"] : ["pid"] };
  }

  /** What a tree sees that has our mounts; undefined where it has its own. */
  get surroundings(): Surroundings | undefined {
    const ground = this.#ground;
    if (ground === undefined) return undefined;
    const { pid } = this.puppet;
    return {
      groundOf: () => ground,
      get mounts() {
        return mountsSeenBy(pid);
      },
      mountId: () => undefined,
    };
  }

  /** The tree's root is there, and has inherited what it shall. */
  settle(): void {
    const { program } = this.puppet;
    if (!this.isJob) program.call(NR.setsid, [], { what: "cannot make a session for the new init" });
    closeOthers(program, []);
    program.run();
  }

  /** Says which number its pid namespace gave last. */
  sayLast(number: number): void {
    const { program } = this.puppet;
    const text = Buffer.from(`${number}`);
    const what = "cannot choose the number of a task";
    const file = program.call(NR.openat, [AT.FDCWD, program.text(LAST_PID), O.WRONLY, 0], { what });
    program.call(NR.write, [file, program.data(text), text.length], { what });
    program.call(NR.close, [file]);
    program.run();
  }

  /** It waits in its loop as soon as it is let go. @param affinity CPUs that it may use */
  prepare(affinity: Uint8Array): void {
    const { puppet } = this;
    const { pid, base, view } = puppet;
    puppet.halt();
    puppet.halted();
    view.setUint32(AREA.control + CONTROL.ops, this.root, true);
    view.setUint32(AREA.control + CONTROL.quiet, Number(this.isJob), true);
    view.setUint32(AREA.control + CONTROL.state, STATE_KEEP, true);
    setAffinity(pid, affinity);
    setSigmask(pid, ALL_SIGNALS);
    writeRegs(pid, arch.enter(readRegs(pid), base, base + AREA.stackEnd, base + AREA.control));
  }

  /** From now on it may outlive us. */
  spare(): void {
    setOptions(this.puppet.pid, 0);
  }

  /** Lets it go, after all that live there. */
  release(): void {
    detach(this.puppet.pid);
  }

  [Symbol.dispose](): void {
    this.#ground?.[Symbol.dispose]();
    this.puppet[Symbol.dispose]();
  }
}
