import { CrError, type Subject } from "../error.ts";
import { errnoName, errnoWords } from "./errno.ts";
import { encodeMessage, Fields, type NetlinkMessage, parseAttributes, parseMessages } from "./netlink-codec.ts";
import { NR } from "./nr.ts";
import { addressOf, check, sys } from "./sys.ts";
import { NETLINK_OPT } from "./uapi/socket.ts";

export * from "./netlink-codec.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_NETLINK = 270;
const MSG_TRUNC = 0x20;
const EINTR = -4;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
/** Bytes that every socket's send buffer takes. */
const SMALL = 32 * 1024;

// linux/netlink.h
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSG_OVERRUN = 4;
const NLMSGERR_ATTR_MSG = 1;

/** The kernel fills at most 32 KiB of a dump at once. */
const RECEIVE_SIZE = 64 * 1024;
const received = new Uint8Array(new ArrayBuffer(RECEIVE_SIZE));
const receivedAddress = addressOf(received);
const sender = new DataView(new ArrayBuffer(12));
/** struct sockaddr_nl of the kernel. */
const kernelAddress = new Uint16Array(new ArrayBuffer(12));
kernelAddress[0] = AF_NETLINK;
const senderLength = new Uint32Array(new ArrayBuffer(4));

/** A dump that other processes' changes disturb is asked for again this many times. */
const DUMP_TRIES = 20;

/** The error in a message of type ERROR or DONE; undefined when it says success. */
function failureOf(message: NetlinkMessage, what: string, subject: Subject): CrError | undefined {
  if (message.payload.length < 4) return undefined;
  const errno = new Fields(message.payload).i32();
  if (errno >= 0) return undefined;
  const words = explanation(message);
  const text = words ? `${errnoWords(errno)} (${words})` : errnoWords(errno);
  return new CrError(`${what}: ${text}`, { code: errnoName(errno), subject });
}

/** What the kernel adds in words, when it does (extended acknowledgement). */
function explanation({ type, flags, payload }: NetlinkMessage): string | undefined {
  if (!(flags & NLM_F_ACK_TLVS)) return undefined;
  // an ERROR repeats the request, or its header alone; the DONE of a dump does not
  let repeated = 0;
  if (type === NLMSG_ERROR) repeated = flags & NLM_F_CAPPED ? 16 : new Fields(payload, "an error").u32(4);
  const words = parseAttributes(payload.subarray(4 + Math.ceil(repeated / 4) * 4)).get(NLMSGERR_ATTR_MSG);
  return words && new Fields(words).text();
}

/**
 * A netlink conversation with the kernel, one request at a time. It speaks to the network namespace that its socket was
 * made in: ours, or that of the descriptor which is given.
 */
export class NetlinkSocket implements Disposable {
  readonly fd: number;
  private readonly owned: boolean;
  private sequence = 0;

  /**
   * @param protocol NETLINK_*
   * @param fd a netlink socket of that protocol, which stays the caller's; left out: a new one in our own namespace
   */
  constructor(protocol: number, fd?: number) {
    this.owned = fd === undefined;
    this.fd =
      fd ?? check(sys(NR.socket, AF_NETLINK, SOCK_RAW_CLOEXEC, protocol), "cannot open a netlink socket", { protocol });
    if (!this.owned) return;
    this.option(NETLINK_OPT.EXT_ACK, true);
    this.option(NETLINK_OPT.CAP_ACK, true);
  }

  /** Switches an option of the socket (NETLINK_OPT); false on a kernel that does not have it. */
  option(name: number, on: boolean): boolean {
    const value = new Uint32Array(new ArrayBuffer(4)).fill(on ? 1 : 0);
    return sys(NR.setsockopt, this.fd, SOL_NETLINK, name, addressOf(value), 4) === 0;
  }

  [Symbol.dispose](): void {
    if (this.owned) sys(NR.close, this.fd);
  }

  /**
   * Asks for something to be done, or for one object, and waits for the kernel's acknowledgement.
   * @param what the wish in words, for the error
   * @param flags NLM_F_* besides REQUEST and ACK
   * @returns the messages that came besides the acknowledgement
   */
  request(what: string, type: number, payload: Uint8Array, flags = 0, subject: Subject = {}): NetlinkMessage[] {
    this.send(what, type, NLM_F_REQUEST | NLM_F_ACK | flags, payload, subject);
    return this.collect(what, subject).messages;
  }

