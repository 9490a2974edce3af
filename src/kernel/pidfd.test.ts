import { expect, test } from "bun:test";
import { closeSync, readFileSync } from "node:fs";
import { sameFile } from "./kcmp.ts";
import { NR } from "./nr.ts";
import { pidfdGetfd, pidfdOpen, pidfdSendSignal } from "./pidfd.ts";
import { Victim } from "./proc/victim.testing.ts";
import { must } from "./sys.ts";
import { F } from "./uapi/fcntl.ts";
import { SIG } from "./uapi/signal.ts";

test("a duplicate is the same description", async () => {
  await using victim = await Victim.start("exec 7</proc/self/limits");
  const pidfd = pidfdOpen(victim.pid);
  const fd = pidfdGetfd(pidfd, 7);
  try {
    expect(sameFile(process.pid, fd, victim.pid, 7)).toBe(true);
    expect(must(NR.fcntl, [fd, F.GETFD])).toBe(1);
    must(NR.lseek, [fd, 5, 0]);
    expect(readFileSync(`/proc/${victim.pid}/fdinfo/7`, "utf8")).toContain("pos:\t5\n");
    expect(() => pidfdGetfd(pidfd, 65535)).toThrow("bad file descriptor");
  } finally {
    closeSync(fd);
    closeSync(pidfd);
  }
});

test("signals reach this process and no later one", async () => {
  const victim = await Victim.start("");
  const pidfd = pidfdOpen(victim.pid);
  try {
    expect(pidfdSendSignal(pidfd, 0)).toBe(true);
    expect(pidfdSendSignal(pidfd, SIG.TERM)).toBe(true);
    await victim.end();
    expect(pidfdSendSignal(pidfd, SIG.KILL)).toBe(false);
    expect(() => pidfdOpen(victim.pid)).toThrow("no such process");
    expect(() => pidfdGetfd(pidfd, 0)).toThrow("no such process");
  } finally {
    closeSync(pidfd);
  }
});
