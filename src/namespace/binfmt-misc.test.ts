import { expect, test } from "bun:test";
import { parseFormat, registration } from "./binfmt-misc.ts";

test("what the kernel shows of a format is what it is registered by", () => {
  const magic = "enabled\ninterpreter /usr/bin/run\nflags: OC\noffset 4\nmagic 7f454c46\nmask ffff00ff\n";
  const one = parseFormat("elf", magic);
  expect(one && registration(one)).toBe(":elf:M:4:\\x7f\\x45\\x4c\\x46:\\xff\\xff\\x00\\xff:/usr/bin/run:OC");
  const other = parseFormat("ext", "disabled\ninterpreter /odd:path\nflags: \nextension .tsx\n");
  expect(other?.enabled).toBeFalse();
  expect(other && registration(other)).toBe(",ext,E,,tsx,,/odd:path,");
  expect(parseFormat("new", "enabled\nsomething else\n")).toBeUndefined();
});

test("what would be something else is refused", () => {
  const plain = { name: "a", enabled: true, interpreter: "/bin/a", extension: "a" };
  for (const strange of [
    { name: "../a" },
    { name: "register" },
    { name: "a\nb" },
    { interpreter: "/bin/a\n:b:E::b::/bin/b:" },
    { interpreter: ":,;|!" },
    { extension: undefined, magic: "7" },
    { interpreter: `/${"a".repeat(2000)}` },
  ])
    expect(() => registration({ ...plain, ...strange } as typeof plain)).toThrow("impossible");
});
