/** The log as one JSON object per line. */
import type { LogEvent, Reporter } from "./log.ts";
import { writeAll } from "./log-criu.ts";

const levelNames = { 1: "error", 2: "warning", 3: "info", 4: "debug" } as const;

/** Undefined for what the level leaves out. Times (`at`) are microseconds since the log began. */
export function jsonLine(event: LogEvent, level: number): string | undefined {
  const about = event.task > 0 ? { task: event.task } : {};
  const base = { at: event.at, ...about };
  switch (event.kind) {
    case "line": {
      if (event.level > level) return undefined;
      const source = event.source ? { source: event.source } : {};
      return JSON.stringify({ event: levelNames[event.level], ...base, text: event.text, ...source });
    }
    case "phase":
      return JSON.stringify({ event: "phase", ...base, name: event.name });
    case "progress":
      return JSON.stringify({ event: "progress", ...base, done: event.done, total: event.total });
    case "summary":
      return JSON.stringify({ event: "result", ...base, ...event.data });
    case "failure":
      return JSON.stringify({ event: "failure", ...base, lines: event.lines, source: event.source });
  }
}

export class JsonReporter implements Reporter {
  private readonly fd: number;
  private readonly level: number;

  constructor(fd: number, level: number) {
    this.fd = fd;
    this.level = level;
  }

  report(event: LogEvent): void {
    const line = jsonLine(event, this.level);
    if (line !== undefined) writeAll(this.fd, `${line}\n`);
  }
}
