// zdtm: {"category": "seccomp", "verifies": "a filter on the main thread of a JavaScript program holds on"}
import { ptr } from "bun:ffi";
import { pass, ready, same, spoiling, status } from "../lib/case.ts";
import { errno, libc, sys } from "../lib/libc.ts";

/** What the filter watches: personality(2) with an argument that changes nothing. */
const watched = process.arch === "arm64" ? 92 : 135;
const refusal = 88;
const code = new BigUint64Array([
  0x0000_0000_0000_0020n, // load the number of the call
  (BigInt(watched) << 32n) | 0x0100_0015n, // if it is the watched one, go on; else skip one
  ((0x0005_0000n | BigInt(refusal)) << 32n) | 0x06n, // return the error
  0x7fff_0000_0000_0006n, // let pass
]);
const program = new BigUint64Array([BigInt(code.length), BigInt(ptr(code))]);
const query = () => (libc.personality(0xffffffff) === -1 ? errno() : 0);
const [setNoNewPrivileges, setSeccomp, filterMode] = [38, 22, 2];

same(query(), 0, "the error before the filter");
sys("prctl", libc.prctl(setNoNewPrivileges, 1, 0, 0, 0));
sys("prctl", libc.prctl(setSeccomp, filterMode, ptr(program), 0, 0));
same(query(), refusal, "the error under the filter");
await ready();
same(query(), spoiling() ? 0 : refusal, "the error");
same(status(process.pid, "Seccomp"), "2", "the mode");
same(status(process.pid, "NoNewPrivs"), "1", "no_new_privs");
pass();
