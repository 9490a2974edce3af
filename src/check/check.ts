/** Asks this kernel, with these privileges, what it can do. */
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

/** Tries one feature for real. Changes nothing that outlives the call; what could hurt happens in a child. */
export function checkFeature(name: FeatureName): Finding {
  const { category, need, remedy } = features[name];
  let why: string | undefined;
  try {
    why = probes[name]();
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  return { name, category, supported: why === undefined, need, ...(why === undefined ? {} : { why, remedy }) };
}

export function checkFeatures(wanted: (category: Category) => boolean): Finding[] {
  return featureNames.filter((name) => wanted(features[name].category)).map(checkFeature);
}
