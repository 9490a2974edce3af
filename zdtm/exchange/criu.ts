/** The criu that images travel to and from. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = join(import.meta.dir, "../..");
/** Older ones are tried in a machine of their own: see exchange.test.ts. */
const OLDEST = "4.2";

/** CRIU_BIN, or what `.ci/criu` got. */
export const path = process.env.CRIU_BIN ?? join(repository, "build/criu/criu");

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync(path)) return "there is no criu 4.2: `.ci/criu` gets Debian's, or CRIU_BIN names one";
  const said = Bun.spawnSync([path, "--version"]).stdout.toString();
  const version = /^Version: ([\d.]+)/m.exec(said)?.[1];
  if (version === undefined) return `${path} does not run`;
  if (Bun.semver.order(`${version}.0`.split(".").slice(0, 3).join("."), `${OLDEST}.0`) < 0)
    return `${path} is criu ${version}, older than ${OLDEST}`;
  return undefined;
}

/** Why it cannot be used here; undefined where it can. */
export const missing = whyNot();

/** For trees with mounts of their own: which of them are the machine's it only takes by word, and a root has to be a mount. */
const toldMounts = ["--external", "mnt[]"];
const rooted = `mkdir -p /run/root && mount --bind / /run/root && exec "$0" "$@" --root /run/root ${toldMounts.join(" ")}`;
export const apart = {
  dumper: [path, ...toldMounts],
  restorer: ["unshare", "-m", "--propagation", "private", "sh", "-c", rooted, path],
} as const;

/** What it found out about the kernel, for as long as the tests run: without it each start asks anew. */
export class KernelFacts implements Disposable {
  readonly #dir = mkdtempSync(join(tmpdir(), "exchange-"));
  readonly #file = join(this.#dir, "criu.kdat");

  constructor() {
    const words = 'mount -t tmpfs none /run && "$0" check; cp /run/criu.kdat "$1"';
    Bun.spawnSync(["unshare", "-m", "sh", "-c", words, path, this.#file], { stdout: "ignore", stderr: "ignore" });
    // it asks all the same then
    if (!existsSync(this.#file)) copyFileSync("/dev/null", this.#file);
  }

  /** Words of a program that becomes another one, in mounts where criu finds them. */
  get through(): string[] {
    const words = 'mount -t tmpfs none /run && cp "$0" /run/criu.kdat && exec "$@"';
    return ["unshare", "-m", "sh", "-c", words, this.#file];
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
