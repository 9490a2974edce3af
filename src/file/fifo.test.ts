import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeFd, fcntl, linkOf, openPath, readable, tryRead, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { S_IFIFO, statFd } from "../kernel/stat.ts";
import { addressOf, cstring, must } from "../kernel/sys.ts";
import { AT, F, O } from "../kernel/uapi/fcntl.ts";
import { fifo } from "./fifo.ts";
import { regular } from "./regular.ts";
import { TestRun } from "./testing.ts";

let dir = "";
const open: number[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tscriu-fifo-"));
});
afterEach(() => {
  closeAll();
  rmSync(dir, { recursive: true, force: true });
});

function closeAll(): void {
  for (const fd of open.splice(0)) closeFd(fd);
}

function make(name: string): string {
  const path = join(dir, name);
  const text = cstring(path);
  must(NR.mknodat, [AT.FDCWD, addressOf(text), S_IFIFO | 0o640, 0]);
  return path;
}

function opened(path: string, flags: number): number {
  const fd = openPath(path, flags);
  open.push(fd);
  return fd;
}

function read(fd: number): string | undefined {
  const bytes = new Uint8Array(1 << 17);
  const got = tryRead(fd, bytes);
  return got === -11 ? undefined : Buffer.from(bytes.buffer, 0, got).toString();
}

const flags = (fd: number) => fcntl(fd, F.GETFL, 0, "") & ~O.CLOEXEC;
const put = (fd: number, text: string) => expect(tryWrite(fd, Buffer.from(text))).toBe(text.length);
const newRun = () => new TestRun(fifo, { kinds: [regular] });

describe("a FIFO", () => {
  test("comes back with its bytes through the path", () => {
    const path = make("plain");
    const both = opened(path, O.RDWR | O.NONBLOCK);
    fcntl(both, F.SETPIPE_SZ, 1 << 17, "");
    put(both, "y".repeat(70_000));
    using run = newRun();
    const [file] = run.dump(both);
    const entry = run.entries.get(file?.id ?? 0)?.fifo;
    expect(entry?.pipe_id).toBe(statFd(both).ino);
    expect(run.entries.get(entry?.regf_id ?? 0)?.reg).toMatchObject({
      name: path,
      flags: flags(both),
      mode: S_IFIFO | 0o640,
    });
    expect(readable(both)).toBe(70_000);
    closeAll();
    run.restore();
    const back = run.fd(file?.id ?? 0);
    expect([linkOf(back), flags(back)]).toEqual([path, O.RDWR | O.NONBLOCK | O.LARGEFILE]);
    expect(fcntl(back, F.GETPIPE_SZ, 0, "")).toBe(1 << 17);
    expect(read(back)).toBe("y".repeat(70_000));
  });

  test("that is held at separate ends is opened without waiting", () => {
    const path = make("ends");
    const reader = opened(path, O.RDONLY | O.NONBLOCK);
    const writer = opened(path, O.WRONLY);
    put(writer, "between");
    using run = newRun();
    const [w, r] = run.dump(writer, reader);
    closeAll();
    run.restore();
    expect(flags(run.fd(w?.id ?? 0))).toBe(O.WRONLY | O.LARGEFILE);
    put(run.fd(w?.id ?? 0), " us");
    expect(read(run.fd(r?.id ?? 0))).toBe("between us");
  });

  test("with a writing end alone is opened without waiting", () => {
    const path = make("writer");
    opened(path, O.RDONLY | O.NONBLOCK);
    const writer = opened(path, O.WRONLY | O.NONBLOCK);
    using run = newRun();
    const [w] = run.dump(writer);
    closeAll();
    run.restore();
    expect(flags(run.fd(w?.id ?? 0))).toBe(O.WRONLY | O.NONBLOCK | O.LARGEFILE);
  });

  test("that was deleted is made again without its name", () => {
    const path = make("ghost");
    const both = opened(path, O.RDWR | O.NONBLOCK);
    put(both, "still here");
    unlinkSync(path);
    using run = newRun();
    const [file] = run.dump(both);
    closeAll();
    run.restore();
    expect(read(run.fd(file?.id ?? 0))).toBe("still here");
    expect(linkOf(run.fd(file?.id ?? 0))).toBe(`${path} (deleted)`);
    expect(statFd(run.fd(file?.id ?? 0)).mode).toBe(S_IFIFO | 0o640);
  });

  test("that others kept open does not get its bytes twice", () => {
    const path = make("kept");
    const both = opened(path, O.RDWR | O.NONBLOCK);
    put(both, "once");
    using run = newRun();
    const [file] = run.dump(both);
    run.restore();
    expect(read(run.fd(file?.id ?? 0))).toBe("once");
    expect(run.warnings.join()).toContain(path);
  });
});
