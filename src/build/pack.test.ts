import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CrError } from "../error.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { makeSocketPair, trySend } from "../kernel/socket.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { AF, MSG, SOCK } from "../kernel/uapi/socket.ts";
import { Elf, PT } from "./elf.ts";
import { hostMachine, makeNative, run } from "./native.ts";
import { libraryVersion, pack } from "./pack.ts";

const machine = hostMachine();
let dir = "";
let startup = new Uint8Array();
let own = new Uint8Array();

/** A small dynamic program; `words` for the compiler. */
function compiled(name: string, ...words: string[]): string {
  const out = join(dir, name);
  const source = `${out}.c`;
  writeFileSync(
    source,
    `#include <math.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    int main(int argc, char **argv)
    {
      char line[512];
      int copies = 0;
      FILE *maps = fopen("/proc/self/maps", "r");
    #ifdef SMAPS
      for (FILE *smaps = fopen("/proc/self/smaps", "r"); fgets(line, sizeof line, smaps);) fputs(line, stdout);
      return 0;
    #endif
      while (fgets(line, sizeof line, maps)) copies += strstr(line, "tscriu-library") != NULL;
      printf(copies ? "copied: " : "lent: ");
      printf("%d %s %s %s %.3f", argc, argv[1], getenv("KEPT"), getenv("LD_LIBRARY_PATH"), sqrt(argc * 8.0));
      return 7;
    }`,
  );
  run("gcc", [...words, "-o", out, source, "-lm"]);
  return out;
}

