/**
 * Which CPUs take an interface's packets and send them, and how long packets wait for others (Documentation/networking/scaling.rst,
 * napi.rst): only a sysfs tells that, and each network namespace has its own, which we mount nowhere.
 */
import { readdirSync } from "node:fs";
import { CrError } from "../error.ts";
import { closeFd, openPath, tryOpen } from "../kernel/fd.ts";
import { makeMount } from "../kernel/mount.ts";
import { Fields, PayloadBuilder } from "../kernel/netlink.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, readFilesAt, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { readValue } from "./net-values.ts";

/** An interface, and how many queues it has at most; what has one of each needs no look at which there are. */
export interface Queued {
  readonly ifindex: number;
  readonly name: string;
  readonly tx: number;
  readonly rx: number;
}

const OF_DEVICE = ["gro_flush_timeout", "napi_defer_hard_irqs", "threaded"] as const;
const OF_RX = ["rps_cpus", "rps_flow_cnt"] as const;
const OF_TX = ["xps_cpus", "xps_rxqs"] as const;
const SETTING =
  /^(gro_flush_timeout|napi_defer_hard_irqs|threaded|queues\/rx-\d+\/rps_\w+|queues\/tx-\d+\/xps_\w+) [\da-f,]+$/;

/** Masks are told in groups of digits, as many as this machine has CPUs for. */
const plain = (value: string) => value.replace(/^[0,]+(?=[\da-f])/, "");

/** Acts with a sysfs of the namespace that we are in. @returns undefined where it cannot be had */
function inSysfs<T>(act: (root: number) => T): T | undefined {
  let root: number;
  try {
    root = makeMount("sysfs", "cannot look at the queues of interfaces");
  } catch (error) {
    // we have no rights there, or this kernel has none
    if (error instanceof CrError && ["EPERM", "ENODEV", "ENOSYS"].includes(error.code)) return undefined;
    throw error;
  }
  try {
    return act(root);
  } finally {
    closeFd(root);
  }
}

function queuesOf(directory: number, { tx, rx }: Queued): string[] {
  if (tx === 1 && rx === 1) return ["rx-0"];
  try {
    return readdirSync(`/proc/self/fd/${directory}/queues`);
  } catch {
    return [];
  }
}

/** @returns of each interface that is not as it came its number, and what is set, a line each */
export function readQueues(devices: readonly Queued[]): Uint8Array[] {
  const usualMask = plain(readValue("core/rps_default_mask") ?? "0");
  const found = inSysfs((root) => {
    const net = openPath(`/proc/self/fd/${root}/class/net`, O.PATH | O.DIRECTORY);
    try {
      return devices.flatMap((device) => queueSettings(net, device, usualMask));
    } finally {
      closeFd(net);
    }
  });
  return found ?? [];
}

function queueSettings(net: number, device: Queued, usualMask: string): Uint8Array[] {
  const path = `/proc/self/fd/${net}/${device.name}`;
  const directory = tryOpen(path, O.PATH | O.DIRECTORY);
  if (directory < 0) return [];
  try {
    const files = queuesOf(directory, device).flatMap((queue) =>
      (queue.startsWith("rx-") ? OF_RX : OF_TX).map((name) => `queues/${queue}/${name}`),
    );
    const names = [...OF_DEVICE, ...files];
    const values = readFilesAt(directory, names);
    const lines = names.flatMap((name, i) => {
      const value = plain(values[i]?.trim() ?? "");
      const usual = name.endsWith("/rps_cpus") ? usualMask : "0";
      return value === "" || value === usual ? [] : [`${name} ${value}`];
    });
    if (lines.length === 0) return [];
    const number = new Uint8Array(Uint32Array.of(device.ifindex).buffer);
    return [
      new PayloadBuilder()
        .raw(number)
        .raw(Buffer.from(lines.join("\n")))
        .build(),
    ];
  } finally {
    closeFd(directory);
  }
}

/** Sets what was set of another one. Errors: CrError that names all that could not be. */
export function writeQueues(payload: Uint8Array, device: string): void {
  const lines = Buffer.from(payload.subarray(4)).toString("latin1").replace(/\0.*$/s, "").split("\n");
  if (!lines.every((line) => SETTING.test(line)))
    throw new CrError("a setting of an interface's queues makes no sense", {
      code: "BAD_IMAGE",
      subject: { interface: device },
    });
  const failed: string[] = [];
  const isDone = inSysfs((root) => {
    for (const line of lines) {
      const [path = "", value = ""] = line.split(" ");
      const file = tryOpen(`/proc/self/fd/${root}/class/net/${device}/${path}`, O.WRONLY);
      const text = Buffer.from(value);
      const result = file < 0 ? file : sys(NR.write, file, addressOf(text), text.length);
      if (file >= 0) closeFd(file);
      if (result < 0) failed.push(`${path} = ${value}`);
    }
    return true;
  });
  if (isDone !== true || failed.length > 0)
    throw new CrError(`cannot set the queues of an interface: ${(isDone ? failed : lines).join(", ")}`, {
      code: "EINVAL",
      subject: { interface: device },
    });
}

/** The interface's number in what was read. */
export const queuedDevice = (payload: Uint8Array): number => new Fields(payload).u32();
