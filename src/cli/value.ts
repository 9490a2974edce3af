/** Readers for option values: each takes the text as given and returns the value or throws a usage error. */
import type { CgroupRoot, CpuCap, External, ExternalKind, InheritFd, JoinNamespace, LsmProfile } from "../options.ts";
import { usageError } from "./usage-error.ts";

const decimal = /^[0-9]+$/;
/** Numbers travel to the kernel as a C int. */
const intMax = 0x7fffffff;

function bad(option: string, value: string, wanted: string): never {
  throw usageError(`option --${option}: \`${value}\` is not ${wanted}`);
}

/** A C int that is not negative. */
export function readNumber(option: string, value: string, wanted = "a number"): number {
  const number = decimal.test(value) ? Number(value) : Number.NaN;
  return number <= intMax ? number : bad(option, value, wanted);
}

export function readPid(option: string, value: string): number {
  const pid = readNumber(option, value, "a process id, a number above 0");
  return pid > 0 ? pid : bad(option, value, "a process id, a number above 0");
}

export function readFd(option: string, value: string): number {
  return readNumber(option, value, "a descriptor number");
}

/** Bytes, with an optional K, M or G (powers of 1024). */
export function readSize(option: string, value: string): number {
  const match = /^([0-9]+)([KkMmGg]?)$/.exec(value);
  if (!match) return bad(option, value, "a size such as 65536, 512K or 2M");
  const unit = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(match[2] ?? "").toLowerCase()] ?? 1;
  const size = Number(match[1]) * unit;
  return Number.isSafeInteger(size) ? size : bad(option, value, "a size below 8 PiB");
}

/**
 * The log level after one more -v: bare adds one, `vvv` (the rest of a bundle) adds its letters and one, digits set it.
 * A long word after a single dash (`-verbosity=0`) arrives here as `erbosity=0`; drivers write it and mean the number.
 */
export function readVerbosity(value: string | undefined, level: number): number {
  if (value === undefined) return level + 1;
  if (/^v+$/.test(value)) return level + 1 + value.length;
  return readNumber("verbosity", value.replace(/^erbosity=/, ""), "a log level, 0 to 4");
}

const externalKinds: readonly ExternalKind[] = [
  "mnt",
  "dev",
  "file",
  "tty",
  "unix",
  "net",
  "pid",
  "veth",
  "macvlan",
  "ipvlan",
  "vlan",
  "netdev",
];

/** `KIND[ID]`, `KIND[ID]:VALUE`. The identifier ends at the first closing bracket. */
export function readExternal(text: string): External {
  const match = /^([a-z]+)\[([^\]]*)\](?::(.*))?$/s.exec(text);
  const kind = externalKinds.find((k) => k === match?.[1]);
  if (!match || !kind) {
    throw usageError(
      `option --external: \`${text}\` does not name a resource`,
      `write KIND[ID] or KIND[ID]:VALUE, where KIND is one of ${externalKinds.join(", ")}`,
    );
  }
  return { kind, id: match[2] ?? "", value: match[3] ?? "", text };
}

/** `IN=OUT` of --veth-pair. */
export function readVethPair(text: string): External {
  const [inner = "", outer = ""] = text.split("=");
  if (inner === "" || outer === "")
    throw usageError(`option --veth-pair: \`${text}\` is not IN=OUT`, "write the two names with a = between");
  return readExternal(`veth[${inner}]:${outer}`);
}

/** `KEY:VAL` of --ext-mount-map, or `auto`. */
export function readMountMap(text: string): External {
  if (text === "auto") return readExternal("mnt[]");
  const colon = text.indexOf(":");
  if (colon <= 0) throw usageError(`option --ext-mount-map: \`${text}\` is not KEY:VAL`, "write KEY:VAL, or auto");
  const [key, value] = [text.slice(0, colon), text.slice(colon + 1)];
  return { kind: "mnt", id: key, value, text: `mnt[${key}]:${value}` };
}

