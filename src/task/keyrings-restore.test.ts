import { describe, expect, test } from "bun:test";
import { Program } from "../agent/program.ts";
import { silentLog } from "../log.ts";
import { type Keyholder, RestoredKeys } from "./keyrings-restore.ts";

describe("keyrings", () => {
  test("ids that no image explains make nothing", () => {
    const bytes = new Uint8Array(0x8a000);
    const view = new DataView(bytes.buffer);
    const subject = { pid: 1 };
    const execute = (): number => {
      throw new Error("somebody was asked to make something");
    };
    const program = new Program({ bytes, view, base: 0, execute, subject });
    const rings = { session: 7, process: 8, thread: 9, keys: [] };
    const holder: Keyholder = { pid: 1, uid: 0, gid: 0, program, rings, space: undefined };
    const keys = new RestoredKeys([holder], silentLog);
    expect(() => {
      keys.begin();
      keys.finish();
    }).not.toThrow();
  });

  test("without keys nobody is asked, and nothing is said", () => {
    const warnings: string[] = [];
    const keys = new RestoredKeys([], { ...silentLog, warn: (text) => void warnings.push(text) });
    keys.begin();
    keys.finish();
    expect(warnings).toEqual([]);
  });
});
