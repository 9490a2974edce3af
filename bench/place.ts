/** Where the bench finds and puts things. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

export const tree = resolve(import.meta.dirname, "..");
export const tscriu = join(tree, "dist/tscriu");
export const home = join(tree, "build/bench");
mkdirSync(home, { recursive: true });
