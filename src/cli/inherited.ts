import { readdirSync, readlinkSync } from "node:fs";
import { libraryDescriptors } from "../kernel/startup.ts";

/** What the JavaScript runtime opens for itself. */
const runtimeKinds = /^anon_inode:\[(eventpoll|eventfd|timerfd|pidfd)\]$/;

/**
 * The descriptors above 2 that our caller gave us: those that are open before we open any. The runtime has marked them
 * close-on-exec, so the mark tells nothing. An inherited event descriptor cannot be told from the runtime's own.
 */
export function inheritedDescriptors(): number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => {
      if (fd <= 2 || libraryDescriptors.includes(fd)) return false;
      try {
        return !runtimeKinds.test(readlinkSync(`/proc/self/fd/${fd}`));
      } catch {
        // the descriptor of the directory listing itself
        return false;
      }
    });
}
