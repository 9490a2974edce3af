/** Asks this kernel, with these privileges, what it can do. */
import { existsSync } from "node:fs";
import { MORE_PROCESSES } from "../kernel/sys.ts";
import { type Category, type FeatureName, featureNames, features } from "./features.ts";
import type { Probe } from "./probe.ts";
import { fileProbes } from "./probe-file.ts";
import { memoryProbes } from "./probe-memory.ts";
import { namespaceProbes } from "./probe-namespace.ts";
import { socketProbes } from "./probe-socket.ts";
import { taskProbes } from "./probe-task.ts";

const probes: Readonly<Record<FeatureName, Probe>> = {
  ...taskProbes,
  ...memoryProbes,
  ...fileProbes,
  ...socketProbes,
  ...namespaceProbes,
};

/** What probes look into, a file that tells whether it is mounted, and its file system. */
const MOUNTS = [
  { below: "/dev", sign: "/dev/null", type: "devtmpfs" },
  { below: "/sys", sign: "/sys/kernel", type: "sysfs" },
] as const;

export interface Finding {
  name: FeatureName;
  category: Category;
  supported: boolean;
  /** What it is good for. */
  need: string;
  /** Where it is missing: why, and what to do. */
  why?: string;
  remedy?: string;
}

/** A kernel that forbids something has it: then the privileges are what is missing. Neither does it lack what is not mounted, or what there was no process to try in for. */
function remedyFor(name: FeatureName, why: string): string {
  for (const { below, sign, type } of MOUNTS) {
    if (why.includes(`${below}/`) && why.includes("ENOENT") && !existsSync(sign))
      return `mount -t ${type} ${type} ${below}`;
  }
  if (/\bEAGAIN\b/.test(why)) return MORE_PROCESSES;
  return /\b(EPERM|EACCES)\b/.test(why) ? "run as root, outside of containers and sandboxes" : features[name].remedy;
}

/** Tries one feature for real. Changes nothing that outlives the call; what could hurt happens in a child. */
export function checkFeature(name: FeatureName): Finding {
  const { category, need } = features[name];
  let why: string | undefined;
  try {
    why = probes[name]();
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  if (why === undefined) return { name, category, supported: true, need };
  return { name, category, supported: false, need, why, remedy: remedyFor(name, why) };
}

export function checkFeatures(wanted: (category: Category) => boolean): Finding[] {
  return featureNames.filter((name) => wanted(features[name].category)).map(checkFeature);
}
