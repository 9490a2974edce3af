/** Which namespaces a restored tree gets, and how its root fills them. */
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { CoreEntry, PstreeEntry, TaskKobjIdsEntry } from "../image/schema.gen.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { Log } from "../log.ts";
import type { RestoreOptions } from "../options.ts";
import { CARRIED, fieldOf, linkOf, NAMESPACES, type NamespaceFields, type NamespaceName } from "./ids.ts";
import type { JoinedNamespaces } from "./join.ts";
import type { NamespaceFill, NamespaceKind } from "./kind.ts";
import { bornInto, givenPidNamespace, levelsBelowOurs } from "./pid.ts";
import { namespaceKind, namespaceKinds } from "./registry.ts";
import { clocksGoBack, clocksOfThread, HOST_CLOCKS, parentOfClocks, time } from "./time.ts";
import { chiefOf, giveMaps, savedMaps } from "./user.ts";
import { Inward, outward } from "./user-ids.ts";

/** The namespace of this kind that the ids name and the dumper did not live in. */
function foreignId(name: NamespaceName, ours: TaskKobjIdsEntry, ids: Partial<NamespaceFields>): number | undefined {
  const [here, there] = [ours[fieldOf(name)], ids[fieldOf(name)]];
  return here !== undefined && there !== undefined && here !== there ? there : undefined;
}

/**
 * Refuses what cannot be made again.
 * @param ours the dumper's own ids: root_ids of the inventory
 * @param ids ids of task `pid`
 */
export function checkNamespaces(ours: TaskKobjIdsEntry | undefined, ids: TaskKobjIdsEntry, pid: number): void {
  if (!ours) return;
  for (const name of NAMESPACES) {
    const id = foreignId(name, ours, ids);
    if (id !== undefined && !namespaceKind(name)) {
      throw new CrError(`the task lived in a ${name} namespace of its own: containers are not supported yet`, {
        code: "ENOTSUP",
        subject: { pid },
        remedy: "restore this set with criu",
      });
    }
  }
}

/** Namespaces that a thread has for itself. */
const strayOf = ({ thread_core }: CoreEntry): Partial<NamespaceFields> | undefined => thread_core?.tscriu_namespaces;

interface InNamespaces {
  readonly ids: TaskKobjIdsEntry | undefined;
  readonly core: CoreEntry;
}

/** From now on the images say users and groups as we call them. */
export function translateIds(images: ImageDirectory, joined: JoinedNamespaces): void {
  if (joined.users) {
    images.ids = joined.users;
    return;
  }
  const [first] = images.read("PSTREE");
  const ours = images.inventory.root_ids;
  const [ids] = first === undefined ? [] : images.read("IDS", first.pid);
  const id = ours && ids && foreignId("user", ours, ids);
  if (id !== undefined) images.ids = outward(savedMaps(images, id));
}

/** The namespaces that the root of a set is born into. */
export class FreshNamespaces {
  readonly #fresh: { kind: NamespaceKind; ids: readonly number[] }[] = [];
  readonly #ours: TaskKobjIdsEntry | undefined;
  readonly #root: TaskKobjIdsEntry | undefined;
  /** Our descriptors of namespaces that tasks enter, by their ids. */
  readonly #entrances = new Map<number, number>();
  /** Time namespaces that tasks make for their children. */
  readonly #parents = new Set<number>();
  readonly #inward = new Map<number, Inward>();
  readonly #guests: Inward | undefined;

