/** A terminal of a test: its outer end is ours, with a screen that shows what programs draw. */
import { closeFd, tryRead, tryWrite } from "../../../src/kernel/fd.ts";
import { openMaster, trySetTtyNumber, trySetWindowSize } from "../../../src/kernel/tty.ts";
import { O } from "../../../src/kernel/uapi/fcntl.ts";
import { TIOC } from "../../../src/kernel/uapi/ioctl.ts";
import { cProgram } from "./build.ts";
import { Screen } from "./screen.ts";
import { type Program, type Stage, until } from "./stage.ts";

/** Numbers that nobody else on the machine takes meanwhile. */
const LEAST = 230;
const NUMBERS = 200;
let next = process.pid % NUMBERS;

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export class Terminal implements Disposable {
  readonly #master: number;
  readonly path: string;
  readonly screen: Screen;
  readonly #buffer = new Uint8Array(65536);
  /** All that was said here. */
  said = "";

  constructor(size: TerminalSize = { rows: 24, columns: 80 }) {
    let index = -1;
    let master: number | undefined;
    for (let tries = 0; master === undefined && tries < NUMBERS; tries++) {
      index = LEAST + (next++ % NUMBERS);
      master = openMaster(index, O.RDWR | O.NONBLOCK);
    }
    if (master === undefined) throw new Error("no terminal can be had");
    this.#master = master;
    this.path = `/dev/pts/${index}`;
    trySetTtyNumber(master, TIOC.SPTLCK, 0);
    this.screen = new Screen((text) => this.type(text), size);
    trySetWindowSize(master, [size.rows, size.columns, 0, 0]);
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

  [Symbol.dispose](): void {
    closeFd(this.#master);
  }
}
