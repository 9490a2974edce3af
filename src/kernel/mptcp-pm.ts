/** The path manager of multipath TCP in the kernel (linux/mptcp_pm.h), in the network namespace that we are in. */
import { existsSync } from "node:fs";
import { attributeList, Fields, NetlinkSocket, PayloadBuilder } from "./netlink.ts";
import { NETLINK } from "./uapi/socket.ts";

const GENL_ID_CTRL = 16;
const CTRL = { GETFAMILY: 3, FAMILY_ID: 1, FAMILY_NAME: 2 } as const;
const COMMAND = { ADD_ADDR: 1, GET_ADDR: 3, SET_LIMITS: 5, GET_LIMITS: 6 } as const;
const ATTRIBUTE = { ADDR: 1 } as const;
/** struct genlmsghdr, bytes. */
const HEADER = 4;

const header = (command: number) => new PayloadBuilder().raw(Uint8Array.of(command, 1, 0, 0));

class MptcpPathManager implements Disposable {
  readonly #socket = new NetlinkSocket(NETLINK.GENERIC);
  readonly #family: number;

  constructor() {
    const ask = header(CTRL.GETFAMILY).text(CTRL.FAMILY_NAME, "mptcp_pm").build();
    const [answer] = this.#socket.request("cannot find the path manager of multipath TCP", GENL_ID_CTRL, ask);
    const id = answer && new Fields(answer.payload).attributes(HEADER).get(CTRL.FAMILY_ID);
    this.#family = new Fields(id ?? new Uint8Array(0), "the number of a family").u16();
  }

  /** The attributes of each endpoint. */
  endpoints(): Uint8Array[] {
    const what = "cannot list the endpoints of multipath TCP";
    return this.#socket
      .dump(what, this.#family, header(COMMAND.GET_ADDR).build())
      .flatMap(({ payload }) => new Fields(payload).attributes(HEADER).get(ATTRIBUTE.ADDR)?.slice() ?? []);
  }

  add(endpoint: Uint8Array): void {
    const payload = header(COMMAND.ADD_ADDR)
      .nest(ATTRIBUTE.ADDR, (address) => {
        for (const [type, value] of attributeList(endpoint)) address.attribute(type, value);
      })
      .build();
    this.#socket.request("cannot make an endpoint of multipath TCP", this.#family, payload);
  }

  /** How many addresses and connections are taken at most, as attributes. */
  limits(): Uint8Array {
    const what = "cannot read the limits of multipath TCP";
    const [answer] = this.#socket.request(what, this.#family, header(COMMAND.GET_LIMITS).build());
    return answer?.payload.slice(HEADER) ?? new Uint8Array(0);
  }

  setLimits(limits: Uint8Array): void {
    const payload = header(COMMAND.SET_LIMITS).raw(limits).build();
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
