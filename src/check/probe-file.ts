/** Probes about descriptors: fdinfo, terminals, timers, locks, mounts. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { errnoName } from "../kernel/errno.ts";
import { addressOf, cstring } from "../kernel/sys.ts";
import { Child } from "./child.ts";
import { AT_FDCWD, call, failed, int, O_RDWR, type Probes, Scope, type Verdict, works } from "./probe.ts";

const F_GETOWNER_UIDS = 17;
const TFD_IOC_SET_TICKS = 0x40085400;
const LOCK_EX = 2;
const MOVE_MOUNT_EMPTY_PATHS = 0x44;
const MOVE_MOUNT_SET_GROUP = 0x100;
const TUNGETFEATURES = 0x800454cf;
const SIOCGSKNS = 0x894c;
const IN_CREATE = 0x100;

function fdinfo(fd: number): string {
  return readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
}

/** The line is there for a descriptor of this kind. */
function shows(fd: number, line: RegExp, what: string): Verdict {
  return line.test(fdinfo(fd)) ? undefined : `/proc/PID/fdinfo does not show ${what}`;
}

function fdinfoKinds(): Verdict {
  using scope = new Scope();
  const counter = scope.open("eventfd2", 5, 0);
  const epoll = scope.open("epoll_create1", 0);
  call("epoll_ctl", epoll, 1, counter, addressOf(new Uint8Array(16)));
  const mask = new BigUint64Array([1n << 9n]);
  const signals = scope.open("signalfd4", -1, addressOf(mask), 8, 0);
  const watcher = scope.open("inotify_init1", 0);
  call("inotify_add_watch", watcher, addressOf(cstring("/")), IN_CREATE);
  return (
    shows(counter, /^eventfd-count:\s*5$/m, "an eventfd's count") ??
    shows(epoll, /^tfd:/m, "an epoll's targets") ??
    shows(signals, /^sigmask:/m, "a signalfd's mask") ??
    shows(watcher, /^inotify wd:/m, "inotify watches")
  );
}

function mountId(): Verdict {
  using scope = new Scope();
  return shows(scope.path("/proc/self/stat"), /^mnt_id:/m, "the mount");
}

function locks(): Verdict {
  using scope = new Scope();
  const fd = scope.open("memfd_create", addressOf(cstring("tscriu-check")), 1);
  const locked = call("flock", fd, LOCK_EX);
  return locked < 0 ? failed("flock", locked) : shows(fd, /^lock:/m, "locks");
}

function timerfd(): Verdict {
  using scope = new Scope();
  const fd = scope.open("timerfd_create", 1, 0);
  const missing = shows(fd, /^clockid:/m, "a timerfd's clock");
  if (missing) return missing;
  // setting ticks wants a timer that is armed
  call("timerfd_settime", fd, 0, addressOf(new BigUint64Array([0n, 0n, 1000n, 0n])), 0);
  return works("TFD_IOC_SET_TICKS", call("ioctl", fd, TFD_IOC_SET_TICKS, addressOf(new BigUint64Array([1n]))));
}

function ownerUids(): Verdict {
  using scope = new Scope();
  const [fd] = scope.pair("pipe2");
  return works("F_GETOWNER_UIDS", call("fcntl", fd, F_GETOWNER_UIDS, addressOf(new Uint32Array(2))));
}

/** Terminal state beyond termios: locked settings, packet mode, lock, exclusive mode. */
function tty(): Verdict {
  using scope = new Scope();
  const master = scope.path("/dev/ptmx", O_RDWR | 0o400);
  const requests = { TIOCGLCKTRMIOS: 0x5456, TIOCGPKT: 0x80045438, TIOCGPTLCK: 0x80045439, TIOCGEXCL: 0x80045440 };
  for (const [name, request] of Object.entries(requests)) {
    const result = call("ioctl", master, request, addressOf(new Uint8Array(128)));
    if (result < 0) return failed(name, result);
  }
  return undefined;
}

function writable(path: string): Verdict {
  try {
    closeSync(openSync(path, "r+"));
    return undefined;
  } catch (error) {
    return `opening ${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
  }
}

function ipcNextId(): Verdict {
  return ["sem", "msg", "shm"].map((kind) => writable(`/proc/sys/kernel/${kind}_next_id`)).find((v) => v !== undefined);
}

function tun(): Verdict {
  using scope = new Scope();
  const fd = scope.path("/dev/net/tun", O_RDWR);
  return works("TUNGETFEATURES", call("ioctl", fd, TUNGETFEATURES, addressOf(int(0))));
}

function tunNamespace(): Verdict {
  using scope = new Scope();
  const fd = scope.path("/dev/net/tun", O_RDWR);
  const namespace = call("ioctl", fd, SIOCGSKNS);
  if (namespace >= 0) call("close", namespace);
  return works("SIOCGSKNS", namespace);
}

function openat2(): Verdict {
  const how = new BigUint64Array(3);
  const fd = call("openat2", AT_FDCWD, addressOf(cstring("/proc/self/stat")), addressOf(how), 24);
  if (fd >= 0) call("close", fd);
  return works("openat2", fd);
}

/** With the flag known, the bad descriptors are what the kernel complains about. */
function moveMountGroup(): Verdict {
  const empty = cstring("");
  const flags = MOVE_MOUNT_EMPTY_PATHS | MOVE_MOUNT_SET_GROUP;
  const result = call("move_mount", -1, addressOf(empty), -1, addressOf(empty), flags);
  return errnoName(result) === "EBADF" ? undefined : failed("MOVE_MOUNT_SET_GROUP", result);
}

function apparmorStacking(): Verdict {
  const path = "/sys/kernel/security/apparmor/features/domain/stack";
  try {
    return readFileSync(path, "latin1").trim() === "yes" ? undefined : "AppArmor has no stacking";
  } catch {
    return "AppArmor is not there";
  }
}

/** Mounts an automounter in a mount namespace of the child's, where its pipe must be named. */
function autofs(): Verdict {
  using child = new Child();
  child.must("unshare", 0x20000);
  child.must("mount", child.put("none"), child.put("/", 64), 0, 0x44000, 0);
  child.must("pipe2", child.scratch, 0);
  const input = new DataView(child.memory.read(child.scratch, 8).buffer).getInt32(4, true);
  const data = `fd=${input},pgrp=${child.must("getpgid", 0)},minproto=5,maxproto=5,direct`;
  const args = [child.put("none"), child.put("/proc", 64), child.put("autofs", 128), 0, child.put(data, 192)];
  const mounted = child.call("mount", ...args);
  if (mounted < 0) return failed("mounting autofs", mounted);
  const line = readFileSync(`/proc/${child.pid}/mountinfo`, "latin1");
  return /pipe_ino=/.test(line) ? undefined : "mountinfo does not name the pipe of an automounter";
}

export const fileProbes = {
  fdinfo: fdinfoKinds,
  mnt_id: mountId,
  fdinfo_lock: locks,
  timerfd,
  fcntl_owner_uids: ownerUids,
  tty,
  ns_last_pid: () => writable("/proc/sys/kernel/ns_last_pid"),
  ipc_next_id: ipcNextId,
  tun,
  tun_ns: tunNamespace,
  openat2,
  move_mount_set_group: moveMountGroup,
  apparmor_stacking: apparmorStacking,
  autofs,
} as const satisfies Probes<string>;
