import { aarch64 } from "./aarch64.ts";
import type { Arch } from "./arch.ts";
import { x86_64 } from "./x86_64.ts";

/** The architecture that we run on. */
export const arch: Arch = process.arch === "arm64" ? aarch64 : x86_64;
