import { expect, test } from "bun:test";
import { PayloadBuilder } from "../kernel/netlink.ts";
import { hasOwnVlans } from "./net-vlans.ts";

const [AF_SPEC, VLAN_INFO] = [26, 2];
const [PVID, UNTAGGED] = [2, 4];

/** An answer to RTM_GETLINK about a bridge's port: flags and number of each VLAN. */
function link(...vlans: readonly (readonly [flags: number, id: number])[]): Uint8Array {
  const built = new PayloadBuilder().raw(new Uint8Array(16)).text(3, "port");
  if (vlans.length === 0) return built.build();
  return built
    .nest(AF_SPEC, (spec) => {
      for (const vlan of vlans) spec.attribute(VLAN_INFO, new Uint8Array(Uint16Array.of(...vlan).buffer));
    })
    .build();
}

test("VLANs that somebody set are told from the one that each port has", () => {
  expect(hasOwnVlans(link())).toBeFalse();
  expect(hasOwnVlans(link([PVID | UNTAGGED, 1]))).toBeFalse();
  expect(hasOwnVlans(link([PVID | UNTAGGED, 7]))).toBeTrue();
  expect(hasOwnVlans(link([UNTAGGED, 1]))).toBeTrue();
  expect(hasOwnVlans(link([PVID | UNTAGGED, 1], [0, 10]))).toBeTrue();
});
