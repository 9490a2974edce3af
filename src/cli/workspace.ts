/** Where a command works: the images directory, the work directory, the log. */
import { closeSync, constants, openSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { currentDirectoryIsGone } from "../kernel/startup.ts";
import type { ImagePlace } from "../options.ts";
import { fileError } from "./file-error.ts";
import type { LogCore } from "./log.ts";
import { openLog } from "./log-open.ts";
import type { Settings } from "./settings.ts";
import { usageError } from "./usage-error.ts";

export interface Workspace {
  images: ImagePlace;
  /** Absolute, and the current directory from now on. */
  workDir: string;
  log: LogCore;
}

/** Opens a directory for reading. */
export function openDirectory(path: string, what: string, remedy: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw fileError(`cannot open the ${what}`, path, error, remedy);
  }
}

/** A directory that an option names, whole. An empty name, as a script's unset variable leaves it, is not the current one. */
function directoryOf(settings: Settings, option: "images-dir" | "work-dir", otherwise: string): string {
  const name = settings.text(option) ?? otherwise;
  if (name === "")
    throw usageError(`option --${option} names no directory: its value is empty`, "write . for this one");
  if (!isAbsolute(name) && currentDirectoryIsGone())
    throw usageError(
      "the current directory was deleted, and no relative name leads anywhere",
      `give --${option} a whole path, from / on`,
    );
  return resolve(name);
}

/** Both directories are relative to where we were started; log and pid files to the work directory. */
export function openWorkspace(settings: Settings, command: string): Workspace {
  const imagesPath = directoryOf(settings, "images-dir", ".");
  const workDir = directoryOf(settings, "work-dir", imagesPath);
  const fd = openDirectory(imagesPath, "images directory", "make it first, or name another one with --images-dir");
  const workFd = openDirectory(workDir, "work directory", "make it first, or name another one with --work-dir");
  closeSync(workFd);
  process.chdir(workDir);
  return { images: { path: imagesPath, fd }, workDir, log: openLog(settings, command) };
}
