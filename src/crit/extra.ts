import { CrError } from "../error.ts";
import type { Payloads, QueuedMessage } from "../image/payload.ts";
import { fromBase64, toBase64 } from "./encoding.ts";
import type { Json } from "./json.ts";
import { messageFromJson, messageToJson } from "./message.ts";

/** How a payload stands in JSON, under `extra`. */
interface ExtraForm<T> {
  toJson(extra: T): Json;
  /** Errors: CrError BAD_JSON. */
  fromJson(json: Json): T;
  /** Bytes. */
  size(extra: T): number;
}

function bad(wants: string): never {
  throw new CrError(`"extra" wants ${wants}`, { code: "BAD_JSON", remedy: "encode takes what `crit decode` prints" });
}

function bytesFrom(json: Json | undefined): Uint8Array {
  return typeof json === "string" && !json.startsWith("... <") ? fromBase64(json) : bad("base64 text");
}

const bytes: ExtraForm<Uint8Array> = {
  toJson: toBase64,
  fromJson: bytesFrom,
  size: (extra) => extra.length,
};

const forms: { [P in keyof Payloads]: ExtraForm<Payloads[P]> } = {
  pipe: bytes,
  queue: bytes,
  shm: bytes,
  ghost: bytes,
  bpf: bytes,
  tcp: {
    toJson: ({ inq, outq }) => ({ inq: toBase64(inq), outq: toBase64(outq) }),
    fromJson(json) {
      if (typeof json !== "object" || json === null || Array.isArray(json)) return bad("inq and outq");
      return { inq: bytesFrom(json.inq), outq: bytesFrom(json.outq) };
    },
    size: ({ inq, outq }) => inq.length + outq.length,
  },
  sem: {
    toJson: (values) => values,
    fromJson: (json) => (Array.isArray(json) ? (json as number[]) : bad("a list of numbers")),
    size: (values) => values.length * 2,
  },
  msg: {
    toJson: (messages) =>
      messages.flatMap(({ message, text }) => [
        messageToJson("ipc_msg", message as unknown as Record<string, unknown>, false, false),
        toBase64(text),
      ]),
    fromJson(json) {
      if (!Array.isArray(json) || json.length % 2 !== 0) return bad("messages and their texts in turn");
      const messages: QueuedMessage[] = [];
      for (let i = 0; i < json.length; i += 2) {
        const head = json[i];
        if (typeof head !== "object" || head === null || Array.isArray(head)) return bad("a message before each text");
        const message = messageFromJson("ipc_msg", head) as unknown as QueuedMessage["message"];
        messages.push({ message, text: bytesFrom(json[i + 1]) });
      }
      return messages;
    },
    size: (messages) => messages.reduce((sum, { text }) => sum + text.length, 0),
  },
};

function formOf(payload: keyof Payloads): ExtraForm<unknown> {
  return forms[payload] as ExtraForm<unknown>;
}

export function extraToJson(payload: keyof Payloads, extra: unknown): Json {
  return formOf(payload).toJson(extra);
}

/** Errors: CrError BAD_JSON. */
export function extraFromJson(payload: keyof Payloads, json: Json): unknown {
  return formOf(payload).fromJson(json);
}

/** Bytes of a payload. */
export function extraSize(payload: keyof Payloads, extra: unknown): number {
  return formOf(payload).size(extra);
}
