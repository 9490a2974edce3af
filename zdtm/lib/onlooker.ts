/** Looks at a tree from outside, again and again: it has to look the same. */
import { readdirSync } from "node:fs";
import type { Case } from "./cases.ts";
import { asleep, differences, type Snapshot, takeSnapshot } from "./snapshot.ts";
import { Failure } from "./waiting.ts";

/** A tree that a busy machine lets run seldom gets this long to look as it should. */
const calm = 10_000;
/** A case that moves on by itself is compared from inside only, but for what no task of it changes. */
const movingParts = [
  "pids",
  "area",
  "memory",
  "fd",
  "thread",
  "net sockets",
  "files",
  "status Threads",
  "status ShdPnd",
  "status SigPnd",
  "status SigBlk",
];
const movingReason = "the case keeps changing it";
/** What a JavaScript engine changes by itself at any time. */
const engineParts = ["area", "memory", "thread", "status Threads"];
const engineReason = "the engine's collector and compiler threads come, go and map memory as they like";

/** Where the tree is to be seen. */
export interface Place {
  /** A /proc where its processes have the numbers that they know themselves. */
  readonly proc: string;
  /** What its first process is called there. */
  readonly first: number;
  /** The dump leaves the tree running. */
  readonly isLeft: boolean;
  /** Somebody of the tree lives on behind the dump. */
  readonly livesOn: boolean;
}

export class Onlooker {
  /** @param isFresh its pids are those of a new namespace once it is back */
  constructor(
    private readonly it: Case,
    private readonly isFresh: boolean,
    private readonly directory: string,
    private readonly place: () => Place,
  ) {}

  private get moves(): boolean {
    return this.it.suite === "transition" || this.it.language === "ts";
  }

  private get except(): Record<string, string> {
    const { except, opts = [], dumpOpts = [], restoreOpts = [] } = this.it.header;
    const own = { ...except };
    // connections that are to go
    const isLess = [opts, dumpOpts, restoreOpts].flat().some((word) => /^--(tcp-close|skip-in-flight)$/.test(word));
    if (isLess) own["net sockets"] ??= "the options take some away";
    if (this.it.suite === "transition") for (const part of movingParts) own[part] ??= movingReason;
    if (this.it.language === "ts") for (const part of engineParts) own[part] ??= engineReason;
    return own;
  }

  private snapshot(): Snapshot {
    const { first, proc, isLeft, livesOn } = this.place();
    const memory = this.it.language === "c" && this.it.suite === "static" && this.except.memory === undefined;
    const taken = takeSnapshot(first, { proc, memory, exceptCode: livesOn, fresh: this.isFresh });
    const files = readdirSync(this.directory, { recursive: true, encoding: "utf8" });
    // the threads of an engine wake one another whenever they like; the case itself looks at the counters that are its own
    if (this.it.language === "ts")
      for (const [key, value] of taken) taken.set(key, value.replace(/eventfd-count: \S+/, "eventfd-count:"));
    // The children of a case that moves on come and go; its first process stays.
    if (this.it.suite === "transition")
      for (const key of taken.keys()) if (!key.startsWith(`${first} `)) taken.delete(key);
    taken.set(
      "files",
      files
        .filter((f) => !/^images-|^\./.test(f))
        // what the images need stays beside the file when the tree lives on
        .filter((f) => !isLeft || !/(^|\/)link_remap\.\d+$/.test(f))
        .sort()
        .join(" "),
    );
    return taken;
  }

  /** The first view that a second one a moment later confirms: the way from the ready mark into the wait is over. */
  async settled(): Promise<Snapshot> {
    const isQuiet = () => {
      const { first, proc } = this.place();
      return this.moves || asleep(first, proc);
    };
    const late = performance.now() + calm;
    // a view takes longer than this question, and the CPU from those who are on their way
    for (let nap = 2; !isQuiet() && performance.now() < late; nap = Math.min(20, nap * 1.5)) await Bun.sleep(nap);
    let last = this.snapshot();
    for (let nap = 3; performance.now() < late; nap = Math.min(20, nap * 1.5)) {
      await Bun.sleep(nap);
      // asked before the view: who runs until then, and sleeps behind it, is seen as it was
      const quiet = isQuiet();
      const now = this.snapshot();
      if (quiet && differences(last, now, this.except).length === 0) return now;
      last = now;
    }
    return last; // a case that is never quiet is told so by the comparison
  }

  compare(when: string, before: Snapshot): void {
    this.blameFor(when, differences(before, this.snapshot(), this.except));
  }

  private blameFor(when: string, found: readonly string[]): void {
    if (found.length === 0) return;
    const shown = found.slice(0, 25).map((line) => `    ${line}`);
    if (found.length > shown.length) shown.push(`    ... and ${found.length - shown.length} more`);
    throw new Failure(`${when} the tree looks different from outside:\n${shown.join("\n")}`);
  }

  /** Compares once every thread has had the time to enter the call again in which it was stopped. */
  async becomes(when: string, before: Snapshot): Promise<void> {
    const look = () => differences(before, this.snapshot(), this.except);
    let found = look();
    const late = performance.now() + calm;
    for (let nap = 3; found.length > 0 && performance.now() < late; nap = Math.min(20, nap * 1.5)) {
      await Bun.sleep(nap);
      found = look();
    }
    this.blameFor(when, found);
  }
}
