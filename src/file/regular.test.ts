import { expect, test } from "bun:test";
import {
  chmodSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { CrError } from "../error.ts";
import { setWriteLife, writeLife } from "../kernel/attributes.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, cstring, sys } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { Rehearsal, show } from "./rehearsal.ts";

/** The innermost error of what an action throws. */
function caught(action: () => void): CrError {
  try {
    action();
  } catch (error) {
    let at = error;
    while (at instanceof CrError && at.cause instanceof CrError) at = at.cause;
    if (at instanceof CrError) return at;
    throw error;
  }
  throw new Error("nothing was thrown");
}

function replaceByDirectory(path: string): void {
  unlinkSync(path);
  mkdirSync(path);
}

function expectSame(run: Rehearsal): void {
  expect(run.blockers).toEqual([]);
  for (const [fd, before] of run.before) expect({ fd, ...show(process.pid, fd) }).toEqual({ fd, ...before });
}

test("how long lives what is written to a file (F_SET_RW_HINT) is said again where the kernel has forgotten it", () => {
  using run = new Rehearsal();
  writeFileSync(run.file("table"), "");
  const fd = run.high(openPath(run.file("table"), O.RDWR));
  expect(setWriteLife(fd, 3)).toBe(0);
  run.dump([fd]);
  const other = openPath(run.file("table"), O.RDWR);
  expect(setWriteLife(other, 0)).toBe(0);
  closeFd(other);
  run.restore();
  expectSame(run);
  expect(writeLife(fd)).toBe(3);
});

test("regular files, directories, devices and O_PATH come back as they were", () => {
  using run = new Rehearsal();
  writeFileSync(run.file("a"), "0123456789");
  mkdirSync(run.file("d"));
  for (let i = 0; i < 50; i++) writeFileSync(run.file(`d/${i}`), "");
  symlinkSync("a", run.file("link"));
  const open = (path: string, flags: number) => run.high(openPath(path, flags));
  const file = open(run.file("a"), O.RDWR);
  const directory = open(run.file("d"), O.RDONLY | O.DIRECTORY);
  const others = [
    open(run.file("a"), O.WRONLY | O.APPEND | O.NONBLOCK),
    open(run.file("a"), O.RDONLY | O.NOATIME | O.SYNC),
    open(run.file("d"), O.PATH | O.DIRECTORY),
    open(run.file("link"), O.PATH | O.NOFOLLOW),
    open("/dev/null", O.RDWR),
    open("/dev/zero", O.RDONLY),
    open("/dev/urandom", O.RDONLY),
    open("/proc/self/status", O.RDONLY),
  ];
  const shared = sys(NR.fcntl, file, F.DUPFD_CLOEXEC, 700);
  sys(NR.lseek, file, 4, 0);
  const names = new Uint8Array(400);
  expect(sys(NR.getdents64, directory, addressOf(names), 400)).toBeGreaterThan(0);
  run.dump([file, directory, ...others, shared]);
  run.restore();
  expectSame(run);
  sys(NR.lseek, file, 7, 0);
  expect(show(process.pid, shared).info).toContain("pos:\t7");
});

test("a file that changed or vanished is named, with what differs and what to do", () => {
  const cases: [string, (path: string) => void, RegExp, RegExp][] = [
    ["grown", (path) => writeFileSync(path, "longer than before"), /size.*18.*4/, /bring the file back/],
    ["mode", (path) => chmodSync(path, 0o600), /0600.*0640/, /chmod.*--skip-file-rwx-check/],
    ["gone", (path) => unlinkSync(path), /missing/, /bring the file back/],
    ["type", replaceByDirectory, /regular file.*directory/, /bring the file back/],
  ];
  for (const [name, change, what, remedy] of cases) {
    using run = new Rehearsal();
    const path = run.file(name);
    writeFileSync(path, "four");
    chmodSync(path, 0o640);
    run.dump([run.high(openPath(path, O.RDWR))]);
    change(path);
    const error = caught(() => run.restore());
    expect(error.code).toBe("FILE_CHANGED");
    expect(error.message).toMatch(what);
    expect(error.remedy ?? "").toMatch(remedy);
    expect(error.subject.path).toBe(path);
  }
});

test("a log that is only appended to may grow, and permissions may change where the user says so", () => {
  using run = new Rehearsal();
  writeFileSync(run.file("log"), "one\n");
  const fd = run.high(openPath(run.file("log"), O.WRONLY | O.APPEND));
  run.dump([fd]);
  writeFileSync(run.file("log"), "one\ntwo\n");
  chmodSync(run.file("log"), 0o666);
  run.restore({ skipFileRwxCheck: true });
  expect(show(process.pid, fd).link).toBe(run.file("log"));
});

test("a program that was exchanged is told by its build id", () => {
  using run = new Rehearsal();
  const elf = readFileSync("/bin/sh");
  writeFileSync(run.file("prog"), elf);
  run.dump([run.high(openPath(run.file("prog"), O.RDONLY))]);
  const reg = [...run.entries.values()][0]?.reg;
  expect(reg?.build_id.length).toBeGreaterThan(3);
  const at = elf.indexOf(Buffer.from(new Uint32Array(reg?.build_id ?? []).buffer));
  expect(at).toBeGreaterThan(0);
  elf.writeUInt8(elf.readUInt8(at) ^ 1, at);
  writeFileSync(run.file("prog"), elf);
  expect(caught(() => run.restore()).message).toMatch(/build id/);
});

test("--inherit-fd takes the place of a path and of an external file", () => {
  using run = new Rehearsal();
  for (const name of ["a", "b", "c"]) writeFileSync(run.file(name), name);
  const a = run.high(openPath(run.file("a"), O.RDONLY));
  const b = run.high(openPath(run.file("b"), O.RDONLY));
  const mount = /mnt_id:\t(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${b}`, "utf8"))?.[1];
  const id = `${Number(mount).toString(16)}:${fstatSync(b).ino.toString(16)}`;
  run.dump([a, b], { external: [{ kind: "file", id, value: "", text: `file[${id}]` }] });
  expect(caught(() => run.restore()).remedy).toContain(`--inherit-fd fd[N]:file[${id}]`);
  const c = openPath(run.file("c"), O.RDONLY);
  run.put.clear();
  const resources = [run.file("a").slice(1), `file[${id}]`];
  run.restore({ inheritFds: resources.map((resource) => ({ fd: c, resource })) });
  closeFd(c);
  expect([a, b].map((fd) => show(process.pid, fd).link)).toEqual([run.file("c"), run.file("c")]);
});

test("nothing is left beside the files", () => {
  using run = new Rehearsal();
  writeFileSync(run.file("a"), "");
  run.dump([run.high(openPath(run.file("a"), O.RDWR))]);
  run.restore();
  expect(readdirSync(run.path)).toEqual(["a"]);
});

test.skipIf(process.getuid?.() !== 0)(
  "with --evasive-devices a device is taken from where it usually lies (needs root)",
  () => {
    using run = new Rehearsal();
    const path = run.file("null");
    expect(sys(NR.mknodat, -100, addressOf(cstring(path)), 0o020666, 0x103)).toBe(0);
    chmodSync(path, 0o666);
    const fd = run.high(openPath(path, O.RDWR));
    run.dump([fd]);
    unlinkSync(path);
    expect(caught(() => run.restore()).message).toMatch(/missing/);
    run.restore({ evasiveDevices: true });
    expect(show(process.pid, fd).link).toBe("/dev/null");
  },
);
