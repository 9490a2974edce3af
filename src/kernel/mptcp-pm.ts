/** The path manager of multipath TCP in the kernel (linux/mptcp_pm.h), in the network namespace that we are in. */
import { existsSync } from "node:fs";
import { GENERIC_HEADER, genericFamily, genericHeader } from "./generic-netlink.ts";
import { attributeList, Fields, NetlinkSocket } from "./netlink.ts";
import { NETLINK } from "./uapi/socket.ts";

const COMMAND = { ADD_ADDR: 1, GET_ADDR: 3, SET_LIMITS: 5, GET_LIMITS: 6 } as const;
const ATTRIBUTE = { ADDR: 1 } as const;
class MptcpPathManager implements Disposable {
  readonly #socket = new NetlinkSocket(NETLINK.GENERIC);
  readonly #family: number;

  constructor() {
    this.#family = genericFamily(this.#socket, "mptcp_pm");
  }

  /** The attributes of each endpoint. */
  endpoints(): Uint8Array[] {
    const what = "cannot list the endpoints of multipath TCP";
    return this.#socket
      .dump(what, this.#family, genericHeader(COMMAND.GET_ADDR).build())
      .flatMap(({ payload }) => new Fields(payload).attributes(GENERIC_HEADER).get(ATTRIBUTE.ADDR)?.slice() ?? []);
  }

  add(endpoint: Uint8Array): void {
    const payload = genericHeader(COMMAND.ADD_ADDR)
      .nest(ATTRIBUTE.ADDR, (address) => {
        for (const [type, value] of attributeList(endpoint)) address.attribute(type, value);
      })
      .build();
    this.#socket.request("cannot make an endpoint of multipath TCP", this.#family, payload);
  }

  /** How many addresses and connections are taken at most, as attributes. */
  limits(): Uint8Array {
    const what = "cannot read the limits of multipath TCP";
    const [answer] = this.#socket.request(what, this.#family, genericHeader(COMMAND.GET_LIMITS).build());
    return answer?.payload.slice(GENERIC_HEADER) ?? new Uint8Array(0);
  }

  setLimits(limits: Uint8Array): void {
    const payload = genericHeader(COMMAND.SET_LIMITS).raw(limits).build();
    this.#socket.request("cannot set the limits of multipath TCP", this.#family, payload);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** Whether this kernel has it is seen without a question that could load a module. */
export function openMptcp(): MptcpPathManager | undefined {
  return existsSync("/proc/sys/net/mptcp") ? new MptcpPathManager() : undefined;
}
