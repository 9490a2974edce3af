/**
 * The cgroups of a restored tree: directories before its first task is made, tasks and threads into them as they are born, what
 * limits them once nothing is left to make.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { CgMemberEntry, CgroupDirEntry, CgSetEntry, CoreEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import type { Call } from "../kernel/standby.ts";
import { addressOf, cstring, sys } from "../kernel/sys.ts";
import { AT } from "../kernel/uapi/fcntl.ts";
import type { Undoing } from "../kernel/undoing.ts";
import type { Log } from "../log.ts";
import type { CgroupOptions } from "../options.ts";
import { FoundFrozen } from "./cgroup-freezer.ts";
import { cgroupsOf, Hierarchies } from "./cgroup-hierarchies.ts";
import { restorePerms, restoreProperties, type Stage, THREADS } from "./cgroup-properties.ts";
import { givenFor, knownRoots, managesCgroups, OWN_SET } from "./cgroup-sets.ts";
import { from, isBelow, under } from "./mnt-table.ts";

const PAUSE_NS = 1_000_000n;
/** Milliseconds that a cgroup has to get empty of killed tasks. */
const TRIES = 1000;
const remedy = "make the cgroup first, name another one with --cgroup-root, or restore with --manage-cgroups=ignore";

/** Milliseconds between the tries to remove one when we have died. */
const PATIENCE = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** A cgroup of the images, where it goes here. */
interface Place {
  readonly hierarchy: string;
  readonly path: string;
  readonly directory: string;
  readonly entry: CgroupDirEntry;
}

type Core = Pick<CoreEntry, "tc" | "thread_core">;

const setIdOf = ({ thread_core, tc }: Core) => thread_core?.cg_set ?? tc?.cg_set ?? OWN_SET;

export class RestoredCgroups implements Disposable {
  readonly #hierarchies: Hierarchies;
  readonly #sets = new Map<number, CgSetEntry>();
  readonly #places: Place[] = [];
  /** Topmost directories of the images by hierarchy, and what stands for them here. */
  readonly #tops = new Map<string, { readonly top: string; readonly given: string | undefined }[]>();
  /** What the images know of cgroups above those, by path; of v2 alone. */
  readonly #above = new Map<string, CgroupDirEntry>();
  readonly #made: string[] = [];
  readonly #frozen = new FoundFrozen();
  #forget = () => {};
  readonly options: CgroupOptions;
  #isOn: boolean;

