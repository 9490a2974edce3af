import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CAP, hasCapability } from "./capability.ts";
import { CLOCK, EFD, EPOLL, EPOLL_CTL, FAN, FAN_EVENT, FAN_MARK, IN, ITIMER, SFD, TFD } from "./event.ts";
import { AT, DN, F, F_LOCK, F_OWNER, F_SEAL, FALLOC, LOCK, MFD, O, RENAME } from "./fcntl.ts";
import { flagsText, type NameTable, nameOf } from "./flags.ts";
import { FUTEX } from "./futex.ts";
import { IP, IPPROTO, IPV6, IPV6_FL, MCAST, TCP, TCP_REPAIR, UDP } from "./inet.ts";
import { FIO, FS_IOC, iowr, NS, SIOC, TC, TFD_IOC_SET_TICKS, TIOC, TUN, UFFDIO } from "./ioctl.ts";
import { FS } from "./magic.ts";
import { MADV, MAP, MCL, MREMAP, MS, PROT, UFFD_FEATURE, UFFDIO_REGISTER_MODE } from "./mman.ts";
import { FSCONFIG, MNT, MOUNT_ATTR, MOVE_MOUNT } from "./mount.ts";
import { ARCH, PERSONALITY, PR, PR_CAP_AMBIENT, PR_SET_MM, SECBIT } from "./prctl.ts";
import { NT, PTRACE, PTRACE_EVENT, PTRACE_O, SYSCALL_INFO } from "./ptrace.ts";
import { RLIMIT } from "./resource.ts";
import { CLONE, IOPRIO_CLASS, IOPRIO_WHO, SCHED, SCHED_FLAG } from "./sched.ts";
import { SECCOMP, SECCOMP_FILTER_FLAG, SECCOMP_MODE, SECCOMP_RET } from "./seccomp.ts";
import { CLD, SA, SI, SIG, SIG_HOW, SIGEV, SS, signalName, signalsOf } from "./signal.ts";
import { AF, MSG, NETLINK, NETLINK_OPT, PACKET, SCM, SHUT, SO, SOCK, SOL } from "./socket.ts";
import { waitStatus } from "./wait.ts";

interface Family {
  readonly table: NameTable;
  readonly prefix: string;
  /** Headers to try, in turn: the first that defines a name decides. */
  readonly headers: readonly string[];
}

const family = (table: NameTable, prefix: string, ...headers: string[]): Family => ({ table, prefix, headers });

