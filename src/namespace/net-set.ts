/** What somebody set of interfaces that are there: in an order in which each finds what it stands on. */
import type { TscriuNetworkMessage } from "../image/schema.gen.ts";
import { readCounted } from "./net-counted.ts";
import { readExtras, writeExtras } from "./net-extras.ts";
import { readMessages, writeMessages } from "./net-messages.ts";
import { writeNeighbours } from "./net-neighbours.ts";
import { readSegments, writeSegments } from "./net-segments.ts";
import { readTraffic, writeTraffic } from "./net-traffic.ts";
import { readVlans, writeVlans } from "./net-vlans.ts";
import { readWireguard, writeWireguard } from "./net-wireguard.ts";

export interface SetThings {
  readonly neighbours: readonly Uint8Array[];
  readonly messages: readonly TscriuNetworkMessage[];
}

/** Of the namespace that we are in. */
export function readSetMessages(): TscriuNetworkMessage[] {
  return [
    ...readVlans(),
    ...readMessages(),
    ...readExtras(),
    ...readWireguard(),
    ...readTraffic(),
    ...readSegments(),
    ...readCounted(),
  ];
}

/**
 * @param numbers what an interface of the images is called here
 * @param lost is told what could not be done
 * @returns what is of interfaces that are not there
 */
export function writeSet(
  { neighbours, messages }: SetThings,
  numbers: ReadonlyMap<number, number>,
  lost: (what: string) => void,
): SetThings {
  // a bridge takes entries of VLANs that its ports have
  writeSegments(messages, lost);
  const vlans = writeVlans(messages, numbers, lost);
  return {
    neighbours: writeNeighbours(neighbours, numbers, lost),
    messages: [
      ...vlans,
      ...writeMessages(messages, "others", numbers, lost),
      ...writeExtras(messages, numbers, lost),
      ...writeWireguard(messages, numbers, lost),
      ...writeTraffic(messages, numbers, lost),
    ],
  };
}
