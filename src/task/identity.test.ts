import { expect, test } from "bun:test";
import { parseStatus } from "../kernel/proc/status.ts";
import { askSecurebits, dumpCreds, restoreCreds } from "./creds.ts";
import { readRlimits, restoreRlimits } from "./rlimits.ts";
import { Held, isRoot, Victim } from "./testing.ts";

function creds(held: Held) {
  const securebits = askSecurebits(held.program);
  held.program.run();
  return dumpCreds(parseStatus(held.dir.text("status")), securebits());
}

/** Gives the first victim's identity to the second, and compares. */
async function moves(body: string) {
  await using from = await Victim.start(`${body} ready(); pause();`);
  await using to = await Victim.start("ready(); pause();");
  using source = new Held(from.pid);
  using target = new Held(to.pid);
  const wanted = creds(source);
  restoreCreds(target.program, wanted, creds(target));
  target.program.run();
  expect(creds(target)).toEqual(wanted);
  const text = (held: Held) =>
    held.dir
      .text("status")
      .split("\n")
      .filter((line) => /^(Uid|Gid|Groups|Cap|NoNewPrivs)/.test(line));
  expect(text(target)).toEqual(text(source));
  return wanted;
}

test.skipIf(!isRoot)("root with everything: nothing to do", async () => {
  const entry = await moves("");
  expect(entry.no_new_privs).toBeUndefined();
});

test.skipIf(!isRoot)("a plain user with groups", async () => {
  const entry = await moves(
    "gid_t g[] = { 5, 6, 70000 }; setgroups(3, g); setresgid(1001, 1002, 1003); setfsgid(1004); setresuid(2001, 2002, 2003);",
  );
  expect(entry).toMatchObject({ uid: 2001, euid: 2002, suid: 2003, fsuid: 2002, gid: 1001, groups: [5, 6, 70000] });
});

test.skipIf(!isRoot)("ambient, inheritable and dropped capabilities, locked securebits, no_new_privs", async () => {
  const entry = await moves(`
    prctl(PR_CAPBSET_DROP, 21); prctl(PR_CAPBSET_DROP, 12);
    prctl(PR_SET_SECUREBITS, 0x2f & ~16);
    setresgid(9, 9, 9); setresuid(8, 8, 8);
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { 1 << 10, 1 << 10 | 1 << 13 | 1 << 8, 1 << 10 | 1 << 13 }, { 0 } };
    syscall(SYS_capset, &h, d);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 10, 0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  `);
  expect(entry).toMatchObject({ uid: 8, cap_amb: [1 << 10, 0], no_new_privs: 1, secbits: 0x2f });
});

test.skipIf(!isRoot)("no ambient capability may be raised any more, yet one is", async () => {
  const entry = await moves(`
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2]; syscall(SYS_capget, &h, d); d[0].inheritable = 1 << 10; syscall(SYS_capset, &h, d);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 10, 0, 0); prctl(PR_SET_SECUREBITS, 0xc0);
    prctl(PR_CAPBSET_DROP, 10);
  `);
  expect(entry).toMatchObject({ uid: 0, cap_amb: [1 << 10, 0], secbits: 0xc0 });
});

test.skipIf(!isRoot)("an image with capabilities that we lack is refused by name", async () => {
  await using to = await Victim.start("prctl(PR_CAPBSET_DROP, 21); ready(); pause();");
  using target = new Held(to.pid);
  const own = creds(target);
  const [low = 0, high = 0] = own.cap_bnd;
  const entry = { ...own, cap_bnd: [(low | (1 << 21)) >>> 0, high] };
  expect(() => restoreCreds(target.program, entry, own)).toThrow(/bounding set is larger/);
});

test.skipIf(!isRoot)("limits come back, and only what differs is set", async () => {
  await using from = await Victim.start(
    "struct rlimit l = { 77, 88 }; setrlimit(RLIMIT_NOFILE, &l); l.rlim_cur = 0; setrlimit(RLIMIT_CORE, &l); ready(); pause();",
  );
  await using to = await Victim.start("ready(); pause();");
  using source = new Held(from.pid);
  using target = new Held(to.pid);
  const rlimits = readRlimits(source.dir);
  expect(rlimits.length).toBe(16);
  expect(rlimits[7]).toEqual({ cur: 77, max: 88 });
  const before = target.program.calls;
  restoreRlimits(target.program, { rlimits }, readRlimits(target.dir));
  expect(before - target.program.calls).toBe(2);
  target.program.run();
  expect(readRlimits(target.dir)).toEqual(rlimits);
});
