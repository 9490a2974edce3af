/**
 * What the engine says while it works. The engine never prints: it calls this, and src/cli decides where it goes
 * (CRIU's log format to a file, people's lines to a terminal, JSON lines for programs).
 */
export interface Log {
  error(text: string): void;
  warn(text: string): void;
  info(text: string): void;
  debug(text: string): void;
  /** A named step begins; the one before it is over. */
  phase(name: string): void;
  /** Bytes done of bytes to do within the current phase. */
  progress(done: number, total: number): void;
  /** At restore: the task (virtual pid) that the next lines speak of; 0 for none. */
  task?(pid: number): void;
}

export const silentLog: Log = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  phase() {},
  progress() {},
};
