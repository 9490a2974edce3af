/** Files of /proc that belong to threads or to descriptors of a task: they can be opened when those are there, after all other files. */
import { CrError } from "../error.ts";
import type { RegFileEntry } from "../image/schema.gen.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { FD_CLOEXEC, O } from "../kernel/uapi/fcntl.ts";
import type { FileRestore } from "./kind.ts";
import { openDescriptor } from "./open-regular.ts";

/** What a task has that is numbered, and threads by their own names, wherever /proc is mounted. */
const NUMBERED = /\/\d+\/(task|fd|fdinfo)\/\d+(\/|$)|^\/proc\/\d+(\/|$)/;

/** Whether a file is not there yet, and may come. */
export function comesLater({ name, mnt_id }: RegFileEntry, restore: FileRestore): boolean {
  return NUMBERED.test(name) && restore.groundOf(mnt_id).stat(name, true) === undefined;
}

/**
 * Holds the place of such a file, and has it opened when there are threads.
 * @throws CrError then, when it is not there even so
 */
export function openLater(reg: RegFileEntry, restore: FileRestore): void {
  const { id } = reg;
  restore.put(id, openPath("/", O.PATH | O.DIRECTORY));
  restore.withThreads(() => {
    const fd = openDescriptor(reg, restore);
    const holders = restore.holders(id);
    if (holders.length === 0)
      throw new CrError("a file of a thread, or of a descriptor of a task, waits in the queue of a socket", {
        code: "UNSUPPORTED",
        subject: { path: reg.name },
        remedy: "dump again when the program has taken it out",
      });
    closeFd(restore.descriptor(id));
    restore.put(id, fd);
    for (const { task, entry } of holders)
      task.run((program) => {
        const arrived = task.receive(program, fd);
        const cloexec = (entry.flags & FD_CLOEXEC) !== 0 ? O.CLOEXEC : 0;
        program.call(NR.dup3, [arrived, entry.fd, cloexec], { what: "cannot place a descriptor" });
        program.call(NR.close, [arrived]);
      });
    restore.applyFown(fd, reg.fown, reg.flags);
  });
}
