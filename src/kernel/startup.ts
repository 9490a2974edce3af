/**
 * What the start-up code of the finished executable (`blobs/start.c`) left in our environment. main.ts imports this
 * module before any other. Little happens here: it runs before `--version` too.
 *
 * Our shim and the C library came in as LD_PRELOAD, named by anonymous files; variables that could steer the runtime were hidden from it
 * by flipping one bit of their first letter, and words to its engine put in their place. A run from the source tree has
 * nothing of all this.
 */
const descriptors = "/proc/self/fd/";
const hiddenBit = 0x40;

const preload = process.env.LD_PRELOAD ?? "";
const packed = Bun.isStandaloneExecutable && preload.startsWith(descriptors);
if (packed) {
  delete process.env.LD_PRELOAD;
  // a caller's variables of these names have come with their first letters changed
  for (const name of Object.keys(process.env))
    if (name.startsWith("BUN_JSC_") || name.startsWith("MIMALLOC_")) delete process.env[name];
}

/** The anonymous files of our shim and the C library. The linker has mapped them: nobody needs the descriptors any more. */
export const libraryDescriptors: readonly number[] = packed
  ? preload.split(":").map((path) => Number(path.slice(descriptors.length)))
  : [];

/**
 * Was the directory that we were started in deleted? The runtime would not start there, so the start-up code goes to where
 * no name of anybody's leads to a file, and none can be made.
 */
export function currentDirectoryIsGone(): boolean {
  return packed && /^\/proc\/[0-9]+\/ns$/.test(process.cwd());
}

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
