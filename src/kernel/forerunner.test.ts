import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { O } from "./fd.ts";
import { Forerunner } from "./forerunner.ts";

test("files are opened in our own table, links are read, and what cannot be had is no matter", () => {
  const dir = mkdtempSync(join(tmpdir(), "tscriu-forerunner-"));
  const long = "x".repeat(100);
  symlinkSync(long, join(dir, "long"));
  const runner = new Forerunner({
    files: [join(dir, "ä"), join(dir, "none/there"), join(dir, "ä")],
    flags: O.RDWR | O.CREAT | O.EXCL | O.CLOEXEC,
    mode: 0o640,
    links: ["/proc/self/ns/net", join(dir, "none"), join(dir, "long"), "/proc/thread-self/ns/pid"],
  });
  const { fds, links } = runner.finish();
  const [first = -1] = fds;
  expect([...fds].slice(1)).toEqual([-2, -17]);
  expect(readlinkSync(`/proc/self/fd/${first}`)).toBe(join(dir, "ä"));
  writeSync(first, "text");
  expect(readFileSync(join(dir, "ä"), "utf8")).toBe("text");
  closeSync(first);
  const texts = Array.from({ length: 4 }, (_, i) => links.slice(i * Forerunner.LINK, (i + 1) * Forerunner.LINK));
  expect(texts.map((text) => text.replace(/\0*$/, ""))).toEqual([
    readlinkSync("/proc/self/ns/net"),
    "",
    "x".repeat(Forerunner.LINK - 1),
    readlinkSync("/proc/self/ns/pid"),
  ]);
  rmSync(dir, { recursive: true });
});

test("nothing to do", () => {
  expect(new Forerunner({ files: [], links: [] }).finish().links.replace(/\0*$/, "")).toBe("");
});
