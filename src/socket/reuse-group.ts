/**
 * Sockets that share a port (SO_REUSEPORT): the kernel chooses who of them gets what comes, by a hash over the addresses that
 * counts them in the order in which they came, or by a program of theirs. It tells of neither, so we look into it.
 */
import { CrError, type Subject } from "../error.ts";
import type { FileDump } from "../file/kind.ts";
import { perRun } from "../file/per-run.ts";
import type { InetSkEntry, TscriuGroup } from "../image/schema.gen.ts";
import { type KernelObject, lookInside } from "../kernel/inside.ts";
import { getNumber } from "../kernel/socket.ts";
import { SO, SOL } from "../kernel/uapi/socket.ts";
import { attachProgram, instructionsOf } from "./options.ts";

/** enum bpf_prog_type of what was made from a classic program. */
const CLASSIC = 0;

const warned = perRun((dump: FileDump) => {
  dump.log.warn(
    "whether a program chooses among sockets that share a port cannot be seen: this kernel does not show it",
  );
  return true;
});

function isClassic(program: KernelObject): boolean {
  return program.int("type") === CLASSIC && program.long("orig_prog") !== 0n;
}

interface Seen {
  readonly entry: TscriuGroup;
  /** There is a program that nobody can read. */
  readonly isChosen: boolean;
  readonly isAlone: boolean;
}

function see(fd: number): Seen | "nothing" | undefined {
  return lookInside((inside) => {
    const socket = inside.socket(fd);
    const group = socket.to("sk_reuseport_cb", "sock_reuseport");
    if (group === undefined) return "nothing";
    const count = group.short("num_socks");
    const program = group.to("prog", "bpf_prog");
    const place = group.pointers("socks", count, "sock").findIndex(({ address }) => address === socket.address);
    const entry: TscriuGroup = { place: place < 0 ? count : place, filter: [] };
    const code = program && isClassic(program) ? program.to("orig_prog", "sock_fprog_kern") : undefined;
    const bytes = code?.to("filter", "sock_filter")?.bytes(code.short("len") * 8);
    if (bytes) entry.filter = instructionsOf(new DataView(bytes.buffer));
    return { entry, isChosen: program !== undefined && bytes === undefined, isAlone: count < 2 };
  });
}

function groupOf(fd: number, dump: FileDump): Seen | undefined {
  if ((getNumber(fd, SOL.SOCKET, SO.REUSEPORT) ?? 0) === 0) return undefined;
  const seen = see(fd);
  if (seen === undefined) warned(dump);
  return seen === "nothing" ? undefined : seen;
}

/** What keeps a socket's group from being dumped. */
export function groupProblem(fd: number, dump: FileDump, subject: Subject): CrError | undefined {
  if (!groupOf(fd, dump)?.isChosen) return undefined;
  return new CrError("an eBPF program, which nobody can read, chooses among sockets that share a port", {
    code: "UNSUPPORTED",
    subject,
    remedy: "let the program take it off (SO_DETACH_REUSEPORT_BPF) before the dump",
  });
}

/** A socket's place among those that share its port; undefined where it has the port alone, and no program. */
export function readGroup(fd: number, dump: FileDump): TscriuGroup | undefined {
  const seen = groupOf(fd, dump);
  return seen === undefined || (seen.isAlone && seen.entry.filter.length === 0) ? undefined : seen.entry;
}

/** Those of a group come to their port in the order of their places; all others first. */
export function inOrder(entries: readonly InetSkEntry[]): InetSkEntry[] {
  const place = ({ tscriu_group: group }: InetSkEntry) => group?.place ?? -1;
  return [...entries].sort((a, b) => place(a) - place(b));
}

/** Gives the group its program; to be called when all are there. */
export function restoreProgram(fd: number, { tscriu_group: group }: InetSkEntry, subject: Subject): void {
  if (group === undefined || group.filter.length === 0) return;
  attachProgram(fd, SO.ATTACH_REUSEPORT_CBPF, group.filter, subject);
}
