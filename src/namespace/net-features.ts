/**
 * What interfaces leave to the hardware, as ethtool(8) sets it (-K): check sums, segments. Kernels number that otherwise, so it goes
 * by names.
 */
import { Fields, PayloadBuilder } from "../kernel/netlink.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { AF, SOCK } from "../kernel/uapi/socket.ts";

// linux/ethtool.h, linux/sockios.h
const SIOCETHTOOL = 0x8946;
const ETHTOOL = {
  GLINK: 0xa,
  GSTRINGS: 0x1b,
  GSSET_INFO: 0x37,
  GFEATURES: 0x3a,
  SFEATURES: 0x3b,
  GCHANNELS: 0x3c,
  SCHANNELS: 0x3d,
} as const;
const ETH_SS_FEATURES = 4;
const STRING = 32;
/** Features of one block. */
const BLOCK = 32;
/** struct ifreq: name, and where the address of what is asked stands; bytes. */
const IFREQ = { size: 40, data: 16 } as const;

/** Asks of an interface; the negative errno where it knows nothing of that. */
function ask(socket: number, device: string, words: Uint32Array): number {
  const request = new Uint8Array(new ArrayBuffer(IFREQ.size));
  request.set(Buffer.from(device, "latin1").subarray(0, IFREQ.data - 1));
  new DataView(request.buffer).setBigUint64(IFREQ.data, BigInt(addressOf(words)), true);
  const result = sys(NR.ioctl, socket, SIOCETHTOOL, addressOf(request));
  // it wrote there
  addressOf(words);
  return result;
}

interface Feature {
  readonly name: string;
  readonly bit: number;
  readonly isOn: boolean;
}

function namesOf(socket: number, device: string): string[] {
  const info = new Uint32Array([ETHTOOL.GSSET_INFO, 0, 1 << ETH_SS_FEATURES, 0, 0]);
  if (ask(socket, device, info) < 0) return [];
  const count = info[4] ?? 0;
  const strings = new Uint32Array(3 + (count * STRING) / 4);
  strings.set([ETHTOOL.GSTRINGS, ETH_SS_FEATURES, count]);
  if (ask(socket, device, strings) < 0) return [];
  const text = Buffer.from(strings.buffer, 12);
  return Array.from({ length: count }, (_, i) =>
    text.toString("latin1", i * STRING, (i + 1) * STRING).replace(/\0.*$/s, ""),
  );
}

/** Those that somebody may change, as they were asked for. */
function featuresOf(socket: number, device: string, names: readonly string[]): Feature[] {
  const blocks = Math.ceil(names.length / BLOCK);
  const words = new Uint32Array(2 + blocks * 4);
  words.set([ETHTOOL.GFEATURES, blocks]);
  if (blocks === 0 || ask(socket, device, words) < 0) return [];
  return names.flatMap((name, bit) => {
    const block = 2 + Math.floor(bit / BLOCK) * 4;
    const has = (at: number) => (((words[block + at] ?? 0) >>> (bit % BLOCK)) & 1) !== 0;
    const [available, requested, never] = [has(0), has(1), has(3)];
    return available && !never && name !== "" ? [{ name, bit, isOn: requested }] : [];
  });
}

function withSocket<T>(act: (socket: number) => T): T {
  const socket = check(sys(NR.socket, AF.INET, SOCK.DGRAM, 0), "cannot ask interfaces what they do");
  try {
    return act(socket);
  } finally {
    sys(NR.close, socket);
  }
}

/** @returns of each interface its number, and names with + or - */
export function readFeatures(devices: ReadonlyMap<number, string>): Uint8Array[] {
  return withSocket((socket) => {
    let names: string[] | undefined;
    return [...devices].flatMap(([ifindex, device]) => {
      names ??= namesOf(socket, device);
      const words = featuresOf(socket, device, names).map(({ name, isOn }) => `${isOn ? "+" : "-"}${name}`);
      const number = new Uint8Array(Uint32Array.of(ifindex).buffer);
      return words.length === 0
        ? []
        : [
            new PayloadBuilder()
              .raw(number)
              .raw(Buffer.from(words.join(" ")))
              .build(),
          ];
    });
  });
}

/** Has an interface do what another one did, as far as it can. */
export function writeFeatures(payload: Uint8Array, device: string): void {
  const text = Buffer.from(payload.subarray(4)).toString("latin1").replace(/\0.*$/s, "");
  const wanted = new Map(text.split(" ").map((word) => [word.slice(1), word.startsWith("+")]));
  withSocket((socket) => {
    const names = namesOf(socket, device);
    const blocks = Math.ceil(names.length / BLOCK);
    const words = new Uint32Array(2 + blocks * 2);
    words.set([ETHTOOL.SFEATURES, blocks]);
    let changes = 0;
    for (const { name, bit, isOn } of featuresOf(socket, device, names)) {
      const isWanted = wanted.get(name);
      if (isWanted === undefined || isWanted === isOn) continue;
      const block = 2 + Math.floor(bit / BLOCK) * 2;
      const mask = (1 << (bit % BLOCK)) >>> 0;
      words[block] = ((words[block] ?? 0) | mask) >>> 0;
      if (isWanted) words[block + 1] = ((words[block + 1] ?? 0) | mask) >>> 0;
      changes++;
    }
    if (changes > 0)
      check(ask(socket, device, words), "cannot set what an interface does by itself", { interface: device });
  });
}

/** The kernel sees at once whether these have a carrier, which it does a while later otherwise. */
export function seeCarriers(devices: readonly string[]): void {
  withSocket((socket) => {
    for (const device of devices) ask(socket, device, Uint32Array.of(ETHTOOL.GLINK, 0));
  });
}

/** struct ethtool_channels: a word for what is asked, four that say how many there may be, and as many that say how many are used. */
const CHANNELS = { words: 9, used: 5 } as const;

function channelsOf(socket: number, device: string): Uint32Array | undefined {
  const words = new Uint32Array(CHANNELS.words);
  words[0] = ETHTOOL.GCHANNELS;
  return ask(socket, device, words) < 0 ? undefined : words;
}

/** Of its queues each uses as many as ethtool(8) says (-L). @returns of each interface its number, and those numbers */
export function readChannels(devices: ReadonlyMap<number, string>): Uint8Array[] {
  if (devices.size === 0) return [];
  return withSocket((socket) =>
    [...devices].flatMap(([ifindex, device]) => {
      const words = channelsOf(socket, device);
      return words ? [new Uint8Array(Uint32Array.of(ifindex, ...words.subarray(CHANNELS.used)).buffer)] : [];
    }),
  );
}

/** Has an interface use as many of its queues as another one did. */
export function writeChannels(payload: Uint8Array, device: string): void {
  const wanted = new Fields(payload, "numbers of queues");
  withSocket((socket) => {
    const words = channelsOf(socket, device) ?? new Uint32Array(CHANNELS.words);
    words[0] = ETHTOOL.SCHANNELS;
    for (let i = 0; i < CHANNELS.words - CHANNELS.used; i++) words[CHANNELS.used + i] = wanted.u32(4 + i * 4);
    check(ask(socket, device, words), "cannot set how many queues an interface uses", { interface: device });
  });
}

/** The interface's number in what was read. */
export const featuredDevice = (payload: Uint8Array): number => new Fields(payload).u32();
