/** Debian's kernel images, fetched without touching this system's own package state, and kept in build/cache. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { type Machine, tree } from "../../src/build/native.ts";

/** Modules that tests load: they come out of the kernel's package together with its image, for unpacking that is long. */
export const MODULES = {
  DIAGNOSIS: ["inet_diag", "udp_diag", "unix_diag"],
  DISK: ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"],
  NFTABLES: ["crc32c_generic", "libcrc32c", "nfnetlink", "nf_tables"],
  MORE_DIAGNOSIS: ["raw_diag", "tcp_diag", "netlink_diag", "af_packet_diag"],
} as const;
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

/** Downloads the kernel's package, and unpacks its image and modules into a directory. @throws Missing */
function unpack(machine: Machine, home: string): void {
  for (const dir of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(home, dir), { recursive: true });
  const architecture = debianName[machine];
  const options = ownWorld(home, architecture);
  must(home, "apt-get", "-qq", ...options, "update");
  const depends = must(home, "apt-cache", ...options, "depends", `linux-image-${architecture}`);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (!name) throw new Missing(`apt-cache names no kernel for ${architecture}`);
  must(home, "apt-get", "-qq", ...options, "download", name);
  const archive = readdirSync(home).find((file) => file.endsWith(".deb")) ?? "";
  const modules = Object.values(MODULES).flat();
  const wanted = ["./boot/vmlinuz*", ...modules.map((module) => `*/${module}.ko`)].map((pattern) => `'${pattern}'`);
  // a module that is not there is missed by those who load it
  must(
    home,
    "sh",
    "-c",
    `dpkg-deb --fsys-tarfile '${archive}' | tar -x --wildcards ${wanted.join(" ")} || ls boot/vmlinuz*`,
  );
}

/**
 * The directory of what is kept of the kernel's package, filled once.
 * @throws Missing when it cannot be had
 */
function kernel(machine: Machine): string {
  const cache = join(tree, "build/cache");
  const finished = join(cache, `kernel-${machine}`);
  if (existsSync(finished)) return finished;
  mkdirSync(cache, { recursive: true });
  const home = mkdtempSync(join(cache, "apt-"));
  try {
    unpack(machine, home);
    const ready = join(home, "ready");
    mkdirSync(ready);
    const [image] = readdirSync(join(home, "boot"));
    if (image === undefined) throw new Missing("Debian's package holds no kernel");
    renameSync(join(home, "boot", image), join(ready, "vmlinuz"));
    for (const file of readdirSync(home, { recursive: true, encoding: "utf8" }))
      if (file.endsWith(".ko")) renameSync(join(home, file), join(ready, basename(file)));
    renameSync(ready, finished);
    return finished;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * The path of a kernel image for the machine.
 * @throws Missing when it cannot be had
 */
export function kernelImage(machine: Machine): string {
  return join(kernel(machine), "vmlinuz");
}

/**
 * Modules of that kernel, out of `MODULES`.
 * @throws Missing when one cannot be had
 */
export function kernelModules(machine: Machine, names: readonly string[]): Uint8Array[] {
  const dir = kernel(machine);
  return names.map((name) => {
    const file = join(dir, `${name}.ko`);
    if (!existsSync(file)) throw new Missing(`Debian's kernel has no module ${name}`);
    return readFileSync(file);
  });
}
