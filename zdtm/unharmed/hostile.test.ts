/** A container's images that want what nobody gave them: one clear error each, nothing outside of its root is touched, nothing stays. */
import { describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostileFiles } from "./hostile/files.ts";
import { hostileKernel } from "./hostile/kernel.ts";
import { hostileMounts, hostileOverlays } from "./hostile/mounts.ts";
import { HostileSet, type Variant } from "./hostile/set.ts";
import { hostileTasks } from "./hostile/tasks.ts";
import { hostileUsers } from "./hostile/users.ts";
import { freshCgroup } from "./lib/cgroup.ts";
import { Container, containersMissing, type Form } from "./lib/container.ts";
import { tscriu, unclear } from "./lib/run.ts";
import { values } from "./lib/sysctls.ts";
import { until } from "./lib/victim.ts";

const missing = containersMissing();
const patience = 900_000;
/** So many of all variants, by chance: all of them are some 400. */
const count = Number(process.env.UNHARMED_HOSTILE ?? 200);
/** Only those whose description has these words, for whoever looks into one. */
const only = process.env.UNHARMED_HOSTILE_ONLY ?? "";

/** As many as asked for in their order; each is as likely as any other. */
function some(all: readonly Variant[]): Variant[] {
  const order = all.map((_, i) => ({ i, by: Math.random() })).toSorted((a, b) => a.by - b.by);
  const chosen = new Set(order.slice(0, only === "" ? count : all.length).map(({ i }) => i));
  return all.filter(({ what }, i) => chosen.has(i) && what.includes(only));
}

/** So many variants are tried between two looks at what is dear to look at. */
const BATCH = 12;

/** Directories that nobody may touch, and ways there from inside. */
function baits(container: Container): string {
  const out = container.scratch.file("outside");
  mkdirSync(`${out}/sub`, { recursive: true });
  writeFileSync(`${out}/precious`, "do not touch");
  symlinkSync("../outside", `${container.root}/way-out`);
  symlinkSync(out, `${container.root}/abs-out`);
  return out;
}

/** Every file below a directory with all that stat tells but when it was read. */
function listing(directory: string): string {
  return Bun.spawnSync(["find", directory, "-printf", "%p %y %m %U:%G %n %s %T@ %C@ %l\n"]).stdout.toString();
}

