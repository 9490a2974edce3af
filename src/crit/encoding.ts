import { CrError } from "../error.ts";

/** Base64 in lines of 76 characters, each with its newline, as crit writes bytes. */
export function toBase64(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  return text.replace(/.{1,76}/g, "$&\n");
}

/** Bytes of base64 text; white space is ignored. Errors: CrError BAD_JSON. */
export function fromBase64(text: string): Uint8Array {
  const dense = text.replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(dense) || dense.length % 4 !== 0)
    throw new CrError("no valid base64", { code: "BAD_JSON", remedy: "bytes stand in JSON as base64" });
  return Buffer.from(dense, "base64");
}

/** Longest line of quoted-printable text, without the `=` that breaks it. */
const lineLimit = 75;

/** Quoted-printable (RFC 2045) with blanks quoted, as crit writes the names of unix sockets. */
export function toQuotedPrintable(bytes: Uint8Array): string {
  let out = "";
  let line = 0;
  bytes.forEach((byte, i) => {
    if (byte === 10) {
      out += "\n";
      line = 0;
      return;
    }
    const next = bytes[i + 1];
    const aloneDot = byte === 0x2e && line === 0 && (next === undefined || next === 10);
    const plain = byte > 32 && byte < 127 && byte !== 0x3d && !aloneDot;
    const text = plain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    if (line + text.length > lineLimit && !(plain && line === lineLimit && (next === undefined || next === 10))) {
      out += "=\n";
      line = 0;
    }
    out += text;
    line += text.length;
  });
  return out;
}

/** Bytes of quoted-printable text. Errors: CrError BAD_JSON. */
export function fromQuotedPrintable(text: string): Uint8Array {
  const joined = text.replace(/=[ \t]*\r?\n/g, "");
  if (/=(?![0-9A-Fa-f]{2})|[^\0-\xff]/.test(joined))
    throw new CrError("no valid quoted-printable text", {
      code: "BAD_JSON",
      remedy: "names of unix sockets stand in JSON with =HH for bytes that are no letters",
    });
  return Buffer.from(
    joined.replace(/=([0-9A-Fa-f]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16))),
    "latin1",
  );
}
