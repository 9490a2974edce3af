/** IPC namespaces (ipc_namespaces(7)): System V objects with all that is in them, and the limits for them. */
import type { IpcDescEntry, IpcVarEntry } from "../image/schema.gen.ts";
import { type Caller, envoyOf } from "../kernel/envoy.ts";
import { closeFd, O, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { check } from "../kernel/sys.ts";
import { asUser, inIpcNamespace } from "../kernel/sysv.ts";
import { makeQueue } from "../kernel/sysv-msg.ts";
import { makeSemaphores } from "../kernel/sysv-sem.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { absentSysctl } from "./absent-sysctl.ts";
import { restoreLimits } from "./ipc-limits.ts";
import type { NamespaceFill, NamespaceKind } from "./kind.ts";

const owner = ({ key, uid, gid, cuid, cgid, mode }: IpcDescEntry) => ({ key, uid, gid, cuid, cgid, mode });

/** @param call made in the namespace */
function fillNamespace({ images, segments, options, log }: NamespaceFill, id: number, call: Caller): void {
  const [limits] = images.read("IPC_VAR", id);
  const setLimits = (entry: IpcVarEntry) => {
    restoreLimits(entry, call, absentSysctl(options, log));
    return 0;
  };
  // they are the root's of the user namespace that it belongs to
  if (limits) asUser(images.ids?.chief?.uid ?? 0, images.ids?.chief?.gid ?? 0, () => setLimits(limits), call);
  segments.fill(id, call);
  for (const { desc, qbytes, extra } of images.read("IPCNS_MSG", id)) {
    const messages = extra.map(({ message, text }) => ({ type: BigInt(message.mtype), text }));
    makeQueue(desc.id, { ...owner(desc), room: qbytes, messages }, call);
  }
  for (const { desc, extra } of images.read("IPCNS_SEM", id))
    makeSemaphores(desc.id, { ...owner(desc), values: extra }, call);
}

/** Saved by `IpcNamespace`. */
export const ipc: NamespaceKind = {
  name: "ipc",
  flag: CLONE.NEWIPC,
  entered: CLONE.NEWIPC,

  fill(context) {
    const { program, images, id: first, ids, isRoots, pid, entrance, atEnd } = context;
    const enter = (id: number, fd: number) => {
      atEnd(() => closeFd(fd));
      entrance(id, fd);
    };
    // tasks of a tree in another one may live in ours
    const ours = images.inventory.root_ids?.ipc_ns_id;
    if (ours !== undefined) enter(ours, openPath("/proc/self/ns/ipc", O.RDONLY));
    for (const id of ids) {
      if (isRoots && id === first) {
        program.run();
        inIpcNamespace(pid, (call) => fillNamespace(context, id, call));
        enter(id, openPath(`/proc/${pid}/ns/ipc`, O.RDONLY));
        continue;
      }
      using envoy = envoyOf(context.owner(id));
      check(envoy.call(NR.unshare, CLONE.NEWIPC), "cannot make an ipc namespace");
      enter(id, openPath(`/proc/${envoy.pid}/ns/ipc`, O.RDONLY, "cannot open a new ipc namespace"));
      inIpcNamespace(envoy.pid, (call) => fillNamespace(context, id, call));
    }
  },
};
