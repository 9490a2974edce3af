/**
 * The native parts: the shim (`ffi/*.c`), the agent and the puppet (`blobs/`). Each is compiled when its sources or its
 * command changed, and lies as `build/<machine>/<name>` afterwards. Several builds at once do no harm: every output is
 * renamed into place.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { CrError } from "../error.ts";

/** The kernel's name of a machine, as `uname -m` prints it. */
export type Machine = "x86_64" | "aarch64";

/** The root of the source tree. */
export const tree = resolve(import.meta.dirname, "../..");

export const machineOf: Readonly<Record<string, Machine>> = { x64: "x86_64", arm64: "aarch64" };

/** The machine that this process runs on. */
export function hostMachine(): Machine {
  const machine = machineOf[process.arch];
  if (!machine) throw new CrError("tscriu knows no agents for this machine", { subject: { machine: process.arch } });
  return machine;
}

/** Prefix of the tools' names: empty for this machine. */
export function toolPrefix(machine: Machine): string {
  return machine === hostMachine() ? "" : `${machine}-linux-gnu-`;
}

/** Is there a C compiler for the machine? */
export function hasCompiler(machine: Machine): boolean {
  const found = spawnSync(`${toolPrefix(machine)}gcc`, ["--version"], { stdio: "ignore" });
  return found.status === 0;
}

/** Throws with the package's name when there is no compiler. */
export function requireCompiler(machine: Machine): void {
  if (hasCompiler(machine)) return;
  const dashed = machine === "x86_64" ? "x86-64" : machine;
  const packages =
    machine === hostMachine()
      ? "gcc, binutils and the C library's headers (Debian: apt-get install gcc libc6-dev)"
      : `the cross compiler (Debian: apt-get install gcc-${dashed}-linux-gnu libc6-dev-${machine === "aarch64" ? "arm64" : "amd64"}-cross)`;
  throw new CrError(`${toolPrefix(machine)}gcc is not there`, {
    code: "NO_COMPILER",
    subject: { machine },
    remedy: `install ${packages}`,
  });
}

/** Runs a tool; its words become the error's cause when it fails. */
export function run(tool: string, args: readonly string[]): string {
  const done = spawnSync(tool, args, { cwd: tree, encoding: "utf8", maxBuffer: 1 << 26 });
  if (done.error) throw new CrError(`${tool} does not start`, { cause: done.error });
  if (done.status !== 0) {
    throw new CrError(`${tool} failed`, {
      subject: { status: done.status ?? done.signal ?? "?" },
      cause: new Error(`${tool} ${args.join(" ")}\n${done.stderr}${done.stdout}`),
    });
  }
  return done.stdout;
}

const common = ["-O2", "-g0", "-Wall", "-Wextra", "-Werror", "-fno-ident"];

/** For code that lives in a foreign process: no C library, no vector registers, nothing that asks for a thread pointer. */
const freestanding = [
  ...common,
  "-ffreestanding",
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-fno-tree-loop-distribute-patterns",
  "-fpie",
  "-fvisibility=hidden",
  "-mgeneral-regs-only",
  "-nostdlib",
  "-static",
  "-Wl,--build-id=none",
  "-Wl,-z,noexecstack",
];

function extra(machine: Machine): string[] {
  return machine === "aarch64" ? ["-mno-outline-atomics"] : ["-fcf-protection=none", "-mno-red-zone"];
}

interface Recipe {
  output: string;
  sources(machine: Machine): string[];
  /** Makes `output` in `dir` and says where it is. */
  make(machine: Machine, sources: string[], dir: string): string;
}

function find(...patterns: string[]): string[] {
  return patterns.flatMap((pattern) => globSync(pattern, { cwd: tree })).sort();
}

const belongsTo = (what: string) => (path: string) => basename(path).startsWith(what);

/** Calls of absolute addresses would be wrong wherever a flat binary is put: refuse them at build time. */
function refuseAbsolute(machine: Machine, objects: string[]): void {
  const listing = run(`${toolPrefix(machine)}readelf`, ["-rW", ...objects]);
  const bad = listing.split("\n").filter((line) => /R_X86_64_(64|32|32S)\b|R_AARCH64_ABS/.test(line));
  if (bad.length > 0) {
    throw new CrError("the agent holds absolute addresses, but it must run wherever it is put", {
      cause: new Error(bad.join("\n")),
    });
  }
}

const shim: Recipe = {
  output: "shim.so",
  sources: () => find("ffi/*.c"),
  make(machine, sources, dir) {
    const out = join(dir, "shim.so");
    const flags = [...common, "-fPIC", "-shared", "-D_GNU_SOURCE", "-Wl,--build-id=none", "-Wl,-z,noexecstack"];
    run(`${toolPrefix(machine)}gcc`, [...flags, "-s", "-o", out, ...sources]);
    return out;
  },
};