/** `fd[N]:RES`. */
export function readInheritFd(text: string): InheritFd {
  const match = /^fd\[([0-9]+)\]:(.+)$/s.exec(text);
  if (!match?.[1] || !match[2]) {
    throw usageError(
      `option --inherit-fd: \`${text}\` is not fd[N]:RES`,
      "write fd[N]: and a path without its leading slash, tty[…], pipe:[…], socket:[…] or file[…]",
    );
  }
  return { fd: readFd("inherit-fd", match[1]), resource: match[2] };
}

/** A list of cpu, fpu, ins, all, none; `^` takes one away. A bare option means all. */
export function readCpuCap(values: readonly (string | undefined)[]): CpuCap {
  if (values.length === 0) return { given: false, cpu: false, fpu: true, ins: true };
  const cap: CpuCap = { given: true, cpu: false, fpu: false, ins: false };
  for (const value of values) {
    for (const word of (value ?? "all").split(",")) {
      const on = !word.startsWith("^");
      const name = on ? word : word.slice(1);
      if (name === "all" || name === "none") {
        const all = on === (name === "all");
        Object.assign(cap, { cpu: all, fpu: all, ins: all });
      } else if (name === "cpu" || name === "fpu" || name === "ins") cap[name] = on;
      else bad("cpu-cap", value ?? "", "a list of cpu, fpu, ins, all and none");
    }
  }
  return cap;
}

/** `apparmor:PROFILE`, `selinux:CONTEXT`; a context has colons of its own. */
const joinable = ["net", "uts", "ipc", "time", "mnt", "user"] as const;

/** `NS:PID`, `NS:FILE`, each kind once; with `,UID,GID` where that is user. */
export function readJoinNs(texts: readonly string[]): JoinNamespace[] {
  const found = texts.map((text) => {
    const [, kind = "", target = "", extra] = /^([a-z]+):([^,]+)(?:,(.*))?$/s.exec(text) ?? [];
    const name = joinable.find((one) => one === kind);
    if (name === undefined)
      throw usageError(
        `option --join-ns: \`${text}\` does not name a namespace that can be joined`,
        `write NS:PID or NS:FILE, where NS is one of ${joinable.join(", ")}`,
      );
    const path = /^[0-9]+$/.test(target) ? `/proc/${target}/ns/${name}` : target;
    if (name !== "user" || extra === undefined) return { name, path };
    const [, uid, gid] = /^([0-9]{1,10}),([0-9]{1,10})$/.exec(extra) ?? [];
    if (uid === undefined || gid === undefined)
      throw usageError(`option --join-ns: \`${extra}\` is no user and group`, "write user:PID,UID,GID");
    return { name, path, as: { uid: Number(uid), gid: Number(gid) } };
  });
  const twice = found.find(({ name }, i) => found.findIndex((one) => one.name === name) !== i);
  if (twice) throw usageError(`option --join-ns: two ${twice.name} namespaces are named`, "leave one of them out");
  return found;
}

/** `[CTRL:]/PATH`: of one hierarchy, or of all. */
export function readCgroupRoot(text: string): CgroupRoot {
  const slash = text.indexOf("/");
  const isGood = slash === 0 || (slash > 1 && text[slash - 1] === ":");
  if (!isGood || text.split("/").includes(".."))
    bad("cgroup-root", text, "a path below the root, like /PATH or CTRL:/PATH");
  return { controller: slash === 0 ? undefined : text.slice(0, slash - 1), path: text.slice(slash) };
}

export function readLsmProfile(value: string | undefined): LsmProfile | undefined {
  if (value === undefined) return undefined;
  const [, lsm, name = ""] = /^(apparmor|selinux):(.+)$/.exec(value) ?? [];
  if (lsm !== "apparmor" && lsm !== "selinux")
    return bad("lsm-profile", value, "a security module and a label of it, such as apparmor:NAME or selinux:CONTEXT");
  return { lsm, name };
}
