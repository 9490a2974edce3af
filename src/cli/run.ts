/** From the words after the program's name to an exit status. */
import { closeSync } from "node:fs";
import { basename } from "node:path";
import { complain, type Invocation, type RunCommand } from "./command.ts";
import { readConfigs } from "./config.ts";
import { readEnvironment } from "./environment.ts";
import { type CommandLine, getopt, type Occurrence } from "./getopt.ts";
import { inheritedDescriptors } from "./inherited.ts";
import { type Command, commands } from "./option.ts";
import { print, printError } from "./print.ts";
import { Settings } from "./settings.ts";
import { usageError } from "./usage-error.ts";
import { readFd } from "./value.ts";
import { versionText } from "./version.ts";

type Loader = () => Promise<RunCommand>;

const later = async (what: string, remedy: string): Promise<RunCommand> =>
  (await import("./not-yet.ts")).notYet(what, remedy);

/** Loaded when asked for, so that a command starts without the weight of the others. */
const loaders: Readonly<Record<Command, Loader>> = {
  dump: async () => (await import("./dump.ts")).runDump,
  restore: async () => (await import("./restore.ts")).runRestore,
  check: async () => (await import("./check.ts")).runCheck,
  "pre-dump": () => later("saving memory in several rounds is not there yet", "use dump --leave-running"),
  "page-server": () => later("receiving pages is not there yet", "dump to a directory and copy it"),
  service: async () => (await import("../rpc/service.ts")).runService,
  swrk: async () => (await import("../rpc/swrk.ts")).runSwrk,
  dedup: () => later("freeing superseded pages is not there yet", "remove older image directories as a whole"),
  "lazy-pages": () => later("bringing memory on demand is not there yet", "restore without --lazy-pages"),
  "cpuinfo dump": async () => (await import("./cpuinfo.ts")).dumpCpuInfo,
  "cpuinfo check": async () => (await import("./cpuinfo.ts")).checkCpuInfo,
};

/** Commands of long ago: a notice, and a status of their own. */
const removed: Readonly<Record<string, string>> = {
  exec: "the exec command is gone: nothing is executed in other tasks any more",
  show: "the show command is gone: use `crit show IMAGE`",
};
const removedStatus = 255;

/** Words that are ours alone, with command lines of their own. They count in the first place only. */
const tools: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  crit: async (args) => (await import("./crit.ts")).crit(args),
  help: async (args) => (await import("./help.ts")).showHelp(args),
  completion: async (args) => (await import("./completion.ts")).showCompletion(args),
  man: async () => (await import("./manual.ts")).showManual(),
};

/** The command and its operands. `cpuinfo` is the one that takes two words. */
function splitWords([first, ...rest]: readonly string[]): { command: string; operands: string[] } {
  if (first === "cpuinfo" && rest[0] !== undefined) return { command: `cpuinfo ${rest[0]}`, operands: rest.slice(1) };
  return { command: first ?? "", operands: rest };
}

function isCommand(word: string): word is Command {
  return (commands as readonly string[]).includes(word);
}

/** Options that act while the line is read, in its order. @returns the exit status when they end the program */
async function actAtOnce({ occurrences, words }: CommandLine): Promise<number | undefined> {
  for (const { name, value, off } of occurrences) {
    if (name === "help" && !off) return (await import("./help.ts")).showHelp(words);
    if (name === "version") {
      print(versionText);
      return 0;
    }
    if (name === "licenses") {
      print((await import("../license/notice.ts")).noticeText());
      return 0;
    }
    if (name === "ms") throw usageError("option --ms is gone", "leave it out");
    if (name === "close") closeNow(value ?? "");
  }
  return undefined;
}

function closeNow(text: string): void {
  const fd = readFd("close", text);
  if (fd > 2 && !inheritedDescriptors().includes(fd)) {
    throw usageError(`option --close: descriptor ${fd} is not open`, "name a descriptor that tscriu inherits");
  }
  closeSync(fd);
}

function requireCommand(line: CommandLine): { command: Command; operands: string[] } {
  const { command, operands } = splitWords(line.words);
  if (command === "cpuinfo") throw usageError("cpuinfo needs a second word", "write cpuinfo dump, or cpuinfo check");
  if (!isCommand(command)) throw usageError(`there is no command \`${command}\``);
  const execs = command === "restore" && line.occurrences.some((o) => o.name === "exec-cmd");
  const [extra] = operands;
  if (extra !== undefined && command !== "swrk" && !execs) {
    throw usageError(
      `\`${extra}\` is one word too many for ${command}`,
      `\`tscriu help ${command}\` lists its options`,
    );
  }
  return { command, operands };
}

function invocationOf(line: CommandLine): Invocation {
  const environment = readEnvironment();
  const config = readConfigs(line.occurrences, environment);
  const implied: Occurrence[] = [];
  if (environment.deprecated)
    implied.push({ name: "deprecated", value: undefined, off: false, from: "CRIU_DEPRECATED" });
  if (environment.libsDir)
    implied.push({ name: "libdir", value: environment.libsDir, off: false, from: "CRIU_LIBS_DIR" });
  for (const { name, value } of config.occurrences) if (name === "close") closeNow(value ?? "");
  return {
    ...requireCommand(line),
    settings: new Settings([...implied, ...config.occurrences, ...line.occurrences]),
    environment,
    absentConfigs: config.absent,
  };
}

async function runLine(args: readonly string[]): Promise<number> {
  const line = getopt(args);
  const ended = await actAtOnce(line);
  if (ended !== undefined) return ended;
  if (line.error) throw line.error;
  const [word] = line.words;
  if (word === undefined) {
    printError((await import("./help.ts")).usageText());
    return 1;
  }
  const notice = removed[word];
  if (notice !== undefined) {
    printError(`tscriu: ${notice}\n`);
    return removedStatus;
  }
  const invocation = invocationOf(line);
  const command = await loaders[invocation.command]();
  return await command(invocation);
}

/**
 * @param name the program's name as it was called: `crit` makes it the image tool
 * @param args the words after it
 */
export async function run(name: string, args: readonly string[]): Promise<number> {
  try {
    if (basename(name) === "crit") return await (await import("./crit.ts")).crit(args);
    const [word = "", ...rest] = args;
    const tool = Object.hasOwn(tools, word) ? tools[word] : undefined;
    if (tool && word !== "crit" && (rest[0] === "--help" || rest[0] === "-h"))
      return (await import("./help.ts")).showHelp(word === "help" ? [] : [word]);
    return tool ? await tool(rest) : await runLine(args);
  } catch (error) {
    return complain(error);
  }
}
