/** Options of a file system as mountinfo writes them, one after the other. */

/** Those that name a security context (mount(8), SELinux): the only ones that the kernel writes in quotes, for a comma in them. */
const CONTEXT = "context";

/** @returns keys and values as fsconfig(2) takes them; a flag has no value */
export function splitOptions(text: string): [key: string, value: string | undefined][] {
  const words = text.match(/(?:[^,="]+)(?:=(?:"[^"]*"|[^,]*))?/g) ?? [];
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at < 0) return [word, undefined];
    const value = word.slice(at + 1);
    return [word.slice(0, at), /^".*"$/.test(value) ? value.slice(1, -1) : value];
  });
}

/** Another security context in place of the one that a mount has; one that has none gets none. */
export function withContext(
  options: readonly [key: string, value: string | undefined][],
  context: string | undefined,
): [key: string, value: string | undefined][] {
  return options.map(([key, value]) => [key, key === CONTEXT ? (context ?? value) : value]);
}
