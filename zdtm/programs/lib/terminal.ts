/** A terminal of a test: its outer end is ours, with a screen that shows what programs draw. */
import { statSync } from "node:fs";
import { closeFd, tryRead, tryWrite } from "../../../src/kernel/fd.ts";
import { openMaster, ptyIndex, trySetTtyNumber, trySetWindowSize } from "../../../src/kernel/tty.ts";
import { O } from "../../../src/kernel/uapi/fcntl.ts";
import { FIO, TIOC } from "../../../src/kernel/uapi/ioctl.ts";
import { cProgram } from "./build.ts";
import { Screen } from "./screen.ts";
import { type Program, type Stage, until } from "./stage.ts";

/** Numbers that nobody else on the machine takes meanwhile. */
const LEAST = 230;
const NUMBERS = 200;
let next = process.pid % NUMBERS;

function newMaster(): number {
  for (let tries = 0; tries < NUMBERS; tries++) {
    const master = openMaster(LEAST + (next++ % NUMBERS), O.RDWR | O.NONBLOCK);
    if (master !== undefined) return master;
  }
  throw new Error("no terminal can be had");
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export class Terminal implements Disposable {
  #master: number;
  readonly path: string;
  readonly screen: Screen;
  readonly #buffer = new Uint8Array(65536);
  /** All that was said here. */
  said = "";

  /** @param master one that somebody gave us, in place of a new one; ours from here on */
  constructor(size: TerminalSize = { rows: 24, columns: 80 }, master = newMaster()) {
    this.#master = master;
    this.path = `/dev/pts/${ptyIndex(master)}`;
    trySetTtyNumber(master, TIOC.SPTLCK, 0);
    trySetTtyNumber(master, FIO.NBIO, 1);
    this.screen = new Screen((text) => this.type(text), size);
    trySetWindowSize(master, [size.rows, size.columns, 0, 0]);
  }

  /** How options of the command line name it. */
  get resource(): string {
    const { rdev, dev } = statSync(this.path);
    return `tty[${rdev.toString(16)}:${dev.toString(16)}]`;
  }

  /** Types on the keyboard. */
  type(text: string): void {
    const bytes = Buffer.from(text);
    if (tryWrite(this.#master, bytes) !== bytes.length) throw new Error(`${this.path} does not take "${text}"`);
  }

  /** Draws what programs said meanwhile. */
  pump(): void {
    for (;;) {
      const got = tryRead(this.#master, this.#buffer);
      if (got <= 0) return;
      const bytes = this.#buffer.subarray(0, got);
      this.said += Buffer.from(bytes).toString("latin1");
      this.screen.feed(bytes);
    }
  }

  /** Waits until the screen shows something. */
  shows(pattern: RegExp): Promise<RegExpExecArray> {
    return until(
      () => `${this.path} shows ${pattern}; it shows:\n${this.screen.text}`,
      () => {
        this.pump();
        return pattern.exec(this.screen.text) ?? undefined;
      },
    );
  }

  /** Words in front of a command that is to run as a session's leader in this terminal. */
  get under(): string[] {
    return [cProgram("in-terminal"), this.path];
  }

  /** Starts a program that leads a session in this terminal; `reaps`: below a process that adopts its orphans. */
  start(stage: Stage, argv: string[], env: Record<string, string> = {}, { reaps = false } = {}): Promise<Program> {
    const [launcher = "", ...words] = this.under;
    const all = [launcher, ...(reaps ? ["-s"] : []), ...words, ...argv];
    return stage.start(all, { env: { TERM: "xterm", HOME: stage.path, LC_ALL: "C.UTF-8", ...env } });
  }

  /** Its end hangs up whoever is there. */
  [Symbol.dispose](): void {
    if (this.#master >= 0) closeFd(this.#master);
    this.#master = -1;
  }
}
