/** File systems that are made anew: by a task of the tree, so that they belong to its namespaces. */
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { MntEntry } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd } from "../kernel/pidfd.ts";
import { addressOf, cstring, must } from "../kernel/sys.ts";
import { FSCONFIG, FSPICK } from "../kernel/uapi/mount.ts";
import type { FileSystem } from "./mnt-table.ts";

/** Longest option that a mount may have in the images, bytes. */
const LONGEST = 65536;

/**
 * Has a task make a file system, in its namespaces; where it is mounted is seen later.
 * @param pidfd of that task
 * @returns our descriptor of a mount of it that stands nowhere
 */
export function makeSystem(program: Program, pidfd: number, entry: MntEntry, { name, single }: FileSystem): number {
  const subject = { path: entry.mountpoint, type: name };
  const what = "cannot make a file system";
  const text = (words: string) => {
    const bytes = Buffer.from(`${words}\0`);
    if (bytes.length > LONGEST) throw new CrError("a mount has too long options", { code: "BAD_IMAGE", subject });
    return program.data(bytes);
  };
  const context = program.call(NR.fsopen, [text(name), 1], { what, subject });
  const set = (key: string, value: string | undefined) =>
    value === undefined
      ? program.call(NR.fsconfig, [context, FSCONFIG.SET_FLAG, text(key), 0, 0], {
          what,
          subject: { ...subject, key },
        })
      : program.call(NR.fsconfig, [context, FSCONFIG.SET_STRING, text(key), text(value), 0], {
          what,
          subject: { ...subject, key },
        });
  if (entry.source !== "") set("source", entry.source);
  for (const option of single ? [] : entry.options.split(",").filter(Boolean)) {
    const at = option.indexOf("=");
    if (at < 0) set(option, undefined);
    else set(option.slice(0, at), option.slice(at + 1));
  }
  program.call(NR.fsconfig, [context, FSCONFIG.CMD_CREATE, 0, 0, 0], { what, subject });
  const mount = program.call(NR.fsmount, [context, 1, 0], { what, subject });
  program.call(NR.close, [context]);
  program.run();
  const number = program.result(mount);
  const fd = pidfdGetfd(pidfd, number);
  // with whatever it does next
  program.call(NR.close, [number]);
  return fd;
}

export function makeSystemReadOnly(mount: number, entry: MntEntry): void {
  const what = "cannot make a file system read-only";
  const subject = { path: entry.mountpoint };
  const flag = cstring("ro");
  const args = [mount, addressOf(cstring("")), FSPICK.CLOEXEC | FSPICK.EMPTY_PATH];
  const context = must(NR.fspick, args, what, subject);
  try {
    must(NR.fsconfig, [context, FSCONFIG.SET_FLAG, addressOf(flag), 0, 0], what, subject);
    must(NR.fsconfig, [context, FSCONFIG.CMD_RECONFIGURE, 0, 0, 0], what, subject);
  } finally {
    closeFd(context);
  }
}
