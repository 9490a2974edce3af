/**
 * What the start-up code of the finished executable (`blobs/start.c`) left in our environment. main.ts imports this
 * module before any other. Little happens here: it runs before `--version` too.
 *
 * The C library came in as LD_PRELOAD, from anonymous files; variables that could steer the runtime were hidden from it
 * by flipping one bit of their first letter. A run from the source tree has nothing of either.
 */
const descriptors = "/proc/self/fd/";
const hiddenBit = 0x40;

const preload = process.env.LD_PRELOAD ?? "";
const packed = Bun.isStandaloneExecutable && preload.startsWith(descriptors);
if (packed) delete process.env.LD_PRELOAD;

/** The anonymous files of the C library. The linker has mapped them: nobody needs the descriptors any more. */
export const libraryDescriptors: readonly number[] = packed
  ? preload.split(":").map((path) => Number(path.slice(descriptors.length)))
  : [];

/**
 * The environment as our caller gave it. Every program that we start must get it explicitly: the runtime's default is
 * the environment as it was before this module tidied it up.
 */
export function callersEnvironment(): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    const first = name.charCodeAt(0);
    const own = packed && first < 0x20 ? String.fromCharCode(first ^ hiddenBit) + name.slice(1) : name;
    if (value !== undefined) all[own] = value;
  }
  return all;
}
