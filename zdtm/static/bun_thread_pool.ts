// zdtm: {"category": "threads", "verifies": "the thread pool does its work: files, compression, key derivation and name look-ups, begun before and after", "except": {"info": "whoever ends its work counts up what wakes the loop"}}

import { pbkdf2, scrypt } from "node:crypto";
import { lookup } from "node:dns/promises";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

const derive = promisify(pbkdf2);
const data = Buffer.from("compress me ".repeat(50_000));
await writeFile("input", data);
const work = async (salt: string) => {
  const [key, other, packed, content, address] = await Promise.all([
    derive("secret", salt, 20_000, 32, "sha256"),
    new Promise<Buffer>((resolve, reject) => {
      scrypt("secret", salt, 16, { N: 1024 }, (error, key) => (error ? reject(error) : resolve(key)));
    }),
    promisify(gzip)(data),
    readFile("input"),
    lookup("127.0.0.1"),
  ]);
  const unpacked = await promisify(gunzip)(packed);
  check(unpacked.equals(data) && content.equals(data), "the bytes are wrong");
  same(address.address, "127.0.0.1", "the address");
  return key.toString("hex") + other.toString("hex");
};
const before = await work("salt");
const pending = Array.from({ length: 6 }, (_, i) => derive("long", `salt ${i}`, 400_000, 32, "sha512"));

await ready();
const keys = new Set((await Promise.all(pending)).map((k) => k.toString("hex")));
same(keys.size, 6, "keys of work that was under way");
same(await work(spoiling() ? "pepper" : "salt"), before, "the same work again");
pass();
