/**
 * Text of the kernel, and in images, is bytes (paths, names) that need not be UTF-8. A byte that is none becomes a lone
 * surrogate U+DC80..U+DCFF, as in PEP 383, and turns back into that byte: no name is ever lost.
 */

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as text, without loss. */
export function bytesToText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodeEscaped(bytes);
  }
}

function decodeEscaped(bytes: Uint8Array): string {
  let out = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    out +=
      length === 0 ? String.fromCharCode(0xdc00 | (bytes[at] ?? 0)) : strict.decode(bytes.subarray(at, at + length));
    at += length || 1;
  }
  return out;
}

/** Bytes of the well-formed UTF-8 sequence at `at`; 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  try {
    strict.decode(bytes.subarray(at, at + length));
    return at + length <= bytes.length ? length : 0;
  } catch {
    return 0;
  }
}

const escaped = /[\udc80-\udcff]/;

/** Text from `bytesToText` as its bytes again. */
export function textToBytes(text: string): Uint8Array {
  if (!escaped.test(text)) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  for (const char of text) {
    const code = char.charCodeAt(0);
    const isEscape = char.length === 1 && code >= 0xdc80 && code <= 0xdcff;
    parts.push(isEscape ? Buffer.of(code & 0xff) : Buffer.from(char, "utf8"));
  }
  return Buffer.concat(parts);
}
