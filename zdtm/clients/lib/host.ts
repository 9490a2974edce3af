/** Something like a machine: mounts, network, host name and processes of its own, in which programs are run. */
import { readFileSync } from "node:fs";
import { binary } from "../../lib/binary.ts";
import { Keeper } from "../../lib/keeper.ts";
import { Scratch } from "../../unharmed/lib/victim.ts";

export class Host implements AsyncDisposable {
  readonly scratch = new Scratch();
  #runs = 0;

  private constructor(readonly keeper: Keeper) {}

  /** @param prepare a shell script that makes of it what it is to be */
  static async start(prepare: string): Promise<Host> {
    const apart = ["unshare", "--mount", "--net", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"];
    const host = new Host(await Keeper.start(undefined, apart));
    await host.sh(`ip link set lo up; ${prepare}`);
    return host;
  }

  /** What the last program has said so far, and what it left behind. */
  get said(): string {
    return readFileSync(this.scratch.file(`said-${this.#runs}`), "latin1");
  }

  /** Runs a program there; what it says. Throws when it fails. */
  async run(...argv: string[]): Promise<string> {
    const output = this.scratch.file(`said-${++this.#runs}`);
    const pid = await this.keeper.run({ argv, directory: "/", output });
    const status = await this.keeper.ended(pid);
    const said = readFileSync(output, "latin1");
    if (status !== 0) throw new Error(`${argv.join(" ").slice(0, 200)} ends with ${status}: ${said.slice(-2000)}`);
    return said;
  }

  async sh(script: string): Promise<string> {
    return await this.run("sh", "-ec", script);
  }

  /** @param images a directory, in which the log lies afterwards */
  async tscriu(command: "dump" | "restore", images: string, ...words: string[]): Promise<void> {
    const log = `${command}.log`;
    try {
      await this.run(...(await binary()), command, "-D", images, "-o", log, "-v4", ...words);
    } catch (error) {
      throw new Error(`${error}\n${readFileSync(`${images}/${log}`, "latin1").slice(-3000)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper[Symbol.asyncDispose]();
    this.scratch[Symbol.dispose]();
  }
}
