/** Clients inside the tree check the answers themselves, and append lines to a report: asked, answered, wrong, pause in ms. */
import { existsSync, readFileSync } from "node:fs";
import { describeStatus } from "../../lib/keeper.ts";
import { type Program, type Stage, until } from "../lib/stage.ts";
import type { Running } from "./real.ts";
import { Tally } from "./tally.ts";

export const reportOf = (stage: Stage) => stage.file("report");

/** @param clients so many there are; they end at SIGTERM to the first process, with `over` as the last word */
export function inside(stage: Stage, program: Program, clients: number): Running {
  const tally = new Tally();
  const read = () => {
    const text = existsSync(reportOf(stage)) ? readFileSync(reportOf(stage), "utf8") : "";
    const whole = text.slice(0, text.lastIndexOf("\n"));
    const words = whole.slice(whole.lastIndexOf("\n") + 1).split(" ");
    const [asked = 0, answered = 0, wrong = 0, pause = 0] = words.map((word) => Number(word) || 0);
    Object.assign(tally, { asked, answered, wrong, pause });
    return words.at(-1);
  };
  const moved = async () => {
    read();
    const before = tally.answered;
    await until(
      () => `clients of pid ${program.pid} are answered; it said ${program.said}`,
      () => {
        read();
        return tally.answered >= before + clients * 10 ? true : undefined;
      },
    );
  };
  return {
    program,
    tally,
    words: ["--tcp-established"],
    before: moved,
    after: moved,
    async finish() {
      process.kill(program.pid, "SIGTERM");
      const status = await program.end;
      if (status !== 0) tally.fail(`it ends with ${describeStatus(status)}: ${program.said}`);
      if (read() !== "over") tally.fail("the clients did not end");
    },
  };
}
