/**
 * Where the embedded files lie, for a run from the source tree: they are compiled when they are missing or stale.
 * `build.ts` puts another module in this one's place, which names the files inside the finished executable.
 */
import { hostMachine, makeNative } from "../build/native.ts";
import type { EmbeddedName } from "./embedded.ts";

export function embeddedPath(name: EmbeddedName): string | undefined {
  return makeNative(hostMachine(), name);
}
