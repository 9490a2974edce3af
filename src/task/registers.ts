/** The registers of a thread: from ptrace to its core entry and back. */
import { aarch64 } from "./arch/aarch64.ts";
import type { RegisterKind } from "./arch/entry.ts";
import { x86_64 } from "./arch/x86_64.ts";

export type { RawRegisters, RegisterKind, SavedRegisters } from "./arch/entry.ts";

/** For the architecture that we run on. */
export const registers: RegisterKind = process.arch === "arm64" ? aarch64 : x86_64;
