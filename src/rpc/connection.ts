/**
 * One end of an RPC connection: a SOCK_SEQPACKET socket of AF_UNIX whose packets are bare protobuf messages. An empty packet or
 * the end of the stream means that the other side has left.
 */
import { CrError } from "../error.ts";
import { decode, encode, type Init } from "../image/codec.ts";
import type { CriuReq, CriuResp } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import {
  type Credentials,
  getPeerCredentials,
  type Message,
  nextPacketSize,
  tryReceive,
  trySend,
} from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";

const [EINTR, EPIPE, ECONNRESET] = [-4, -32, -104];
/** A packet larger than this is no request: options are paths and numbers. */
const LARGEST = 1 << 20;
/** What clients are ready to read, bytes. */
const LARGEST_REPLY = 8192;
/** What is kept of an error's text, bytes: a reply holds other fields too. */
const LONGEST_TEXT = 6000;

/** As much of the text as a reply has room for. */
export function shortened(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= LONGEST_TEXT) return text;
  return `${bytes
    .subarray(0, LONGEST_TEXT)
    .toString("utf8")
    .replace(/\uFFFD+$/, "")}…`;
}

function requireSize(bytes: number): void {
  if (bytes > LARGEST) throw new CrError("the client's packet is too large", { code: "EMSGSIZE", subject: { bytes } });
}

export class Connection implements Disposable {
  readonly fd: number;

  /** Takes over a connected socket. */
  constructor(fd: number) {
    this.fd = fd;
  }

  /** Who made the other end, as the kernel saw it then. Throws where the descriptor is no such socket. */
  peer(): Credentials {
    const credentials = getPeerCredentials(this.fd);
    if (credentials) return credentials;
    throw new CrError("this descriptor is no connected unix socket", {
      code: "ENOTSOCK",
      subject: { fd: this.fd },
      remedy: "start `tscriu swrk FD` with one end of a socketpair(AF_UNIX, SOCK_SEQPACKET)",
    });
  }

  /** One packet; undefined when the other side has left or we are to end. */
  #packet(): Message | undefined {
    const size = nextPacketSize(this.fd);
    if (size === EINTR || size === ECONNRESET) return undefined;
    check(size, "cannot receive from the client", { fd: this.fd });
    if (size === 0) return undefined;
    requireSize(size);
    const message = tryReceive(this.fd, new Uint8Array(size), 0);
    if (typeof message === "number") {
      check(message, "cannot receive from the client", { fd: this.fd });
      return undefined;
    }
    return message;
  }

  /** The next request. Errors: CrError BAD_IMAGE for bytes that are none. */
  request(): CriuReq | undefined {
    const packet = this.#packet();
    if (!packet) return undefined;
    for (const fd of packet.rights) closeFd(fd);
    return decode("criu_req", packet.bytes);
  }

  /** The next answer, with the descriptors that came with it: they are the caller's to close. */
  response(): { response: CriuResp; rights: readonly number[] } | undefined {
    const packet = this.#packet();
    return packet && { response: decode("criu_resp", packet.bytes), rights: packet.rights };
  }

  #send(bytes: Uint8Array, rights: readonly number[], mayBeGone = false): void {
    const sent = trySend(this.fd, { bytes, rights, credentials: undefined });
    if (mayBeGone && (sent === EPIPE || sent === ECONNRESET)) return;
    check(sent, "cannot send to the other side", { fd: this.fd });
  }

  ask(request: Init<CriuReq>): void {
    this.#send(encode("criu_req", request), []);
  }

  /** @param mayBeGone it is no error when nobody is there to hear it */
  answer(response: Init<CriuResp>, rights: readonly number[] = [], mayBeGone = false): void {
    const bytes = encode("criu_resp", response);
    if (bytes.length > LARGEST_REPLY) throw new CrError("an answer is too large", { subject: { bytes: bytes.length } });
    this.#send(bytes, rights, mayBeGone);
  }

  [Symbol.dispose](): void {
    closeFd(this.fd);
  }
}
