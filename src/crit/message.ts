import { CrError } from "../error.ts";
import type { Entry } from "../image/codec.ts";
import { descriptor, type Field } from "../image/descriptor.ts";
import type { Json, JsonObject } from "./json.ts";
import { addressFromText, addressToText, fieldNamed, scalarFromJson, scalarToJson } from "./scalar.ts";

/** A message as crit's JSON: its fields by number, those that are set. `hex`: as for `scalarToJson`. */
export function messageToJson(message: string, entry: Entry, pretty: boolean, hex: boolean): JsonObject {
  const json: JsonObject = {};
  for (const field of descriptor(message).fields) {
    const value = entry[field.name];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    json[field.name] = Array.isArray(value)
      ? listToJson(field, value, pretty, hex)
      : valueToJson(field, value, pretty, hex);
  }
  return json;
}

function listToJson(field: Field, list: unknown[], pretty: boolean, hex: boolean): Json {
  const address = pretty && field.show.has("ipadd") ? addressToText(list as number[]) : undefined;
  return address === undefined ? list.map((value) => valueToJson(field, value, pretty, hex)) : [address];
}

function valueToJson(field: Field, value: unknown, pretty: boolean, hex: boolean): Json {
  if (field.kind !== "message") return scalarToJson(field, value, pretty, hex);
  return messageToJson(field.type, value as Entry, pretty, hex || field.show.has("hex"));
}

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** One message from its JSON object. Errors: CrError BAD_JSON. */
export function messageFromJson(message: string, json: JsonObject): Entry {
  const entry: Entry = {};
  for (const [name, value] of Object.entries(json)) {
    const field = fieldNamed(message, name);
    const isList = field.label === "repeated" || field.label === "packed";
    if (isList !== Array.isArray(value))
      throw new CrError(`field ${name} of ${message} is ${isList ? "a" : "no"} list`, { code: "BAD_JSON" });
    entry[name] = Array.isArray(value) ? listFromJson(field, value) : valueFromJson(field, value);
  }
  return entry;
}

function listFromJson(field: Field, list: Json[]): unknown[] {
  const only = list[0];
  if (field.show.has("ipadd") && list.length === 1 && typeof only === "string") return addressFromText(field, only);
  return list.map((value) => valueFromJson(field, value));
}

function valueFromJson(field: Field, json: Json): unknown {
  if (field.kind !== "message") return scalarFromJson(field, json);
  if (!isObject(json)) throw new CrError(`field ${field.name} is an object`, { code: "BAD_JSON" });
  return messageFromJson(field.type, json);
}
