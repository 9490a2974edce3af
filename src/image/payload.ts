import { CrError } from "../error.ts";
import type { Entry } from "./codec.ts";
import { type RecordReader, recordOf } from "./record.ts";
import type { IpcMsg } from "./schema.gen.ts";
import type { Writer } from "./wire-writer.ts";

/** A System V message within its queue. */
export interface QueuedMessage {
  message: IpcMsg;
  text: Uint8Array;
}

/** What follows a record, by the payload's name in the table of kinds. */
export interface Payloads {
  /** Bytes of a pipe or FIFO. */
  pipe: Uint8Array;
  /** One packet of a socket's queue. */
  queue: Uint8Array;
  /** A TCP connection's receive and send queue. */
  tcp: { inq: Uint8Array; outq: Uint8Array };
  /** Content of a System V segment; empty when that lies in page images (all current sets). */
  shm: Uint8Array;
  /** Messages of a System V queue. */
  msg: QueuedMessage[];
  /** Values of a System V semaphore set. */
  sem: number[];
  /** A ghost file's content, or one chunk of it. */
  ghost: Uint8Array;
  /** Keys, then values of a BPF map. */
  bpf: Uint8Array;
}

/** Reads and writes what follows a record: mirror images of each other. */
export interface Payload {
  /** `index` counts records from 0. Errors: CrError BAD_IMAGE. */
  read(reader: RecordReader, entry: Entry, index: number): unknown;
  /** Errors: CrError BAD_VALUE when `extra` is not as long as the entry says. */
  write(writer: Writer, entry: Entry, extra: unknown, index: number): void;
}

function bytesOf(extra: unknown, length: number, what: string): Uint8Array {
  if (!(extra instanceof Uint8Array) || extra.length !== length) {
    const got = extra instanceof Uint8Array ? `${extra.length} bytes` : typeof extra;
    throw new CrError(`${what} announces ${length} bytes, got ${got}`, { code: "BAD_VALUE" });
  }
  return extra;
}

/** Zeros that fill a record up to a multiple of `unit` bytes. */
function padding(length: number, unit: number): number {
  return (unit - (length % unit)) % unit;
}

/** Bytes whose count `length` finds in the entry, padded to a multiple of `unit`. */
function plain(what: string, length: (entry: Entry) => number, unit = 1): Payload {
  return {
    read(reader, entry) {
      const bytes = reader.take(length(entry), what);
      reader.take(padding(bytes.length, unit), `the padding of ${what}`);
      return bytes;
    },
    write(writer, entry, extra) {
      const bytes = bytesOf(extra, length(entry), what);
      writer.raw(bytes);
      writer.zeros(padding(bytes.length, unit));
    },
  };
}

const tcp: Payload = {
  read(reader, entry) {
    const inq = reader.take(Number(entry.inq_len), "the receive queue");
    return { inq, outq: reader.take(Number(entry.outq_len), "the send queue") };
  },
  write(writer, entry, extra) {
    const { inq, outq } = extra as Partial<Payloads["tcp"]>;
    writer.raw(bytesOf(inq, Number(entry.inq_len), "the receive queue"));
    writer.raw(bytesOf(outq, Number(entry.outq_len), "the send queue"));
  },
};

const msg: Payload = {
  read(reader, entry) {
    const messages: QueuedMessage[] = [];
    for (let left = Number(entry.qnum); left > 0; left--) {
      const message = reader.record("ipc_msg");
      if (message === undefined) return reader.fail(`the queue lacks ${left} of its messages`);
      const text = reader.take(Number(message.msize), "a message");
      reader.take(padding(text.length, 8), "the padding of a message");
      messages.push({ message: message as unknown as IpcMsg, text });
    }
    return messages;
  },
  write(writer, entry, extra) {
    const messages = extra as Payloads["msg"];
    if (!Array.isArray(messages) || messages.length !== entry.qnum)
      throw new CrError(`the queue announces ${entry.qnum} messages`, { code: "BAD_VALUE" });
    for (const { message, text } of messages) {
      recordOf(writer, "ipc_msg", message as unknown as Entry);
      writer.raw(bytesOf(text, Number(message.msize), "a message"));
      writer.zeros(padding(text.length, 8));
    }
  },
};

const sem: Payload = {
  read(reader, entry) {
    const bytes = reader.take(Number(entry.nsems) * 2, "the semaphore values");
    reader.take(padding(bytes.length, 8), "the padding of semaphore values");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(i * 2, true));
  },
  write(writer, entry, extra) {
    if (!Array.isArray(extra) || extra.length !== entry.nsems)
      throw new CrError(`the semaphore set announces ${entry.nsems} values`, { code: "BAD_VALUE" });
    for (const value of extra) {
      if (!Number.isInteger(value) || value < 0 || value > 0xffff)
        throw new CrError(`a semaphore's value wants an integer from 0 to 65535, got ${value}`, { code: "BAD_VALUE" });
      writer.raw(Uint8Array.of(value & 0xff, value >> 8));
    }
    writer.zeros(padding(extra.length * 2, 8));
  },
};

const chunk = plain("a chunk of the ghost file", (entry) => Number(entry.len));

/** Small ghosts hold their content after the only record; larger ones (`chunks`) hold records of what is no hole. */
const ghost: Payload = {
  read(reader, entry, index) {
    if (index > 0) return chunk.read(reader, entry, index);
    return entry.chunks === true ? undefined : reader.take(reader.remaining, "the ghost file");
  },
  write(writer, entry, extra, index) {
    if (index > 0) chunk.write(writer, entry, extra, index);
    else if (entry.chunks !== true && extra instanceof Uint8Array) writer.raw(extra);
  },
};

export const payloads: Readonly<Record<keyof Payloads, Payload>> = {
  pipe: plain("the pipe's data", (entry) => Number(entry.bytes)),
  queue: plain("a queued packet", (entry) => Number(entry.length)),
  tcp,
  shm: plain("the shared segment", (entry) => (entry.in_pagemaps === true ? 0 : Number(entry.size)), 4),
  msg,
  sem,
  ghost,
  bpf: plain("the BPF map's data", (entry) => Number(entry.keys_bytes) + Number(entry.values_bytes)),
};
