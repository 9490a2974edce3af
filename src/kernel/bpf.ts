/** bpf(2), as far as maps go, and programs that read for us. Source of numbers and layouts: linux/bpf.h. */
import type { Subject } from "../error.ts";
import { closeFd } from "./fd.ts";
import { NR } from "./nr.ts";
import { addressOf, check, cstring, sys } from "./sys.ts";

const COMMAND = {
  MAP_CREATE: 0,
  PROG_LOAD: 5,
  PROG_RUN: 10,
  PROG_GET_NEXT_ID: 11,
  PROG_GET_FD_BY_ID: 13,
  MAP_GET_FD_BY_ID: 14,
  OBJ_GET_INFO_BY_FD: 15,
  PROG_QUERY: 16,
  MAP_FREEZE: 22,
  MAP_LOOKUP_BATCH: 24,
  MAP_UPDATE_BATCH: 26,
} as const;

/** enum bpf_map_type, in its order. */
export const MAP_TYPES: readonly string[] =
  `unspecified hash array prog_array perf_event_array percpu_hash percpu_array stack_trace cgroup_array lru_hash
  lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap cpumap xskmap sockhash cgroup_storage
  reuseport_sockarray percpu_cgroup_storage queue stack sk_storage devmap_hash struct_ops ringbuf inode_storage
  task_storage bloom_filter user_ringbuf cgrp_storage arena`.split(/\s+/);

/** What a descriptor of a map may do: flags of MAP_GET_FD_BY_ID. */
export const BPF_F = { RDONLY: 8, WRONLY: 16 } as const;

const ATTR_SIZE = 128;
const INFO_SIZE = 256;
const NAME = 16;
const ENOENT = -2;
/** BPF_PROG_TYPE_SYSCALL, and BPF_F_SLEEPABLE, which goes with it. */
const PROGRAM_OF_CALLS = 31;
const SLEEPABLE = 16;

export interface MapInfo {
  readonly type: number;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly name: string;
  readonly ifindex: number;
  readonly extra: bigint;
  /** It has type information (BTF). */
  readonly isTyped: boolean;
}

/** Runs a command with an attribute of these 32-bit words: the result, or the negative errno. */
function bpf(command: number, fill: (attr: DataView) => void): { result: number; attr: DataView } {
  const attr = new DataView(new ArrayBuffer(ATTR_SIZE));
  fill(attr);
  return { result: sys(NR.bpf, command, addressOf(attr), ATTR_SIZE), attr };
}

function put64(view: DataView, at: number, value: number): void {
  view.setBigUint64(at, BigInt(value), true);
}

function infoOf(fd: number, info: DataView): number {
  return bpf(COMMAND.OBJ_GET_INFO_BY_FD, (attr) => {
    attr.setInt32(0, fd, true);
    attr.setUint32(4, info.byteLength, true);
    put64(attr, 8, addressOf(info));
  }).result;
}

export function mapInfo(fd: number, subject: Subject): MapInfo {
  const info = new DataView(new ArrayBuffer(INFO_SIZE));
  check(infoOf(fd, info), "cannot read the state of a BPF map", subject, "run as root, or with CAP_BPF");
  const word = (at: number) => info.getUint32(at, true);
  const name = new Uint8Array(info.buffer, 24, NAME);
  return {
    type: word(0),
    id: word(4),
    keySize: word(8),
    valueSize: word(12),
    maxEntries: word(16),
    flags: word(20),
    name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
    ifindex: word(40),
    isTyped: word(64) !== 0,
    extra: info.getBigUint64(80, true),
  };
}

/** Another description of the map with this id; the caller closes it. `access`: 0, or of `BPF_F`. */
export function openMap(id: number, access: number, subject: Subject): number {
  const { result } = bpf(COMMAND.MAP_GET_FD_BY_ID, (attr) => {
    attr.setUint32(0, id, true);
    attr.setUint32(8, access, true);
  });
  return check(result, "cannot open a BPF map by its id", { ...subject, id }, "run as root");
}

/** Makes a map; the caller closes it. */
export function makeMap(info: Omit<MapInfo, "id" | "isTyped" | "ifindex">, subject: Subject): number {
  const { result } = bpf(COMMAND.MAP_CREATE, (attr) => {
    const words = [info.type, info.keySize, info.valueSize, info.maxEntries, info.flags];
    for (const [i, word] of words.entries()) attr.setUint32(i * 4, word, true);
    new Uint8Array(attr.buffer, 28, NAME - 1).set(new TextEncoder().encode(info.name).subarray(0, NAME - 1));
    attr.setBigUint64(64, info.extra, true);
  });
  return check(result, "cannot make a BPF map", subject, "run as root, or with CAP_BPF");
}

/** An instruction: operation, registers, offset, number. */
export type Instruction = readonly [code: number, to: number, from: number, offset: number, number: number];

