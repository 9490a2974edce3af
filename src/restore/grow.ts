/**
 * The tree of puppets: who is cloned by whom, in which session, and whose memory is there before a child is cloned from it.
 * A child whose areas are copies of its parent's is cloned after these are filled, so that they stay shared.
 */

import type { Program } from "../agent/program.ts";
import type { Puppet } from "../agent/puppet.ts";
import { CrError } from "../error.ts";
import { receiveFd } from "../file/numbers.ts";
import type { VmaEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { wait } from "../kernel/ptrace.ts";
import { sys } from "../kernel/sys.ts";
import { TIOC } from "../kernel/uapi/ioctl.ts";
import { WAIT } from "../kernel/uapi/wait.ts";
import type { MemoryResult } from "../memory/fill-pages.ts";
import { inheritable } from "../memory/inherit.ts";
import { restoreMemory, restoreMmFields } from "../memory/restore-memory.ts";
import { connectVdso } from "../memory/vdso.ts";
import { VMA } from "../memory/vmas.ts";
import { isI386Core } from "../task/arch/i386.ts";
import { restoreThpDisable } from "../task/process.ts";
import { Births, isAtOrBelow } from "./birth.ts";
import { enterNamespaces, ownerOfInit, sayLast } from "./enter.ts";
import { makeGroups } from "./groups.ts";
import type { GrownTask, GrowOptions } from "./growth.ts";
import { executeOther } from "./other-code.ts";
import { type Group, groupOf, nestOf, numbersOf, ownPid } from "./pid-numbers.ts";
import { PidSpaces } from "./pid-spaces.ts";
import { makeRoot } from "./root.ts";
import type { SavedSet, SavedTask } from "./set.ts";
import type { Warden } from "./warden.ts";

const ESRCH = -3;
const CLONE_FS = 0x200;
const CLONE_FILES = 0x400;
const PR_SET_CHILD_SUBREAPER = 36;
/** Areas this large are worth sharing: below, a comparison costs more than a copy. */
const WORTH_SHARING = 4;
/** Milliseconds that killed puppets have to end. */
const KILL_TRIES = 5000;

/** Does the child share enough of its parent's memory that it should be cloned from it? */
function sharesMemory(child: SavedTask, parent: SavedTask): boolean {
  if (isI386Core(child.core) !== isI386Core(parent.core)) return false;
  if (!child.mm || !parent.mm || child.mm.exe_file_id !== parent.mm.exe_file_id) return false;
  const theirs = parent.mm.vmas.filter((v) => (v.status & VMA.GUARD) === 0);
  const common = child.mm.vmas.filter((v) => inheritable(v, theirs) !== undefined).length;
  return common >= WORTH_SHARING;
}

const clocksOfChildren = ({ tree }: SavedTask) => tree.tscriu_pids?.clocks_born_into;
/** `clocks_born_into` of a thread that does not have those of its process's next children. */
const OWN_CLOCKS = 0;
/** Its threads have to be there before it makes them. */
const makesClocksLate = ({ threads }: SavedTask) =>
  threads.some(({ core }) => core.thread_core?.tscriu_namespaces?.clocks_born_into === OWN_CLOCKS);

export class Forest implements Disposable {
  readonly tasks = new Map<number, GrownTask>();
  readonly totals: MemoryResult = { pagesRestored: 0, pagesCompared: 0, pagesSkippedCow: 0 };
  readonly #late: SavedTask[] = [];
  /** Tasks whose next children have clocks of their own by now. */
  readonly #clockMakers = new Set<SavedTask>();
  readonly pids: PidSpaces;
  readonly #births: Births;
  /** The init of a pid namespace that was made around the tree. */
  warden: Warden | undefined;

  constructor(
    readonly set: SavedSet,
    readonly options: GrowOptions,
  ) {
    this.#births = new Births(set.tasks);
    const numbers = set.tasks.flatMap(({ tree }) => [
      ...[tree.pid, tree.pgid, tree.sid, ...tree.threads],
      ...(tree.tscriu_pids?.inner ?? []).flatMap(({ pid, pgid, sid, threads }) => [pid, pgid, sid, ...threads]),
    ]);
    this.pids = new PidSpaces(options.sources.service, options.givenPids, Math.max(...numbers));
  }

  task(pid: number): GrownTask {
    const task = this.tasks.get(pid);
    if (!task) throw new CrError("a task was not made", { subject: { pid } });
    return task;
  }

  /** Makes the whole tree, with its memory. */
  grow(): void {
    const { root } = this.set;
    const puppet = this.options.bearRoot(() => makeRoot(this, root.pid, isI386Core(root.core)));
    this.pids.plant(puppet);
    puppet.last = (number) =>
      this.warden ? this.warden.sayLast(number) : sayLast(puppet, number, this.options.sources.service);
    const grown: GrownTask = {
      saved: root,
      puppet,
      namespaces: undefined,
      memory: "bare",
      exe: undefined,
      sid: this.options.ourSid,
      pgid: this.options.ourPgid,
    };
    this.tasks.set(root.pid, grown);
    this.options.fillNamespaces(puppet);
    this.#settle(grown, []);
    for (let moved = true; this.#late.length > 0 && moved; ) {
      moved = false;
      for (const saved of this.#late.splice(0)) moved = this.#adopt(saved) || moved;
    }
    const [left] = this.#late;
    if (left) {
      if (!this.#isReady(left))
        throw new CrError("the init of the task's pid namespace cannot be made", {
          code: "ENOTSUP",
          subject: { pid: left.pid },
        });
      throw new CrError(`the session ${left.tree.sid} of the task cannot be made again`, {
        code: "ENOTSUP",
        subject: { pid: left.pid },
        remedy: "dump the tree from the session's leader on",
      });
    }
    makeGroups(this);
    for (const task of this.tasks.values()) enterNamespaces(task, this.options, true);
  }

  /** Clones the children of a bare puppet and restores its memory, in the order that sessions and sharing ask for. */
  #settle(task: GrownTask, inherited: readonly VmaEntry[]): void {
    const { saved, puppet } = task;
    this.options.step();
    enterNamespaces(task, this.options);
    const { sid } = saved.tree;
    if (saved.zombie) {
      if (sid === saved.pid) this.#lead(task);
      return;
    }
    const clocks = clocksOfChildren(saved);
    const livesBehind = (child: SavedTask) => clocks !== undefined && child.ids?.time_ns_id === clocks;
    const children = saved.children
      .map((child) => ({ child, shares: sharesMemory(child, saved) }))
      // who was born before its parent made new clocks cannot always enter the old ones again
      .sort((a, b) => Number(livesBehind(a.child)) - Number(livesBehind(b.child)));
    const memoryFirst = children.some((c) => c.shares);
    if (memoryFirst) this.#memory(task, inherited);
    const made: { task: GrownTask; vmas: readonly VmaEntry[] }[] = [];
    const make = (child: SavedTask): void => {
      if (livesBehind(child)) this.makeClocks(task);
      const grown = this.#clone(child, puppet, task, saved);
      const inherits = memoryFirst && grown.puppet.isI386 === puppet.isI386;
      const vmas = inherits ? (saved.mm?.vmas ?? []) : [];
      made.push({ task: grown, vmas });
    };
    const leader = sid === saved.pid && task.sid !== saved.pid;
    const bornBefore = (child: SavedTask) =>
      this.#births.sessionOf(child) === task.sid && task.sid !== saved.pid && task.sid !== child.pid;
    if (leader) for (const { child } of children) if (bornBefore(child) && this.#isReady(child)) make(child);
    if (leader) this.#lead(task);
    for (const { child } of children) {
      if (this.tasks.has(child.pid)) continue;
      const wanted = this.#births.sessionOf(child);
      const isHere = wanted === child.pid || wanted === task.sid || this.#foreign(wanted);
      if (isHere && this.#isReady(child)) make(child);
      else this.#late.push(child);
    }
    if (!makesClocksLate(saved)) this.makeClocks(task);
    if (!memoryFirst) this.#memory(task, inherited);
    for (const one of made) this.#settle(one.task, one.vmas);
  }

  /** Where a task's next children have clocks of their own: from now on. */
  makeClocks({ saved, puppet }: GrownTask): void {
    const clocks = clocksOfChildren(saved);
    if (clocks === undefined || this.#clockMakers.has(saved)) return;
    this.#clockMakers.add(saved);
    this.options.makeClocks(clocks, puppet);
  }

  /** Makes a task the leader of a session. */
  #lead(task: GrownTask): void {
    const { pid, zombie } = task.saved;
    const terminal = zombie ? undefined : this.options.terminal(pid);
    run(task.puppet, (program) => {
      program.call(NR.setsid, [], { what: "cannot make the session" });
      if (terminal === undefined) return;
      // now, before it has children: they inherit it
      const line = receiveFd(program, this.options.sources.service, terminal.fd);
      program.call(NR.ioctl, [line, TIOC.SCTTY, terminal.steal ? 1 : 0], {
        what: "cannot give a session its terminal",
        subject: { pid },
      });
      program.call(NR.close, [line]);
    });
    task.sid = task.saved.pid;
    task.pgid = task.saved.pid;
  }

  /** A session outside of the tree: with a shell job, ours stands for it. */
  #foreign(sid: number): boolean {
    return this.options.shellJob && !this.set.tasks.some((t) => t.pid === sid) && sid === this.set.root.tree.sid;
  }

  #clone(
    child: SavedTask,
    by: Puppet,
    of: Pick<GrownTask, "saved" | "sid" | "pgid" | "exe" | "namespaces">,
    parent: SavedTask | undefined,
  ): GrownTask {
    let flags = 0;
    if (parent && child.ids && parent.ids && !child.zombie) {
      if (child.ids.files_id === parent.ids.files_id) flags |= CLONE_FILES;
      if (child.ids.fs_id === parent.ids.fs_id) flags |= CLONE_FS;
    }
    const birth = { numbers: numbersOf(child.tree), flags, exitSignal: child.core.tc?.tscriu_exit_signal };
    const below = ownerOfInit(child, of.namespaces, this.options);
    const born = this.pids.bear(by, nestOf(child.tree), birth, child.pid, below?.owner);
    const changes = !child.zombie && isI386Core(child.core) !== by.isI386;
    if (changes && flags & CLONE_FILES) {
      throw new CrError("tasks of 32-bit and of 64-bit code share their descriptors", {
        code: "ENOTSUP",
        subject: { pid: child.pid },
      });
    }
    const puppet = changes ? executeOther(born, this.options.sources.service) : born;
    const { sid, pgid } = of;
    const clocks = this.#clockMakers.has(of.saved) ? clocksOfChildren(of.saved) : undefined;
    const inherited = clocks === undefined || !of.namespaces ? of.namespaces : { ...of.namespaces, time_ns_id: clocks };
    const exe = changes ? undefined : of.exe;
    if (!child.zombie) this.options.born(puppet.pid, child.core, of.saved.core);
    const grown: GrownTask = {
      saved: child,
      puppet,
      memory: "bare",
      exe,
      sid,
      pgid,
      namespaces: below?.namespaces ?? inherited,
    };
    this.tasks.set(child.pid, grown);
    return grown;
  }

  #memory(task: GrownTask, inherited: readonly VmaEntry[]): void {
    const { saved, puppet } = task;
    if (!saved.mm || task.memory === "restored") return;
    const { sources } = this.options;
    const inheritsThp = saved.parent?.mm?.thp_disabled;
    if (saved.core.tc) restoreThpDisable(puppet.program, saved.mm.thp_disabled, inheritsThp, saved.core.tc);
    const result = restoreMemory(puppet, saved.mm, inherited, sources);
    this.totals.pagesRestored += result.pagesRestored;
    this.totals.pagesCompared += result.pagesCompared;
    this.totals.pagesSkippedCow += result.pagesSkippedCow;
    const { program } = puppet;
    // while the old executable is mapped the kernel takes no other: the same one need not be set
    const exe =
      task.exe === saved.mm.exe_file_id
        ? undefined
        : receiveFd(program, sources.service, sources.mapFd(saved.mm.exe_file_id, 0));
    restoreMmFields(program, saved.mm, exe);
    program.run();
    connectVdso(puppet.memory, sources.plan(puppet.inner).vdso);
    program.forget();
    task.memory = "restored";
    task.exe = saved.mm.exe_file_id;
  }

  /**
   * A task whose session's leader is not its parent: it was adopted. It is cloned by a helper in that session, which then ends,
   * and a temporary subreaper makes its parent adopt it again.
   */
  #adopt(saved: SavedTask): boolean {
    const sid = this.#births.sessionOf(saved);
    const parent = saved.parent && this.tasks.get(saved.parent.pid);
    if (!parent || !this.#isReady(saved)) {
      this.#late.push(saved);
      return false;
    }
    if (sid === parent.sid || sid === saved.pid) {
      this.#settle(this.#clone(saved, parent.puppet, parent, saved.parent), []);
      return true;
    }
    const reaper = (on: boolean) => (program: Program) => {
      program.call(NR.prctl, [PR_SET_CHILD_SUBREAPER, on ? 1 : 0, 0, 0, 0], { what: "cannot become a subreaper" });
    };
    // who can clone into the session: its leader, or anybody who is in it by now (zombies are still to end), if orphans below it are
    // the parent's
    const inIt = [...this.tasks.values()].filter((t) => t.sid === sid);
    const able = inIt.filter((t) => isAtOrBelow(t.saved, parent.saved));
    const leader = able.find((t) => t.saved.pid === sid) ?? able.find((t) => !t.saved.zombie) ?? able[0];
    if (!leader && (inIt.length > 0 || this.set.tasks.some((t) => t.pid === sid))) {
      this.#late.push(saved);
      return false;
    }
    run(parent.puppet, reaper(true));
    // a session whose leader is gone: the helper has its pid; else the helper is any child of the leader
    const isIn = (t: SavedTask) => t.tree.sid === sid;
    const gone = groupOf((isIn(saved) ? saved : this.set.tasks.find(isIn)) ?? saved, "sid");
    const helper = leader
      ? this.makeHelper(leader.puppet, nestOf(parent.saved.tree))
      : this.makeHelper(parent.puppet, gone);
    if (!leader) run(helper, (program) => void program.call(NR.setsid, [], { what: "cannot make the session" }));
    const members = leader ? [saved] : [saved, ...this.#late.filter((t) => isIn(t) && t.parent === saved.parent)];
    const group = leader ? leader.pgid : sid;
    const cloner = { ...(leader ?? parent), sid, pgid: group };
    const grown = members.map((member) => this.#clone(member, helper, cloner, undefined));
    for (const member of members) {
      const at = this.#late.indexOf(member);
      if (at >= 0) this.#late.splice(at, 1);
    }
    this.pids.dismiss(helper, leader?.puppet ?? parent.puppet);
    run(parent.puppet, reaper(false));
    for (const one of grown) this.#settle(one, []);
    return true;
  }

  /** Somebody in this process group, which has been made. */
  inGroup(id: number): Puppet | undefined {
    return [...this.tasks.values()].find(({ saved, pgid }) => !saved.zombie && pgid === id)?.puppet;
  }

  /** Somebody who lives in this pid namespace. */
  inPids(id: number): Puppet {
    const found = [...this.tasks.values()].find(
      ({ saved, puppet }) => !saved.zombie && this.pids.nestOf(puppet).at(-1) === id,
    );
    if (found) return found.puppet;
    throw new CrError("nobody lives in a pid namespace of the images", {
      code: "BAD_IMAGE",
      subject: { namespace: id },
    });
  }

  /** Can a task be born where it lived? Its pid namespace may be one that a task makes which is yet to come. */
  #isReady(saved: SavedTask): boolean {
    return this.pids.isReady(nestOf(saved.tree), ownPid(saved));
  }

  /** A process for the moment. @param as where it lives, or also what it is called there */
  makeHelper(parent: Puppet, as: Group | readonly number[]): Puppet {
    if (!("numbers" in as)) return this.pids.bear(parent, as, { numbers: this.pids.spare(as) });
    return this.pids.bear(parent, as.nest, { numbers: as.numbers });
  }

  /** The same for the tree's files; `inner` is its pid in the tree's namespace, if that matters. */
  helper(parent: Puppet, inner: number | undefined): Disposable & { readonly hostPid: number } {
    const nest = this.pids.nestOf(parent);
    const helper = this.makeHelper(parent, inner === undefined ? nest : { nest: [], numbers: [inner] });
    return { hostPid: helper.pid, [Symbol.dispose]: () => this.pids.dismiss(helper, parent) };
  }

  /** Ends everything that was made: the tree is not to be. What dies with us anyway is waited for, but not for ever. */
  kill(): void {
    if (this.warden) sys(NR.kill, this.warden.puppet.pid, 9);
    for (const { puppet } of this.tasks.values()) sys(NR.kill, puppet.pid, 9);
    for (let tries = 0; tries < KILL_TRIES; ) {
      // threads too are ours to reap, and a leader goes after all of them
      const seen = wait(-1, WAIT.NOHANG);
      if (seen === undefined) {
        // others of our children live on, such as who undoes things if we die
        if (this.#areGone()) break;
        tries++;
        Bun.sleepSync(1);
      } else if (typeof seen === "number" && seen !== -4) break;
    }
  }

  #areGone(): boolean {
    const all = [...this.tasks.values()].map(({ puppet }) => puppet.pid);
    if (this.warden) all.push(this.warden.puppet.pid);
    return all.every((pid) => sys(NR.kill, pid, 0) === ESRCH);
  }

  [Symbol.dispose](): void {
    for (const { puppet } of this.tasks.values()) puppet[Symbol.dispose]();
    this.warden?.[Symbol.dispose]();
    this.pids[Symbol.dispose]();
  }
}

function run(puppet: Puppet, build: (program: Program) => void): void {
  build(puppet.program);
  puppet.program.run();
}
