/** The cgroups of a frozen tree: which task and thread sits where, and the directories that they sit in with their properties. */
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { CrError, type Subject } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { CgControllerEntry, CgroupDirEntry, CgroupPropEntry, CgSetEntry } from "../image/schema.gen.ts";
import type { CgroupMembership } from "../kernel/proc/cgroup.ts";
import { tryReadProcFile } from "../kernel/proc/read.ts";
import { statPath } from "../kernel/stat.ts";
import type { CgroupSaving } from "../options.ts";
import { freezerWay } from "./cgroup-freezer.ts";
import { cgroupsOf, Hierarchies } from "./cgroup-hierarchies.ts";
import { permsOf, propertiesOf, readProperty, THREADS } from "./cgroup-properties.ts";
import { givenFor, OWN_SET } from "./cgroup-sets.ts";
import { isBelow } from "./mnt-table.ts";

/** Cgroups below those of a tree that are saved with it; a tree that has more is none that we understand. */
const MOST = 10_000;

/** Links of a directory of cgroups that has none below it: its own, and that from above. */
const CHILDLESS = 2;

interface Member {
  readonly pid: number;
  readonly tids: readonly number[];
}

/** One distinct combination of cgroups, one path in each hierarchy. */
interface Set {
  readonly id: number;
  readonly cgroups: readonly CgroupMembership[];
  readonly roots: NamespaceRoots | undefined;
}

/** Where a cgroup namespace begins in each hierarchy: one object for each namespace. */
export type NamespaceRoots = ReadonlyMap<string, string>;

const keyOf = (cgroups: readonly CgroupMembership[]) =>
  cgroups.map(({ controllers, path }) => `${controllers}:${path}`).join("\n");

export class TreeCgroups {
  readonly #sets = new Map<string, Set>();
  readonly #setOf = new Map<number, number>();
  readonly #hierarchies: ReadonlySet<string>;
  readonly #namespaces: NamespaceRoots[] = [];