  /** Asks for all objects of a kind. Begins anew when the kernel says that they changed meanwhile. */
  dump(what: string, type: number, payload: Uint8Array, subject: Subject = {}): NetlinkMessage[] {
    for (let tries = 0; tries < DUMP_TRIES; tries++) {
      this.send(what, type, NLM_F_REQUEST | NLM_F_DUMP, payload, subject);
      const answer = this.collect(what, subject);
      if (!answer.disturbed) return answer.messages;
    }
    throw new CrError(`${what}: it keeps changing meanwhile`, { code: "EAGAIN", subject });
  }

  /**
   * Sends requests as one datagram (a batch of nfnetlink, its edges included) and waits for the acknowledgement of the last one
   * between the edges. Errors: CrError for the first that the kernel could not do.
   */
  batch(
    what: string,
    requests: readonly Pick<NetlinkMessage, "type" | "flags" | "payload">[],
    subject: Subject = {},
  ): void {
    const bytes = this.encodeBatch(requests);
    const room = new Uint32Array(new ArrayBuffer(4)).fill(bytes.length * 2);
    if (bytes.length > SMALL) sys(NR.setsockopt, this.fd, SOL_SOCKET, SO_SNDBUFFORCE, addressOf(room), 4);
    const last = this.sequence - 1;
    const first = this.sequence - requests.length + 1;
    check(sys(NR.sendto, this.fd, addressOf(bytes), bytes.length, 0, addressOf(kernelAddress), 12), what, subject);
    let failure: CrError | undefined;
    for (;;) {
      const datagram = this.receive(what, subject);
      for (const message of datagram ? parseMessages(datagram) : []) {
        if (message.type !== NLMSG_ERROR || message.sequence < first || message.sequence > this.sequence) continue;
        failure ??= failureOf(message, what, subject);
        // an error of the first is one of the whole batch: nothing else is said
        const isWhole = message.sequence === first && failure !== undefined;
        if (message.sequence !== last && !isWhole) continue;
        if (failure) throw failure;
        return;
      }
    }
  }

  /** The datagram of a batch; its last request but one is to be acknowledged. */
  encodeBatch(requests: readonly Pick<NetlinkMessage, "type" | "flags" | "payload">[]): Uint8Array {
    const messages = requests.map(({ type, flags, payload }, index) => {
      const ack = index === requests.length - 2 ? NLM_F_ACK : 0;
      return encodeMessage({ type, flags: NLM_F_REQUEST | ack | flags, sequence: ++this.sequence, port: 0, payload });
    });
    return Buffer.concat(messages);
  }

  private send(what: string, type: number, flags: number, payload: Uint8Array, subject: Subject): void {
    this.sequence++;
    const message = encodeMessage({ type, flags, sequence: this.sequence, port: 0, payload });
    check(sys(NR.sendto, this.fd, addressOf(message), message.length, 0, addressOf(kernelAddress), 12), what, subject);
  }

  /** One datagram, copied out of the shared buffer; undefined when it is not from the kernel. */
  private receive(what: string, subject: Subject): Uint8Array | undefined {
    for (;;) {
      senderLength[0] = 12;
      const from = addressOf(sender);
      const length = addressOf(senderLength);
      const got = sys(NR.recvfrom, this.fd, receivedAddress, RECEIVE_SIZE, MSG_TRUNC, from, length);
      if (got === EINTR) continue;
      check(got, what, subject);
      if (got > RECEIVE_SIZE) throw new CrError(`${what}: the answer is too long`, { code: "EMSGSIZE", subject });
      return sender.getUint32(4, true) === 0 ? received.slice(0, got) : undefined;
    }
  }

  private collect(what: string, subject: Subject): { messages: NetlinkMessage[]; disturbed: boolean } {
    const messages: NetlinkMessage[] = [];
    let disturbed = false;
    for (;;) {
      const datagram = this.receive(what, subject);
      if (datagram === undefined) continue;
      for (const message of parseMessages(datagram)) {
        if (message.sequence !== this.sequence) continue;
        if (message.flags & NLM_F_DUMP_INTR) disturbed = true;
        if (message.type === NLMSG_OVERRUN)
          throw new CrError(`${what}: messages were lost`, { code: "ENOBUFS", subject });
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          const failure = failureOf(message, what, subject);
          if (failure) throw failure;
          return { messages, disturbed };
        }
        messages.push(message);
      }
    }
  }
}
