/**
 * Requests of asynchronous I/O that wait until a descriptor is ready (IOCB_CMD_POLL). The kernel shows them to nobody, so we look
 * into it; where the program still has a request as it made it, it is made again.
 */
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { AioRingEntry } from "../image/schema.gen.ts";
import { closeFd, tryOpen } from "../kernel/fd.ts";
import { type Inside, type KernelObject, lookInside } from "../kernel/inside.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdOpen } from "../kernel/pidfd.ts";
import { sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";

/** struct iocb (linux/aio_abi.h): what its owner sees again, the operation, the descriptor, and for a poll the events. */
const IOCB = { SIZE: 64, DATA: 0, OPERATION: 16, FILE: 20, EVENTS: 24 } as const;
const POLL = 5;
/** POLLERR and POLLHUP are always waited for. */
const ALWAYS = 0x18;

/** Addresses of a task's waiting requests, first one first, by the address of their ring. */
export type Polls = ReadonlyMap<number, readonly number[]>;

/** Open file descriptions by descriptor of a task, as the kernel has them. */
class Files implements Disposable {
  readonly #pidfd: number;

  constructor(
    readonly inside: Inside,
    pid: number,
  ) {
    this.#pidfd = pidfdOpen(pid);
  }

  of(fd: number): bigint {
    const dup = sys(NR.pidfd_getfd, this.#pidfd, fd, 0);
    if (dup < 0) return 0n;
    try {
      return this.inside.file(dup).address;
    } finally {
      closeFd(dup);
    }
  }

  [Symbol.dispose](): void {
    closeFd(this.#pidfd);
  }
}

function contextsOf(inside: Inside, pid: number): KernelObject[] {
  const fd = tryOpen(`/proc/${pid}/mem`, O.RDONLY | O.CLOEXEC);
  if (fd < 0) return [];
  try {
    const table = inside.file(fd).to("private_data", "mm_struct")?.to("ioctx_table", "kioctx_table");
    return table?.pointers("table", table.int("nr"), "kioctx") ?? [];
  } finally {
    closeFd(fd);
  }
}

/** Is a request still in the task's memory as it was made, for the same file? */
function isWhole(request: KernelObject, memory: RemoteMemory, files: Files): boolean {
  const bytes = new Uint8Array(IOCB.SIZE);
  if (!memory.tryRead(Number(request.long("ki_res.obj")), bytes)) return false;
  const iocb = new DataView(bytes.buffer);
  const events = (iocb.getUint32(IOCB.EVENTS, true) | ALWAYS) & 0xffff;
  return (
    iocb.getUint16(IOCB.OPERATION, true) === POLL &&
    iocb.getBigUint64(IOCB.DATA, true) === request.long("ki_res.data") &&
    ((request.int("poll.events") | ALWAYS) & 0xffff) === events &&
    files.of(iocb.getUint32(IOCB.FILE, true)) === request.long("poll.file")
  );
}

/** @returns undefined where nobody may look. Reports requests that cannot be made again. */
export function readPolls(pid: number, blocker: (error: CrError) => void): Polls | undefined {
  return lookInside((inside) => {
    using memory = new RemoteMemory(pid);
    using files = new Files(inside, pid);
    const polls = new Map<number, number[]>();
    for (const context of contextsOf(inside, pid)) {
      const ring = Number(context.long("user_id"));
      for (const request of context.list("active_reqs", "aio_kiocb", "ki_list")) {
        const address = Number(request.long("ki_res.obj"));
        if (isWhole(request, memory, files)) polls.set(ring, [...(polls.get(ring) ?? []), address]);
        else blocker(problem(pid, address));
      }
    }
    return polls;
  });
}

function problem(pid: number, address: number): CrError {
  return new CrError(
    "a request of asynchronous I/O waits for a descriptor, and is not in memory any more as it was made",
    {
      code: "UNSUPPORTED",
      subject: { pid, address },
      remedy: "let the program cancel it (io_cancel) before the dump, or keep its control block and its descriptor",
    },
  );
}

/** Makes the requests again; when all files are there. */
export function restorePolls(program: Program, rings: readonly AioRingEntry[], pid: number): void {
  for (const { id, tscriu_polls: polls } of rings) {
    if (polls.length === 0) continue;
    const list = program.data(new Uint8Array(new BigUint64Array(polls.map(BigInt)).buffer));
    program.call(NR.io_submit, [Number(id), polls.length, list], {
      expect: polls.length,
      what: "cannot make requests of asynchronous I/O again",
      subject: { pid },
    });
    program.run();
  }
}
