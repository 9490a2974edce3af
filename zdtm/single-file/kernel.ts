/** Debian's kernel images, fetched without touching this system's own package state, and kept in build/cache. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Machine, tree } from "../../src/build/native.ts";

const debianName: Readonly<Record<Machine, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** Something that a test needs and this machine has not: the reason why the test is skipped. */
export class Missing extends Error {}

function must(cwd: string, command: string, ...args: string[]): string {
  const done = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (done.error) throw new Missing(`${command} is not there`);
  if (done.status !== 0) throw new Missing(`${command} ${args.at(-1)}: ${done.stderr.trim().split("\n").at(-1)}`);
  return done.stdout;
}

/** apt-get's and apt-cache's options for a world of their own. */
function ownWorld(home: string, architecture: string): string[] {
  const settings = {
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Sandbox::User": "root",
    "Dir::State": home,
    "Dir::State::lists": join(home, "lists"),
    "Dir::State::status": "/dev/null",
    "Dir::Cache": join(home, "cache"),
    "Acquire::Languages": "none",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/**
 * The path of a kernel image for the machine.
 * @throws Missing when it cannot be had
 */
export function kernelImage(machine: Machine): string {
  const cache = join(tree, "build/cache");
  const image = join(cache, `vmlinuz-${machine}`);
  if (existsSync(image)) return image;
  mkdirSync(cache, { recursive: true });
  const home = mkdtempSync(join(cache, "apt-"));
  try {
    for (const dir of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(home, dir), { recursive: true });
    const architecture = debianName[machine];
    const options = ownWorld(home, architecture);
    must(home, "apt-get", "-qq", ...options, "update");
    const depends = must(home, "apt-cache", ...options, "depends", `linux-image-${architecture}`);
    const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
    if (!name) throw new Missing(`apt-cache names no kernel for ${architecture}`);
    must(home, "apt-get", "-qq", ...options, "download", name);
    const archive = readdirSync(home).find((file) => file.endsWith(".deb")) ?? "";
    must(home, "sh", "-c", `dpkg-deb --fsys-tarfile '${archive}' | tar -x --wildcards './boot/vmlinuz*'`);
    const unpacked = readdirSync(join(home, "boot"))[0];
    if (!unpacked) throw new Missing(`${name} holds no kernel`);
    renameSync(join(home, "boot", unpacked), image);
    return image;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
