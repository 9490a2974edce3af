/** The namespaces of a frozen tree, each saved through a task that lives in it. */
import type { Program } from "../agent/program.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { DumpOptions } from "../options.ts";
import { type ForeignNamespace, linkOf } from "./ids.ts";
import { namespaceKind } from "./registry.ts";

/** @param programOf what a task's agent runs; undefined for threads that have namespaces of their own */
export function dumpNamespaces(
  foreign: readonly ForeignNamespace[],
  images: ImageDirectory,
  options: DumpOptions,
  programOf: (pid: number) => Program | undefined,
): void {
  for (const one of foreign) {
    const { name, id, member, link } = one;
    const kind = namespaceKind(name);
    if (kind?.saveForChildren && linkOf(member, name) !== link) {
      kind.saveForChildren(images, id, member);
      continue;
    }
    kind?.save?.(images, id, member, options, foreign);
    if (!kind?.ask) continue;
    const program = programOf(member);
    if (program === undefined) {
      kind.saveForThread?.(images, id, member);
      continue;
    }
    const write = kind.ask(program, one, options);
    if (write === undefined) continue;
    program.run();
    write(images, id);
  }
}
