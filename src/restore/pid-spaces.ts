/** The pid namespaces of a tree that grows: who is born where, and what the next children of a task are born into. */
import { type NextNumber, nextOfOurs } from "../agent/pid.ts";
import type { Birth, Puppet } from "../agent/puppet.ts";
import { CrError } from "../error.ts";
import { receiveFd, type Service } from "../file/numbers.ts";
import { closeFd, linkOf, O, openPath, tryIoctl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { NS } from "../kernel/uapi/ioctl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { sayLast } from "./enter.ts";

/** In place of an id: the namespace of the tree's root. */
const ROOTS = 0;
/** `born_into` of a task whose next child will be an init. */
const NOBODY_YET = 0;
const WALL = 0x4000_0000;

/** A user namespace that a pid namespace belongs to. */
export interface Owner {
  /** Brings a helper there, who has all that the init shall have by its birth. */
  enter(helper: Puppet): void;
}

export class PidSpaces implements Disposable {
  /** Our descriptors of namespaces, by their ids. */
  readonly #fds = new Map<number, number>();
  readonly #inits = new Map<number, Puppet>();
  readonly #nests = new WeakMap<Puppet, readonly number[]>();
  /** Where a puppet's next children are born, if that is not where it lives. */
  readonly #next = new WeakMap<Puppet, number>();
  #root: Puppet | undefined;
  /** Above all numbers that tasks have. */
  #spared: number;

  constructor(
    readonly service: Service,
    /** Our descriptor of a namespace that stayed outside at the dump. */
    readonly given: (id: number) => number | undefined,
    highest: number,
  ) {
    this.#spared = highest;
  }

  /** The root of the tree was made. */
  plant(root: Puppet): void {
    this.#root = root;
    this.#nests.set(root, []);
  }

  /** Namespaces below the root's that a puppet lives in, from outside in. */
  nestOf(puppet: Puppet): readonly number[] {
    return this.#nests.get(puppet) ?? [];
  }

  /** Whether a task can be born there by now. @param own what it is called there */
  isReady(nest: readonly number[], own: number): boolean {
    const id = nest.at(-1);
    if (id === undefined || own === 1) return true;
    return this.#fdOf(id, nest.length) !== undefined;
  }

  /** Numbers for a helper: in a young namespace the kernel's next one may be that of a task that is yet to come. */
  spare(nest: readonly number[]): number[] {
    const isFresh = (this.#root?.levels ?? 0) > 0;
    this.#spared++;
    return [...nest.map(() => this.#spared), ...(isFresh ? [this.#spared] : nest.length === 0 ? [0] : [])];
  }

  /**
   * Clones a child where it shall live: that namespace is there, or the child is its init.
   * @param nest from the root's namespace on to that of the child
   * @param inner what the images call it
   * @param owner to which its pid namespace belongs, if it is the init of that and `by` lives above
   */
  bear(
    by: Puppet,
    nest: readonly number[],
    birth: Omit<Birth, "below" | "next">,
    inner?: number,
    owner?: Owner,
  ): Puppet {
    const home = this.nestOf(by);
    const below = nest.length - home.length;
    const [target, own] = [nest.at(-1) ?? ROOTS, home.at(-1) ?? ROOTS];
    const isInit = target !== own && this.#fdOf(target, nest.length) === undefined;
    if (isInit && birth.numbers[0] !== 1)
      throw new CrError("a pid namespace has no init", { code: "BAD_IMAGE", subject: { namespace: target } });
    this.#steer(by, isInit ? own : target);
    const flags = (birth.flags ?? 0) + (isInit ? CLONE.NEWPID : 0);
    const whole = { ...birth, flags, below, ...(nest.length > 0 && { next: this.nextNumbers(nest) }) };
    const child = isInit && owner ? this.#bearBelow(by, whole, inner, owner) : by.cloneChild(whole, inner);
    this.#nests.set(child, nest);
    if (isInit) {
      this.#inits.set(target, child);
      this.#fds.set(target, openPath(`/proc/${child.pid}/ns/pid`, O.RDONLY, "cannot open a new pid namespace"));
    }
    return child;
  }

  /**
   * The init of a namespace that belongs to another user namespace: a helper, who goes there first, makes it a child of its own parent's.
   * It tells its end as the helper would.
   */
  #bearBelow(by: Puppet, birth: Birth, inner: number | undefined, { enter }: Owner): Puppet {
    const { exitSignal, flags = 0 } = birth;
    const own = this.nestOf(by);
    const helper = this.bear(by, own, { numbers: this.spare(own), flags: flags & CLONE.FILES, exitSignal });
    enter(helper);
    const child = helper.cloneChild({ ...birth, flags: flags + CLONE.PARENT, exitSignal: 0, parent: by }, inner);
    this.dismiss(helper, by);
    return child;
  }

  /** How numbers of a task are had that may not be chosen: innermost first. @param nest where it lives */
  nextNumbers(nest: readonly number[]): NextNumber[] {
    const root = this.#root;
    const ofRoot: NextNumber = (number, make) => {
      root?.last?.(number - 1);
      return make();
    };
    const outermost = root === undefined || root.levels === 0 ? nextOfOurs : ofRoot;
    const below = nest.map(
      (id): NextNumber =>
        (number, make) => {
          const init = this.#inits.get(id);
          if (init) sayLast(init, number - 1, this.service);
          return make();
        },
    );
    return [outermost, ...below].reverse();
  }

  /** @param depth how many namespaces lie between the root's and this one, itself included */
  #fdOf(id: number, depth = 0): number | undefined {
    const known = this.#fds.get(id);
    if (known !== undefined) return known;
    if (id === ROOTS) {
      const fd = openPath(`/proc/${this.#root?.pid}/ns/pid`, O.RDONLY, "cannot open a pid namespace");
      this.#fds.set(id, fd);
      return fd;
    }
    const given = this.given(id);
    if (given === undefined) return undefined;
    this.#requireDepth(given, depth);
    const fd = openPath(`/proc/self/fd/${given}`, O.RDONLY, "cannot open the pid namespace that was given");
    this.#fds.set(id, fd);
    return fd;
  }

  /** Numbers are told by levels: a namespace that is given must be as deep as the one that stayed outside. */
  #requireDepth(given: number, depth: number): void {
    const roots = linkOf(this.#fdOf(ROOTS) ?? -1);
    let fd = openPath(`/proc/self/fd/${given}`, O.RDONLY);
    try {
      let up = 0;
      for (let outer = fd; up < depth; up++) {
        outer = tryIoctl(fd, NS.GET_PARENT);
        if (outer < 0) break;
        closeFd(fd);
        fd = outer;
      }
      if (up === depth && linkOf(fd) === roots) return;
    } finally {
      closeFd(fd);
    }
    throw new CrError("the pid namespace that was given does not lie where the one of the dump did", {
      code: "EINVAL",
      subject: { fd: given, levels: depth },
      remedy: "give one that is as far below that of the tree's root",
    });
  }

  /** Has a puppet's next children born in another namespace. */
  #steer(puppet: Puppet, id: number): void {
    const home = this.nestOf(puppet).at(-1) ?? ROOTS;
    if ((this.#next.get(puppet) ?? home) === id) return;
    const { program } = puppet;
    const fd = receiveFd(program, this.service, this.#fdOf(id) ?? -1);
    const what = "cannot have a task's children born in another pid namespace";
    program.call(NR.setns, [fd, CLONE.NEWPID], { what, subject: puppet.subject });
    program.call(NR.close, [fd]);
    program.run();
    this.#next.set(puppet, id);
  }

  /** Whose next children are born elsewhere can have no threads. */
  comeHome(puppet: Puppet): void {
    this.#steer(puppet, this.nestOf(puppet).at(-1) ?? ROOTS);
  }

  /** Our descriptor of the pid namespace that a thread's next children are born into; undefined where nobody is there yet. */
  entranceFor(puppet: Puppet, bornInto: number): number | undefined {
    if (bornInto === NOBODY_YET) return undefined;
    const fd = this.#fdOf(bornInto, this.nestOf(puppet).length + 1);
    if (fd !== undefined) return fd;
    throw new CrError("the init of the pid namespace is not there into which children of a thread would be born", {
      code: "BAD_IMAGE",
      subject: { ...puppet.subject, namespace: bornInto },
    });
  }

  /** All children and threads of a puppet are there: its next ones are born where the task's would have been. */
  settle(puppet: Puppet, bornInto: number | undefined): void {
    const nest = this.nestOf(puppet);
    const home = nest.at(-1) ?? ROOTS;
    if (bornInto === undefined) this.#steer(puppet, home);
    else if (bornInto !== NOBODY_YET && this.#fdOf(bornInto, nest.length + 1) !== undefined)
      this.#steer(puppet, bornInto);
    else {
      this.#steer(puppet, home);
      const what = "cannot make a pid namespace";
      puppet.program.call(NR.unshare, [CLONE.NEWPID], { what, subject: puppet.subject });
      puppet.program.run();
      if (bornInto !== NOBODY_YET) this.#endOf(puppet);
    }
  }

  /** Where the init has ended nobody can be born any more. */
  #endOf(puppet: Puppet): void {
    const init = puppet.cloneChild({ numbers: [1], below: 1 });
    this.dismiss(init, puppet);
  }

  /** Lets a helper exit and its parent reap it. */
  dismiss(helper: Puppet, parent: Puppet): void {
    helper.end(0);
    parent.program.call(NR.wait4, [helper.seen, 0, WALL, 0], { what: "cannot reap a helper" });
    parent.program.run();
    helper[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds.values()) closeFd(fd);
    this.#fds.clear();
  }
}