/**
 * Loads a program that only runs when it is told to, and may sleep then: a descriptor, which the caller closes, or the negative
 * errno.
 */
export function tryLoadProgram(instructions: readonly Instruction[]): number {
  const code = new DataView(new ArrayBuffer(instructions.length * 8));
  instructions.forEach(([operation, to, from, offset, number], i) => {
    code.setUint8(i * 8, operation);
    code.setUint8(i * 8 + 1, to | (from << 4));
    code.setInt16(i * 8 + 2, offset, true);
    code.setInt32(i * 8 + 4, number, true);
  });
  // the kernel lets programs of no other licence read its memory; ours are of either
  const license = cstring("Dual MIT/GPL");
  return bpf(COMMAND.PROG_LOAD, (attr) => {
    attr.setUint32(0, PROGRAM_OF_CALLS, true);
    attr.setUint32(4, instructions.length, true);
    put64(attr, 8, addressOf(code));
    put64(attr, 16, addressOf(license));
    attr.setUint32(44, SLEEPABLE, true);
  }).result;
}

/** Runs such a program with a context that it may change: 0, or the negative errno. */
export function tryRunProgram(program: number, context: BigUint64Array): number {
  return bpf(COMMAND.PROG_RUN, (attr) => {
    attr.setInt32(0, program, true);
    attr.setUint32(40, context.byteLength, true);
    put64(attr, 48, addressOf(context));
  }).result;
}

/** Places of a network namespace where a program may stand (enum bpf_attach_type). */
export const NETWORK_PLACES = { "flow dissector": 17, sk_lookup: 36 } as const;

/** How many programs stand at a place of what a descriptor is of: 0 on a kernel without such places, too. */
export function programsAt(fd: number, place: number): number {
  const { result, attr } = bpf(COMMAND.PROG_QUERY, (query) => {
    query.setInt32(0, fd, true);
    query.setUint32(4, place, true);
  });
  return result < 0 ? 0 : attr.getUint32(24, true);
}

/** What a map holds: keys, and their values in the same order. */
export interface MapContent {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

function batch(command: number, fd: number, keys: Uint8Array, values: Uint8Array, count: number, cursor: Uint8Array) {
  return bpf(command, (attr) => {
    put64(attr, 8, command === COMMAND.MAP_LOOKUP_BATCH ? addressOf(cursor) : 0);
    put64(attr, 16, addressOf(keys));
    put64(attr, 24, addressOf(values));
    attr.setUint32(32, count, true);
    attr.setInt32(36, fd, true);
  });
}

export function readMap(fd: number, info: MapInfo, subject: Subject): MapContent {
  const keys = new Uint8Array(info.maxEntries * info.keySize);
  const values = new Uint8Array(info.maxEntries * info.valueSize);
  const cursor = new Uint8Array(Math.max(8, info.keySize));
  const { result, attr } = batch(COMMAND.MAP_LOOKUP_BATCH, fd, keys, values, info.maxEntries, cursor);
  if (result !== ENOENT) check(result, "cannot read a BPF map", subject);
  const count = attr.getUint32(32, true);
  return { count, keys: keys.subarray(0, count * info.keySize), values: values.subarray(0, count * info.valueSize) };
}

export function fillMap(fd: number, { count, keys, values }: MapContent, subject: Subject): void {
  if (count === 0) return;
  const { result } = batch(COMMAND.MAP_UPDATE_BATCH, fd, keys, values, count, keys);
  check(result, "cannot fill a BPF map", subject);
}

/** From now on no program in user space changes it. */
export function freezeMap(fd: number, subject: Subject): void {
  const { result } = bpf(COMMAND.MAP_FREEZE, (attr) => attr.setInt32(0, fd, true));
  check(result, "cannot freeze a BPF map", subject);
}

/** A loaded program that works with the map, or undefined. Programs that cannot be looked at count as others'. */
export function programOf(map: number): number | undefined {
  for (let id = 0; ; ) {
    const next = bpf(COMMAND.PROG_GET_NEXT_ID, (attr) => attr.setUint32(0, id, true));
    if (next.result < 0) return undefined;
    id = next.attr.getUint32(4, true);
    if (mapsOfProgram(id).includes(map)) return id;
  }
}

function mapsOfProgram(id: number): number[] {
  const fd = bpf(COMMAND.PROG_GET_FD_BY_ID, (attr) => attr.setUint32(0, id, true)).result;
  if (fd < 0) return [];
  try {
    const info = new DataView(new ArrayBuffer(INFO_SIZE));
    if (infoOf(fd, info) < 0) return [];
    const ids = new Uint32Array(Math.max(1, info.getUint32(52, true)));
    const again = new DataView(new ArrayBuffer(INFO_SIZE));
    again.setUint32(52, ids.length, true);
    put64(again, 56, addressOf(ids));
    return infoOf(fd, again) < 0 ? [] : [...ids];
  } finally {
    closeFd(fd);
  }
}
