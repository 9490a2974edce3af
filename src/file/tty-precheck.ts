/** Terminals that have to be given: asked before anything is made. */
import { CrError } from "../error.ts";
import { type FileEntry, type TtyInfoEntry, TtyType } from "../image/schema.gen.ts";
import { readTermios } from "../kernel/tty.ts";
import type { InheritFd } from "../options.ts";
import type { FileRestore } from "./kind.ts";
import { perRun } from "./per-run.ts";
import { ttyName } from "./tty-state.ts";

type Early = Pick<FileRestore, "options" | "entries" | "images">;

const nameOf = (info: TtyInfoEntry) => ttyName(info.rdev, info.dev ?? 0);

/** The descriptor that stands for a terminal, if one was given. */
export function givenTerminal(info: TtyInfoEntry, inheritFds: readonly InheritFd[]): number | undefined {
  return inheritFds.find(({ resource }) => resource === nameOf(info))?.fd;
}

const infosOf = perRun((restore: Early) => {
  const infos = new Map(restore.images.read("TTY_INFO").map((info) => [info.id, info]));
  const masters = new Set<number>();
  for (const { tty } of restore.entries.values()) {
    const info = infos.get(tty?.tty_info_id ?? -1);
    if (info?.pty && info.id % 2 === 1) masters.add(info.pty.index);
  }
  return { infos, masters };
});

/** @throws CrError when a terminal of the set cannot be had */
export function precheckTty({ id, tty }: FileEntry, restore: Early): void {
  const { infos, masters } = infosOf(restore);
  const info = infos.get(tty?.tty_info_id ?? -1);
  if (info === undefined)
    throw new CrError("a terminal without its state", {
      code: "BAD_IMAGE",
      subject: { image: "tty-info.img", file: id },
    });
  const { inheritFds, shellJob, orphanPtsMaster } = restore.options;
  if (givenTerminal(info, inheritFds) !== undefined) return;
  if (info.type === TtyType.EXT_TTY)
    throw new CrError("a terminal was declared external at the dump and is not given", {
      code: "MISSING_EXTERNAL",
      subject: { file: id, path: nameOf(info) },
      remedy: `pass a terminal: --inherit-fd 'fd[N]:${nameOf(info)}'`,
    });
  const isOurs = info.pty && !masters.has(info.pty.index) && info.termios !== undefined && !orphanPtsMaster;
  if (!isOurs || (shellJob && readTermios(0) !== undefined)) return;
  const why = shellJob ? ", and our standard input is no terminal" : "";
  throw new CrError(`the tree had a terminal of a program outside${why}`, {
    code: "SHELL_JOB",
    subject: { path: `/dev/pts/${info.pty?.index}` },
    remedy: `restore with --shell-job from a terminal, or give one: --inherit-fd 'fd[N]:${nameOf(info)}'`,
  });
}
