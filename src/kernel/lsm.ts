/** Labels of security modules: proc_pid_attr(5), apparmor(7), selinux(8). */
import { existsSync, readFileSync } from "node:fs";

/** The module that labels tasks on this machine; `other` for one that nothing here knows (Smack, TOMOYO). */
export type Lsm = "none" | "selinux" | "apparmor" | "other";

/** What is read of a task, or of a thread, below its directory in /proc; undefined where there is no such file. */
export type Attributes = (name: string) => string | undefined;

/** Attributes of a directory of /proc; `attr/current` of a machine without such a module cannot be read. */
export function attributesOf(dir: string): Attributes {
  return (name) => {
    try {
      return readFileSync(`${dir}/attr/${name}`, "utf8").replace(/[\0\n]+$/, "");
    } catch {
      return undefined;
    }
  };
}

/** @param sys where sysfs is mounted */
export function findLsm(own: Attributes, sys = "/sys"): Lsm {
  const current = own("current");
  if (current === undefined) return "none";
  if (own("apparmor/current") !== undefined || isOn(`${sys}/module/apparmor/parameters/enabled`)) return "apparmor";
  if (existsSync(`${sys}/fs/selinux`) && (current === "kernel" || current.split(":").length >= 3)) return "selinux";
  return "other";
}

function isOn(path: string): boolean {
  try {
    return readFileSync(path, "utf8").startsWith("Y");
  } catch {
    return false;
  }
}

let host: Lsm | undefined;

/** The module of this machine. */
export function hostLsm(): Lsm {
  host ??= findLsm(attributesOf("/proc/thread-self"));
  return host;
}

/** The file that holds a task's label, and that its threads write a new one to. */
export function labelFile(lsm: Lsm, has: Attributes): string {
  return lsm === "apparmor" && has("apparmor/current") !== undefined ? "apparmor/current" : "current";
}
