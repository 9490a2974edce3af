/** Chooses the reporters: where the log goes, and what the terminal shows. */
import { constants, openSync } from "node:fs";
import { isTerminal } from "../kernel/tty.ts";
import { uname } from "../kernel/uname.ts";
import { fileError } from "./file-error.ts";
import { LogCore, type Reporter } from "./log.ts";
import { CriuReporter, writeAll } from "./log-criu.ts";
import { JsonReporter } from "./log-json.ts";
import { PeopleReporter, type Screen, terminalScreen } from "./log-people.ts";
import type { Settings } from "./settings.ts";
import { compatibleVersion, ownVersion } from "./version.ts";

const stderr = 2;

/** The terminal behind stderr through a description of its own that never blocks; undefined when it is none. */
function openTerminal(): Screen | undefined {
  if (!isTerminal(stderr)) return undefined;
  try {
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return terminalScreen(openSync(`/proc/self/fd/${stderr}`, flags));
  } catch {
    return undefined;
  }
}

/** Opens --log-file, relative to the work directory, which must be the current one already. */
function openLogFile(path: string, flags = 0): number {
  if (path === "-") return 1;
  try {
    return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | flags, 0o600);
  } catch (error) {
    const remedy = "choose another --log-file; a relative name lies in the work directory";
    throw fileError("cannot open the log file", path, error, remedy);
  }
}

function header(): string {
  const [sysname, nodename, release, version, machine] = uname();
  return [
    `Version: ${compatibleVersion} (gitid 0), tscriu ${ownVersion}`,
    `Running on ${nodename} ${sysname} ${release} ${version} ${machine}`,
  ].join("\n");
}

/**
 * The log of a request that came over a connection: in CRIU's lines, to a file of the work directory or to stderr.
 * @param path undefined for stderr
 * @param listener hears everything, too
 */
export function openRequestLog(
  settings: Settings,
  path: string | undefined,
  command: string,
  listener: Reporter,
): LogCore {
  const level = settings.logLevel;
  const fd = path === undefined ? stderr : openLogFile(path, constants.O_NOFOLLOW);
  const json = settings.text("log-format") === "json";
  const log = new LogCore([json ? new JsonReporter(fd, level) : new CriuReporter({ fd, level }), listener], command);
  for (const line of header().split("\n")) log.info(line);
  return log;
}

export function openLog(settings: Settings, command: string): LogCore {
  const path = settings.text("log-file");
  const level = settings.logLevel;
  const json = settings.text("log-format") === "json";
  const terminal = openTerminal();
  const fd = path === undefined ? stderr : openLogFile(path);
  const reporters: Reporter[] = [];

  // On a terminal the log itself is only wanted when somebody asked for more than warnings.
  const logWanted = path !== undefined || json || !terminal || level > 2;
  if (logWanted) {
    const perTask = settings.flag("log-pid") && path !== undefined && path !== "-" ? path : undefined;
    reporters.push(json ? new JsonReporter(fd, level) : new CriuReporter({ fd, level, perTask }));
  }
  // Whoever reads the log on stderr has seen errors already.
  const logOnStderr = logWanted && path === undefined;
  if (!logOnStderr) {
    const screen: Screen = terminal ?? ((text) => writeAll(stderr, text));
    reporters.push(new PeopleReporter({ screen, lively: terminal !== undefined, warnings: path === undefined }));
  }
  const log = new LogCore(reporters, command);
  for (const line of header().split("\n")) log.info(line);
  return log;
}