const fixedAddress = ["-no-pie", "-Wl,-Ttext-segment=0x400000"];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "tscriu-pack-"));
  startup = new Uint8Array(readFileSync(makeNative(machine, "start") ?? ""));
  own = new Uint8Array(readFileSync(makeNative(machine, "shim") ?? ""));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("packing", () => {
  test("a packed C program starts with its own C library, words and environment", () => {
    const packed = join(dir, "packed");
    writeFileSync(packed, pack(machine, compiled("program", ...fixedAddress), startup, own), { mode: 0o755 });
    const headers = new Elf(packed, new Uint8Array(readFileSync(packed)));
    expect(headers.of(PT.INTERP)).toEqual([]);
    const addresses = headers.of(PT.LOAD).map((segment) => segment.address);
    expect(addresses).toEqual([...addresses].sort((a, b) => a - b));
    const program = headers.of(PT.LOAD).filter(({ address }) => address >= 0x400000);
    expect(program.map(({ address, offset }) => (address - offset) % 0x200000)).toEqual(program.map(() => 0));
    expect(run("readelf", ["-p.comment", packed])).toContain("GCC");
    const done = Bun.spawnSync([packed, "word"], { env: { KEPT: "kept", LD_LIBRARY_PATH: "/nowhere" } });
    expect(done.stdout.toString()).toBe(`${machine === "x86_64" ? "lent" : "copied"}: 2 word kept (null) 4.000`);
    expect(done.exitCode).toBe(7);
  });

  test("the start-up code is read with the file's head, and nothing else is in the pages that are to be huge", () => {
    const packed = pack(machine, compiled("laid", ...fixedAddress), startup, own);
    const [first, program] = new Elf("", packed).of(PT.LOAD);
    expect(first).toMatchObject({ offset: 0, fileSize: startup.length + 4096 });
    expect(first?.fileSize).toBeLessThanOrEqual(16_384);
    expect((program?.offset ?? 1) % 0x200000).toBe(0);
    expect(
      Buffer.from(packed)
        .subarray((program?.offset ?? 0) - 4096, program?.offset)
        .some((byte) => byte),
    ).toBe(false);
  });

  test("libraries that are lent come with all pages of their text, the stack with some", () => {
    const packed = join(dir, "mapped");
    const program = compiled("maps", "-DSMAPS", ...fixedAddress);
    writeFileSync(packed, pack(machine, program, startup, own), { mode: 0o755 });
    const smaps = Bun.spawnSync([packed])
      .stdout.toString()
      .split(/\n(?=[0-9a-f]+-)/);
    const kilobytes = (mapping: string, field: string) =>
      Number(new RegExp(`^${field}: *(\\d+)`, "m").exec(mapping)?.[1]);
    const texts = smaps.filter((mapping) => /^7\S+ r-xp .*mapped$/m.test(mapping.split("\n", 1)[0] ?? ""));
    const isLent = machine === "x86_64";
    if (isLent) expect(texts.length).toBeGreaterThan(3);
    for (const text of isLent ? texts : []) expect(kilobytes(text, "Rss")).toBe(kilobytes(text, "Size"));
    expect(kilobytes(smaps.find((mapping) => mapping.includes("[stack]")) ?? "", "Rss")).toBeGreaterThanOrEqual(64);
  });

  test("a linker whose way to map files is not known gets copies of the libraries", () => {
    const packed = join(dir, "copying");
    const bytes = Buffer.from(pack(machine, compiled("other", ...fixedAddress), startup, own));
    const mmapOfLinker = bytes.lastIndexOf(startup.subarray(0, 8)) + 6 * 8;
    bytes.fill(0, mmapOfLinker, mmapOfLinker + 8);
    writeFileSync(packed, bytes, { mode: 0o755 });
    const done = Bun.spawnSync([packed, "word"], { env: { KEPT: "kept" } });
    expect(done.stdout.toString()).toBe("copied: 2 word kept (null) 4.000");
  });

  test("a worker's first packet is answered before the program starts, when it asks for the version", async () => {
    const packed = join(dir, "answering");
    const exchange = { question: Uint8Array.of(8, 13), answer: Buffer.from("the answer") };
    const bytes = pack(machine, compiled("worker", ...fixedAddress), startup, own, exchange);
    writeFileSync(packed, bytes, { mode: 0o755 });
    const told = async (packet: number[], ...words: string[]) => {
      const [ours, theirs] = makeSocketPair(AF.UNIX, SOCK.SEQPACKET);
      try {
        trySend(ours, { bytes: Uint8Array.from(packet), rights: [], credentials: undefined });
        const stdio = ["ignore", "pipe", "inherit", theirs] as ["ignore", "pipe", "inherit", number];
        const started = Bun.spawn([packed, ...words], { stdio });
        const said = await new Response(started.stdout).text();
        const waiting = (fd: number) => {
          const room = Buffer.from(new ArrayBuffer(64));
          return room.toString("latin1", 0, Math.max(0, sys(NR.recvfrom, fd, addressOf(room), 64, MSG.DONTWAIT)));
        };
        return [waiting(ours), said === "" ? "not started" : "started", waiting(theirs) === "" ? "read" : "left"];
      } finally {
        for (const fd of [ours, theirs]) closeFd(fd);
      }
    };
    expect(await told([8, 13], "swrk", "3")).toEqual(["the answer", "not started", "read"]);
    const left = ["", "started", "left"];
    expect(await told([8, 13, 24, 1], "swrk", "3")).toEqual(left);
    expect(await told([8, 12], "swrk", "3")).toEqual(left);
    for (const words of [
      ["swrk", "3x"],
      ["swrk", ""],
      ["swrks", "3"],
      ["swrk", "3", "service"],
      ["swrk", "9999999"],
    ])
      expect(await told([8, 13], ...words)).toEqual(left);
  });

  test("refuses what it cannot make self-contained", () => {
    const refusal = (path: string) => {
      try {
        pack(machine, path, startup, own);
      } catch (error) {
        return error instanceof CrError ? error.message : String(error);
      }
      return "packed";
    };
    expect(refusal(compiled("static", "-static"))).toBe("expected one PT_INTERP program header");
    expect(refusal(compiled("movable", "-pie", "-fPIE"))).toBe("the start-up code must lie below the program");
    writeFileSync(
      join(dir, "text"),
      "no program at all, but long enough to hold the header of one, or so one would think",
    );
    expect(refusal(join(dir, "text"))).toBe("not a 64-bit little-endian ELF file");
  });

  test("knows the version of the C library", () => {
    expect(libraryVersion(machine)).toMatch(/\d+\.\d+/);
  });
});
