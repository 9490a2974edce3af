import { expect, test } from "bun:test";
import { NdType, type NetDeviceEntry } from "../image/schema.gen.ts";
import { checkDevices } from "./net-devices.ts";

const device = (type: NdType, ifindex: number, peer: number): NetDeviceEntry => ({
  type,
  ifindex,
  name: `if${ifindex}`,
  mtu: 1500,
  flags: 0,
  conf: [],
  conf4: [],
  conf6: [],
  peer_ifindex: peer,
  peer_nsid: 9,
});

test("only of a pair the other end has to be there: criu says of all others that they are their own", () => {
  const lo = device(NdType.LOOPBACK, 1, 1);
  expect(() => checkDevices([lo, device(NdType.VETH, 2, 3), device(NdType.VETH, 3, 2)], 9)).not.toThrow();
  expect(() => checkDevices([lo, device(NdType.VETH, 2, 3)], 9)).toThrow(/other end/);
  expect(() => checkDevices([lo, device(NdType.VETH, 2, 2)], 9)).toThrow(/other end/);
});
