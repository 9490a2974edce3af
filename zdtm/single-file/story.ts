/** What init.c tells on its way. */

const steps = [
  "version",
  "check",
  "victim counts",
  "dump that leaves it running",
  "it runs on",
  "dumps that are killed",
  "it runs on after those",
  "dump",
  "victim is gone",
  "count stands still",
  "restore",
  "same process",
  "count goes on",
  "all of it goes on",
  "nothing is lost",
  "end",
];

/** Every step, and how it has to end. */
export const allWell = Object.fromEntries(steps.map((name) => [name, "ok"]));

/** The lines `step NAME: RESULT` of init. */
export function stepsOf(output: string): Map<string, string> {
  return new Map([...output.matchAll(/^step (.+?): (.*?)\r?$/gm)].map((found) => [found[1] ?? "", found[2] ?? ""]));
}
