/** What the kernel tells of an io_uring, by /proc and where we look into it ourselves. */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { type KernelObject, lookInside } from "../kernel/inside.ts";
import { withoutIoUring } from "./io-uring.ts";
import type { OpenFile } from "./kind.ts";

/** IORING_SETUP_* of linux/io_uring.h. */
export const SETUP = {
  CQSIZE: 1 << 3,
  CLAMP: 1 << 4,
  ATTACH_WQ: 1 << 5,
  SUBMIT_ALL: 1 << 7,
  COOP_TASKRUN: 1 << 8,
  TASKRUN_FLAG: 1 << 9,
  SQE128: 1 << 10,
  CQE32: 1 << 11,
  SINGLE_ISSUER: 1 << 12,
  DEFER_TASKRUN: 1 << 13,
  NO_SQARRAY: 1 << 16,
} as const;
const KNOWN = Object.values(SETUP).reduce((all, flag) => all | flag, 0);
/** Descriptors of rings that a task may have registered (IO_RINGFD_REG_MAX). */
const REGISTERED = 16;
/** So long requests that are under way may take to end while the tree stands still, milliseconds. Some only end when it runs. */
const patience = 5;

export interface RingState {
  readonly setup: number;
  readonly sqEntries: number;
  readonly cqEntries: number;
  readonly submitted: number;
  readonly completed: number;
}

type Inner = Pick<RingState, "setup"> & { readonly obstacle: string | undefined };

function refuse(file: OpenFile, what: string, remedy = withoutIoUring(file.pid), code = "UNSUPPORTED"): CrError {
  return new CrError(what, {
    code,
    subject: { pid: file.pid, fd: file.fd, path: file.link },
    remedy,
  });
}

/** Why a ring cannot be made again, as far as only the kernel itself knows. */
function obstacleOf(ring: KernelObject, setup: number, pid: number): string | undefined {
  if (setup & ~KNOWN) return "was set up to be polled, or in another way that cannot be brought back";
  if (ring.bits("has_evfd", 1)) return "tells an eventfd of its answers";
  if (ring.bits("restricted", 1)) return "is restricted";
  if (ring.bits("iowq_limits_set", 1)) return "limits its workers";
  if (ring.long("io_bl_xa.xa_head") !== 0n) return "has buffers to choose from";
  if (ring.long("personalities.xa_head") !== 0n) return "has credentials registered";
  if (ring.list("timeout_list", "list_head", "next", 1).length > 0) return "has timeouts pending";
  const submitter = setup & SETUP.SINGLE_ISSUER ? ring.to("submitter_task", "task_struct") : undefined;
  if (submitter && submitter.int("pid") !== pid) return "belongs to one thread, which is not the first of its process";
  for (const user of ring.list("tctx_list", "io_tctx_node", "ctx_node")) {
    const own = user.to("task", "task_struct")?.to("io_uring", "io_uring_task");
    if (own?.pointers("registered_rings", REGISTERED, "file").length)
      return "is used by a task that has registered descriptors of rings";
  }
  return undefined;
}

function innerOf(file: OpenFile): Inner | undefined {
  return lookInside((inside) => {
    const ring = inside.file(file.dup).to("private_data", "io_ring_ctx");
    if (ring === undefined) return undefined;
    const setup = ring.int("flags");
    return { setup, obstacle: obstacleOf(ring, setup, file.pid) };
  });
}

interface Shown {
  readonly number: (name: string) => number;
  readonly text: string;
}

function shown({ pid, fd }: OpenFile): Shown {
  const text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1");
  const number = (name: string) => Number(new RegExp(`^${name}:\\s*(\\w+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  return { number, text };
}

/** Every request gives one answer: those that have not are under way. */
const isBusy = ({ number, text }: Shown) =>
  number("CachedSqHead") !== number("CachedCqTail") || !/^PollList:\n\S/m.test(text);

function settled(file: OpenFile): Shown {
  for (const late = performance.now() + patience; ; Bun.sleepSync(2)) {
    const found = shown(file);
    if (!isBusy(found) || performance.now() > late) return found;
  }
}

/** @throws CrError where a ring is more than its queues */
export function ringState(file: OpenFile): RingState {
  const inner = innerOf(file);
  if (inner === undefined)
    throw refuse(
      file,
      "an io_uring cannot be dumped where nobody may look into the kernel (BTF, CAP_BPF, CAP_PERFMON)",
    );
  const { setup, obstacle } = inner;
  if (obstacle !== undefined) throw refuse(file, `an io_uring ${obstacle}`);
  const found = settled(file);
  const { number } = found;
  if (number("UserFiles") + number("UserBufs") !== 0) throw refuse(file, "an io_uring has files or buffers registered");
  if (!/^CqOverflowList:\n(?!\s)/m.test(found.text))
    throw refuse(file, "an io_uring has answers for which there was no room", "let the program fetch its answers");
  if (isBusy(found)) {
    const what = "an io_uring has requests under way, or had some that were answered more than once";
    throw refuse(file, what, `dump it again when they have ended, or ${withoutIoUring(file.pid)}`, "EAGAIN");
  }
  return {
    setup,
    sqEntries: number("SqMask") + 1,
    cqEntries: number("CqMask") + 1,
    submitted: number("CachedSqHead"),
    completed: number("CachedCqTail"),
  };
}
