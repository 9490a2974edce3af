/**
 * Builds tscriu.
 *
 *     bun build.ts                        dist/tscriu for this machine
 *     bun build.ts --target linux-arm64   dist/tscriu-linux-arm64 (or linux-x64; may be given more than once)
 *     bun build.ts --agents               only the native parts of this machine
 *
 * `--entry FILE` and `--out FILE` build another program the same way: the tests and the bench use them.
 */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readAfresh } from "./src/build/afresh.ts";
import {
  hasCompiler,
  hostMachine,
  type Machine,
  machineOf,
  makeNative,
  type NativeName,
  native,
  requireCompiler,
  tree,
} from "./src/build/native.ts";
import { libraryVersion, pack } from "./src/build/pack.ts";
import { CrError, errorLines } from "./src/error.ts";
import { versionExchange } from "./src/rpc/version.ts";

interface Order {
  machine: Machine;
  /** Bun's name for it. */
  arch: "x64" | "arm64";
  entry: string;
  out: string;
}

/** Stands in for src/kernel/embedded-files.ts: the native parts become files inside the executable. */
function embeddedFiles(machine: Machine): Bun.BunPlugin {
  const paths = (["agent", "puppet"] as const).map((name) => [name, makeNative(machine, name)] as const);
  const there = paths.filter(([, path]) => path !== undefined);
  const imports = there.map(([name, path]) => `import ${name} from ${JSON.stringify(path)} with { type: "file" };`);
  const contents = `${imports.join("\n")}
const paths = { ${there.map(([name]) => name).join(", ")} };
export const embeddedPath = (name) => paths[name];
`;
  return {
    name: "embedded-files",
    setup(build) {
      build.onLoad({ filter: /src\/kernel\/embedded-files\.ts$/ }, () => ({ contents, loader: "js" }));
    },
  };
}

async function build({ machine, arch, entry, out }: Order): Promise<void> {
  const since = performance.now();
  requireCompiler(machine);
  const [startup, shim] = [makeNative(machine, "start"), makeNative(machine, "shim")];
  if (!startup || !shim) throw new CrError("blobs/start.c or ffi/shim.c is missing");
  mkdirSync(dirname(out), { recursive: true });
  const dir = mkdtempSync(join(dirname(out), ".building-"));
  try {
    const program = join(dir, "program");
    const done = await Bun.build({
      entrypoints: [entry],
      target: "bun",
      minify: { whitespace: true, syntax: true, identifiers: true, keepNames: true },
      format: "esm", // for the await at the top of main.ts
      bytecode: true,
      // or every built-in module that any command imports would be loaded at every start
      splitting: true,
      minChunkSize: 16_384,
      throw: false,
      plugins: [embeddedFiles(machine)],
      define: { TSCRIU_C_LIBRARY: JSON.stringify(libraryVersion(machine)) },
      compile: {
        // a tool for root must not run what lies in the directory that it is started in
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
        outfile: program,
        ...(machine === hostMachine() ? {} : { target: `bun-linux-${arch}` as const }),
      },
    });
    if (!done.success) throw new CrError("bundling failed", { cause: new Error(done.logs.join("\n")) });
    const packed = join(dir, "packed");
    const [code, library] = [new Uint8Array(readFileSync(startup)), new Uint8Array(readFileSync(shim))];
    writeFileSync(packed, pack(machine, program, code, library, versionExchange()));
    chmodSync(packed, 0o755);
    readAfresh(packed);
    renameSync(packed, out);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const megabytes = (Bun.file(out).size / 1e6).toFixed(1);
  console.log(
    `${out.replace(`${tree}/`, "")}: linux-${arch}, ${megabytes} MB, ${Math.round(performance.now() - since)} ms`,
  );
}

function archOf(target: string): "x64" | "arm64" {
  const arch = target
    .replace(/^(bun-)?linux-/, "")
    .replace("aarch64", "arm64")
    .replace("x86_64", "x64");
  if (arch === "x64" || arch === "arm64") return arch;
  throw new CrError("no such target", { subject: { target }, remedy: "name linux-x64 or linux-arm64" });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      agents: { type: "boolean" },
      target: { type: "string", multiple: true },
      entry: { type: "string" },
      out: { type: "string" },
    },
  });
  if (values.agents) {
    for (const name of Object.keys(native) as NativeName[]) {
      console.log(`${name}: ${makeNative(hostMachine(), name) ?? "has no sources"}`);
    }
    return;
  }
  const archs = values.target ? values.target.map(archOf) : [archOf(process.arch)];
  for (const arch of new Set(archs)) {
    const machine = machineOf[arch];
    if (!machine) throw new CrError("no such machine", { subject: { arch } });
    const name = machine === hostMachine() ? "dist/tscriu" : `dist/tscriu-linux-${arch}`;
    const entry = resolve(values.entry ?? join(tree, "src/main.ts"));
    await build({ machine, arch, entry, out: values.out ? resolve(values.out) : join(tree, name) });
    const library = values.out ? undefined : makeNative(machine, "libcriu");
    if (library) copyFileSync(library, join(tree, name.replace("tscriu", "libcriu").concat(".so.2")));
  }
  const other: Machine = hostMachine() === "x86_64" ? "aarch64" : "x86_64";
  if (!values.target && !values.out && !hasCompiler(other)) {
    console.log(`for this machine only: there is no ${other}-linux-gnu-gcc to build for ${other} with`);
  }
}

try {
  await main();
} catch (error) {
  console.error(`build: ${errorLines(error).join("\n")}`);
  process.exit(1);
}
