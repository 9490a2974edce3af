/** IPC namespaces (ipc_namespaces(7)): System V objects with all that is in them, and the limits for them. */
import type { IpcDescEntry } from "../image/schema.gen.ts";
import { inIpcNamespace } from "../kernel/sysv.ts";
import { makeQueue } from "../kernel/sysv-msg.ts";
import { makeSemaphores } from "../kernel/sysv-sem.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { restoreLimits } from "./ipc-limits.ts";
import type { NamespaceKind } from "./kind.ts";

const owner = ({ key, uid, gid, cuid, cgid, mode }: IpcDescEntry) => ({ key, uid, gid, cuid, cgid, mode });

/** Saved by `IpcNamespace`. */
export const ipc: NamespaceKind = {
  name: "ipc",
  flag: CLONE.NEWIPC,

  fill({ program, images, id, pid, segments }) {
    program.run();
    inIpcNamespace(pid, (call) => {
      const [limits] = images.read("IPC_VAR", id);
      if (limits) restoreLimits(limits, call);
      segments.fill(id, call);
      for (const { desc, qbytes, extra } of images.read("IPCNS_MSG", id)) {
        const messages = extra.map(({ message, text }) => ({ type: BigInt(message.mtype), text }));
        makeQueue(desc.id, { ...owner(desc), room: qbytes, messages }, call);
      }
      for (const { desc, extra } of images.read("IPCNS_SEM", id))
        makeSemaphores(desc.id, { ...owner(desc), values: extra }, call);
    });
  },
};
