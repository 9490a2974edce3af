/** Options of a file system, one after the other. */
import { optionsOf } from "../kernel/proc/mountinfo.ts";

/** Those that name a security context (mount(8), SELinux): the only ones that the kernel writes in quotes, for a comma in them. */
const CONTEXT = "context";
/** Layers of an overlay, whose names the kernel itself takes with a backslash before what would end them. */
const ESCAPED: ReadonlySet<string> = new Set(["lowerdir", "upperdir", "workdir"]);
/** What fsconfig(2) takes in one go, bytes. */
const MOST = 255;

/** Takes backslashes away that stand before what they are for. */
export const plain = (text: string) => text.replace(/\\(.)/gs, "$1");

/** The words between commas, as they are. */
export const wordsOf = (text: string): string[] => text.match(/(?:="[^"]*"(?=,|$)|\\.|[^,])+/gs) ?? [];

/**
 * @param text as mountinfo has it; criu's images have it as the kernel writes it
 * @returns keys and values as fsconfig(2) takes them; a flag has no value
 */
export function splitOptions(text: string): [key: string, value: string | undefined][] {
  return wordsOf(optionsOf(text)).map((word) => {
    const at = word.indexOf("=");
    if (at < 0) return [plain(word), undefined];
    const [key, value] = [plain(word.slice(0, at)), word.slice(at + 1)];
    if (/^".*"$/.test(value)) return [key, value.slice(1, -1)];
    return [key, ESCAPED.has(key) ? value : plain(value)];
  });
}

/** The layers of `lowerdir`, which colons part; those behind two colons hold nothing but data. */
export function lowerLayers(value: string): { readonly path: string; readonly isData: boolean }[] {
  let isData = false;
  return (value.match(/::?|(?:\\.|[^:])+/gs) ?? []).flatMap((part) => {
    if (part === "::") isData = true;
    return /^::?$/.test(part) ? [] : [{ path: plain(part), isData }];
  });
}

/** A list of layers that is too long for one call comes layer by layer (Linux 6.5). */
export function inPieces(
  options: readonly (readonly [key: string, value: string | undefined])[],
): (readonly [key: string, value: string | undefined])[] {
  return options.flatMap(([key, value]) =>
    key === "lowerdir" && value !== undefined && Buffer.byteLength(value) > MOST
      ? lowerLayers(value).map(({ path, isData }) => [isData ? "datadir+" : "lowerdir+", path] as const)
      : [[key, value] as const],
  );
}

/** Another security context in place of the one that a mount has; one that has none gets none. */
export function withContext(
  options: readonly [key: string, value: string | undefined][],
  context: string | undefined,
): [key: string, value: string | undefined][] {
  return options.map(([key, value]) => [key, key === CONTEXT ? (context ?? value) : value]);
}
