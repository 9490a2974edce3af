import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogCore, type LogEvent, type Reporter, sourceOf } from "./log.ts";
import { CriuReporter, criuLines, timestamp } from "./log-criu.ts";
import { jsonLine } from "./log-json.ts";
import { bar, errorText, PeopleReporter } from "./log-people.ts";
import { bytesInWords, timeInWords } from "./words.ts";

const line = (level: 1 | 2 | 3 | 4, text: string, task = 0): LogEvent => {
  return { at: 1_000_042, task, kind: "line", level, text, source: "file/x.ts:7" };
};

describe("CRIU's log format", () => {
  test("times are seconds and microseconds", () => {
    expect([0, 999_999, 12_000_042, 123_456_789].map(timestamp)).toEqual([
      "(00.000000) ",
      "(00.999999) ",
      "(12.000042) ",
      "(123.456789) ",
    ]);
  });

  test("below level 3 there are no times", () => {
    expect(criuLines(line(1, "no"), 2)).toEqual(["Error (file/x.ts:7): no\n"]);
    expect(criuLines(line(2, "hm"), 2)).toEqual(["Warn  (file/x.ts:7): hm\n"]);
    expect(criuLines(line(3, "so"), 2)).toEqual([]);
    expect(criuLines(line(1, "no"), 0)).toEqual([]);
  });

  test("from level 3 every line has one", () => {
    expect(criuLines(line(1, "no"), 3)).toEqual(["(01.000042) Error (file/x.ts:7): no\n"]);
    expect(criuLines(line(3, "so"), 3)).toEqual(["(01.000042) so\n"]);
    expect(criuLines(line(4, "so"), 3)).toEqual([]);
    expect(criuLines(line(4, "so"), 4)).toEqual(["(01.000042) so\n"]);
  });

  test("a restored task's pid stands in front", () => {
    expect(criuLines(line(3, "so", 42), 4)).toEqual(["(01.000042)     42: so\n"]);
    expect(criuLines(line(1, "no", 1234567), 4)).toEqual(["(01.000042) 1234567: Error (file/x.ts:7): no\n"]);
  });

  test("every line of a failure begins with Error", () => {
    const failure: LogEvent = { at: 0, task: 0, kind: "failure", lines: ["cannot", "because"], source: "a:1" };
    expect(criuLines(failure, 1)).toEqual(["Error (a:1): cannot\n", "Error (a:1): because\n"]);
  });
});

describe("the log", () => {
  let dir = "";
  let fd = -1;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "tscriu-log-"));
    fd = openSync(join(dir, "log"), "w");
  });
  afterEach(() => {
    closeSync(fd);
    rmSync(dir, { recursive: true });
  });

  test("names the line of our source that speaks", () => {
    const log = new LogCore([new CriuReporter({ fd, level: 2 })], "dump");
    log.error("no\nreally");
    const text = readFileSync(join(dir, "log"), "utf8");
    expect(text).toMatch(/^Error \(cli\/log\.test\.ts:\d+\): no\nError \(cli\/log\.test\.ts:\d+\): really\n$/);
  });

  test("without source lines the phase stands in", () => {
    expect(sourceOf("at x (/$bunfs/root/tscriu:1:2)", "memory:0")).toBe("memory:0");
    expect(sourceOf(undefined, "memory:0")).toBe("memory:0");
  });

  test("one log per task", () => {
    const log = new LogCore([new CriuReporter({ fd, level: 3, perTask: join(dir, "log") })], "restore");
    log.task(12);
    log.info("of 12");
    log.task(0);
    log.info("of all");
    log.close();
    expect(readFileSync(join(dir, "log.12"), "utf8")).toMatch(/of 12\n$/);
    expect(readFileSync(join(dir, "log"), "utf8")).toMatch(/^\(\d\d\.\d{6}\) of all\n$/);
  });

  test("as JSON, one object per line", () => {
    const seen: unknown[] = [];
    const reporter: Reporter = {
      report(event) {
        const text = jsonLine(event, 3);
        if (text !== undefined) seen.push(JSON.parse(text));
      },
    };
    const log = new LogCore([reporter], "dump");
    log.phase("memory");
    log.progress(1, 2);
    log.debug("left out");
    log.warn("hm");
    log.summary("Saved.", { tasks: 3 });
    expect(seen).toMatchObject([
      { event: "phase", name: "memory" },
      { event: "progress", done: 1, total: 2 },
      { event: "warning", text: "hm" },
      { event: "result", tasks: 3 },
    ]);
  });
});

describe("what people see", () => {
  function shown(lively: boolean, events: readonly LogEvent[]): string {
    let text = "";
    const screen = (part: string): void => {
      text += part;
    };
    const reporter = new PeopleReporter({ screen, lively, warnings: true });
    for (const event of events) reporter.report(event);
    return text;
  }
  const at = (ms: number) => ({ at: ms * 1000, task: 0 });
  const story: LogEvent[] = [
    { ...at(1), kind: "phase", name: "freeze" },
    { ...at(4), kind: "phase", name: "memory" },
    { ...at(5), kind: "progress", done: 0, total: 2 ** 31 },
    { ...at(500), kind: "progress", done: 2 ** 30, total: 2 ** 31 },
    { ...at(900), kind: "line", level: 3, text: "detail", source: "" },
    { ...at(1004), kind: "summary", text: "Saved.", data: {} },
  ];

  test("on a terminal: a line per phase, a bar when it takes long, a summary", () => {
    expect(shown(true, story)).toBe(
      "  freeze       3.0 ms\n" +
        `  memory       ${"█".repeat(15)}${"░".repeat(15)} 1.0 GiB of 2.0 GiB` +
        "\r\x1b[K  memory       1.0 s\nSaved.\n",
    );
  });

  test("elsewhere: nothing but warnings and errors", () => {
    expect(shown(false, story)).toBe("");
    expect(shown(false, [line(2, "hm"), line(1, "no"), line(3, "so")])).toBe("tscriu: warning: hm\ntscriu: no\n");
  });

  test("errors read from the outside in, what to do last", () => {
    const lines = [
      "cannot save the tree (pid 5)",
      "cannot read it",
      "  another one",
      "  remedy: end it",
      "remedy: be root",
    ];
    expect(errorText(lines)).toBe(
      "tscriu: cannot save the tree (pid 5)\n  because cannot read it\n  - another one\n    try: end it\n  try: be root\n",
    );
  });

  test("a bar for nothing is full", () => {
    expect(bar(0, 0)).toContain("█".repeat(30));
  });

  test("figures", () => {
    expect([0, 1023, 1024, 1.5 * 2 ** 20, 200 * 2 ** 30].map(bytesInWords)).toEqual([
      "0 bytes",
      "1023 bytes",
      "1.0 KiB",
      "1.5 MiB",
      "200 GiB",
    ]);
    expect([400, 9_940, 25_400, 999_400, 999_600, 61_000_000].map(timeInWords)).toEqual([
      "0.4 ms",
      "9.9 ms",
      "25 ms",
      "999 ms",
      "1.0 s",
      "61.0 s",
    ]);
  });
});
