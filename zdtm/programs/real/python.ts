/** Python: a server of asyncio and its clients, all in one tree; processes of multiprocessing that work together. */
import { join } from "node:path";
import { inside, reportOf } from "./inside.ts";
import { type RealProgram, without } from "./real.ts";

const victims = join(import.meta.dir, "..", "victims");
const clients = 12;

/** Why python3 does not run with this module: it comes in parts. */
export function python(module: string): string | undefined {
  const missing = without("python3", "python3");
  if (missing !== undefined) return missing;
  const has = Bun.spawnSync(["python3", "-c", `import ${module}`]).exitCode === 0;
  return has ? undefined : `this python3 has no ${module} (Debian: python3)`;
}

export const asyncio: RealProgram = {
  name: "Python's asyncio, server and clients in the tree",
  missing: () => python("asyncio"),
  async start(stage) {
    const words = [join(victims, "chat.py"), reportOf(stage), `${clients}`];
    return inside(stage, await stage.start(["python3", ...words]), clients);
  },
};

export const multiprocessing: RealProgram = {
  name: "Python's multiprocessing",
  missing: () => python("multiprocessing"),
  async start(stage) {
    const words = [join(victims, "pool.py"), reportOf(stage)];
    return { ...inside(stage, await stage.start(["python3", ...words]), 1), words: [] };
  },
};
