import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "./cases.ts";

const repository = join(root, "..");
const built = join(repository, "dist", "tscriu");
const sources = ["src", "ffi", "blobs", "proto", "build.ts", "package.json"];
let building: Promise<string[]> | undefined;

/** The newest change below a path, in milliseconds since 1970; tests and notes do not count. */
function newest(path: string): number {
  if (!existsSync(path)) return 0;
  const it = statSync(path);
  if (!it.isDirectory()) return /\.test\.ts$|\.md$/.test(path) ? 0 : it.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Is what was built there made of the sources as they are now? */
export function isFresh(path: string): boolean {
  return existsSync(path) && statSync(path).mtimeMs >= Math.max(...sources.map((s) => newest(join(repository, s))));
}

async function find(): Promise<string[]> {
  const named = process.env.TSCRIU_BIN;
  if (named !== undefined && named !== "") {
    // Relative words that are files of the repository work from any directory.
    return named.split(" ").map((w) => (existsSync(join(repository, w)) ? join(repository, w) : w));
  }
  if (isFresh(built)) return [built];
  if (existsSync(join(repository, "build.ts"))) {
    const build = Bun.spawn([process.execPath, "build.ts"], { cwd: repository, stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([
      new Response(build.stdout).text(),
      new Response(build.stderr).text(),
      build.exited,
    ]);
    if (code !== 0) throw new Error(`dist/tscriu cannot be built:\n${out}${err}`);
    return [built];
  }
  throw new Error("there is no tscriu to test: set TSCRIU_BIN, or use --nocr");
}

/** The command under test: TSCRIU_BIN (words), or dist/tscriu, which is built first when it is older than its sources. */
export function binary(): Promise<string[]> {
  building ??= find();
  return building;
}
