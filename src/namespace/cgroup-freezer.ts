/** Cgroups that stand still: the v1 hierarchy freezer (freezer-subsystem.rst of the kernel), and cgroup.freeze of v2. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";

/** One hierarchy's way. */
export interface FreezerWay {
  /** The property's name. */
  readonly name: string;
  readonly file: string;
  readonly freeze: string;
  readonly thaw: string;
  isFrozen(): boolean;
}

/** Undefined where a directory is no cgroup that can be stopped. */
export function freezerWay(directory: string): FreezerWay | undefined {
  const read = (name: string) => readFileSync(`${directory}/${name}`, "utf8");
  const way = (name: string, freeze: string, thaw: string, isFrozen: () => boolean) => ({
    name,
    file: `${directory}/${name}`,
    freeze,
    thaw,
    isFrozen,
  });
  if (existsSync(`${directory}/freezer.state`))
    return way("freezer.state", "FROZEN", "THAWED", () => read("freezer.state").trim() !== "THAWED");
  if (existsSync(`${directory}/cgroup.freeze`))
    return way(
      "cgroup.freeze",
      "1",
      "0",
      () => /^frozen 1$/m.test(read("cgroup.events")) || read("cgroup.freeze").trim() === "1",
    );
  return undefined;
}

/** Cgroups that a tree shall enter and that were found frozen: who enters such a one stops, and nobody could make it whole. */
export class FoundFrozen {
  readonly #ways: FreezerWay[] = [];

  /** Lets a cgroup run, in which nobody is yet. @param path how the user knows it */
  thaw(directory: string, path: string): void {
    const way = freezerWay(directory);
    if (way === undefined || !way.isFrozen()) return;
    const error = (why: string) =>
      new CrError(`the cgroup that the tree was in is frozen, ${why}`, {
        code: "EBUSY",
        subject: { path, property: way.name },
        remedy: `let it run (echo ${way.thaw} >${way.file}), or restore with --manage-cgroups=ignore`,
      });
    if (readFileSync(`${directory}/cgroup.procs`, "latin1").trim() !== "") throw error("and others are in it");
    writeFileSync(way.file, way.thaw);
    this.#ways.push(way);
    if (way.isFrozen()) {
      this.freeze();
      throw error("by one above it");
    }
  }

  /** As they were found. */
  freeze(): void {
    for (const { file, freeze } of this.#ways.splice(0)) if (existsSync(file)) writeFileSync(file, freeze);
  }
}
