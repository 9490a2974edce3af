/**
 * `npm run bench -- programs`: real programs with clients that stay connected. A line each: the longest time that a client waited
 * for an answer, over trips that save the program, end it and bring it back, and over dumps that leave it running; how many
 * answers there were, and how many were lost or wrong. Ends non-zero when there is any of these.
 */
import { Stage } from "../zdtm/programs/lib/stage.ts";
import { drive, lookedAt, type RealProgram, type Trip, thereAndBack } from "../zdtm/programs/real/real.ts";
import { realPrograms } from "../zdtm/programs/real/registry.ts";
import { Tally } from "../zdtm/programs/real/tally.ts";

const times = 2;

async function measured(real: RealProgram, trip: Trip) {
  await using stage = await Stage.open();
  const trips = Array.from({ length: times }, () => trip);
  return await drive(real, stage, trips);
}

async function line(real: RealProgram, width: number): Promise<boolean> {
  const name = real.name.padEnd(width);
  const missing = real.missing();
  if (missing !== undefined) {
    console.log(`${name} skipped: ${missing}`);
    return true;
  }
  try {
    const both = [await measured(real, thereAndBack), await measured(real, lookedAt)];
    const pauses = both.map(({ pause }) => `${pause.toFixed(0)} ms`.padStart(14));
    const sum = (what: "answered" | "lost" | "wrong") => both.reduce((total, tally) => total + tally[what], 0);
    const counts = (["answered", "lost", "wrong"] as const).map((what) => `${sum(what)}`.padStart(8));
    console.log([name, ...pauses, ...counts].join(" "));
    for (const complaint of both.flatMap(({ complaints }) => complaints)) console.log(`  ${complaint}`);
    return sum("lost") + sum("wrong") === 0;
  } catch (error) {
    console.log(`${name} FAILED: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/** @returns whether every answer came and was right */
export async function programs(): Promise<boolean> {
  Tally.isEager = true;
  const width = Math.max(...realPrograms.map(({ name }) => name.length));
  const heads = [
    "there and back",
    "left running".padStart(14),
    ...["answers", "lost", "wrong"].map((it) => it.padStart(8)),
  ];
  console.log(`${"longest pause of a client".padEnd(width)} ${heads.join(" ")}`);
  let isRight = true;
  for (const real of realPrograms) isRight = (await line(real, width)) && isRight;
  return isRight;
}
