/** Hostile users and groups of a container in a user namespace. */
import { type Row, type Variant, variantsOf } from "./set.ts";

const OUT = 77_777;
const map = (first: number, lower_first: number, count: number) => ({ first, lower_first, count });

const rows = (inner: number): Row[] => [
  ["no users", "userns", "#0", { uid_map: [] }],
  ["no groups", "userns", "#0", { gid_map: [] }],
  ["a map of nothing", "userns", "#0", { uid_map: [map(0, 0, 0)] }],
  ["a map over the end", "userns", "#0", { uid_map: [map(0, 0xffff_fff0, 0xffff)] }],
  ["two maps of one user", "userns", "#0", { uid_map: [map(0, 0, 10), map(5, 100, 10)] }],
  ["absurdly many maps", "userns", "#0", { gid_map: Array.from({ length: 5000 }, (_, i) => map(i, i, 1)) }],
  ["its own parent", "userns", "#0", { tscriu_parent: 7 }],
  ["a parent that is not there", "userns", "#0", { tscriu_parent: 999 }],
  ["an owner who is absurd", "userns", "#0", { tscriu_owner: 2 ** 32 - 1 }],
  ["a user outside", `core-${inner}`, "#0", { "thread_core.creds.uid": OUT, "thread_core.creds.euid": OUT }],
  ["a saved user outside", `core-${inner}`, "#0", { "thread_core.creds.suid": OUT }],
  ["a user of files outside", `core-${inner}`, "#0", { "thread_core.creds.fsuid": OUT }],
  ["a group outside", `core-${inner}`, "#0", { "thread_core.creds.gid": OUT, "thread_core.creds.egid": OUT }],
  ["groups outside", `core-${inner}`, "#0", { "thread_core.creds.groups": [OUT] }],
  ["a ghost of a user outside", "ghost-file-1", "#0", { uid: OUT }],
  ["a ghost of a group outside", "ghost-file-2", "#0", { gid: OUT }],
  ["a segment of a user outside", "ipcns-shm", "#0", { "desc.uid": OUT }],
  ["semaphores of a group outside", "ipcns-sem", "#0", { "desc.gid": OUT }],
  ["a queue of a user outside", "ipcns-msg", "#0", { "desc.uid": OUT }],
  ["a terminal of a user outside", "tty-info", "*", { uid: OUT }],
];

export const hostileUsers = (inner: number): Variant[] => variantsOf(rows(inner));
