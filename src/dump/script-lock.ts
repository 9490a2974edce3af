/** Where the tree has a network namespace of its own, scripts may lock what leads into it for as long as nobody is there. */
import { readlinkSync } from "node:fs";
import { CrError } from "../error.ts";
import type { DumpOptions } from "../options.ts";

type Options = Pick<DumpOptions, "pid" | "hook">;

function hasOwnNetwork(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  } catch {
    return false; // it is gone, which others tell
  }
}

export class ScriptLock {
  #isHeld = false;

  /** Errors: CrError SCRIPT. */
  constructor(private readonly options: Options) {
    if (!hasOwnNetwork(options.pid)) return;
    if (options.hook("network-lock", options.pid) !== 0)
      throw new CrError("the network-lock script failed: the tree runs on", { code: "SCRIPT" });
    this.#isHeld = true;
  }

  /** It is the restore's to unlock. */
  keep(): void {
    this.#isHeld = false;
  }

  /** Unlocks, before the tree runs on. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.options.hook("network-unlock", this.options.pid);
  }
}
