/**
 * Switches of a network namespace (Documentation/networking/ip-sysctl.rst). The images keep the values of each directory as a list,
 * whose places have these names; a file that a kernel does not have is a place without value.
 */
import { writeFileSync } from "node:fs";
import { type SysctlEntry, SysctlType } from "../image/schema.gen.ts";
import { type NetworkValues, ROOT, readValue, readValues } from "./net-values.ts";

const V4 = [
  ...["accept_local", "accept_redirects", "accept_source_route", "arp_accept", "arp_announce", "arp_filter"],
  ...["arp_ignore", "arp_notify", "bootp_relay", "disable_policy", "disable_xfrm", "force_igmp_version", "forwarding"],
  ...["igmpv2_unsolicited_report_interval", "igmpv3_unsolicited_report_interval", "log_martians", "medium_id"],
  ...["promote_secondaries", "proxy_arp", "proxy_arp_pvlan", "route_localnet", "rp_filter", "secure_redirects"],
  ...["send_redirects", "shared_media", "src_valid_mark", "tag", "ignore_routes_with_linkdown"],
  ...["drop_gratuitous_arp", "drop_unicast_in_l2_multicast"],
];
const V6 = [
  ...[
    "accept_dad",
    "accept_ra",
    "accept_ra_defrtr",
    "accept_ra_from_local",
    "accept_ra_min_hop_limit",
    "accept_ra_mtu",
  ],
  ...["accept_ra_pinfo", "accept_ra_rt_info_max_plen", "accept_ra_rtr_pref", "accept_redirects", "accept_source_route"],
  ...["autoconf", "dad_transmits", "disable_ipv6", "drop_unicast_in_l2_multicast", "drop_unsolicited_na"],
  ...[
    "force_mld_version",
    "force_tllao",
    "forwarding",
    "hop_limit",
    "ignore_routes_with_linkdown",
    "keep_addr_on_down",
  ],
  ...["max_addresses", "max_desync_factor", "mldv1_unsolicited_report_interval", "mldv2_unsolicited_report_interval"],
  ...["mtu", "ndisc_notify", "optimistic_dad", "proxy_ndp", "regen_max_retry", "router_probe_interval"],
  ...["router_solicitation_delay", "router_solicitation_interval", "router_solicitations", "stable_secret"],
  ...[
    "suppress_frag_ndisc",
    "temp_prefered_lft",
    "temp_valid_lft",
    "use_oif_addrs_only",
    "use_optimistic",
    "use_tempaddr",
  ],
];

/** A list of names, and the values that they have now. */
interface Conf {
  /** Below /proc/sys/net. */
  readonly path: string;
  readonly names: readonly string[];
  read(name: string): string | undefined;
  /** All of them at once. */
  readAll(): ReadonlyMap<string, string>;
}

const directory = (path: string, names: readonly string[]): Conf => ({
  path,
  names,
  read: (name) => readValue(`${path}/${name}`),
  readAll: () => readValues(path, names),
});

const ofDevice = (
  values: NetworkValues,
  path: "ipv4/conf" | "ipv6/conf",
  device: string,
  names: readonly string[],
): Conf => ({
  path: `${path}/${device}`,
  names,
  read: (name) => values.ofDevice(path, device).get(name),
  readAll: () => values.ofDevice(path, device),
});

export const ipv4 = (name: "all" | "default"): Conf => directory(`ipv4/conf/${name}`, V4);
export const ipv6 = (name: "all" | "default"): Conf => directory(`ipv6/conf/${name}`, V6);
export const deviceIpv4 = (values: NetworkValues, device: string): Conf => ofDevice(values, "ipv4/conf", device, V4);
export const deviceIpv6 = (values: NetworkValues, device: string): Conf => ofDevice(values, "ipv6/conf", device, V6);
export const unixConf: Conf = directory("unix", ["max_dgram_qlen"]);
export const ipv4Sysctl: Conf = directory("ipv4", ["ping_group_range"]);

/** The values in the order of their names; one that is not there, or not set, has none. */
export function readConf({ names, readAll }: Conf): SysctlEntry[] {
  const values = readAll();
  return names.map((name) => {
    const text = values.get(name);
    if (text === undefined) return { type: SysctlType.CTL_STR };
    return /^-?\d+$/.test(text)
      ? { type: SysctlType.CTL_32, iarg: Number(text) }
      : { type: SysctlType.CTL_STR, sarg: text };
  });
}

/** What becomes of files whose value could not be set. */
export interface Unset {
  /** It is not there. */
  readonly absent: (file: string) => void;
  /** The kernel does not take the value. */
  readonly lost: (file: string) => void;
}

/** Sets what differs. */
export function writeConf({ path, names, read }: Conf, entries: readonly SysctlEntry[], unset: Unset): void {
  names.forEach((name, i) => {
    const { iarg, sarg } = entries[i] ?? {};
    const wanted = sarg ?? iarg?.toString();
    if (wanted === undefined || read(name) === wanted) return;
    const file = `${ROOT}/${path}/${name}`;
    try {
      writeFileSync(file, wanted);
    } catch (error) {
      const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (isAbsent) unset.absent(file);
      else unset.lost(file);
    }
  });
}
