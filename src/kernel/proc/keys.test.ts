import { describe, expect, test } from "bun:test";
import { NR } from "../nr.ts";
import { addressOf, cstring, must, sys } from "../sys.ts";
import { KEY_SPEC, KEYCTL } from "../uapi/keyctl.ts";
import { parseKeys, readKeys } from "./keys.ts";

describe("keys", () => {
  test("lines of every kind", () => {
    const text =
      "0b223387 I------     1 perm 0f0b0000     0     0 keyring   .blacklist: empty\n" +
      "0e75071b I--Q---    12   1m 3f010000  1000    -1 user      a: b: 5\n" +
      "16211f62 I--Q---     6 expd 3f1b0000     0     0 keyring   _ses.abc: 5\n" +
      "16211f63 I-----i     1   3w 3f1b0000     0     0 logon     x:y\n" +
      "something else\n";
    expect([...parseKeys(text).values()]).toEqual([
      { serial: 0x0b223387, usage: 1, left: undefined, type: "keyring", description: ".blacklist" },
      { serial: 0x0e75071b, usage: 12, left: 60, type: "user", description: "a: b" },
      { serial: 0x16211f62, usage: 6, left: 0, type: "keyring", description: "_ses.abc" },
      { serial: 0x16211f63, usage: 1, left: 3 * 604_800, type: "logon", description: "x:y" },
    ]);
    expect(parseKeys("").size).toBe(0);
  });

  test("a key of our own", () => {
    if (sys(NR.keyctl, KEYCTL.GET_KEYRING_ID, KEY_SPEC.PROCESS, 1) < 0) return; // no keys here
    const [type, name, text] = ["user", `tscriu-test-${process.pid}`, "text"].map(cstring);
    if (!type || !name || !text) throw new Error("no strings");
    const serial = must(NR.add_key, [addressOf(type), addressOf(name), addressOf(text), 4, KEY_SPEC.PROCESS]);
    must(NR.keyctl, [KEYCTL.SET_TIMEOUT, serial, 7300]);
    const key = readKeys(process.getuid?.() ?? 0).get(serial);
    expect(key).toMatchObject({ type: "user", description: `tscriu-test-${process.pid}`, left: 7200 });
  });
});
