/** Pid namespaces (pid_namespaces(7)): the numbers themselves are those of the process tree. */
import { CLONE } from "../kernel/uapi/sched.ts";
import type { NamespaceKind } from "./kind.ts";

export const pid: NamespaceKind = { name: "pid", flag: CLONE.NEWPID };
