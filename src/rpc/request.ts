/** One request that works in directories: who asks, with which options, where, and into which log. */
import { closeSync, fstatSync, readlinkSync, statSync } from "node:fs";
import { readConfig } from "../cli/config.ts";
import type { Occurrence } from "../cli/getopt.ts";
import type { LogCore, LogEvent, Reporter } from "../cli/log.ts";
import { openRequestLog } from "../cli/log-open.ts";
import type { Command } from "../cli/option.ts";
import { Settings } from "../cli/settings.ts";
import { usageError } from "../cli/usage-error.ts";
import { openDirectory, type Workspace } from "../cli/workspace.ts";
import type { CriuOpts } from "../image/schema.gen.ts";
import type { Credentials } from "../kernel/socket.ts";
import { occurrencesOf } from "./options.ts";

const defaultLog = "criu.log";

/** Keeps the first error of a log, for the answer. */
export class FirstError implements Reporter {
  text: string | undefined;

  report(event: LogEvent): void {
    if (event.kind === "line" && event.level === 1) this.text ??= event.text;
    if (event.kind === "failure") this.text ??= event.lines.join("\n");
  }
}

/** Opens a directory that the client names by a descriptor of its own. */
function openPeerDirectory(fd: number, peer: Credentials, what: string): number {
  const remedy = "pass the number of an open directory descriptor";
  return openDirectory(`/proc/${peer.pid}/fd/${fd}`, `client's ${what}`, remedy);
}

/** A path of the open directory: its name where that leads there from here, else through the descriptor. */
function pathOf(fd: number): string {
  const magic = `/proc/${process.pid}/fd/${fd}`;
  try {
    const name = readlinkSync(magic);
    const [there, here] = [statSync(name), fstatSync(fd)];
    if (there.dev === here.dev && there.ino === here.ino) return name;
  } catch {
    // it lies in another mount namespace, or was removed
  }
  return magic;
}

/** The configuration file of the request, whose words count last: administrators change by it what a runtime asks for. */
function lastWords(opts: CriuOpts): readonly Occurrence[] {
  // runtimes name theirs whether it is there or not
  return (opts.config_file === undefined ? undefined : readConfig(opts.config_file, true)) ?? [];
}

export interface Request {
  readonly settings: Settings;
  readonly space: Workspace;
}

/**
 * Opens what a request works with; the work directory is the current one from then on.
 * @param given what the worker's own command line and the configuration files say
 * @param first gets the first error
 */
export function openRequest(
  opts: CriuOpts,
  command: Command,
  peer: Credentials,
  given: readonly Occurrence[],
  first: FirstError,
): Request {
  const late = lastWords(opts);
  const settings = new Settings([...given, ...occurrencesOf(opts), ...late]);
  const places = new Settings(late);
  const images = imagesDescriptor(opts, places.text("images-dir"), peer);
  const path = pathOf(images);
  const workDir = enterWorkDir(opts, settings, places.text("work-dir"), peer, path);
  const log = openLog(opts, settings, places.text("log-file"), command, first);
  return { settings, space: { images: { path, fd: images }, workDir, log } };
}

function imagesDescriptor(opts: CriuOpts, last: string | undefined, peer: Credentials): number {
  if (last !== undefined) return openDirectory(last, "images directory of the configuration file", "make it first");
  if (opts.images_dir_fd >= 0) return openPeerDirectory(opts.images_dir_fd, peer, "images directory");
  if (opts.images_dir !== undefined && opts.images_dir !== "")
    return openDirectory(opts.images_dir, "images directory", "make it first");
  throw usageError("the request names no images directory", "set images_dir_fd, or -1 and images_dir");
}

/** By the last word, else by descriptor, else by another file's word, else the images directory. Returns its path. */
function enterWorkDir(
  opts: CriuOpts,
  settings: Settings,
  last: string | undefined,
  peer: Credentials,
  images: string,
): string {
  const named = settings.text("work-dir");
  const fd =
    last === undefined && opts.work_dir_fd !== undefined && opts.work_dir_fd >= 0
      ? openPeerDirectory(opts.work_dir_fd, peer, "work directory")
      : openDirectory(named ?? images, "work directory", "make it first");
  process.chdir(`/proc/${process.pid}/fd/${fd}`);
  const path = pathOf(fd);
  closeSync(fd);
  return path.startsWith("/proc/") ? process.cwd() : path;
}

function openLog(
  opts: CriuOpts,
  settings: Settings,
  last: string | undefined,
  command: Command,
  first: FirstError,
): LogCore {
  if (last !== undefined) return openRequestLog(settings, last, command, first);
  if (opts.log_to_stderr) return openRequestLog(settings, undefined, command, first);
  const name = opts.log_file ?? settings.text("log-file") ?? defaultLog;
  if (opts.log_file?.includes("/"))
    throw usageError(
      `RPC option log_file: \`${opts.log_file}\` is no plain name`,
      "the log lies in the work directory",
    );
  return openRequestLog(settings, name, command, first);
}
