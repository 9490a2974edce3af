import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { embeddedPath } from "./embedded-files.ts";

/** `shim`: a shared library, which the finished executable has loaded and does not hold as a file; `agent`: a flat binary; `puppet`: a static executable. Each for the machine we run on. */
export type EmbeddedName = "shim" | "agent" | "puppet";

const read = new Map<EmbeddedName, Uint8Array>();

/**
 * The bytes of a native part. The finished executable holds them itself (nothing is unpacked to a file system); a run
 * from the source tree compiles them first. Callers must not change the array: it is shared.
 */
export function embedded(name: EmbeddedName): Uint8Array {
  const known = read.get(name);
  if (known) return known;
  const path = embeddedPath(name);
  if (path === undefined) throw new CrError("this build has no such native part", { subject: { part: name } });
  const bytes = new Uint8Array(readFileSync(path));
  read.set(name, bytes);
  return bytes;
}
