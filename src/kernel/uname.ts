import { NR } from "./nr.ts";
import { addressOf, sys } from "./sys.ts";

/** Bytes of each of the six texts of struct new_utsname. */
const LENGTH = 65;

/** What uname(2) tells: the system, the machine's name, release and version of the kernel, the architecture. */
export function uname(): readonly [
  sysname: string,
  nodename: string,
  release: string,
  version: string,
  machine: string,
] {
  const texts = Buffer.from(new ArrayBuffer(6 * LENGTH));
  sys(NR.uname, addressOf(texts));
  const text = (index: number) => texts.toString("utf8", index * LENGTH, texts.indexOf(0, index * LENGTH));
  return [text(0), text(1), text(2), text(3), text(4)];
}
