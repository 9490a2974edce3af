/** A program that nobody wrote for us, with clients that are connected before and go on after. */
import type { Program, Stage } from "../lib/stage.ts";
import type { Tally } from "./tally.ts";

export interface Running {
  program: Program;
  /** What is counted and timed. */
  tally: Tally;
  /** Options for both commands. */
  words: readonly string[];
  /** Brings about, before each trip, what it has to be in the middle of. */
  before?(): Promise<void>;
  /** Called when it is gone, between dump and restore. */
  gone?(): void;
  /** Waits, after each trip, for the end of that. */
  after?(): Promise<void>;
  /** What has to hold when all clients have ended. */
  finish?(): Promise<void>;
}

export interface RealProgram {
  name: string;
  /** Why it cannot run here. */
  missing(): string | undefined;
  start(stage: Stage): Promise<Running>;
}

export type Trip = (running: Running) => Promise<void>;

/** Dump, gone, restore. */
export const thereAndBack: Trip = ({ program, words, gone }) => program.trip({ words }, gone);

/** A dump that it does not notice. */
export const lookedAt: Trip = ({ program, words }) => program.dumpRunning({ words });

/** Lets it do its work, with trips in the middle; what its clients saw. */
export async function drive(real: RealProgram, stage: Stage, trips: readonly Trip[]): Promise<Tally> {
  const running = await real.start(stage);
  const { tally } = running;
  try {
    for (const trip of trips) {
      await tally.calmly(running.before?.());
      await tally.goesOn();
      await trip(running);
      await tally.goesOn();
      await tally.calmly(running.after?.());
    }
  } finally {
    await tally.end();
  }
  await running.finish?.();
  return tally;
}

/** Why a command cannot be run. */
export function without(command: string, debian: string): string | undefined {
  return Bun.which(command) === null ? `there is no ${command} (Debian: ${debian})` : undefined;
}

/** A port that nobody has at the moment. */
export function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}
