import { afterEach, describe, expect, test } from "bun:test";
import { closeFd, fcntl, linkOf, makePipe, readable, reopen, tryRead, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { must } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { pipe } from "./pipe.ts";
import { TestRun } from "./testing.ts";

const open: number[] = [];
afterEach(() => {
  for (const fd of open.splice(0)) closeFd(fd);
});

function newPipe(flags = 0): [number, number] {
  const ends = makePipe(flags);
  open.push(...ends);
  return ends;
}

function write(fd: number, text: string): void {
  expect(tryWrite(fd, Buffer.from(text))).toBe(text.length);
}

/** What one read(2) gives; "" at the end of file, undefined when there is nothing. */
function read(fd: number, most = 1 << 20): string | undefined {
  fcntl(fd, F.SETFL, fcntl(fd, F.GETFL, 0, "") | O.NONBLOCK, "");
  const bytes = new Uint8Array(most);
  const got = tryRead(fd, bytes);
  return got === -11 ? undefined : Buffer.from(bytes.buffer, 0, got).toString();
}

const flags = (fd: number) => fcntl(fd, F.GETFL, 0, "") & ~O.CLOEXEC;

describe("a pipe", () => {
  test("comes back with its bytes, its capacity and one inode for both ends", () => {
    const [r, w] = newPipe();
    fcntl(w, F.SETPIPE_SZ, 1 << 18, "");
    write(w, "x".repeat(200_000));
    using run = new TestRun(pipe);
    const [reader, writer] = run.dump(r, w);
    expect(readable(r)).toBe(200_000);
    expect([...run.entries.values()].map((entry) => entry.pipe)).toEqual([
      { id: 1, pipe_id: statFd(r).ino, flags: 0, fown: reader?.fown as never },
      { id: 2, pipe_id: statFd(r).ino, flags: 1, fown: writer?.fown as never },
    ]);
    run.restore();
    expect(linkOf(run.fd(1))).toBe(linkOf(run.fd(2)));
    expect(linkOf(run.fd(1))).not.toBe(linkOf(r));
    expect([flags(run.fd(1)), flags(run.fd(2))]).toEqual([O.RDONLY, O.WRONLY]);
    expect(fcntl(run.fd(1), F.GETPIPE_SZ, 0, "")).toBe(1 << 18);
    expect(read(run.fd(1))).toBe("x".repeat(200_000));
    write(run.fd(2), "goes on");
    expect(read(run.fd(1))).toBe("goes on");
  });

  test("that is full and empty pipes keep their size", () => {
    const [r, w] = newPipe(O.NONBLOCK);
    const [r2] = newPipe();
    fcntl(r2, F.SETPIPE_SZ, 8192, "");
    while (tryWrite(w, new Uint8Array(4096)) > 0);
    expect(readable(r)).toBe(65536);
    using run = new TestRun(pipe);
    run.dump(r, r2);
    run.restore();
    expect(readable(run.fd(1))).toBe(65536);
    expect(flags(run.fd(1))).toBe(O.NONBLOCK);
    expect(fcntl(run.fd(2), F.GETPIPE_SZ, 0, "")).toBe(8192);
  });

  test("keeps ends that were opened through /proc apart, with their own flags", () => {
    const [r, w] = newPipe();
    const again = reopen(r, O.RDONLY | O.NONBLOCK);
    const both = reopen(r, O.RDWR);
    open.push(again, both);
    write(w, "one");
    using run = new TestRun(pipe);
    run.dump(both, again, w, r);
    run.restore();
    expect([1, 2, 3, 4].map((id) => flags(run.fd(id)))).toEqual([both, again, w, r].map(flags));
    expect(new Set([1, 2, 3, 4].map((id) => linkOf(run.fd(id)))).size).toBe(1);
    expect(read(run.fd(2))).toBe("one");
    expect(readable(run.fd(1))).toBe(0);
  });

  test("whose writer is gone ends after its bytes", () => {
    const [r, w] = makePipe();
    open.push(r);
    write(w, "last words");
    closeFd(w);
    using run = new TestRun(pipe);
    run.dump(r);
    expect(run.warnings).toEqual([]);
    run.restore();
    expect(read(run.fd(1))).toBe("last words");
    expect(read(run.fd(1))).toBe("");
  });

  test("keeps its owner", () => {
    const [r, w] = newPipe();
    must(NR.fchown, [r, 1234, 4321]);
    using run = new TestRun(pipe);
    run.dump(r, w);
    run.restore();
    expect(statFd(run.fd(2))).toMatchObject({ uid: 1234, gid: 4321 });
  });
});

describe("packets", () => {
  /** Dumps and restores, and reads both pipes in steps: they must give the same. */
  function same(fill: (plain: number, packet: number) => void, reads: number[]): void {
    const [r, w] = newPipe(O.DIRECT);
    const plain = reopen(r, O.WRONLY);
    open.push(plain);
    fill(plain, w);
    const total = readable(r);
    using run = new TestRun(pipe);
    run.dump(r, w, plain);
    expect(readable(r)).toBe(total);
    run.restore();
    expect(flags(run.fd(2))).toBe(O.WRONLY | O.DIRECT);
    // What comes later must not join a last packet.
    for (const end of [plain, run.fd(3)]) write(end, "later");
    for (const length of reads) expect(read(run.fd(1), length)).toBe(read(r, length) as string);
    expect(read(run.fd(1))).toBe(read(r) as string);
  }

  test("keep their boundaries", () => {
    same(
      (_, packet) => {
        for (const text of ["a", "bcd", "", "e".repeat(4096), "fg"]) if (text) write(packet, text);
      },
      [10, 2, 5000, 1],
    );
  });

  test("up to the brim keep their boundaries", () => {
    same(
      (_, packet) => {
        for (let i = 0; i < 15; i++) write(packet, `${i}-`);
      },
      Array.from({ length: 16 }, () => 100),
    );
  });

  test("among plain bytes keep their boundaries", () => {
    const fill = (plain: number, packet: number) => {
      write(plain, "plain one");
      write(packet, "packet");
      write(packet, "p");
      write(plain, "x".repeat(5000));
      write(packet, "end");
      write(plain, "z");
    };
    same(fill, [100, 100, 100, 100_000, 100]);
    same(fill, [4, 5, 2, 1, 4999, 2, 1, 1]);
    same(fill, [9, 6, 1, 5000, 3, 1]);
  });

  test("at the end are told from plain bytes", () => {
    same(
      (plain, packet) => {
        write(plain, "abc");
        write(packet, "d");
      },
      [3],
    );
  });
});

describe("a pipe that is held outside", () => {
  test("is told with the remedy, and comes from --inherit-fd", async () => {
    const [read, write_] = makePipe();
    open.push(write_);
    const outside = Bun.spawn(["/bin/sleep", "1000"], { stdin: read });
    closeFd(read);
    try {
      using run = new TestRun(pipe);
      run.dump(write_);
      expect(run.warnings.join()).toContain("the read end of");
      expect(run.warnings.join()).toContain(`--inherit-fd 'fd[N]:${linkOf(write_)}'`);
      const [r, w] = newPipe();
      run.restore({ inheritFds: [{ fd: w, resource: linkOf(write_) }] });
      write(run.fd(1), "to the new end");
      expect(readable(r)).toBe(14);
    } finally {
      outside.kill();
      await outside.exited;
    }
  });

  test("gets its bytes back into another pipe, and not into the same one", () => {
    const [r, w] = newPipe();
    write(w, "kept");
    using run = new TestRun(pipe);
    run.dump(r);
    const [r2] = newPipe();
    run.restore({ inheritFds: [{ fd: r2, resource: linkOf(r) }] });
    expect(read(run.fd(1))).toBe("kept");
    using second = new TestRun(pipe);
    second.dump(r);
    second.restore({ inheritFds: [{ fd: r, resource: linkOf(r) }] });
    expect(read(second.fd(1))).toBe("kept");
    expect(read(second.fd(1))).toBeUndefined();
  });
});
