/** Where a command works: the images directory, the work directory, the log. */
import { closeSync, constants, openSync } from "node:fs";
import { resolve } from "node:path";
import type { ImagePlace } from "../options.ts";
import { fileError } from "./file-error.ts";
import type { LogCore } from "./log.ts";
import { openLog } from "./log-open.ts";
import type { Settings } from "./settings.ts";

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

/** Both directories are relative to where we were started; log and pid files to the work directory. */
export function openWorkspace(settings: Settings, command: string): Workspace {
  const imagesPath = resolve(settings.text("images-dir") ?? ".");
  const workDir = resolve(settings.text("work-dir") ?? imagesPath);
  const fd = openDirectory(imagesPath, "images directory", "make it first, or name another one with --images-dir");
  const workFd = openDirectory(workDir, "work directory", "make it first, or name another one with --work-dir");
  closeSync(workFd);
  process.chdir(workDir);
  return { images: { path: imagesPath, fd }, workDir, log: openLog(settings, command) };
}
