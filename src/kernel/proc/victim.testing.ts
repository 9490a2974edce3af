import { NR } from "../nr.ts";
import { must } from "../sys.ts";

/** For tests: a shell that did what it was told, said so, and waits until it is disposed of. */
export class Victim implements AsyncDisposable {
  private constructor(private readonly child: Bun.Subprocess<"pipe", "pipe", "inherit">) {}

  /** @param script shell commands; the shell itself waits behind them */
  static async start(script: string, command: readonly string[] = ["sh", "-c"]): Promise<Victim> {
    const child = Bun.spawn([...command, `${script}\necho ready\nread line`], { stdin: "pipe", stdout: "pipe" });
    const reader = child.stdout.getReader();
    let said = "";
    while (!said.endsWith("ready\n")) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`the victim ended early: ${said}`);
      said += new TextDecoder().decode(value);
    }
    reader.releaseLock();
    const victim = new Victim(child);
    victim.said = said.slice(0, -"ready\n".length);
    return victim;
  }

  /** What it printed before it was ready. */
  said = "";

  get pid(): number {
    return this.child.pid;
  }

  /** Ends it and takes its status, so that the pid is free. */
  async end(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** For tests: takes the status of a descendant whose parent is dead. Needs `adopt` to have been called before. */
export function reap(pid: number): void {
  must(NR.wait4, [pid, 0, 0, 0]);
}

/** For tests: orphaned descendants become our children, not those of init. */
export function adopt(on: boolean): void {
  const PR_SET_CHILD_SUBREAPER = 36;
  must(NR.prctl, [PR_SET_CHILD_SUBREAPER, on ? 1 : 0]);
}

/** The same until it is disposed of: what others of the same process leave must go to init again. */
export function adopting(): Disposable {
  adopt(true);
  return { [Symbol.dispose]: () => adopt(false) };
}
