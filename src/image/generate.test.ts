import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messages } from "./descriptor.gen.ts";
import { descriptor, enumName } from "./descriptor.ts";
import { generate } from "./generate.ts";

test("the generated modules are those of proto/", () => {
  for (const [file, text] of Object.entries(generate()))
    expect(
      readFileSync(join(import.meta.dir, file), "utf8") === text,
      `run: bun src/image/generate.ts (${file})`,
    ).toBeTrue();
});

test("fields of ours are never required, and have our prefix from 2000 up, nowhere else", () => {
  let count = 0;
  for (const name of Object.keys(messages))
    for (const field of descriptor(name).fields) {
      if (name.startsWith("tscriu_")) continue;
      expect(field.name.startsWith("tscriu_"), `${name}.${field.name}`).toBe(field.number >= 2000);
      if (field.number < 2000) continue;
      expect(field.label).not.toBe("required");
      count++;
    }
  expect(count).toBeGreaterThan(4);
});

interface FactField {
  name: string;
  number: number;
  label: string;
  type: string;
  kind?: string;
  criu?: Record<string, string | boolean>;
}
interface Facts {
  files: Record<
    string,
    {
      messages: Record<string, { fields: FactField[] }>;
      enums?: Record<string, { values: Record<string, number> }>;
    }
  >;
}

const facts = join(import.meta.dir, "../../../shared/facts/image-schema.json");
const absent = existsSync(facts) ? "" : " (skipped: no ../shared/facts beside the repository)";

test.skipIf(absent !== "")(`the schema holds every field and value of CRIU's${absent}`, () => {
  const { files } = JSON.parse(readFileSync(facts, "utf8")) as Facts;
  for (const [file, { messages, enums }] of Object.entries(files)) {
    if (file === "opts.proto") continue;
    for (const [message, { fields }] of Object.entries(messages)) {
      const known = descriptor(message);
      expect(known.fields.filter((field) => field.number < 2000).length, message).toBe(fields.length);
      for (const fact of fields) {
        const field = known.byNumber.get(fact.number);
        expect([field?.name, field?.label, field?.type, field?.kind]).toEqual([
          fact.name,
          fact.label as "required",
          fact.type,
          (fact.kind ?? "scalar") as "scalar",
        ]);
        const shown = Object.entries(fact.criu ?? {}).map(([key, value]) => [key, value === true ? "" : value]);
        expect(Object.fromEntries(field?.show ?? [])).toEqual(Object.fromEntries(shown));
      }
    }
    for (const [name, { values }] of Object.entries(enums ?? {}))
      for (const [value, number] of Object.entries(values)) expect(enumName(name, number)).toBe(value);
  }
});
