/** Victims that must not touch what belongs to the host. */
import { existsSync, readFileSync } from "node:fs";
import type { Keeper } from "../../lib/keeper.ts";
import { type Scratch, until } from "./victim.ts";

/** What a victim is started in, and tscriu. */
export interface Surroundings {
  under: readonly string[];
  /** Where it may make files. */
  directory: string;
  /** What of it a restore could leave something in. */
  look(): string;
  /** Takes away what a dump leaves, and a restore makes anew. */
  tidy?(): void;
}

const said = (path: string) => (existsSync(path) ? readFileSync(path, "latin1") : "nothing is said");

/** Networks, ipc objects and mounts that nobody else is in. */
export async function apart(keeper: Keeper, scratch: Scratch): Promise<Surroundings> {
  const prepare = "ip link set lo up && mkdir mq held && mount -t mqueue mqueue mq && touch up && exec sleep infinity";
  const holder = await keeper.run({
    argv: ["unshare", "-n", "-i", "-m", "--", "sh", "-c", prepare],
    directory: scratch.path,
    output: scratch.file("holder"),
  });
  await until("the surroundings are not up", () =>
    existsSync(scratch.file("up")) ? undefined : said(scratch.file("holder")),
  );
  const under = ["nsenter", `--target=${holder}`, "--net", "--ipc", "--mount", "--"];
  const list = "cut -c1-40 /proc/sysvipc/shm /proc/sysvipc/msg; ls -a mq held; cat /proc/self/mountinfo";
  const look = () => {
    const done = Bun.spawnSync([...under, "sh", "-c", `cd ${scratch.path} && ${list}`]);
    if (done.exitCode !== 0) throw new Error(done.stderr.toString());
    return done.stdout.toString();
  };
  return { under, directory: scratch.file("held"), look };
}
