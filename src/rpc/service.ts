/** `service`: a socket where clients find workers. Each connection gets a process of its own. */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { resolve } from "node:path";
import { type Invocation, statusOf } from "../cli/command.ts";
import { childEnvironment } from "../cli/environment.ts";
import type { OptionName } from "../cli/options.ts";
import { ownCommand } from "../cli/own-command.ts";
import { requireNoPidfile, writePidfile } from "../cli/pidfile.ts";
import { requirePrivileges } from "../cli/privileges.ts";
import { requireScripts, scriptHook } from "../cli/scripts.ts";
import type { Settings } from "../cli/settings.ts";
import { readFd } from "../cli/value.ts";
import { openWorkspace } from "../cli/workspace.ts";
import { CrError, errorLines } from "../error.ts";
import { closeFd, makePipe } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { listen, makeSocket, tryBind, tryConnect, unixAddress } from "../kernel/socket.ts";
import { addressOf, catchSignals, check, interruptedBy, sys } from "../kernel/sys.ts";
import { AF, SOCK } from "../kernel/uapi/socket.ts";
import type { Log } from "../log.ts";
import { forService } from "./swrk.ts";

const defaultAddress = "criu_service.socket";
const backlog = 16;
/** For everybody: the worker looks at who asks. */
const mode = 0o666;
const EAGAIN = -11;
const EPROTOTYPE = -91;
const EINTR = -4;
const POLLIN = 1;
/** Between two looks at whether a worker has ended, milliseconds. */
const idle = 200;

/** What lies at the path itself, if anything. */
const lying = (path: string) => lstatSync(path, { throwIfNoEntry: false });

/** Throws where a service lives at an address: it would stand there with a socket that nobody finds. */
function requireNobody(path: string): void {
  if (lying(path) === undefined) return;
  const caller = makeSocket(AF.UNIX, SOCK.SEQPACKET | SOCK.NONBLOCK);
  const result = tryConnect(caller, unixAddress(path));
  closeFd(caller);
  // one with a full backlog, or of another type, is somebody too
  if (result === 0 || result === EAGAIN || result === EPROTOTYPE)
    throw new CrError("somebody answers already where the service's socket goes", {
      code: "EADDRINUSE",
      subject: { path },
      remedy: "end that service first, or choose another --address",
    });
}

/** Only a socket of an earlier service makes room. */
function bind(path: string): { fd: number; remove: () => void } {
  const remedy = "choose another --address";
  requireNobody(path);
  const old = lying(path);
  if (old && !old.isSocket())
    throw new CrError("there is something else where the service's socket goes", { subject: { path }, remedy });
  if (old) unlinkSync(path);
  const fd = makeSocket(AF.UNIX, SOCK.SEQPACKET | SOCK.NONBLOCK);
  check(tryBind(fd, unixAddress(path)), "cannot make the service's socket", { path }, remedy);
  chmodSync(path, mode);
  listen(fd, backlog);
  const own = lying(path)?.ino;
  const remove = () => {
    closeFd(fd);
    // by now it may be that of another service
    if (own !== undefined && lying(path)?.ino === own) unlinkSync(path);
  };
  return { fd, remove };
}

/** The options of our command line as words, but for some. */
function ownWords(settings: Settings, but: readonly OptionName[]): string[] {
  return settings.occurrences
    .filter(({ name, from }) => from.startsWith("-") && !but.includes(name))
    .map(({ name, value, off }) => `--${off ? "no-" : ""}${name}${value === undefined ? "" : `=${value}`}`);
}

/** Options of the service itself: a worker inherits all others, and they count before those of a request. */
const forUs = ["address", "port", "pidfile", "status-fd", "daemon", "restore-detached", "log-file", "close"] as const;

