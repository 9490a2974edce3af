/** The interfaces of a network namespace in the images, before any is made. Plain data, no kernel. */
import { CrError } from "../error.ts";
import { NdType, type NetDeviceEntry } from "../image/schema.gen.ts";

/** IFNAMSIZ with its NUL. */
const LONGEST = 15;
const LARGEST_INDEX = 0x7fff_ffff;

/** What the kernel takes as an interface's name, but for patterns. */
export const isName = (name: string) =>
  name !== "" && name !== "." && name !== ".." && name.length <= LONGEST && !/[/:\s\0%]/.test(name);

/**
 * @param id of the namespace
 * @throws CrError BAD_IMAGE
 */
export function checkDevices(devices: readonly NetDeviceEntry[], id: number): void {
  const bad = (what: string, { name, ifindex }: NetDeviceEntry) =>
    new CrError(what, {
      code: "BAD_IMAGE",
      subject: { image: `netdev-${id}.img`, interface: name.slice(0, 40), index: ifindex },
    });
  const numbers = new Set<number>();
  const names = new Set<string>();
  for (const device of devices) {
    const { name, ifindex } = device;
    if (!isName(name)) throw bad("an interface has an impossible name", device);
    if (!(ifindex > 0 && ifindex <= LARGEST_INDEX)) throw bad("an interface has an impossible number", device);
    if (names.has(name) || numbers.has(ifindex)) throw bad("two interfaces have one name or number", device);
    names.add(name);
    numbers.add(ifindex);
  }
  for (const device of devices) {
    const { type, master, peer_nsid, peer_ifindex, ifindex } = device;
    if (master !== undefined && (!numbers.has(master) || master === ifindex))
      throw bad("an interface belongs to a bridge that is not there", device);
    // criu says of all but pairs that they are their own other end
    const isPair = type === NdType.VETH && peer_nsid === id;
    if (isPair && (peer_ifindex === undefined || !numbers.has(peer_ifindex) || peer_ifindex === ifindex))
      throw bad("the other end of an interface is not there", device);
  }
}
