/** VLANs that somebody set for the ports of bridges: these cannot be made again. */
import { LINK_HEADER, RTM } from "../file/network-link.ts";
import { attributeList, Fields, NetlinkSocket, PayloadBuilder } from "../kernel/netlink.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";

const AF_BRIDGE = 7;
const IFLA_AF_SPEC = 26;
const [IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN, IFLA_BRIDGE_VLAN_INFO] = [29, 2, 2];
/** BRIDGE_VLAN_INFO_PVID | UNTAGGED, VLAN 1: what each port of a bridge has from the start. */
const USUAL = 6 + (1 << 16);

/** Does it let through other VLANs of a bridge than the usual one? @param link an answer to RTM_GETLINK of AF_BRIDGE */
export function hasOwnVlans(link: Uint8Array): boolean {
  const spec = new Fields(link, "ifinfomsg").attributes(LINK_HEADER).get(IFLA_AF_SPEC) ?? new Uint8Array(0);
  const infos = attributeList(spec).filter(([type]) => type === IFLA_BRIDGE_VLAN_INFO);
  return infos.length > 0 && (infos.length > 1 || new Fields(infos[0]?.[1] ?? new Uint8Array(4)).u32() !== USUAL);
}

/** Numbers of interfaces whose VLANs are not the usual ones, in the namespace that we are in. */
export function strangeVlans(): number[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const ask = new Uint8Array(LINK_HEADER);
  ask[0] = AF_BRIDGE;
  const payload = new PayloadBuilder().raw(ask).u32(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN).build();
  const answers = socket.dump("cannot list the VLANs of bridges", RTM.GETLINK, payload);
  return answers.filter((one) => hasOwnVlans(one.payload)).map((one) => new Fields(one.payload).u32(4));
}