async function acceptAll(socket: number, settings: Settings, log: Log): Promise<void> {
  const command = [...ownCommand(), "swrk", "3", forService, ...ownWords(settings, forUs)];
  const ready = new Int32Array([socket, POLLIN]);
  const time = new BigInt64Array(2);
  while (interruptedBy() === 0) {
    // the kernel leaves there what remains of it
    time.set([0n, BigInt(idle) * 1_000_000n]);
    sys(NR.ppoll, addressOf(ready), 1, addressOf(time), 0, 8);
    const connection = sys(NR.accept4, socket, 0, 0, SOCK.CLOEXEC);
    if (connection >= 0) {
      const worker = Bun.spawn(command, {
        stdio: ["ignore", "inherit", "inherit", connection],
        env: childEnvironment(),
      });
      log.info(`worker ${worker.pid} serves a client`);
      closeFd(connection);
    } else if (connection !== EAGAIN && connection !== EINTR) {
      check(connection, "cannot accept a client");
    }
    // workers that have ended are reaped here
    await new Promise((done) => setImmediate(done));
  }
}

/** One zero byte to the descriptor that was asked for, which is closed then. */
function tell(statusFd: string | undefined): void {
  if (statusFd === undefined) return;
  const fd = readFd("status-fd", statusFd);
  check(
    sys(NR.write, fd, addressOf(new Uint8Array(1)), 1),
    "cannot write to --status-fd",
    { fd },
    "name a descriptor that tscriu inherits and may write to",
  );
  closeFd(fd);
}

/** Where the service is to be found. Relative names lie in the work directory. */
interface Places {
  readonly address: string;
  readonly pidfile: string | undefined;
}

/**
 * The same service as a process of its own, without a terminal; we end once it is ready.
 * @param cwd where we were started
 * @returns the exit status
 */
async function goToBackground(settings: Settings, { address, pidfile }: Places, cwd: string): Promise<number> {
  if (pidfile !== undefined) requireNoPidfile(pidfile);
  const but = ["daemon", "restore-detached", "pidfile", "address", "status-fd", "close"] as const;
  const [read, write] = makePipe();
  const words = ["service", `--address=${address}`, "--status-fd=3", ...ownWords(settings, but)];
  const service = Bun.spawn([...ownCommand(), ...words], {
    // nobody who waits for our output is to wait for the service's
    stdio: ["ignore", "ignore", "ignore", write],
    env: childEnvironment(),
    detached: true,
    cwd,
  });
  closeFd(write);
  const byte = new Uint8Array(1);
  const got = sys(NR.read, read, addressOf(byte), 1);
  closeFd(read);
  if (got !== 1) {
    throw new CrError("the service did not start", {
      subject: { status: await service.exited },
      remedy: "start it without --daemon (-d), or look into its log: it says why",
    });
  }
  try {
    if (pidfile !== undefined) writePidfile(pidfile, service.pid);
    tell(settings.text("status-fd"));
  } catch (error) {
    // nobody would know that it is there
    service.kill();
    await service.exited;
    throw error;
  }
  service.unref();
  return 0;
}

export async function runService(invocation: Invocation): Promise<number> {
  const { settings, command } = invocation;
  settings.requireSupport(command);
  requirePrivileges(settings.flag("unprivileged"));
  const started = process.cwd();
  const space = openWorkspace(settings, command);
  const { log, images, workDir } = space;
  const named = settings.text("pidfile");
  const pidfile = named === undefined ? undefined : resolve(named);
  const address = resolve(settings.text("address") ?? defaultAddress);
  if (settings.flag("restore-detached")) {
    // the log is the other process's from here on
    log.close();
    requireNobody(address);
    return await goToBackground(settings, { address, pidfile }, started);
  }
  try {
    if (pidfile !== undefined) requireNoPidfile(pidfile);
    const scripts = settings.texts("action-script");
    requireScripts(scripts, workDir);
    const socket = bind(address);
    try {
      if (pidfile !== undefined) writePidfile(pidfile, process.pid);
      if (scriptHook(scripts, images, workDir, log)("status-ready") !== 0)
        throw new CrError("the status-ready script failed", { code: "SCRIPT" });
      tell(settings.text("status-fd"));
      log.info(`listens at ${address}`);
      catchSignals();
      await acceptAll(socket.fd, settings, log);
    } finally {
      socket.remove();
    }
    return 0;
  } catch (error) {
    log.failure(errorLines(error), error instanceof Error ? error.stack : undefined);
    return statusOf(error);
  } finally {
    log.close();
  }
}
