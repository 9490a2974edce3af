import { CrError } from "../error.ts";
import { FdTypes } from "../image/schema.gen.ts";
import type { FileKind } from "./kind.ts";
import { dumpTty, identityOf, problem } from "./tty-dump.ts";
import { precheckTty } from "./tty-precheck.ts";
import { restoredTerminals } from "./tty-restore.ts";

export const tty: FileKind = {
  name: "terminal",
  type: FdTypes.TTY,
  matches: (file) => identityOf(file) !== undefined,

  check(file, dump) {
    const found = problem(file, dump);
    if (found) dump.blocker(found);
  },

  dump: dumpTty,

  precheck: precheckTty,

  open(entry, restore) {
    if (entry.tty === undefined)
      throw new CrError("a terminal without its entry", { code: "BAD_IMAGE", subject: { file: entry.id } });
    restoredTerminals(restore).open(entry.tty);
  },

  link(_, restore) {
    restoredTerminals(restore).sessions();
    restoredTerminals(restore).finish();
  },
};