const agent: Recipe = {
  output: "agent.bin",
  sources: (machine) =>
    find("blobs/agent*.c", "blobs/agent*.S", `blobs/arch/${machine}/*.c`, `blobs/arch/${machine}/*.S`).filter(
      (path) => !belongsTo("puppet")(path) && !belongsTo("start")(path),
    ),
  make(machine, sources, dir) {
    const prefix = toolPrefix(machine);
    const objects = sources.map((source, index) => {
      const object = join(dir, `${index}.o`);
      const include = ["-I", "blobs", "-I", `blobs/arch/${machine}`];
      run(`${prefix}gcc`, [...freestanding, ...extra(machine), ...include, "-c", "-o", object, source]);
      return object;
    });
    refuseAbsolute(machine, objects);
    const elf = join(dir, "agent.elf");
    run(`${prefix}ld`, [
      "-static",
      "--build-id=none",
      "-z",
      "noexecstack",
      "-T",
      "blobs/agent.ld",
      "-o",
      elf,
      ...objects,
    ]);
    const out = join(dir, "agent.bin");
    run(`${prefix}objcopy`, ["-O", "binary", elf, out]);
    return out;
  },
};

const puppet: Recipe = {
  output: "puppet.elf",
  sources: (machine) => find("blobs/puppet*.c", "blobs/puppet*.S", `blobs/arch/${machine}/puppet*.S`),
  make(machine, sources, dir) {
    const out = join(dir, "puppet.elf");
    const script = existsSync(join(tree, "blobs/puppet.ld")) ? ["-T", "blobs/puppet.ld"] : [];
    const include = ["-I", "blobs", "-I", `blobs/arch/${machine}`];
    const flags = [...freestanding, ...extra(machine), "-no-pie", ...include, ...script];
    run(`${toolPrefix(machine)}gcc`, [...flags, "-s", "-o", out, ...sources]);
    return out;
  },
};

const start: Recipe = {
  output: "start.bin",
  sources: () => find("blobs/start.c"),
  make(machine, sources, dir) {
    const elf = join(dir, "start.elf");
    const out = join(dir, "start.bin");
    const flags = [...freestanding, ...extra(machine), "-fno-pie", "-no-pie", "-T", "blobs/start.ld"];
    run(`${toolPrefix(machine)}gcc`, [...flags, "-o", elf, ...sources]);
    run(`${toolPrefix(machine)}objcopy`, ["-O", "binary", elf, out]);
    return out;
  },
};

/** Names for the numbers of `proto/rpc.proto`: MESSAGE__FIELD and ENUM__VALUE. */
function fieldsHeader(proto: string): string {
  const lines: string[] = [];
  let block = "";
  for (const line of proto.split("\n")) {
    block = /^(?:message|enum) (\w+) \{/.exec(line)?.[1] ?? block;
    const [, name, number] = /^ {2}(?:(?:required|optional|repeated) \w+ )?(\w+) = (\d+)/.exec(line) ?? [];
    if (name !== undefined) lines.push(`\t${block}__${name} = ${number},`);
  }
  return `enum {\n${lines.join("\n")}\n};\n`;
}

/** libcriu for C programs that drive a `criu`: it is no part of the executable. */
const libcriu: Recipe = {
  output: "libcriu.so.2",
  sources: () => find("ffi/libcriu/*.c"),
  make(machine, sources, dir) {
    const out = join(dir, "libcriu.so.2");
    writeFileSync(join(dir, "criu-fields.h"), fieldsHeader(readFileSync(join(tree, "proto/rpc.proto"), "utf8")));
    const flags = [...common, "-fPIC", "-shared", "-D_GNU_SOURCE", "-I", dir, "-Wl,-z,noexecstack"];
    run(`${toolPrefix(machine)}gcc`, [...flags, "-Wl,-soname,libcriu.so.2", "-s", "-o", out, ...sources]);
    return out;
  },
};

export const native = { shim, agent, puppet, start, libcriu } as const;
export type NativeName = keyof typeof native;

/** What a part is made from, and how, as one number: headers and linker scripts count for every part. */
function fingerprint(machine: Machine, name: NativeName): string {
  const files = find("ffi/**/*.{c,h}", "proto/rpc.proto", "blobs/*", "blobs/arch/*/*", "src/build/native.ts").filter(
    (path) => /\.[chS]$|\.ld$|\.ts$|\.proto$/.test(path),
  );
  let hash = Bun.hash(`${machine} ${name}`);
  for (const path of files) hash = Bun.hash(readFileSync(join(tree, path)), BigInt(hash));
  return hash.toString(16);
}

const known = new Map<string, string>();

/**
 * Makes one native part if it is missing or older than its sources.
 * @returns its path, or undefined when the tree has no sources for it
 * @throws CrError NO_COMPILER, or with the compiler's words
 */
export function makeNative(machine: Machine, name: NativeName): string | undefined {
  const key = `${machine}/${name}`;
  const before = known.get(key);
  if (before) return before;
  const recipe = native[name];
  const sources = recipe.sources(machine);
  if (sources.length === 0) return undefined;
  const home = join(tree, "build", machine);
  const output = join(home, recipe.output);
  const stamp = `${output}.made-of`;
  const print = fingerprint(machine, name);
  if (!existsSync(output) || !existsSync(stamp) || readFileSync(stamp, "utf8") !== print) {
    requireCompiler(machine);
    mkdirSync(home, { recursive: true });
    const dir = mkdtempSync(join(home, "make-"));
    try {
      renameSync(recipe.make(machine, sources, dir), output);
      writeFileSync(join(dir, "stamp"), print);
      renameSync(join(dir, "stamp"), stamp);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  known.set(key, output);
  return output;
}