  /**
   * Reads where all threads of the tree are.
   * @param rootsOf of the cgroup namespace of a thread; undefined where that is ours
   * @param frozen the inode of a cgroup that is to be frozen again
   */
  constructor(
    tasks: readonly Member[],
    readonly options: CgroupSaving,
    rootsOf: (tid: number) => NamespaceRoots | undefined,
    readonly frozen?: number,
  ) {
    const own = cgroupsOf("self");
    const chosen = options.controllers;
    const isChosen = ({ controllers }: CgroupMembership) =>
      chosen.length === 0 ||
      [controllers.replace(/^name=/, ""), ...controllers.split(",")].some((name) => chosen.includes(name));
    const known = new Map<string, readonly CgroupMembership[]>();
    const found = tasks.flatMap(({ pid, tids }) =>
      tids.map((tid) => ({ tid, cgroups: cgroupsOf(`${pid}/task/${tid}`, known) })),
    );
    // where all of the tree is where we are, a restored one may be where its restorer is; and a hierarchy that somebody makes
    // meanwhile is not the tree's
    const isElsewhere = ({ controllers, path }: CgroupMembership) =>
      [...known.values()].some((cgroups) =>
        cgroups.some((one) => one.controllers === controllers && one.path !== path),
      );
    this.#hierarchies = new Set(
      own.filter((one) => isChosen(one) && isElsewhere(one)).map(({ controllers }) => controllers),
    );
    this.#register(own);
    const ids = new Map<readonly CgroupMembership[], Map<NamespaceRoots | undefined, number>>();
    for (const { tid, cgroups } of found) {
      const roots = rootsOf(tid);
      const of = ids.get(cgroups) ?? new Map<NamespaceRoots | undefined, number>();
      ids.set(cgroups, of);
      const id = of.get(roots) ?? this.#register(cgroups, roots);
      of.set(roots, id);
      this.#setOf.set(tid, id);
    }
  }

  /** @param roots of whoever is there and has a cgroup namespace */
  #register(all: readonly CgroupMembership[], roots?: NamespaceRoots): number {
    const cgroups = all.filter(({ controllers }) => this.#hierarchies.has(controllers));
    if (roots && !this.#namespaces.includes(roots)) this.#namespaces.push(roots);
    const namespace = cgroups.length > 0 && roots ? `\n${this.#namespaces.indexOf(roots)}` : "";
    const key = keyOf(cgroups) + namespace;
    const known = this.#sets.get(key);
    if (known) return known.id;
    const set = { id: this.#sets.size + OWN_SET, cgroups, roots };
    this.#sets.set(key, set);
    return set.id;
  }

  /** The set of a thread, as images number it. */
  of(tid: number): number {
    return this.#setOf.get(tid) ?? OWN_SET;
  }

  /** Writes the sets and what belongs to them, unless all of the tree is where we are, too. */
  save(images: ImageDirectory): void {
    const used = new Set(this.#setOf.values());
    const sets = [...this.#sets.values()].filter(({ id }) => id !== OWN_SET && used.has(id));
    if (sets.length === 0) return;
    using hierarchies = new Hierarchies(this.options.yard);
    const controllers = [...this.#hierarchies].map((name) => {
      const paths = sets.flatMap(({ cgroups }) => cgroups.filter((one) => one.controllers === name));
      return this.#controller(
        hierarchies,
        name,
        paths.map(({ path }) => path),
      );
    });
    images.write("CGROUP", [{ sets: sets.map((set) => this.#entry(set)), controllers }]);
  }

  #entry({ id, cgroups, roots }: Set): CgSetEntry {
    return {
      id,
      ctls: cgroups.map(({ controllers, path }) => {
        const prefix = roots?.get(controllers);
        const isIn = prefix !== undefined && isBelow(path, prefix);
        return isIn ? { name: controllers, path, cgns_prefix: prefix.length } : { name: controllers, path };
      }),
    };
  }

  #controller(hierarchies: Hierarchies, name: string, paths: readonly string[]): CgControllerEntry {
    const given = givenFor(name, this.options.roots);
    // of the topmost one everything is whoever's business who made the machine
    const wanted = [...paths, ...(given === undefined ? [] : [given])].filter((path) => path !== "/");
    const tops = [...new Set(wanted)].filter((path) => !wanted.some((other) => other !== path && isBelow(path, other)));
    const above = name === "" ? [...new Set(tops.flatMap(placesAbove))].sort() : [];
    const walk = { hierarchies, name, count: 0 };
    const entry: CgControllerEntry = {
      cnames: name.split(","),
      dirs: tops.map((top) => this.#directory(walk, top, top.slice(1))),
      // those of v2 say which controllers there are below, and hold no tasks
      tscriu_above: above.map((path) => this.#alone(name, path.slice(1), hierarchies.directory(name, path))),
    };
    // in the old hierarchies each thread may always be in a cgroup of its own
    if (name !== "" || tops.some((top) => isThreaded(hierarchies.directory(name, top)))) entry.is_threaded = true;
    return entry;
  }

  /** Names of the cgroups right below one. */
  #below(directory: string, subject: Subject): string[] {
    const found = statPath(directory);
    if (found === undefined)
      throw new CrError("a cgroup that is to be saved is not there", {
        code: "ENOENT",
        subject,
        remedy: "look at what --cgroup-root names, or leave it out: the tree's own cgroups are saved then",
      });
    // each has a link from below; most are the last
    if (found.nlink === CHILDLESS) return [];
    try {
      const inside = readdirSync(directory, { withFileTypes: true });
      return inside
        .filter((one) => one.isDirectory())
        .map((one) => one.name)
        .sort();
    } catch (cause) {
      throw new CrError("cannot read a cgroup of the tree", { subject, cause });
    }
  }

  /** The property that stops a cgroup which was frozen when we came. Inodes of hierarchies may be the same: only one is meant. */
  #stopped(directory: string): CgroupPropEntry | undefined {
    if (this.frozen === undefined || statPath(directory)?.ino !== this.frozen) return undefined;
    const way = freezerWay(directory);
    return way && { name: way.name, value: way.freeze, perms: permsOf(way.file) };
  }

  #directory(
    walk: { hierarchies: Hierarchies; name: string; count: number },
    path: string,
    dirName: string,
  ): CgroupDirEntry {
    const { hierarchies, name } = walk;
    if (++walk.count > MOST)
      throw new CrError(`there are more than ${MOST} cgroups below that of the tree`, {
        code: "E2BIG",
        subject: { path, hierarchy: name || "cgroup2" },
        remedy: "leave them alone with --manage-cgroups=ignore, or put the tree into a cgroup of its own first",
      });
    const directory = hierarchies.directory(name, path);
    const below = this.#below(directory, { path, hierarchy: name || "cgroup2" });
    const entry = this.#alone(name, dirName, directory);
    entry.children = below.map((child) => this.#directory(walk, `${path}/${child}`, child));
    return entry;
  }

  /** Without what is below. */
  #alone(name: string, dirName: string, directory: string): CgroupDirEntry {
    const stopped = this.#stopped(directory);
    const properties = propertiesOf(name, name === "" ? available(directory) : [], this.options.properties)
      .map((property) => readProperty(directory, property))
      .filter((property) => property !== undefined)
      .filter((property) => property.name !== stopped?.name);
    if (stopped) properties.push(stopped);
    const threads = name === "" ? permsOf(`${directory}/${THREADS}`) : undefined;
    return {
      dir_name: dirName,
      children: [],
      properties,
      dir_perms: permsOf(directory),
      ...(threads && { tscriu_threads: threads }),
    };
  }
}

/** The cgroups above one, but for the topmost. */
function placesAbove(path: string): string[] {
  const above = dirname(path);
  return above === "/" ? [] : [...placesAbove(above), above];
}

const readLine = (path: string) => tryReadProcFile(path)?.trim() ?? "";

/** Controllers that a v2 cgroup has properties of. */
const available = (directory: string) => readLine(`${directory}/cgroup.controllers`).split(" ").filter(Boolean);

const isThreaded = (directory: string) => /threaded/.test(readLine(`${directory}/cgroup.type`));