const FAMILIES: readonly Family[] = [
  family(O, "O_", "asm/fcntl.h"),
  family(F, "F_", "linux/fcntl.h"),
  family(F_LOCK, "F_", "linux/fcntl.h"),
  family(F_OWNER, "F_OWNER_", "linux/fcntl.h"),
  family(F_SEAL, "F_SEAL_", "linux/fcntl.h"),
  family(LOCK, "LOCK_", "linux/fcntl.h"),
  family(DN, "DN_", "linux/fcntl.h"),
  family(AT, "AT_", "linux/fcntl.h"),
  family(MFD, "MFD_", "linux/memfd.h"),
  family(FALLOC, "FALLOC_FL_", "linux/falloc.h"),
  family(RENAME, "RENAME_", "linux/fs.h"),
  family(PROT, "PROT_", "linux/mman.h"),
  family(MAP, "MAP_", "linux/mman.h"),
  family(MADV, "MADV_", "linux/mman.h"),
  family(MREMAP, "MREMAP_", "linux/mman.h"),
  family(MCL, "MCL_", "linux/mman.h"),
  family(MS, "MS_", "linux/mman.h"),
  family(UFFDIO_REGISTER_MODE, "UFFDIO_REGISTER_MODE_", "linux/userfaultfd.h"),
  family(UFFD_FEATURE, "UFFD_FEATURE_", "linux/userfaultfd.h"),
  family(UFFDIO, "UFFDIO_", "linux/userfaultfd.h"),
  family(CLONE, "CLONE_", "linux/sched.h"),
  family(SCHED, "SCHED_", "linux/sched.h"),
  family(SCHED_FLAG, "SCHED_FLAG_", "linux/sched.h"),
  family(IOPRIO_CLASS, "IOPRIO_CLASS_", "linux/ioprio.h"),
  family(IOPRIO_WHO, "IOPRIO_WHO_", "linux/ioprio.h"),
  family(SIG, "SIG", "asm/signal.h"),
  family(SIG_HOW, "SIG_", "asm/signal.h"),
  family(SA, "SA_", "asm/signal.h"),
  family(SS, "SS_", "linux/signal.h"),
  family(SI, "SI_", "asm/siginfo.h"),
  family(CLD, "CLD_", "asm/siginfo.h"),
  family(SIGEV, "SIGEV_", "asm/siginfo.h"),
  family(PTRACE, "PTRACE_", "linux/ptrace.h", "asm/ptrace-abi.h"),
  family(PTRACE_O, "PTRACE_O_", "linux/ptrace.h"),
  family(PTRACE_EVENT, "PTRACE_EVENT_", "linux/ptrace.h"),
  family(SYSCALL_INFO, "PTRACE_SYSCALL_INFO_", "linux/ptrace.h"),
  family(NT, "NT_", "linux/elf.h"),
  family(PR, "PR_", "linux/prctl.h"),
  family(PR_SET_MM, "PR_SET_MM_", "linux/prctl.h"),
  family(PR_CAP_AMBIENT, "PR_CAP_AMBIENT_", "linux/prctl.h"),
  family(ARCH, "ARCH_", "asm/prctl.h"),
  family(SECBIT, "SECBIT_", "linux/securebits.h"),
  family(PERSONALITY, "", "linux/personality.h"),
  family(AF, "AF_", "sys/socket.h"),
  family(SOCK, "SOCK_", "sys/socket.h"),
  family(SOL, "SOL_", "sys/socket.h", "netinet/tcp.h", "netinet/in.h"),
  family(SO, "SO_", "asm/socket.h"),
  family(SCM, "SCM_", "sys/socket.h"),
  family(MSG, "MSG_", "sys/socket.h"),
  family(SHUT, "SHUT_", "sys/socket.h"),
  family(PACKET, "PACKET_", "linux/if_packet.h"),
  family(NETLINK, "NETLINK_", "linux/netlink.h"),
  family(NETLINK_OPT, "NETLINK_", "linux/netlink.h"),
  family(IPPROTO, "IPPROTO_", "linux/in.h"),
  family(IP, "IP_", "linux/in.h"),
  family(IPV6, "IPV6_", "linux/in6.h"),
  family(IPV6_FL, "IPV6_FL_", "linux/in6.h"),
  family(MCAST, "MCAST_", "linux/in.h"),
  family(TCP, "TCP_", "linux/tcp.h"),
  family(TCP_REPAIR, "TCP_REPAIR_", "linux/tcp.h"),
  family(UDP, "UDP_", "linux/udp.h"),
  family(TIOC, "TIOC", "asm/ioctls.h", "sys/ioctl.h"),
  family(TC, "TC", "asm/ioctls.h"),
  family(FIO, "FIO", "asm/ioctls.h", "asm/sockios.h"),
  family(SIOC, "SIOC", "linux/sockios.h"),
  family(FS_IOC, "FS_IOC_", "linux/fs.h"),
  family(NS, "NS_", "linux/nsfs.h"),
  family(TUN, "TUN", "linux/if_tun.h"),
  family(FUTEX, "FUTEX_", "linux/futex.h"),
  family(SECCOMP, "SECCOMP_", "linux/seccomp.h"),
  family(SECCOMP_MODE, "SECCOMP_MODE_", "linux/seccomp.h"),
  family(SECCOMP_FILTER_FLAG, "SECCOMP_FILTER_FLAG_", "linux/seccomp.h"),
  family(SECCOMP_RET, "SECCOMP_RET_", "linux/seccomp.h"),
  family(CAP, "CAP_", "linux/capability.h"),
  family(RLIMIT, "RLIMIT_", "linux/resource.h"),
  family(EPOLL, "EPOLL", "sys/epoll.h"),
  family(EPOLL_CTL, "EPOLL_CTL_", "sys/epoll.h"),
  family(IN, "IN_", "linux/inotify.h"),
  family(FAN, "FAN_", "linux/fanotify.h"),
  family(FAN_EVENT, "FAN_", "linux/fanotify.h"),
  family(FAN_MARK, "FAN_MARK_", "linux/fanotify.h"),
  family(TFD, "TFD_", "sys/timerfd.h"),
  family(EFD, "EFD_", "sys/eventfd.h"),
  family(SFD, "SFD_", "sys/signalfd.h"),
  family(CLOCK, "CLOCK_", "linux/time.h"),
  family(ITIMER, "ITIMER_", "linux/time.h"),
  family(MNT, "MS_", "linux/mount.h"),
  family(MOVE_MOUNT, "MOVE_MOUNT_", "linux/mount.h"),
  family(MOUNT_ATTR, "MOUNT_ATTR_", "linux/mount.h"),
  family(FSCONFIG, "FSCONFIG_", "linux/mount.h"),
  family({ TFD_IOC_SET_TICKS }, "", "linux/timerfd.h"),
];

