// zdtm: {"category": "pidfd", "verifies": "a pidfd of a child process still names it, signals it, and tells its end"}
import { pass, ready, same, spoiling, until } from "../lib/case.ts";
import { errno, fdinfo, libc, sys } from "../lib/libc.ts";

const child = Bun.spawn(["sleep", "1000"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
const fd = sys("pidfd_open", libc.pidfd_open(child.pid, 0));
await ready();
same(fdinfo(fd).get("Pid"), String(child.pid), "the process of the pidfd");
sys("pidfd_send_signal", libc.pidfd_send_signal(fd, spoiling() ? 9 : 12, null, 0));
await child.exited;
same(child.signalCode, "SIGUSR2", "the signal that ended the child");
await until(() => libc.pidfd_send_signal(fd, 0, null, 0) === -1, "the child's end");
same(errno(), 3, "the error of a signal to nobody");
pass();
