import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAhead } from "./read-ahead.ts";

const dir = mkdtempSync(join(tmpdir(), "tscriu-ahead-"));
const path = join(dir, "file");
const lines = Array.from({ length: 60_000 }, (_, i) => `line ${i}, of ${i % 97} words\n`).join("");

/** Reads by whole lines, and gives them back together. */
function read(room?: number, begun?: Uint8Array): { result: number; text: string; pieces: number } {
  const fd = openSync(path, "r");
  let text = "";
  let pieces = 0;
  const result = readAhead(
    fd,
    (piece, isAll) => {
      const end = isAll ? piece.length : piece.lastIndexOf("\n") + 1;
      text += piece.toString("latin1", 0, end);
      pieces++;
      return end;
    },
    begun,
    room,
  );
  closeSync(fd);
  return { result, text, pieces };
}

test("a file is read piece by piece, each byte once", () => {
  writeFileSync(path, lines);
  const { result, text } = read();
  expect(result).toBe(0);
  expect(text === lines).toBe(true);
});

test("what was read already comes first", () => {
  writeFileSync(path, lines);
  const { text } = read(undefined, Buffer.from("what was before\n"));
  expect(text === `what was before\n${lines}`).toBe(true);
});

test("a file for which there is not enough room at once", () => {
  writeFileSync(path, lines);
  const { result, text, pieces } = read(256 << 10);
  expect(result).toBe(0);
  expect(pieces).toBeGreaterThan(4);
  expect(text === lines).toBe(true);
});

test("an empty file, one without a whole line in all of the room, and what cannot be read", () => {
  writeFileSync(path, "");
  expect(read()).toEqual({ result: 0, text: "", pieces: 1 });
  writeFileSync(path, "x".repeat(1 << 20));
  expect(read(256 << 10).result).toBe(-7);
  const fd = openSync(dir, "r");
  expect(readAhead(fd, () => 0)).toBe(-21);
  closeSync(fd);
  rmSync(dir, { recursive: true });
});
