/** For people: on a terminal a line per phase with a bar for long copies, elsewhere nothing but errors. */
import { writeSync } from "node:fs";
import type { LogEvent, Reporter } from "./log.ts";
import { bytesInWords, timeInWords } from "./words.ts";

/** A bar appears when a phase lasts longer than this, and moves this often, microseconds. */
const barDelay = 200_000;
const barEvery = 80_000;
const barWidth = 30;

/** Everything there is to see, from where it goes to: false when it could not be written. */
export type Screen = (text: string) => void;

/**
 * Writes without ever waiting: the reader of this terminal may be a task of the very tree that is frozen. What a full
 * terminal does not take is lost.
 * @param fd opened with O_NONBLOCK on a description of its own
 */
export function terminalScreen(fd: number): Screen {
  return (text) => {
    try {
      writeSync(fd, text);
    } catch {}
  };
}

export function bar(done: number, total: number): string {
  const full = total > 0 ? Math.min(barWidth, Math.floor((done / total) * barWidth)) : barWidth;
  return `${"█".repeat(full)}${"░".repeat(barWidth - full)} ${bytesInWords(done)} of ${bytesInWords(total)}`;
}

/** An error for the eyes: what failed first, then why, each step further in; remedies last. */
export function errorText(lines: readonly string[]): string {
  return lines
    .map((line, i) => {
      if (i === 0) return `tscriu: ${line}\n`;
      const [, indent, remedy] = /^( *)remedy: (.*)$/.exec(line) ?? [];
      if (remedy) return indent ? `    try: ${remedy}\n` : `  try: ${remedy}\n`;
      return line.startsWith("  ") ? `  - ${line.trimStart()}\n` : `  because ${line}\n`;
    })
    .join("");
}

export interface PeopleReporterOptions {
  screen: Screen;
  /** A line per phase, bars and the summary too; else errors alone. */
  lively: boolean;
  /** Warnings as they come. */
  warnings: boolean;
}

export class PeopleReporter implements Reporter {
  private readonly options: PeopleReporterOptions;
  private phase: { name: string; since: number } | undefined;
  private barAt = 0;
  private barShown = false;

  constructor(options: PeopleReporterOptions) {
    this.options = options;
  }

  private show(text: string): void {
    if (this.barShown) this.options.screen("\r\x1b[K");
    this.barShown = false;
    this.options.screen(text);
  }

  private endPhase(at: number): void {
    if (!this.phase) return;
    this.show(`  ${this.phase.name.padEnd(12)} ${timeInWords(at - this.phase.since)}\n`);
    this.phase = undefined;
  }

  report(event: LogEvent): void {
    const { lively, warnings } = this.options;
    switch (event.kind) {
      case "phase":
        if (!lively) return;
        this.endPhase(event.at);
        this.phase = { name: event.name, since: event.at };
        return;
      case "progress":
        if (!lively || !this.phase || event.at - this.phase.since < barDelay || event.at - this.barAt < barEvery)
          return;
        this.barAt = event.at;
        this.show(`  ${this.phase.name.padEnd(12)} ${bar(event.done, event.total)}`);
        this.barShown = true;
        return;
      case "line":
        if (event.level === 1 || (event.level === 2 && warnings)) {
          this.show(`tscriu: ${event.level === 2 ? "warning: " : ""}${event.text}\n`);
        }
        return;
      case "summary":
        if (!lively) return;
        this.endPhase(event.at);
        this.show(`${event.text}\n`);
        return;
      case "failure":
        if (lively && this.phase) this.show(`  ${this.phase.name.padEnd(12)} failed\n`);
        this.phase = undefined;
        this.show(errorText(event.lines));
        return;
    }
  }
}
