import { describe, expect, test } from "bun:test";
import { gunzip } from "./gunzip.ts";

const unpacked = (packed: Uint8Array, most: number) => Buffer.concat([...gunzip(Buffer.from(packed), most)]);
const content = Buffer.alloc(20480, "content of a container's /dev");

/** Without node:zlib, which takes longer to load than such an archive to unpack. */
function unloaded<T>(act: () => T): T {
  const load = process.getBuiltinModule;
  process.getBuiltinModule = () => {
    throw new Error("a module was loaded");
  };
  try {
    return act();
  } finally {
    process.getBuiltinModule = load;
  }
}

describe("small archives", () => {
  test("that come out at exactly what is told need no module", () => {
    const packed = Bun.gzipSync(content, { level: 1 });
    expect(unloaded(() => unpacked(packed, content.length)).equals(content)).toBe(true);
  });

  test("that come out at more than there is room for are refused", () => {
    const packed = Bun.gzipSync(content, { level: 1 });
    expect(() => unpacked(packed, content.length - 1)).toThrow("unpacks to more than it may");
  });

  test("of two members come out whole", () => {
    const packed = Buffer.concat([Bun.gzipSync(content), Bun.gzipSync(content)]);
    expect(unpacked(packed, 2 * content.length).equals(Buffer.concat([content, content]))).toBe(true);
  });
});
