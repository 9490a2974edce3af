import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeImage } from "../../src/image/framing.ts";
import { KeptLock } from "../../src/socket/network-lock.ts";

/** Removes the locks of a directory's sets of images: a dump that nobody restored holds its connections' packets back for good. */
export function unlock(directory: string): void {
  for (const images of readdirSync(directory).filter((name) => name.startsWith("images-"))) {
    const path = join(directory, images, "inventory.img");
    if (!existsSync(path)) continue;
    const [entry] = decodeImage(readFileSync(path), path).entries;
    const runId = entry?.dump_criu_run_id;
    if (typeof runId === "string") new KeptLock(runId).remove();
  }
}
