import { CrError } from "../error.ts";
import type { FileKind, OpenFile } from "../file/kind.ts";
import { FdTypes } from "../image/schema.gen.ts";
import { getNumber } from "../kernel/socket.ts";
import { AF, SO, SOL } from "../kernel/uapi/socket.ts";

const NAMES: Readonly<Record<number, readonly [what: string, remedy: string]>> = {
  [AF.VSOCK]: ["a socket to a virtual machine or its host (vsock)", "close the connection before the dump"],
  [AF.ALG]: ["a socket of the kernel's cryptography (AF_ALG)", "let the program close it before the dump"],
  [AF.XDP]: ["an XDP socket", "let the program close it before the dump"],
  [AF.CAN]: ["a socket of a CAN bus", "let the program close it before the dump"],
};

function errorFor(file: OpenFile): CrError {
  const family = getNumber(file.dup, SOL.SOCKET, SO.DOMAIN) ?? -1;
  const [what, remedy] = NAMES[family] ?? [
    `a socket of address family ${family}`,
    "let the program close it before the dump",
  ];
  const subject = { pid: file.pid, fd: file.fd, path: file.link };
  return new CrError(`${what} cannot be dumped yet`, { code: "UNSUPPORTED", subject, remedy });
}

/** Takes the sockets that no other kind takes, and says what they are. */
export const otherSocket: FileKind = {
  name: "socket",
  type: FdTypes.UND,
  matches: (file) => file.link.startsWith("socket:["),

  check(file, dump) {
    dump.blocker(errorFor(file));
  },

  dump(file) {
    throw errorFor(file);
  },

  open(entry) {
    throw new CrError("the images hold a socket of a kind that cannot be restored", {
      code: "UNSUPPORTED",
      subject: { file: entry.id },
    });
  },
};
