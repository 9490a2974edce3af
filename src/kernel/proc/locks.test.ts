import { describe, expect, test } from "bun:test";
import { parseLocks, readLocks } from "./locks.ts";

describe("locks", () => {
  test("one that waits", () => {
    const text = "1: POSIX  ADVISORY  WRITE 12 fe:00:34 0 9\n1: -> POSIX  ADVISORY  READ 13 fe:00:34 5 EOF\n";
    expect(parseLocks(text)).toMatchObject([
      { pid: 12, blocked: false, end: 9n },
      { pid: 13, blocked: true, type: "READ", start: 5n },
    ]);
    expect(() => parseLocks("1: POSIX\n")).toThrow("unknown form");
  });

  test("what this machine has", () => {
    for (const lock of readLocks()) expect(lock.end).toBeGreaterThanOrEqual(lock.start);
  });
});