  /**
   * Reads what the images say, and refuses paths that lead elsewhere.
   * @param ownSet root_cg_set of the inventory: tasks of that set stay where we are
   */
  constructor(
    images: ImageDirectory,
    readonly ownSet: number | undefined,
    options: CgroupOptions,
    readonly log: Log,
    readonly undoing: Undoing,
  ) {
    this.#hierarchies = new Hierarchies(options.yard);
    this.#isOn = managesCgroups(options.mode);
    this.options = this.#isOn && options.roots.length > 0 ? knownRoots(options, log) : options;
    if (this.#isOn) this.#read(images);
    if (this.#isOn && options.roots.length > 0 && this.#sets.size === 0)
      log.warn(
        "--cgroup-root changes nothing: the tree was in the cgroups of who dumped it, and comes back in those of who restores it. Restore in the one that it shall have",
      );
  }

  #read(images: ImageDirectory): void {
    const here = new Set(cgroupsOf("self").map(({ controllers }) => controllers));
    for (const { sets, controllers } of images.read("CGROUP")) {
      for (const set of sets) {
        this.#sets.set(set.id, set);
        const strange = set.ctls.find(({ path, cgns_prefix }) => (cgns_prefix ?? 0) > path.length);
        if (strange)
          throw new CrError("a cgroup namespace begins behind its cgroup", {
            code: "BAD_IMAGE",
            subject: { path: strange.path, prefix: strange.cgns_prefix },
          });
      }
      for (const { cnames, dirs, tscriu_above } of controllers) {
        const hierarchy = cnames.join(",");
        if (dirs.length === 0) continue;
        if (!here.has(hierarchy)) {
          this.#tolerate(() => {
            throw new CrError("this machine has no such hierarchy of cgroups", {
              code: "ENOENT",
              subject: { hierarchy: hierarchy || "cgroup2", path: `/${dirs[0]?.dir_name}` },
              remedy: "restore with --manage-cgroups=ignore",
            });
          });
          continue;
        }
        const given = givenFor(hierarchy, this.options.roots);
        this.#tops.set(
          hierarchy,
          dirs.map(({ dir_name }) => ({ top: `/${dir_name.replace(/^\/+/, "")}`, given })),
        );
        if (given === undefined) for (const dir of tscriu_above) this.#above.set(`/${dir.dir_name}`, dir);
        for (const dir of dirs)
          this.#place(hierarchy, this.#here(hierarchy, `/${dir.dir_name.replace(/^\/+/, "")}`), dir);
      }
    }
  }

  #place(hierarchy: string, path: string, entry: CgroupDirEntry): void {
    this.#places.push({ hierarchy, path, directory: this.#hierarchies.directory(hierarchy, path), entry });
    for (const child of entry.children) {
      if (child.dir_name.includes("/") || child.dir_name === "")
        throw new CrError("a cgroup has a name that leads elsewhere", {
          code: "BAD_IMAGE",
          subject: { path, name: child.dir_name },
        });
      this.#place(hierarchy, under(path, `/${child.dir_name}`), child);
    }
  }

  /** A cgroup of the images as it is called here. */
  #here(hierarchy: string, path: string): string {
    const top = this.#tops.get(hierarchy)?.find((one) => isBelow(path, one.top));
    if (top) return top.given === undefined ? path : under(top.given, from(top.top, path));
    return path === "/" ? path : (givenFor(hierarchy, this.options.roots) ?? path);
  }

  /** Where nobody asked for cgroups, a tree that cannot have them comes back without. */
  #tolerate(act: () => void): void {
    if (!this.#isOn) return;
    try {
      act();
    } catch (error) {
      if (this.options.isGiven || !(error instanceof CrError)) throw error;
      const { cause } = error;
      this.log.warn(
        `the tree stays in our cgroups: ${error.message}${cause instanceof Error ? `: ${cause.message}` : ""}`,
      );
      this.#isOn = false;
    }
  }

  /** Makes the directories, and gives them what must stand before a task enters. */
  prepare(): void {
    this.#tolerate(() => {
      const { mode } = this.options;
      for (const { path, directory, hierarchy } of this.#places) {
        const subject = { path, hierarchy: hierarchy || "cgroup2" };
        if (mode === "strict" && existsSync(directory))
          throw new CrError("the cgroup is there already", {
            code: "EEXIST",
            subject,
            remedy: "remove it, or restore with --manage-cgroups=soft or full",
          });
        if ((mode === "none" || mode === "props") && !existsSync(directory))
          throw new CrError("the cgroup is not there", { code: "ENOENT", subject, remedy });
      }
      for (const place of [...this.#places]) {
        this.#make(place);
        this.#restore(place, "early");
      }
      for (const { ctls } of this.#sets.values())
        for (const { name, path } of ctls) {
          if (name !== "" && !name.split(",").includes("freezer")) continue;
          const here = this.#here(name, path);
          this.#frozen.thaw(this.#hierarchies.directory(name, here), here);
        }
    });
  }

  #make({ directory, path, hierarchy }: Place): void {
    if (existsSync(directory)) return;
    const above = dirname(directory);
    const hasAbove = existsSync(above);
    if (!hasAbove) this.#makeAbove(hierarchy, dirname(path), above);
    this.#removeIfWeDie([...this.#made, directory]);
    try {
      mkdirSync(directory);
    } catch (cause) {
      this.#removeIfWeDie(this.#made);
      throw new CrError("cannot make a cgroup", {
        subject: { path, hierarchy: hierarchy || "cgroup2" },
        remedy,
        cause,
      });
    }
    this.#made.push(directory);
    // nothing can live below one of v1 that has no CPU and no memory node
    if (hierarchy.split(",").includes("cpuset"))
      for (const name of ["cpuset.cpus", "cpuset.mems"]) {
        const [mine, theirs] = [`${directory}/${name}`, readFileSync(`${above}/${name}`, "latin1")];
        if (readFileSync(mine, "latin1").trim() === "" && theirs.trim() !== "") writeFileSync(mine, theirs);
      }
  }

  /** One that no task of the tree was in, and that is gone. */
  #makeAbove(hierarchy: string, path: string, directory: string): void {
    const known = hierarchy === "" ? this.#above.get(path) : undefined;
    const place = { hierarchy, path, directory, entry: known ?? noEntry };
    this.#make(place);
    if (known === undefined) return;
    this.#restore(place, "early");
    this.#places.push(place);
  }

  /** The tasks that are in them die with us, but not at once. */
  #removeIfWeDie(made: readonly string[]): void {
    const before = this.#forget;
    const removals = made
      .toReversed()
      .map((path): Call => ({ nr: NR.unlinkat, args: [AT.FDCWD, cstring(path), AT.REMOVEDIR] }));
    const rounds = PATIENCE.map((ms): Call[] => [
      { nr: NR.nanosleep, args: [BigInt64Array.of(0n, BigInt(ms) * PAUSE_NS), 0] },
      ...removals,
    ]);
    this.#forget = this.undoing.add([...removals, ...rounds.flat()]);
    before();
  }

  #restore({ directory, path, entry }: Place, stage: Stage): void {
    const { mode } = this.options;
    const isFresh = this.#made.includes(directory);
    if (mode === "none" || (mode === "soft" && !isFresh)) return;
    if (stage === "early") {
      restorePerms(directory, entry.dir_perms);
      restorePerms(`${directory}/${THREADS}`, entry.tscriu_threads);
    }
    restoreProperties(directory, path, entry.properties, stage);
  }

  /**
   * Puts a task, which has no children yet, where it was.
   * @param pid as we see it
   * @param parent of whoever cloned it; undefined for ourselves
   * @param atRoot not yet there, but to where the cgroup namespace that it is about to make begins
   */
  enter(pid: number, core: Core, parent: Core | undefined, atRoot = false): void {
    const id = setIdOf(core);
    if (id === (parent ? setIdOf(parent) : this.#ownSet)) return;
    this.#tolerate(() => {
      const now = new Map(cgroupsOf(`${pid}`).map(({ controllers, path }) => [controllers, path]));
      for (const ctl of this.#members(id)) {
        const path = atRoot ? this.#rootOf(ctl) : this.#pathOf(id, ctl);
        if (path !== undefined && now.get(ctl.name) !== path) this.#write(ctl.name, path, "cgroup.procs", pid);
      }
    });
  }

  /** Puts a thread where it was, if that is elsewhere than its leader. `tid` as we see it. */
  enterThread(tid: number, core: Core, leader: Core): void {
    const id = setIdOf(core);
    if (id === setIdOf(leader)) return;
    this.#tolerate(() => {
      const before = new Map(this.#members(setIdOf(leader)).map(({ name, path }) => [name, path]));
      for (const { name, path } of this.#members(id)) {
        if (before.get(name) === path) continue;
        this.#write(name, this.#pathOf(id, { name, path }), name === "" ? THREADS : "tasks", tid);
      }
    });
  }

  get #ownSet(): number {
    return this.ownSet ?? OWN_SET;
  }

  #members(id: number): readonly CgMemberEntry[] {
    if (id !== this.#ownSet) return this.#sets.get(id)?.ctls ?? [];
    return cgroupsOf("self").map(({ controllers, path }) => ({ name: controllers, path }));
  }

  #pathOf(id: number, { name, path }: CgMemberEntry): string {
    return id === this.#ownSet ? path : this.#here(name, path);
  }

  /** Where the cgroup namespace began. */
  #rootOf({ name, path, cgns_prefix: length }: CgMemberEntry): string | undefined {
    if (length === undefined || length === 0) return undefined;
    const [root, full] = [this.#here(name, path.slice(0, length)), this.#here(name, path)];
    return isBelow(full, root) ? root : givenFor(name, this.options.roots);
  }

  #write(hierarchy: string, path: string, file: string, id: number): void {
    const subject = { path, hierarchy: hierarchy || "cgroup2" };
    const directory = this.#hierarchies.directory(hierarchy, path);
    try {
      writeFileSync(`${directory}/${file}`, `${id}`);
    } catch (cause) {
      throw new CrError("the tree cannot enter the cgroup that it was in", { code: "ENOENT", subject, remedy, cause });
    }
  }

  /** Sets what limits the tree, which is whole. */
  limit(): void {
    this.#tolerate(() => {
      for (const place of this.#places) this.#restore(place, "late");
    });
  }

  /** Stops again what was stopped by its cgroup. The tree runs on from here on: a failure is told, no more. */
  freeze(): void {
    if (!this.#isOn) return;
    try {
      this.#frozen.freeze();
      for (const place of this.#places) this.#restore(place, "last");
    } catch (error) {
      this.log.warn(`a cgroup is not frozen again: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** If we die, what was made is removed behind all that is to be undone by now: who sits in it may have to be killed first. */
  removeAtLast(): void {
    if (this.#made.length > 0) this.#removeIfWeDie(this.#made);
  }

  /** Removes what was made. Nobody of the tree lives any more. */
  undo(): void {
    this.#frozen.freeze();
    const pause = new BigInt64Array([0n, PAUSE_NS]);
    for (const directory of this.#made.splice(0).reverse()) {
      for (let tries = 0; tries < TRIES; tries++) {
        try {
          rmdirSync(directory);
          break;
        } catch (error) {
          if ((error as { code?: string }).code !== "EBUSY") break;
          sys(NR.nanosleep, addressOf(pause), 0);
        }
      }
    }
  }

  [Symbol.dispose](): void {
    this.#hierarchies[Symbol.dispose]();
  }
}

const noEntry: CgroupDirEntry = { dir_name: "", children: [], properties: [] };