  constructor(
    readonly images: ImageDirectory,
    tasks: readonly {
      readonly ids: TaskKobjIdsEntry | undefined;
      readonly tree: PstreeEntry;
      readonly threads: readonly { readonly core: CoreEntry }[];
    }[],
    log: Log,
    readonly joined: JoinedNamespaces,
  ) {
    for (const { tree } of tasks)
      if (tree.tscriu_pids?.clocks_born_into !== undefined) this.#parents.add(tree.tscriu_pids.clocks_born_into);
    const ours = images.inventory.root_ids;
    this.#ours = ours;
    this.#root = tasks[0]?.ids;
    if (ours) {
      for (const kind of namespaceKinds) {
        // what is not entered is the root's, and all others have the same
        const living = kind.entered ? tasks : tasks.slice(0, 1);
        const strays = kind.entered ? tasks.flatMap(({ threads }) => threads.map(({ core }) => strayOf(core))) : [];
        const met = [...living.map(({ ids }) => ids), ...strays].flatMap((ids) => {
          const id = ids && foreignId(kind.name, ours, ids);
          const isThere = joined.has(kind.name) && id === this.#root?.[fieldOf(kind.name)];
          return id === undefined || isThere || this.#parents.has(id) ? [] : [id];
        });
        if (met.length > 0) this.#fresh.push({ kind, ids: [...new Set(met)] });
      }
    }
    const livesWithUs = ours && this.#root && foreignId("mnt", ours, this.#root) === undefined;
    if (this.user !== undefined && this.has("mnt") && livesWithUs)
      log.warn(
        "the root of the tree gets a copy of the machine's mounts: in its user namespace it could make none in ours",
      );
    joined.check(images, (this.#root ?? ours)?.ipc_ns_id, log);
    this.#guests = joined.users && new Inward(joined.users.maps);
    const isAtHome = this.#rootsOwn("time") === undefined && !joined.has("time");
    if (isAtHome && clocksGoBack(images)) this.#keepClocks(log);
  }

  /** No clock of a task may go back: where this machine is younger than the tree's, the tree gets clocks of its own. */
  #keepClocks(log: Log): void {
    if (linkOf("self", "time") !== "") {
      this.#fresh.push({ kind: time, ids: [HOST_CLOCKS] });
      log.info("this machine started later than the tree's: a time namespace lets its clocks go on");
    } else {
      log.warn("this machine started later than the tree's, and its kernel has no time namespaces: the clocks go back");
    }
  }

  /** clone(2) flags for the root. */
  get flags(): number {
    const made = this.#fresh.filter(({ kind, ids: [id] }) => {
      const isRoots = id === HOST_CLOCKS || this.#root?.[fieldOf(kind.name)] === id;
      return isRoots && (id === undefined || !kind.isGiven?.(this.images, id));
    });
    // mounts of its own let it make file systems, which are mounted elsewhere
    const own = this.user !== undefined && this.has("mnt") ? CLONE.NEWNS : 0;
    return made.reduce((flags, { kind }) => flags + kind.flag, own);
  }

  /** The user namespace that the root is born into, if that is a fresh one. */
  get user(): number | undefined {
    return this.joined.has("user") ? undefined : this.#ours && this.#root && foreignId("user", this.#ours, this.#root);
  }

  /** Does it live in the user namespace that is joined? */
  #isGuest(ids: TaskKobjIdsEntry | undefined): boolean {
    return this.joined.has("user") && ids !== undefined && ids.user_ns_id === (this.#root ?? this.#ours)?.user_ns_id;
  }

  /** Who makes it, where that is not us. */
  get owner(): number | undefined {
    const { user } = this;
    const entry = user === undefined ? undefined : this.images.one("USERNS", user);
    return entry?.tscriu_owner;
  }

  /** The root was born, and waits for the word that is returned. */
  born(pid: number): Uint8Array {
    return this.user === undefined ? Uint8Array.of(1) : giveMaps(this.images, this.user, pid);
  }

  /** What users and groups are called by a task; undefined where it is as we do. */
  idsOf({ ids }: { readonly ids: TaskKobjIdsEntry | undefined }): Inward | undefined {
    if (this.#isGuest(ids)) return this.#guests;
    const id = this.#ours && ids && foreignId("user", this.#ours, ids);
    if (id === undefined) return undefined;
    const known = this.#inward.get(id) ?? new Inward(savedMaps(this.images, id));
    this.#inward.set(id, known);
    return known;
  }

  /**
   * Supplementary groups that a task must have before it enters its user namespace, where it cannot get them any more; as whoever enters
   * calls them. Undefined where they can be had later, or it has them from its parent.
   * @param bornIn the user namespace that it was born in, by the number of the images
   */
  groupsBefore({ ids, core }: InNamespaces, bornIn?: number): number[] | undefined {
    const id = this.#ours && ids && foreignId("user", this.#ours, ids);
    const creds = core.thread_core?.creds;
    // a guest may not be allowed to choose them there
    if (creds && this.joined.users && this.#isGuest(ids)) return creds.groups.map(this.joined.users.gid);
    if (id === undefined || !creds) return undefined;
    const { tscriu_setgroups_denied } = this.images.one("USERNS", id);
    const { groups, tscriu_groups } = creds;
    if (!tscriu_setgroups_denied && tscriu_groups.length === 0) return undefined;
    // the root is born into its own, and all others below it
    const from = bornIn ?? (id === this.user ? undefined : this.user);
    if (from !== undefined && this.#deniesGroups(from)) return undefined;
    const { gid } = outward(savedMaps(this.images, id));
    const outside = tscriu_groups.length > 0 ? tscriu_groups : groups.map(gid);
    const own = id === this.user ? undefined : this.user;
    return own === undefined ? outside : outside.map((group) => new Inward(savedMaps(this.images, own)).gid(group));
  }

  /** Nobody changes groups in this user namespace, and nobody ever could since it had its maps. */
  #deniesGroups(id: number): boolean {
    const isOurs = this.#ours?.user_ns_id === id;
    return !isOurs && this.images.one("USERNS", id).tscriu_setgroups_denied === true;
  }

  /** The namespace of this kind that the root lives in, where it is not ours. */
  #rootsOwn(name: NamespaceName): number | undefined {
    return this.#ours && this.#root ? foreignId(name, this.#ours, this.#root) : undefined;
  }

  /** Is the root born into a new one of this kind? */
  isFresh(name: NamespaceName): boolean {
    const id = this.#rootsOwn(name);
    return id !== undefined && !this.joined.has(name) && !namespaceKind(name)?.isGiven?.(this.images, id);
  }

  /** The first task that lives in a namespace of this kind which is not ours. */
  firstIn<T extends { readonly ids: TaskKobjIdsEntry | undefined }>(
    name: NamespaceName,
    tasks: readonly T[],
  ): T | undefined {
    const ours = this.#ours;
    return tasks.find(({ ids }) => ours && ids && foreignId(name, ours, ids) !== undefined);
  }

  /** Of the first task or thread that lives in a cgroup namespace. */
  memberOf(id: number, tasks: readonly (InNamespaces & { readonly threads: readonly { core: CoreEntry }[] })[]) {
    for (const { ids, core, threads } of tasks) {
      if (ids?.cgroup_ns_id === id) return core;
      const thread = threads.find((one) => strayOf(one.core)?.cgroup_ns_id === id);
      if (thread) return thread.core;
    }
    return undefined;
  }

  /** How many pid namespaces lie between ours and the root's. */
  levels(options: RestoreOptions): number {
    const given = this.#givenPids(options);
    return given === undefined ? Number(this.isFresh("pid")) : levelsBelowOurs(given);
  }

  #givenPids(options: RestoreOptions): number | undefined {
    const id = this.#rootsOwn("pid");
    return id === undefined || options.newPids ? undefined : givenPidNamespace(this.images, id, options);
  }

  /** Acts so that who is cloned meanwhile is born into a pid namespace that was given for the root, if one was. */
  inRootsPids<T>(options: RestoreOptions, act: () => T): T {
    const given = this.#givenPids(options);
    return given === undefined ? act() : bornInto(given, act);
  }

  /** Is there any? */
  get any(): boolean {
    return this.#fresh.length > 0 || this.joined.any;
  }

  has(name: NamespaceName): boolean {
    return this.#fresh.some(({ kind }) => kind.name === name);
  }

  /** Refuses what cannot be made again, before anything is. */
  check(options: RestoreOptions): void {
    if (this.joined.has("user") && this.has("user"))
      throw new CrError("the tree has user namespaces inside of the one in whose place another is joined", {
        code: "ENOTSUP",
        remedy: "leave --join-ns user out",
      });
    for (const { kind, ids } of this.#fresh) {
      // a new one stands for whatever pid namespace was given
      if (kind.name !== "pid" || !options.newPids) kind.check?.(this.images, ids, options);
    }
  }

  fill(context: Omit<NamespaceFill, "id" | "ids" | "isRoots" | "images" | "entrance" | "owner">): void {
    const entrance = (id: number, fd: number) => void this.#entrances.set(id, fd);
    const owner = (id: number) => this.#entrances.get(this.#ownerOf(id) ?? -1);
    const { joined } = this;
    joined.enter(context.program, context.receive, context.pid);
    for (const { kind, ids } of this.#fresh) {
      const [id] = ids;
      const isRoots = this.#root?.[fieldOf(kind.name)] === id;
      if (id !== undefined) kind.fill?.({ ...context, images: this.images, id, ids, isRoots, owner, entrance });
    }
    context.program.run();
    joined.enterMounts(context.program, context.receive, context.pid);
    for (const { name } of namespaceKinds) {
      const fd = joined.fd(name);
      const id = (this.#root ?? this.#ours)?.[fieldOf(name)];
      if (fd === undefined || id === undefined) continue;
      entrance(id, fd);
      if (name === "net") context.network(id, `/proc/${process.pid}/fd/${fd}`, true);
    }
  }

  /** A task was made that makes a time namespace for its children. @param pid as we see it */
  makeClocks(id: number, program: Program, pid: number): void {
    this.#entrances.set(id, parentOfClocks(program, pid, this.images, id));
  }

  /** A thread has made one for its own. @param tid as we see it */
  setClocks(id: number, tid: number): void {
    this.#entrances.set(id, clocksOfThread(tid, this.images, id));
  }

  /** The user namespace that another one belongs to; undefined for ours. */
  #ownerOf(id: number): number | undefined {
    const users = this.#fresh.find(({ kind }) => kind.name === "user")?.ids ?? [];
    const entries = users.map((user) => ({ user, owned: this.images.one("USERNS", user).tscriu_owned }));
    // of criu's images the whole tree lives in one
    const isOld = entries.every(({ owned }) => owned.length === 0);
    return isOld ? this.user : entries.find(({ user, owned }) => user !== id && owned.includes(id))?.user;
  }

  /** The user namespace that a pid namespace belongs to, where that is not the root's, and whom its first task is there. */
  ownerOfPids(id: number | undefined): { user: number; uid: number; gid: number } | undefined {
    const user = id === undefined ? undefined : this.#ownerOf(id);
    if (user === undefined || user === this.user) return undefined;
    const [uid, gid] = chiefOf(this.images, user);
    return { user, uid, gid };
  }

  /** What a thread enters that does not live where its process does: as `toEnter`. */
  ofThread(core: CoreEntry): { fd: number; flag: number }[] {
    const own = strayOf(core);
    return CARRIED.flatMap((name) => {
      const id = own?.[fieldOf(name)];
      const flag = namespaceKind(name)?.entered;
      const fd = id === undefined ? undefined : this.#entrances.get(id);
      if (id === undefined || flag === undefined) return [];
      if (fd !== undefined) return [{ fd, flag }];
      throw new CrError("a thread lived in a namespace that is not there", {
        code: "BAD_IMAGE",
        subject: { namespace: id },
      });
    });
  }

  /**
   * What a task enters that is born into the namespaces of another: our descriptors and CLONE_NEW*.
   * @param from that other task's ids; undefined for the dumper's
   */
  toEnter(ids: TaskKobjIdsEntry, from: TaskKobjIdsEntry | undefined): { fd: number; flag: number }[] {
    const before = from ?? (this.joined.has("user") ? { ...this.#ours, user_ns_id: undefined } : this.#ours);
    // the user namespace last: it takes the right to enter the others
    const order = [...namespaceKinds].sort((a, b) => Number(a.name === "user") - Number(b.name === "user"));
    return order.flatMap(({ name, entered }) => {
      const id = ids[fieldOf(name)];
      // the root was born there, and so is whoever lives there
      if (name === "user" && id === this.user) return [];
      const fd = entered && id !== undefined && id !== before?.[fieldOf(name)] ? this.#entrances.get(id) : undefined;
      if (fd === undefined && id !== undefined && id !== before?.[fieldOf(name)] && this.#parents.has(id))
        throw new CrError("a task entered a time namespace before its maker is there: this is not supported yet", {
          code: "ENOTSUP",
          subject: { namespace: id },
        });
      return fd === undefined || !entered ? [] : [{ fd, flag: entered }];
    });
  }
}
