/** A CRIU to compare with, where the machine has one: in PATH, or named by the variable CRIU. */
import { spawnSync } from "node:child_process";

export interface Criu {
  readonly path: string;
  /** As it calls itself, such as 4.2.1. */
  readonly version: string;
}

/** That this is set says that we are where CRIU finds its cache. */
const HERE = "TSCRIU_BENCH_CRIU";
const OLDEST = 4;

function find(): Criu | undefined {
  const path = process.env.CRIU ?? Bun.which("criu");
  if (!path) return undefined;
  const text = spawnSync(path, ["--version"], { encoding: "utf8" }).stdout ?? "";
  const version = /^Version: ([\d.]+)/m.exec(text)?.[1];
  // tscriu may be there under that name, too
  if (version === undefined || text.includes("tscriu") || Number.parseInt(version, 10) < OLDEST) return undefined;
  return { path, version };
}

const found = find();

/** The one to measure by turns with ours; undefined where there is none. */
export const criu = process.env[HERE] === found?.path ? found : undefined;

/**
 * Begins the bench anew where CRIU keeps what it knows of the kernel, as it does on a machine on which it was installed: it
 * only trusts a /run that is in memory. In a mount namespace of our own, so that the machine's stays as it is.
 * @returns the exit status; undefined where there is nobody to compare with, or we are there already
 */
export function anewWithCriu(): number | undefined {
  if (found === undefined || criu !== undefined) return undefined;
  const script = 'mount -t tmpfs tmpfs /run && { "$0" check >/dev/null 2>&1; exec "$@"; }';
  const again = ["-m", "sh", "-c", script, found.path, process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, [HERE]: found.path };
  return spawnSync("unshare", again, { stdio: "inherit", env }).status ?? 1;
}
