/** CRIU's log format, which container runtimes and test drivers search. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { LogEvent, Reporter } from "./log.ts";

/** From this level on every line has a time. */
const timestampLevel = 3;

export interface CriuReporterOptions {
  fd: number;
  level: number;
  /** With a name, lines about a restored task go to NAME.PID. */
  perTask?: string;
}

/** `(SS.UUUUUU) `: seconds and microseconds since the log began. */
export function timestamp(us: number): string {
  const seconds = Math.floor(us / 1e6);
  return `(${String(seconds).padStart(2, "0")}.${String(us % 1e6).padStart(6, "0")}) `;
}

/** The log lines that an event makes at this level; none for what the log does not show. */
export function criuLines(event: LogEvent, level: number): string[] {
  const time = level >= timestampLevel ? timestamp(event.at) : "";
  const task = event.task > 0 ? `${String(event.task).padStart(6)}: ` : "";
  const line = (text: string): string => `${time}${task}${text}\n`;
  switch (event.kind) {
    case "line": {
      if (event.level > level) return [];
      const prefix =
        event.level === 1 ? `Error (${event.source}): ` : event.level === 2 ? `Warn  (${event.source}): ` : "";
      return [line(prefix + event.text)];
    }
    case "phase":
      return level >= 3 ? [line(`== ${event.name}`)] : [];
    case "summary":
      return level >= 3 ? [line(event.text)] : [];
    case "failure":
      return level >= 1 ? event.lines.map((text) => line(`Error (${event.source}): ${text}`)) : [];
    case "progress":
      return [];
  }
}

export class CriuReporter implements Reporter {
  private readonly options: CriuReporterOptions;
  private readonly files = new Map<number, number>();

  constructor(options: CriuReporterOptions) {
    this.options = options;
  }

  private fdFor(task: number): number {
    const { fd, perTask } = this.options;
    if (perTask === undefined || task <= 0) return fd;
    const open = this.files.get(task);
    if (open !== undefined) return open;
    const made = openSync(`${perTask}.${task}`, "w", 0o600);
    this.files.set(task, made);
    return made;
  }

  report(event: LogEvent): void {
    const lines = criuLines(event, this.options.level);
    if (lines.length > 0) writeAll(this.fdFor(event.task), lines.join(""));
  }

  close(): void {
    for (const fd of this.files.values()) closeSync(fd);
    this.files.clear();
  }
}

/** A log that cannot be written (full disk, closed pipe) must not stop a dump half way: what does not fit is lost. */
export function writeAll(fd: number, text: string): void {
  try {
    let bytes: Uint8Array = Buffer.from(text);
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(fd, bytes));
  } catch {}
}
