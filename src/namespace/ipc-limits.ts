/** The limits of an ipc namespace: sysctls of it, and where the images keep them (ipc_var_entry). */
import { CrError } from "../error.ts";
import type { IpcVarEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { check } from "../kernel/sys.ts";
import { readThere, writeThere } from "../kernel/sysv.ts";
import { toU64 } from "../kernel/u64.ts";

type Single = Exclude<keyof IpcVarEntry, "sem_ctls" | "msg_next_id" | "sem_next_id" | "shm_next_id">;

const SEMAPHORES = "kernel/sem";
const QUEUES = "fs/mqueue/";
/** What a kernel has not is kept as. */
const NOT_THERE = "0";
const SINGLE: readonly (readonly [field: Single, file: string])[] = [
  ["msg_ctlmax", "kernel/msgmax"],
  ["msg_ctlmnb", "kernel/msgmnb"],
  ["msg_ctlmni", "kernel/msgmni"],
  ["auto_msgmni", "kernel/auto_msgmni"],
  ["shm_ctlmax", "kernel/shmmax"],
  ["shm_ctlall", "kernel/shmall"],
  ["shm_ctlmni", "kernel/shmmni"],
  ["shm_rmid_forced", "kernel/shm_rmid_forced"],
  ["mq_queues_max", "fs/mqueue/queues_max"],
  ["mq_msg_max", "fs/mqueue/msg_max"],
  ["mq_msgsize_max", "fs/mqueue/msgsize_max"],
  ["mq_msg_default", "fs/mqueue/msg_default"],
  ["mq_msgsize_default", "fs/mqueue/msgsize_default"],
];

function read(file: string, call: Caller): string | undefined {
  return readThere(`/proc/sys/${file}`, call)?.trim();
}

export function readLimits(call: Caller): IpcVarEntry {
  const semaphores = (read(SEMAPHORES, call) ?? "").split(/\s+/).map(Number);
  const values = SINGLE.map(([field, file]) => [field, toU64(BigInt(read(file, call) ?? NOT_THERE))]);
  return { ...(Object.fromEntries(values) as unknown as IpcVarEntry), sem_ctls: semaphores };
}

/** SEMMSL, SEMMNS, SEMOPM, SEMMNI. */
const SEMAPHORE_LIMITS = 4;

/**
 * Sets what is not so already.
 * @param absent told of those that this kernel does not have, but for the queues of a kernel without any
 */
export function restoreLimits(entry: IpcVarEntry, call: Caller, absent: (path: string) => void): void {
  if (entry.sem_ctls.length !== SEMAPHORE_LIMITS)
    throw new CrError("the limits of semaphores in the images are not four", { code: "BAD_IMAGE" });
  const wanted: [string, string][] = [[SEMAPHORES, entry.sem_ctls.join("\t")]];
  for (const [field, file] of SINGLE) if (entry[field] !== undefined) wanted.push([file, String(entry[field])]);
  for (const [file, value] of wanted) {
    const now = read(file, call);
    const path = `/proc/sys/${file}`;
    if (now === undefined && value !== NOT_THERE && !file.startsWith(QUEUES)) absent(path);
    if (now === value || now === undefined) continue;
    check(writeThere(path, value, call), "cannot set a limit of the ipc namespace", { path, value });
  }
}
