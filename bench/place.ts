/** Where the bench finds and puts things. */
import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const tree = resolve(import.meta.dirname, "..");
export const tscriu = join(tree, "dist/tscriu");
export const home = join(tree, "build/bench");
mkdirSync(home, { recursive: true });

/**
 * Where small files go that are made and removed by the hundred. Not on a disk, unless TMPDIR says so: ext4 looks at every
 * inode that anybody has freed in the last minutes before it gives one away, and that is no figure of ours.
 */
export const small = !process.env.TMPDIR && existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
