import { expect, test } from "bun:test";
import { closeFd, makePipe } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { F, F_OWNER } from "../kernel/uapi/fcntl.ts";
import { setOwner } from "./owner.ts";

test.skipIf(process.getuid?.() !== 0)(
  "an owner is set on behalf of its users, and we stay who we are (needs root)",
  () => {
    const [read, write] = makePipe();
    const owner = new Int32Array(2);
    const users = new Uint32Array(2);
    setOwner(read, { uid: 12, euid: 34, signum: 40, pid_type: F_OWNER.PID, pid: process.pid });
    check(sys(NR.fcntl, read, F.GETOWN_EX, addressOf(owner)), "F_GETOWN_EX");
    check(sys(NR.fcntl, read, F.GETOWNER_UIDS, addressOf(users)), "F_GETOWNER_UIDS");
    expect([...owner, ...users]).toEqual([F_OWNER.PID, process.pid, 12, 34]);
    expect(sys(NR.fcntl, read, F.GETSIG, 0)).toBe(40);
    expect([process.getuid?.(), process.geteuid?.()]).toEqual([0, 0]);
    expect(() => setOwner(read, { uid: 12, euid: 34, signum: 0, pid_type: F_OWNER.PID, pid: 2 ** 22 })).toThrow(
      /owner/,
    );
    expect(process.geteuid?.()).toBe(0);
    for (const fd of [read, write]) closeFd(fd);
  },
);
