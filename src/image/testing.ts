/** Helps the tests of this room: the sample sets that lie beside the repository, unpacked. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TarMember } from "./tar.ts";

const archives = join(import.meta.dir, "../../../shared/samples");

/** Why tests with samples are skipped; undefined when they are there. */
export const samplesMissing = existsSync(archives) ? undefined : "no ../shared/samples beside the repository";

export interface Sample {
  set: string;
  image: string;
  bytes: Uint8Array;
  /** What `crit decode --pretty` prints for it. */
  json: string;
}

export interface Samples extends Disposable {
  dir: string;
  images: Sample[];
}

/** Unpacks all sample sets into a directory of their own, which goes at the end of the scope. */
export function unpackSamples(): Samples {
  const dir = mkdtempSync(join(tmpdir(), "tscriu-samples-"));
  for (const archive of readdirSync(archives).filter((name) => name.endsWith(".tar.gz"))) {
    const done = Bun.spawnSync(["tar", "-xzf", join(archives, archive), "-C", dir]);
    if (done.exitCode !== 0) throw new Error(`tar: ${done.stderr.toString()}`);
  }
  const images: Sample[] = [];
  for (const set of readdirSync(dir))
    for (const file of readdirSync(join(dir, set)).filter((name) => name.endsWith(".json"))) {
      const name = file.slice(0, -".json".length);
      const image = name.startsWith("stats-") ? name : `${name}.img`;
      const bytes = new Uint8Array(readFileSync(join(dir, set, image)));
      images.push({ set, image, bytes, json: readFileSync(join(dir, set, file), "utf8") });
    }
  return { dir, images, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) };
}

/** A directory that goes at the end of the scope. */
export function temporaryDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "tscriu-image-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** An empty file of an archive. */
export const plainMember: TarMember = {
  name: "./a",
  type: "0",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0n,
  link: "",
  major: 0,
  minor: 0,
  xattrs: new Map(),
};
