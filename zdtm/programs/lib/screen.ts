/** What stands on a terminal's screen: the sequences of ECMA-48 and xterm that real programs draw with. */

const DEFAULT_SIZE = { rows: 24, columns: 80 };
const TAB = 8;
const [BELL, ESCAPE] = ["\x07", "\x1b"];
/** What stands behind the escape: a control sequence, a character set, one letter. */
const SEQUENCE = /^(?:\[([?>=!]*)([\d;:]*)([ -/]*)([@-~])|[()*+#%][ -~]|([0-OQ-Z\\`-~]))/;
/** A string for the terminal (a title, a colour), up to a bell or an escape and a backslash. */
const STRING = /^[\]P_^X]/;
/** Longer than any sequence: what is not whole by then is no sequence. */
const LONGEST = 4096;

export class Screen {
  rows: number;
  columns: number;
  #lines: string[][];
  #other: string[][];
  #row = 0;
  #column = 0;
  #saved: [row: number, column: number] = [0, 0];
  #top = 0;
  #bottom: number;
  /** The cursor stands behind the last column: the next character begins a new line. */
  #full = false;
  #rest = "";
  readonly #decoder = new TextDecoder();

  /** @param answer sends what a terminal answers to questions */
  constructor(
    readonly answer: (text: string) => void,
    size = DEFAULT_SIZE,
  ) {
    this.rows = size.rows;
    this.columns = size.columns;
    this.#bottom = this.rows - 1;
    this.#lines = this.#blank();
    this.#other = this.#blank();
  }

  /** The lines, without blanks at their ends. */
  get lines(): string[] {
    return this.#lines.map((line) => line.join("").trimEnd());
  }

  get text(): string {
    return this.lines.join("\n").trimEnd();
  }

  #blank(): string[][] {
    return Array.from({ length: this.rows }, () => this.#blankLine());
  }

  #blankLine(): string[] {
    return Array.from({ length: this.columns }, () => " ");
  }

  feed(bytes: Uint8Array): void {
    let text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    this.#rest = "";
    while (text !== "") {
      const [first = ""] = text;
      if (first !== ESCAPE) {
        this.#character(first);
        text = text.slice(first.length);
        continue;
      }
      const length = this.#escaped(text.slice(1));
      if (length === undefined && text.length < LONGEST) {
        this.#rest = text;
        return;
      }
      text = text.slice(1 + (length ?? 0));
    }
  }

  /** Does what a sequence says; its length, or undefined while it is not whole. */
  #escaped(text: string): number | undefined {
    if (STRING.test(text)) {
      const ends = [BELL, `${ESCAPE}\\`].map((end) => ({ at: text.indexOf(end), end })).filter(({ at }) => at >= 0);
      const [first] = ends.sort((a, b) => a.at - b.at);
      return first && first.at + first.end.length;
    }
    const found = SEQUENCE.exec(text);
    if (found === null) return undefined;
    this.#sequence(found);
    return found[0].length;
  }

  #character(character: string): void {
    if (character === "\r") this.#move(this.#row, 0);
    else if (character === "\n") this.#down();
    else if (character === "\b") this.#move(this.#row, this.#column - 1);
    else if (character === "\t") this.#move(this.#row, this.#column + TAB - (this.#column % TAB));
    else if (character >= " " && character !== "\x7f") this.#put(character);
  }

  #put(character: string): void {
    if (this.#full) {
      this.#move(this.#row, 0);
      this.#down();
    }
    this.#line(this.#row)[this.#column] = character;
    if (this.#column === this.columns - 1) this.#full = true;
    else this.#column++;
  }

  #line(row: number): string[] {
    const line = this.#lines[row];
    if (line === undefined) throw new Error(`no line ${row} on a screen of ${this.rows}`);
    return line;
  }

  #move(row: number, column: number): void {
    this.#full = false;
    this.#row = Math.max(0, Math.min(this.rows - 1, row));
    this.#column = Math.max(0, Math.min(this.columns - 1, column));
  }

  #down(): void {
    if (this.#row === this.#bottom) this.#scroll(this.#top, 1);
    else this.#move(this.#row + 1, this.#column);
  }

  #up(): void {
    if (this.#row === this.#top) this.#scroll(this.#top, -1);
    else this.#move(this.#row - 1, this.#column);
  }

  /** Moves the lines from `top` to the end of the region up, or down for a negative count. */
  #scroll(top: number, count: number): void {
    const many = Math.min(Math.abs(count), this.#bottom - top + 1);
    for (let turn = 0; turn < many; turn++) {
      const [gone, fresh] = count > 0 ? [top, this.#bottom] : [this.#bottom, top];
      this.#lines.splice(gone, 1);
      this.#lines.splice(fresh, 0, this.#blankLine());
    }
  }

  #erase(row: number, from: number, to: number): void {
    this.#line(row).fill(" ", from, to);
  }

  #sequence([, mark = "", digits = "", between = "", final, letter]: RegExpExecArray): void {
    if (letter !== undefined) this.#escape(letter);
    if (final === undefined || between !== "") return;
    const numbers = digits.split(/[;:]/).map((word) => (word === "" ? 0 : Number(word)));
    const [first = 0, second = 0] = numbers;
    if (mark === "?" && (final === "h" || final === "l")) {
      if (numbers.some((mode) => mode === 47 || mode === 1047 || mode === 1049)) this.#swap(final === "h");
    } else if (mark === "") this.#control(final, first, second);
  }

  #escape(letter: string): void {
    if (letter === "7") this.#saved = [this.#row, this.#column];
    else if (letter === "8") this.#move(...this.#saved);
    else if (letter === "M") this.#up();
    else if (letter === "D") this.#down();
    else if (letter === "E") {
      this.#move(this.#row, 0);
      this.#down();
    } else if (letter === "c") {
      this.#lines = this.#blank();
      this.#move(0, 0);
    }
  }

  /** The second screen, for programs that fill it: blank when one begins. */
  #swap(on: boolean): void {
    [this.#lines, this.#other] = [on ? this.#blank() : this.#other, this.#lines];
    if (on) this.#saved = [this.#row, this.#column];
    else this.#move(...this.#saved);
  }

  #control(final: string, first: number, second: number): void {
    const count = Math.max(1, first);
    const [row, column] = [this.#row, this.#column];
    if (final === "A") this.#move(row - count, column);
    else if (final === "B" || final === "e") this.#move(row + count, column);
    else if (final === "C" || final === "a") this.#move(row, column + count);
    else if (final === "D") this.#move(row, column - count);
    else if (final === "E") this.#move(row + count, 0);
    else if (final === "F") this.#move(row - count, 0);
    else if (final === "G" || final === "`") this.#move(row, count - 1);
    else if (final === "d") this.#move(count - 1, column);
    else if (final === "H" || final === "f") this.#move(count - 1, Math.max(1, second) - 1);
    else if (final === "J") this.#eraseScreen(first);
    else if (final === "K") this.#erase(row, first === 0 ? column : 0, first === 1 ? column + 1 : this.columns);
    else if (final === "L") this.#scroll(row, -count);
    else if (final === "M") this.#scroll(row, count);
    else if (final === "S") this.#scroll(this.#top, count);
    else if (final === "T") this.#scroll(this.#top, -count);
    else if (final === "P") this.#shift(column, count);
    else if (final === "@") this.#shift(column, -count);
    else if (final === "X") this.#erase(row, column, Math.min(this.columns, column + count));
    else if (final === "r") {
      this.#top = count - 1;
      this.#bottom = (second === 0 ? this.rows : second) - 1;
      this.#move(0, 0);
    } else if (final === "n" && first === 6) this.answer(`\x1b[${row + 1};${column + 1}R`);
    else if (final === "c") this.answer("\x1b[?1;2c");
  }

  /** Takes characters out of a line at a column, or makes room for as many. */
  #shift(column: number, count: number): void {
    const line = this.#line(this.#row);
    const blanks = Array.from({ length: Math.abs(count) }, () => " ");
    if (count > 0) line.splice(column, count);
    else line.splice(column, 0, ...blanks);
    line.push(...blanks);
    line.length = this.columns;
  }

  #eraseScreen(which: number): void {
    const [from, to] = which === 0 ? [this.#row + 1, this.rows] : which === 1 ? [0, this.#row] : [0, this.rows];
    for (let row = from; row < to; row++) this.#erase(row, 0, this.columns);
    if (which === 0) this.#erase(this.#row, this.#column, this.columns);
    if (which === 1) this.#erase(this.#row, 0, this.#column + 1);
  }
}
