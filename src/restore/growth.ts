/** What the growing of a tree asks of its surroundings, and what it knows of a task meanwhile. */
import type { Puppet } from "../agent/puppet.ts";
import type { SessionTerminal } from "../file/tty-session.ts";
import type { CoreEntry, TaskKobjIdsEntry } from "../image/schema.gen.ts";
import type { MemorySources } from "../memory/fill-pages.ts";
import type { Hole } from "./hole.ts";
import type { SavedTask } from "./set.ts";
import type { Warden } from "./warden.ts";

/** A task under construction. */
export interface GrownTask {
  readonly saved: SavedTask;
  readonly puppet: Puppet;
  /** Ids of the task whose namespaces it is in; undefined for ours. */
  namespaces: TaskKobjIdsEntry | undefined;
  memory: "bare" | "restored";
  /** File id of its executable as the kernel knows it; undefined for the puppet's own. */
  exe: number | undefined;
  /** Session and process group that it is in now. */
  sid: number;
  pgid: number;
}

export interface GrowOptions {
  readonly hole: Hole;
  readonly sources: MemorySources;
  /** clone(2) flags for the root: CLONE_NEW*. */
  readonly rootFlags: number;
  /** How many pid namespaces lie between ours and the root's. */
  readonly rootLevels: number;
  /** Acts so that whoever is cloned meanwhile is born into the root's pid namespace. */
  inRootsPids<T>(act: () => T): T;
  /** Our descriptor of a pid namespace that stayed outside at the dump. */
  givenPids(id: number): number | undefined;
  /** The root was born with these, and waits for the word that is returned. */
  rootBorn(pid: number): Uint8Array;
  /** Groups that a task must have before it enters its user namespace; undefined for any. */
  groupsBefore(task: Pick<SavedTask, "ids" | "core">, bornIn?: number): number[] | undefined;
  /** Acts so that the root is born with what it must have by then. */
  bearRoot<T>(act: () => T): T;
  /** A pid namespace is made around the tree. */
  readonly isWrapped: boolean;
  /** The init of that is there, and the root is not. */
  prepareWarden(warden: Warden): void;
  /** clone(2) flags for the first process that is made: CLONE_PARENT. */
  readonly firstFlags: number;
  /** Fills the namespaces that the root was born into. */
  fillNamespaces(root: Puppet): void;
  /** A task but the root was cloned by one with `parent`'s core, and has no children yet. */
  born(pid: number, core: CoreEntry, parent: CoreEntry): void;
  /** What a task enters that was born into the namespaces of one with ids `from`; undefined for ours. */
  toEnter(ids: TaskKobjIdsEntry, from: TaskKobjIdsEntry | undefined): { fd: number; flag: number }[];
  /** The user namespace below the root's that a pid namespace belongs to, and whom its makers become there. */
  ownerOf(id: number | undefined): { user: number; uid: number; gid: number } | undefined;
  /** A thread has made a time namespace of this number for its next children. @param tid as we see it */
  setClocks(id: number, tid: number): void;
  /** The task's next children live in a time namespace of this number, which it makes. */
  makeClocks(id: number, puppet: Puppet): void;
  /** The tree keeps our session and group (a shell job). */
  readonly shellJob: boolean;
  /** Number under which the root puppet inherits its end of the service socket. */
  readonly inheritedService: number;
  /** Session and process group of ours. */
  readonly ourSid: number;
  readonly ourPgid: number;
  /** The terminal that a session controls; undefined where it has none. */
  terminal(sid: number): SessionTerminal | undefined;
  /** Called between steps: throws when we shall stop. */
  step(): void;
}
