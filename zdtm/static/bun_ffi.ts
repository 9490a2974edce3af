// zdtm: {"category": "memory", "verifies": "a library opened with dlopen, its functions, a callback for C and memory of C stay where they are"}
import { CString, dlopen, FFIType, JSCallback, ptr, read, toArrayBuffer } from "bun:ffi";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

const libc = dlopen("libc.so.6", {
  strlen: { args: [FFIType.ptr], returns: FFIType.u64 },
  mmap: {
    args: [FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.i32, FFIType.i32, FFIType.i64],
    returns: FFIType.ptr,
  },
  qsort: { args: [FFIType.ptr, FFIType.u64, FFIType.u64, FFIType.function], returns: FFIType.void },
});
const area = libc.symbols.mmap(null, 65536, 3, 0x22, -1, 0);
check(area !== null, "mmap");
const bytes = new Uint8Array(toArrayBuffer(area, 0, 65536));
for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31) & 255;
const text = Buffer.from("forty-two characters, or so it may be said\0");
let compared = 0;
const compare = new JSCallback(
  (a: number, b: number) => {
    compared++;
    return read.i32(a as never) - read.i32(b as never);
  },
  { args: [FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
);
check(compare.ptr !== null, "the callback has no address");

await ready();
if (spoiling()) bytes[9] = 0;

check(
  bytes.every((b, i) => b === ((i * 31) & 255)),
  "the memory of C is wrong",
);
same(Number(libc.symbols.strlen(ptr(text))), 42, "strlen");
same(new CString(ptr(text)).toString(), text.toString("utf8", 0, 42), "the C string");
const numbers = new Int32Array([5, -3, 9, 0, 7, 7, -100]);
libc.symbols.qsort(ptr(numbers), 7, 4, compare.ptr as never);
same([...numbers], [-100, -3, 0, 5, 7, 7, 9], "a list that C has sorted with our callback");
check(compared > 0, "the callback was not called");
pass();