/** Names that the kernel gives otherwise than the table's prefix says, or several of them. */
const MAGIC: Readonly<Record<string, string>> = {
  ANON_INODE: "ANON_INODE_FS_MAGIC",
  BINFMT: "BINFMTFS_MAGIC",
  BPF: "BPF_FS_MAGIC",
  OVERLAY: "OVERLAYFS_SUPER_MAGIC",
  PIDFS: "PID_FS_MAGIC",
  PSTORE: "PSTOREFS_MAGIC",
};

const cc = Bun.which("cc");

/** No number of a header's is this one: zeros would be told as so many bytes without a value. */
const MARK = 0x5aa5_5aa5_5aa5_5aa5n;

/**
 * What the system's headers say of these names, macros and enums; those that they do not know are left out. The compiler's own text
 * tells it: a program that is linked and run takes twice as long, and there are many of these.
 */
function headerNumbers(header: string, names: readonly string[]): Map<string, bigint> {
  const head = `#include <linux/types.h>\n#include <linux/ioctl.h>\n#include <${header}>\n`;
  let known = [...names];
  while (known.length > 0) {
    const values = known.map((name) => `(long long)(${name}) ^ ${MARK}LL,\n`);
    const text = `${head}const long long values[] = {\n${values.join("")}};\n`;
    const built = Bun.spawnSync([cc ?? "cc", "-w", "-S", "-o", "-", "-xc", "-"], {
      env: { ...Bun.env, LC_ALL: "C" },
      stdin: new TextEncoder().encode(text),
    });
    if (built.exitCode === 0) {
      const told = Array.from(built.stdout.toString().matchAll(/^\s*\.(?:quad|xword|dword|8byte)\s+(-?\d+)$/gm));
      if (told.length !== known.length) throw new Error(`${header}: ${told.length} numbers of ${known.length} names`);
      return new Map(known.map((name, i) => [name, BigInt.asIntN(64, BigInt(told[i]?.[1] ?? 0) ^ MARK)]));
    }
    const unknown = new Set(Array.from(built.stderr.toString().matchAll(/'(\w+)' undeclared/g), (match) => match[1]));
    if (unknown.size === 0) return new Map();
    known = known.filter((name) => !unknown.has(name));
  }
  return new Map();
}

const low = (value: bigint): bigint => BigInt.asUintN(64, value) & 0xffff_ffffn;

