/** Action scripts: programs of the user's that run at the hooks. */
import { isAbsolute, resolve } from "node:path";
import { CrError } from "../error.ts";
import type { Log } from "../log.ts";
import type { Hook, HookName, ImagePlace } from "../options.ts";
import { childEnvironment } from "./environment.ts";

/** What a program that cannot be started counts as. */
const cannotStart = 127;

/** Moments that only a client of the RPC can answer. */
const forClients: ReadonlySet<HookName> = new Set(["query-ext-files", "orphan-pts-master"]);

/** A name with a slash is relative to the work directory, any other is looked up in PATH. */
function programOf(script: string, workDir: string): string {
  return script.includes("/") && !isAbsolute(script) ? resolve(workDir, script) : script;
}

/** @returns the exit status, 128 + number for a signal */
function runScript(program: string, workDir: string, env: Record<string, string>, log: Log): number {
  try {
    const ended = Bun.spawnSync({
      cmd: [program],
      cwd: workDir,
      env,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    });
    return ended.exitCode ?? 128;
  } catch (error) {
    log.error(`cannot run the action script ${program}: ${error instanceof Error ? error.message : String(error)}`);
    return cannotStart;
  }
}

/**
 * The hook for a list of scripts: the last one given runs first, without arguments, in the work directory; what they
 * return is OR-ed.
 */
export function scriptHook(scripts: readonly string[], images: ImagePlace, workDir: string, log: Log): Hook {
  const programs = scripts.map((script) => programOf(script, workDir)).reverse();
  return (name: HookName, pid?: number): number => {
    if (programs.length === 0 || forClients.has(name)) return 0;
    const env = childEnvironment();
    env.CRTOOLS_SCRIPT_ACTION = name;
    env.CRTOOLS_IMAGE_DIR = `/proc/${process.pid}/fd/${images.fd}`;
    if (pid !== undefined && pid > 0) env.CRTOOLS_INIT_PID = String(pid);
    let result = 0;
    for (const program of programs) {
      log.debug(`action script ${program}: ${name}`);
      const status = runScript(program, workDir, env, log);
      if (status !== 0) log.warn(`action script ${program} ended with ${status} at ${name}`);
      result |= status;
    }
    return result;
  };
}

/** Refuses scripts that cannot be there, before anything is touched. */
export function requireScripts(scripts: readonly string[], workDir: string): void {
  for (const script of scripts) {
    const program = programOf(script, workDir);
    if (Bun.which(program, { cwd: workDir })) continue;
    throw new CrError("cannot run the action script", {
      code: "ENOENT",
      subject: { path: program },
      remedy:
        "give --action-script the path of an executable file, from / or from the work directory on, or a name in PATH",
    });
  }
}
