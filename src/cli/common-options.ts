/** From settings to the engine's plain data: the part that dump and restore share. */
import type { Log } from "../log.ts";
import type { CgroupMode, CommonOptions, External, FileValidation } from "../options.ts";
import type { Invocation } from "./command.ts";
import type { Command } from "./option.ts";
import { requireNoPlugins } from "./plugins.ts";
import { requireScripts, scriptHook } from "./scripts.ts";
import type { Settings } from "./settings.ts";
import { usageError } from "./usage-error.ts";
import { readCgroupRoot, readCpuCap, readExternal, readMountMap, readVethPair } from "./value.ts";
import type { Workspace } from "./workspace.ts";

/**
 * Occurrences keep the order in which the user wrote them, over both spellings. LXC restores a container that has no network
 * device with an `--external` of whatever stood in its buffer before: words that name nothing do no harm there, and are told.
 */
function externals(settings: Settings, command: Command, log: Log): External[] {
  const sockets = settings.texts("ext-unix-sk").flatMap((list) => list.split(","));
  for (const ino of sockets) {
    if (!/^[0-9]+$/.test(ino))
      throw usageError(`option --ext-unix-sk: \`${ino}\` is no inode number`, "write INODE[,INODE…]");
  }
  const named = settings.texts("external").filter((text) => {
    const isNothing = command === "restore" && !text.includes("[");
    if (isNothing) log.warn(`--external ${text} names no resource (KIND[ID]) and is left out`);
    return !isNothing;
  });
  return [
    ...named.map(readExternal),
    ...settings.texts("ext-mount-map").map(readMountMap),
    ...settings.texts("veth-pair").map(readVethPair),
    ...sockets.map((ino) => readExternal(`unix[${ino}]`)),
  ];
}

/** Throws usage errors for values that mean nothing. */
export function commonOptions(
  { command, settings }: Invocation,
  { images, workDir, log }: Workspace,
  interrupted: () => boolean,
): CommonOptions {
  requireNoPlugins(settings.text("libdir"));
  const scripts = settings.texts("action-script");
  requireScripts(scripts, workDir);
  return {
    images,
    workDir,
    hook: scriptHook(scripts, images, workDir, log),
    interrupted,
    shellJob: settings.flag("shell-job"),
    orphanPtsMaster: false,
    fileLocks: settings.flag("file-locks"),
    evasiveDevices: settings.flag("evasive-devices"),
    tcpEstablished: settings.flag("tcp-established"),
    tcpClose: settings.flag("tcp-close"),
    tcpSkipInFlight: settings.flag("skip-in-flight"),
    external: externals(settings, command, log),
    emptyNetwork: settings.given("empty-ns"),
    // With numbers it is these sockets alone.
    extUnixSk: settings.values("ext-unix-sk").some((numbers) => numbers === undefined),
    enableFs: settings.texts("enable-fs").flatMap((names) => names.split(",")),
    externalSharing: settings.flag("enable-external-sharing"),
    externalMasters: settings.flag("enable-external-masters"),
    cgroups: {
      mode: (settings.text("manage-cgroups") ?? "soft") as CgroupMode,
      // who names a yard wants what is in it
      isGiven: settings.given("manage-cgroups") || settings.given("cgroup-yard"),
      roots: settings.texts("cgroup-root").map(readCgroupRoot),
      yard: settings.text("cgroup-yard"),
    },
    cpuCap: readCpuCap(settings.values("cpu-cap")),
    fileValidation: (settings.text("file-validation") ?? "buildid") as FileValidation,
    allowUprobes: settings.flag("allow-uprobes"),
  };
}