describe.skipIf(cc === null)("numbers are those of the system's headers (skipped without a C compiler)", () => {
  test.each(FAMILIES.map((one) => [one.prefix || one.headers[0] || "", one] as const))("%s", (_, one) => {
    const names = Object.keys(one.table).map((name) => one.prefix + name);
    const missing = new Set(names);
    for (const header of one.headers) {
      for (const [name, value] of headerNumbers(header, [...missing])) {
        missing.delete(name);
        const ours = BigInt(one.table[name.slice(one.prefix.length)] ?? Number.NaN);
        // macros that are int or unsigned differ in sign only; what is wider must be equal as it is
        const same = value === ours || (ours < 1n << 32n && low(value) === low(ours));
        expect({ name, value: same ? ours : value }).toEqual({ name, value: ours });
      }
    }
    // newer names than the headers are few
    expect(missing.size).toBeLessThan(Math.max(2, names.length));
  });

  test("file system magic", () => {
    const names = Object.keys(FS).flatMap((name) => [`${name}_MAGIC`, `${name}_SUPER_MAGIC`, MAGIC[name] ?? "NONE"]);
    const found = headerNumbers("linux/magic.h", [...new Set(names)]);
    expect(found.size).toBeGreaterThan(25);
    for (const [name, value] of Object.entries(FS)) {
      for (const alias of [`${name}_MAGIC`, `${name}_SUPER_MAGIC`, MAGIC[name] ?? "NONE"]) {
        const known = found.get(alias);
        if (known !== undefined) expect({ name, value: low(known) }).toEqual({ name, value: BigInt(value) });
      }
    }
  });
});

test("flags are shown by name, unknown bits as a number", () => {
  expect(flagsText(MREMAP, 3, "MREMAP_")).toBe("MREMAP_MAYMOVE|MREMAP_FIXED");
  expect(flagsText(MREMAP, 0x103)).toBe("MAYMOVE|FIXED|0x100");
  expect(flagsText(SA, SA.RESETHAND + SA.SIGINFO)).toBe("SIGINFO|RESETHAND");
  expect(flagsText(MREMAP, 0)).toBe("0");
  expect(nameOf(AF, 16, "AF_")).toBe("AF_NETLINK");
  expect(nameOf(AF, 99)).toBe("99");
});

test("signals by name and from sets", () => {
  expect(signalName(15)).toBe("SIGTERM");
  expect(signalName(34)).toBe("SIGRT34");
  expect(signalName(65)).toBe("signal 65");
  expect(signalsOf((1n << 63n) | 0b101n)).toEqual([1, 3, 64]);
});

test("capabilities of both halves", () => {
  expect(hasCapability([0, 1 << 8], CAP.CHECKPOINT_RESTORE)).toBe(true);
  expect(hasCapability([0x8000_0000, 0], CAP.SETFCAP)).toBe(true);
  expect(hasCapability([0xffff_ffff, 0], CAP.MAC_OVERRIDE)).toBe(false);
});

test("ioctl numbers are unsigned", () => {
  expect(iowr("f", 16, 96)).toBe(0xc060_6610);
});

test("wait statuses", () => {
  expect(waitStatus(3 << 8)).toEqual({ kind: "exited", code: 3 });
  expect(waitStatus(11 | 0x80)).toEqual({ kind: "killed", signal: 11, core: true });
  expect(waitStatus((PTRACE_EVENT.STOP << 16) | (SIG.TRAP << 8) | 0x7f)).toEqual({
    kind: "stopped",
    signal: SIG.TRAP,
    event: PTRACE_EVENT.STOP,
  });
  expect(waitStatus(0xffff)).toEqual({ kind: "continued" });
});

const cross = Bun.which("aarch64-linux-gnu-gcc");

test.skipIf(cross === null)("open flags of aarch64 (skipped without its cross compiler)", () => {
  const dir = mkdtempSync(join(tmpdir(), "uapi-"));
  try {
    // a process of its own, in which the tables believe to be on the other architecture
    const script =
      `Object.defineProperty(process, "arch", { value: "arm64" });` +
      `const { O } = await import(${JSON.stringify(join(import.meta.dir, "fcntl.ts"))}); console.log(JSON.stringify(O));`;
    const shown = Bun.spawnSync([process.execPath, "-e", script]);
    const table: NameTable = JSON.parse(shown.stdout.toString());
    expect(table.DIRECTORY).toBe(0o40000);
    const asserts = Object.entries(table).map(([name, value]) => `_Static_assert(O_${name} == ${value}, "O_${name}");`);
    const file = join(dir, "numbers.c");
    writeFileSync(file, `#include <asm/fcntl.h>\n#define O_ASYNC FASYNC\n${asserts.join("\n")}\n`);
    const built = Bun.spawnSync([cross ?? "", "-fsyntax-only", file]);
    expect(built.stderr.toString()).toBe("");
  } finally {
    rmSync(dir, { recursive: true });
  }
});
