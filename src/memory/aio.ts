/**
 * Contexts of asynchronous I/O (io_setup(2)). A ring of completions lies in the task's memory, and its address is the
 * context's name; the rest is the kernel's: where it puts the next completion, and how many are not fetched yet.
 */
import { PSEUDO } from "../agent/layout.ts";
import type { Program } from "../agent/program.ts";
import type { Puppet } from "../agent/puppet.ts";
import { CrError } from "../error.ts";
import type { AioRingEntry, VmaEntry } from "../image/schema.gen.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { I386 } from "../kernel/nr-i386.ts";
import type { Polls } from "./aio-polls.ts";
import { VMA } from "./vmas.ts";

/** `struct aio_ring` of fs/aio.c: id, nr, head, tail, magic and more, 32-bit numbers; as long as one completion. */
const HEADER = 32;
const EVENT = 32;
/** Where the header has the place of the next completion to fetch. */
const HEAD = 8;
const IOCB = 64;
const MAGIC = 0xa10a_10a1;
const MREMAP_MAYMOVE_FIXED = 3;
const CLOEXEC = 1;
/** Requests of one call. */
const MOST = 256;

/** Completions that a ring of so many bytes holds. */
function capacity(bytes: number): number {
  return Math.floor((bytes - HEADER) / EVENT);
}

/**
 * What the images keep of a ring beside its bytes. How many requests io_setup was asked for cannot be seen: the kernel makes
 * room for twice as many and two more, in whole pages, and the number that fills these is as good.
 */
export function ringOf({ start, end }: VmaEntry, polls: Polls): AioRingEntry {
  const bytes = Number(end) - Number(start);
  return {
    id: start,
    nr_req: Math.floor((capacity(bytes) - 2) / 2),
    ring_len: bytes,
    tscriu_polls: [...(polls.get(Number(start)) ?? [])],
  };
}

interface Ring {
  readonly nr: number;
  readonly head: number;
  readonly tail: number;
  readonly magic: number;
}

function readRing(memory: RemoteMemory, address: number): Ring {
  const view = new DataView(memory.read(address, HEADER).buffer);
  const [nr = 0, head = 0, tail = 0, magic = 0] = [4, 8, 12, 16].map((at) => view.getUint32(at, true));
  return { nr, head, tail, magic };
}

/** Makes the contexts of a task, whose rings lie at their places as plain memory with the saved bytes. */
export function restoreRings(puppet: Puppet, rings: readonly AioRingEntry[], vmas: readonly VmaEntry[]): void {
  if (rings.length === 0) return;
  puppet.program.run();
  using memory = new RemoteMemory(puppet.pid);
  for (const entry of rings) {
    const at = Number(entry.id);
    const area = vmas.find((vma) => vma.status & VMA.AIORING && Number(vma.start) === at);
    const subject = { pid: puppet.pid, address: at };
    if (!area) throw new CrError("an AIO context without its ring", { code: "BAD_IMAGE", subject });
    restoreRing(puppet, memory, entry, Number(area.end) - at);
  }
}

function restoreRing({ program, isI386 }: Puppet, memory: RemoteMemory, entry: AioRingEntry, bytes: number): void {
  const start = Number(entry.id);
  const subject = { address: start };
  const saved = readRing(memory, start);
  if (saved.magic !== MAGIC || saved.nr > capacity(bytes) || saved.head >= saved.nr || saved.tail >= saved.nr)
    throw new CrError("the ring of an AIO context is damaged", { code: "BAD_IMAGE", subject });
  const made = makeContext(program, entry, subject, isI386);
  const fresh = readRing(memory, made);
  if (fresh.nr !== saved.nr) {
    throw new CrError("this machine makes the ring of an AIO context of another size", {
      code: "ENOTSUP",
      subject: { ...subject, was: saved.nr, here: fresh.nr },
      remedy: "it has more CPUs than the machine of the dump: restore where there are as many",
    });
  }
  const waiting = (saved.tail - saved.head + saved.nr) % saved.nr;
  const file = program.call(NR.memfd_create, [program.text("aio"), CLOEXEC], { what: "cannot make a file" });
  program.run();
  const fd = program.result(file);
  const ring = { context: made, fd, atOnce: Math.max(1, Math.min(MOST, saved.nr >> 3)) };
  if (complete(program, ring, saved.head, true) < saved.head) throw full(subject);
  const done = complete(program, ring, waiting, false);
  if (done < waiting) {
    // what another CPU keeps for itself is missing: the last ones are fetched, and the head is put back by hand
    fetch(program, made, done);
    if (complete(program, ring, waiting - done, true) < waiting - done) throw full(subject);
    program.call(PSEUDO.store32, [made + HEAD, saved.head]);
  }
  program.call(NR.close, [fd]);
  program.call(PSEUDO.copy, [made + HEADER, start + HEADER, saved.nr * EVENT]);
  program.call(NR.mremap, [made, bytes, bytes, MREMAP_MAYMOVE_FIXED, start], {
    expect: start,
    what: "cannot move the ring of an AIO context",
    subject,
  });
  program.run();
}

/** io_setup(2): the address of the new ring. A 64-bit call finds no place for it in the address space of 32-bit code. */
function makeContext(
  program: Program,
  { nr_req }: AioRingEntry,
  subject: { address: number },
  isI386: boolean,
): number {
  const place = program.reserve(8);
  const call = program.call(isI386 ? PSEUDO.i386 + I386.io_setup : NR.io_setup, [nr_req, place], { ignore: true });
  program.run();
  const result = program.result(call);
  if (result < 0) {
    throw new CrError("cannot make an AIO context", {
      code: "EAGAIN",
      subject,
      remedy: "raise the system's number of requests: sysctl fs.aio-max-nr",
    });
  }
  return Number(place.view.getBigUint64(0, true));
}

function full(subject: { address: number }): CrError {
  return new CrError("the kernel takes no more requests for the ring of an AIO context", { code: "EAGAIN", subject });
}

function fetch(program: Program, context: number, count: number): void {
  for (let left = count; left > 0; left -= MOST) {
    const n = Math.min(left, MOST);
    const taken = program.reserve(n * EVENT);
    program.call(NR.io_getevents, [context, n, n, taken, 0], {
      expect: n,
      what: "cannot empty the ring of an AIO context",
    });
    program.run();
  }
}

/**
 * Lets the kernel complete requests that read nothing from an empty file; with `fetched` they are taken out again.
 * @returns how many it took: each CPU keeps room for some, and a task that changes CPUs may leave that behind
 */
function complete(
  program: Program,
  ring: { context: number; fd: number; atOnce: number },
  count: number,
  fetched: boolean,
): number {
  let done = 0;
  while (done < count) {
    const n = Math.min(count - done, ring.atOnce);
    const request = program.reserve(IOCB);
    request.view.setInt32(20, ring.fd, true);
    const at = BigInt(program.area.base + request.offset);
    request.view.setBigUint64(24, at, true);
    const list = program.data(new Uint8Array(new BigUint64Array(n).fill(at).buffer));
    const call = program.call(NR.io_submit, [ring.context, n, list], { ignore: true });
    program.run();
    const taken = program.result(call);
    if (taken <= 0) break;
    if (fetched) fetch(program, ring.context, taken);
    done += taken;
  }
  return done;
}
