/** One log core with reporters: the engine speaks once, and each reporter writes it for its own readers. */
import type { Log } from "../log.ts";

export type Level = 1 | 2 | 3 | 4;

export type LogEvent = {
  /** Microseconds since the log was opened. */
  at: number;
  /** Virtual pid of the restored task that this is about, 0 for none. */
  task: number;
} & (
  | { kind: "line"; level: Level; text: string; source: string }
  | { kind: "phase"; name: string }
  | { kind: "progress"; done: number; total: number }
  | { kind: "summary"; text: string; data: Readonly<Record<string, unknown>> }
  | { kind: "failure"; lines: readonly string[]; source: string }
);

export interface Reporter {
  report(event: LogEvent): void;
  close?(): void;
}

/** Modules that make errors and lines for others. */
const messengers: ReadonlySet<string> = new Set([
  "error.ts",
  "cli/log.ts",
  "cli/usage-error.ts",
  "cli/file-error.ts",
  "kernel/sys.ts",
]);

/**
 * `FILE:LINE` of the first frame of a stack in our source tree that speaks for itself. The built file keeps no source
 * lines: there it is `otherwise`.
 */
export function sourceOf(stack: string | undefined, otherwise: string): string {
  for (const frame of (stack ?? "").split("\n")) {
    const match = /\/src\/([\w./-]+\.ts):(\d+)/.exec(frame);
    if (match?.[1] !== undefined && !messengers.has(match[1])) return `${match[1]}:${match[2]}`;
  }
  return otherwise;
}

export class LogCore implements Log {
  private readonly start = performance.now();
  private readonly reporters: readonly Reporter[];
  private phaseName: string;
  private about = 0;

  /** @param command names the source of lines that come before the first phase */
  constructor(reporters: readonly Reporter[], command: string) {
    this.reporters = reporters;
    this.phaseName = command;
  }

  private stamp(): { at: number; task: number } {
    return { at: Math.round((performance.now() - this.start) * 1000), task: this.about };
  }

  private send(event: LogEvent): void {
    for (const reporter of this.reporters) reporter.report(event);
  }

  private line(level: Level, text: string): void {
    const source = level <= 2 ? sourceOf(new Error().stack, `${this.phaseName}:0`) : "";
    for (const part of text.split("\n")) this.send({ ...this.stamp(), kind: "line", level, text: part, source });
  }

  error(text: string): void {
    this.line(1, text);
  }

  warn(text: string): void {
    this.line(2, text);
  }

  info(text: string): void {
    this.line(3, text);
  }

  debug(text: string): void {
    this.line(4, text);
  }

  phase(name: string): void {
    this.phaseName = name;
    this.send({ ...this.stamp(), kind: "phase", name });
  }

  progress(done: number, total: number): void {
    this.send({ ...this.stamp(), kind: "progress", done, total });
  }

  task(pid: number): void {
    this.about = pid;
  }

  /** The end of a success: a sentence for people, the figures for programs. */
  summary(text: string, data: Readonly<Record<string, unknown>>): void {
    this.about = 0;
    this.send({ ...this.stamp(), kind: "summary", text, data });
  }

  /** The end of a failure. @param lines the chain, outermost first */
  failure(lines: readonly string[], stack?: string): void {
    this.about = 0;
    this.send({ ...this.stamp(), kind: "failure", lines, source: sourceOf(stack, `${this.phaseName}:0`) });
  }

  close(): void {
    for (const reporter of this.reporters) reporter.close?.();
  }
}