async function tryAll(
  form: Form,
  hostile: (container: Container, out: string) => Variant[],
  more: readonly string[] = [],
): Promise<string[]> {
  await using container = await Container.start(form);
  const { keeper, scratch, root, images } = container;
  const out = baits(container);
  const veth = ["--external", "veth[eth0]:box"];
  const dump = ["dump", "-t", `${container.init}`, "-D", images, "-o", "dump.log", "--link-remap", ...veth];
  expect(await tscriu(keeper, scratch, dump)).toEqual({ status: 0, text: "" });
  const { cgroup } = form;
  const freeCgroup = () =>
    until("the cgroup is in use", () => {
      try {
        if (cgroup !== undefined && existsSync(cgroup)) rmdirSync(cgroup);
        return undefined;
      } catch (error) {
        return String(error);
      }
    });
  await freeCgroup();
  const [whole, pristine] = [scratch.file("whole"), scratch.file("pristine")];
  cpSync(images, whole, { recursive: true, preserveTimestamps: true });
  Bun.spawnSync(["cp", "-a", root, pristine]);
  const set = new HostileSet(whole, images);
  const words = [
    "restore",
    "-d",
    "-D",
    images,
    "-o",
    "restore.log",
    "--root",
    root,
    "--manage-cgroups",
    ...veth,
    ...more,
  ];
  const restore = () => tscriu(keeper, scratch, words);
  const endIt = async () => {
    await container.end();
    await freeCgroup();
    for (const name of readdirSync(root)) rmSync(`${root}/${name}`, { recursive: true });
    Bun.spawnSync(["cp", "-a", `${pristine}/.`, root]);
  };
  expect(await restore()).toEqual({ status: 0, text: "" });
  await until("it is not whole", () => (container.isWhole ? undefined : container.pids.join(" ")));
  await endIt();
  const near = () => [container.nearby(), listing(out), listing(root).replace(/ \S+ \S+ (\S*)$/gm, " $1")].join("\n");
  // the number of the veth's outer end grows
  const far = () => [container.around().replace(/^\d+: box.*\n/m, ""), ...values()].join("\n");
  const before = [near(), far()] as const;
  const faults: string[] = [];
  const batch: string[] = [];
  const same = async (what: string, look: () => string, was: string) => {
    try {
      await until("left behind", () => (look() === was ? undefined : difference(was, look())), 30_000);
    } catch (error) {
      faults.push(`${what}: ${error}`);
      await endIt();
    }
  };
  for (const variant of some(hostile(container, out))) {
    const { what, stays } = variant;
    try {
      variant.change(set);
    } catch (error) {
      faults.push(`${what}: this variant cannot be made: ${error}`);
      set.reset();
      continue;
    }
    const said = await restore();
    const wrong = said.status === 0 && stays ? undefined : unclear(said);
    if (wrong !== undefined) faults.push(`${what}: ${wrong.slice(0, 400)}`);
    else if (only !== "") console.log(`${what}: ${said.text}`);
    if (said.status === 0) await endIt();
    await same(what, near, before[0]);
    batch.push(what);
    if (batch.length === BATCH) await same(batch.splice(0).join("; "), far, before[1]);
    set.reset();
  }
  await same(batch.join("; "), far, before[1]);
  // all of that was for what it was changed to, and nothing else
  expect(await restore()).toEqual({ status: 0, text: "" });
  await container.end();
  expect(readFileSync(`${out}/precious`, "latin1")).toBe("do not touch");
  return faults;
}

function difference(before: string, now: string): string {
  const [old, young] = [new Set(before.split("\n")), new Set(now.split("\n"))];
  const less = [...old].filter((line) => !young.has(line)).map((line) => `- ${line}`);
  return [...less, ...[...young].filter((line) => !old.has(line)).map((line) => `+ ${line}`)].slice(0, 12).join("\n");
}

/** The processes of it that have its network, and another one. */
function children(container: Container): [number, number] {
  const pids = readdirSync(container.images).flatMap((name) => /^core-(\d+)\.img$/.exec(name)?.[1] ?? []);
  // the first one leads a session
  const [, inner = 0, last = 0] = pids
    .map(Number)
    .filter((pid) => pid !== 1)
    .toSorted((a, b) => a - b);
  return [inner, last];
}

describe.skipIf(missing !== undefined)(`hostile images of a container (${missing ?? "as root"})`, () => {
  test.concurrent(
    "are refused, and touch nothing outside",
    async () => {
      const cgroup = freshCgroup(`tscriu-hostile-${process.pid}`);
      if (cgroup === undefined) console.log("skipped cgroups of hostile images: there are none that can be made here");
      try {
        const faults = await tryAll({ cgroup }, (container, out) => [
          ...hostileMounts(container.root, out),
          ...hostileFiles(out),
          ...hostileKernel().filter(({ what }) => cgroup !== undefined || !what.startsWith("cgroup")),
          ...hostileTasks(...children(container)),
        ]);
        expect(faults).toEqual([]);
      } finally {
        if (cgroup !== undefined && existsSync(cgroup)) rmdirSync(cgroup);
      }
    },
    patience,
  );

  test.concurrent(
    "have no layers of overlays outside, where these are allowed",
    async () => {
      const faults = await tryAll({ overlay: true }, (_, out) => hostileOverlays(out), ["--enable-fs", "overlay"]);
      expect(faults).toEqual([]);
    },
    patience,
  );

  test.concurrent(
    "are refused when they name users whom their namespace does not know",
    async () => {
      const faults = await tryAll({ user: true }, (container) => hostileUsers(children(container)[0]));
      expect(faults).toEqual([]);
    },
    patience,
  );
});
