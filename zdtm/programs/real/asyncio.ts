/** A server of Python's asyncio and its clients, all in one tree. */
import { join } from "node:path";
import { inside, reportOf } from "./inside.ts";
import { type RealProgram, without } from "./real.ts";

const script = join(import.meta.dir, "..", "victims", "chat.py");
const clients = 12;

export const asyncio: RealProgram = {
  name: "Python's asyncio, server and clients in the tree",
  missing: () => without("python3", "python3-minimal"),
  start: async (stage) => inside(stage, await stage.start(["python3", script, reportOf(stage), `${clients}`]), clients),
};
