const decoder = new TextDecoder();

/**
 * Undoes the octal escapes (`\040` for a blank) that the kernel puts into names of mounts. Bytes that were escaped one by
 * one are joined before they are read as UTF-8.
 */
export function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/(?:\\[0-3][0-7]{2})+/g, (run) =>
    decoder.decode(Uint8Array.from(run.match(/[0-7]{3}/g) ?? [], (octal) => Number.parseInt(octal, 8))),
  );
}
