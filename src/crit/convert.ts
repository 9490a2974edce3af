import { CrError } from "../error.ts";
import type { Entry } from "../image/codec.ts";
import { type Kind, type KindName, kindNames, kindOf } from "../image/kinds.ts";
import { extraFromJson, extraSize, extraToJson } from "./extra.ts";
import type { Json, JsonObject } from "./json.ts";
import { isObject, messageFromJson, messageToJson } from "./message.ts";

export interface Shape {
  /** Flags, devices, addresses and states by name, addresses of memory in hexadecimal. */
  pretty: boolean;
  /** False: sizes in the place of payloads. */
  payload: boolean;
}

/** An image as crit's JSON. */
export function imageToJson(kind: KindName, entries: readonly Entry[], shape: Shape): JsonObject {
  const row = kindOf(kind);
  return {
    magic: kind,
    entries: entries.map((entry, index) => {
      const json = messageToJson(messageAt(row, index), entry, shape.pretty, false);
      if (row.payload === undefined || entry.extra === undefined) return json;
      if (shape.payload) json.extra = extraToJson(row.payload, entry.extra);
      else if (row.payload !== "ghost") json.extra = `... <${humanSize(extraSize(row.payload, entry.extra))}>`;
      return json;
    }),
  };
}

function messageAt(kind: Kind, index: number): string {
  return index === 0 ? (kind.head ?? kind.entry) : kind.entry;
}

function humanSize(bytes: number): string {
  const units = ["", "K", "M", "G", "T"];
  let unit = 0;
  let size = bytes;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${size.toFixed(1)}${units[unit]}B`;
}

/** An image from crit's JSON. Errors: CrError BAD_JSON. */
export function imageFromJson(json: Json): { kind: KindName; entries: Entry[] } {
  if (!isObject(json) || typeof json.magic !== "string" || !Array.isArray(json.entries))
    throw new CrError('an image in JSON has "magic" and "entries"', {
      code: "BAD_JSON",
      remedy: "encode takes what `crit decode` prints",
    });
  const magic = json.magic;
  const kind = kindNames.find((name) => name === magic && kindOf(name).start !== "raw");
  if (kind === undefined) throw new CrError(`there is no kind of image ${magic}`, { code: "BAD_JSON" });
  const row = kindOf(kind);
  const entries = json.entries.map((item, index) => {
    try {
      if (!isObject(item)) throw new CrError("an entry is an object", { code: "BAD_JSON" });
      if (row.payload === undefined || item.extra === undefined) return messageFromJson(messageAt(row, index), item);
      const { extra, ...fields } = item;
      return { ...messageFromJson(messageAt(row, index), fields), extra: extraFromJson(row.payload, extra) };
    } catch (error) {
      throw new CrError(`entry ${index} of ${kind} cannot be encoded`, { code: "BAD_JSON", cause: error });
    }
  });
  return { kind, entries };
}
