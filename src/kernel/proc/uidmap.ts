import { CrError } from "../../error.ts";

/** One range of a user namespace: a line of /proc/PID/uid_map or gid_map (user_namespaces(7)). */
export interface IdRange {
  /** First id within the namespace. */
  readonly first: number;
  /** First id in the namespace of the reader (for our own namespace: of its parent). */
  readonly lowerFirst: number;
  readonly count: number;
}

/**
 * The text of uid_map or gid_map; empty while the map has not been written.
 * @throws CrError BAD_PROC
 */
export function parseIdMap(text: string): IdRange[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [first, lowerFirst, count] = line.trim().split(/\s+/).map(Number);
      if (first === undefined || lowerFirst === undefined || count === undefined) {
        throw new CrError("an id map of an unknown form in /proc", { code: "BAD_PROC", subject: { line } });
      }
      return { first, lowerFirst, count };
    });
}

/** What an id of the reader's namespace is called inside; undefined when it is not mapped. */
export function idInside(map: readonly IdRange[], id: number): number | undefined {
  for (const { first, lowerFirst, count } of map) {
    if (id >= lowerFirst && id < lowerFirst + count) return first + id - lowerFirst;
  }
  return undefined;
}

/** What an id of the inside is in the reader's namespace; undefined when it is not mapped. */
export function idOutside(map: readonly IdRange[], id: number): number | undefined {
  for (const { first, lowerFirst, count } of map) {
    if (id >= first && id < first + count) return lowerFirst + id - first;
  }
  return undefined;
}
