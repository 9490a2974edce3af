import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { pipe } from "../file/pipe.ts";
import { TestRun } from "../file/testing.ts";
import { closeFd, fcntl, makePipe } from "../kernel/fd.ts";
import {
  accept,
  getNumber,
  listen,
  makeSocketPair,
  peerAddress,
  tryConnect,
  tryReceive,
  trySend,
  trySetNumber,
  trySetOption,
  tryShutdown,
  unixAddress,
} from "../kernel/socket.ts";
import { addressOf } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { AF, MSG, SHUT, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { unix } from "./unix.ts";

import {
  address,
  closeAll,
  dir,
  flags,
  haveSockets,
  name,
  open,
  pair,
  plain,
  put,
  read,
  receive,
  row,
  send,
  socket,
} from "./unix-testing.ts";

haveSockets();

const TYPES = [
  ["stream", SOCK.STREAM],
  ["datagram", SOCK.DGRAM],
  ["seqpacket", SOCK.SEQPACKET],
] as const;

describe.each(TYPES)("a pair of %s sockets", (_, type) => {
  test("keeps its queues, both ways, and nothing is consumed", () => {
    const [a, b] = pair(type);
    send(a, "to b, first");
    send(a, "to b, second");
    send(b, "to a");
    fcntl(b, F.SETFL, O.RDWR | O.NONBLOCK, "");
    using run = new TestRun(unix);
    run.dump(a, b);
    expect(getNumber(b, SOL.SOCKET, SO.PEEK_OFF)).toBe(-1);
    run.restore();
    for (const [x, y] of [
      [a, b],
      [run.fd(1), run.fd(2)],
    ] as const) {
      expect(receive(y, 100)).toBe(type === SOCK.STREAM ? "to b, firstto b, second" : "to b, first");
      if (type !== SOCK.STREAM) expect(receive(y)).toBe("to b, second");
      expect(receive(x)).toBe("to a");
      expect(receive(y)).toBeUndefined();
      send(x, "goes on");
      expect(receive(y)).toBe("goes on");
    }
    expect([flags(run.fd(1)), flags(run.fd(2))]).toEqual([O.RDWR, O.RDWR | O.NONBLOCK]);
  });

  test("whose other end is closed keeps what it was sent", () => {
    const [a, b] = makeSocketPair(AF.UNIX, type);
    open.push(a);
    send(b, "one");
    send(b, "two");
    closeFd(b);
    using run = new TestRun(unix);
    run.dump(a);
    run.restore();
    for (const fd of [a, run.fd(1)]) {
      expect(receive(fd, 3)).toBe("one");
      expect(receive(fd)).toBe("two");
      expect(receive(fd)).toBe(type === SOCK.DGRAM ? undefined : "");
      expect(trySend(fd, plain("x"))).toBe(type === SOCK.DGRAM ? -111 : -32);
    }
    expect(row(run.fd(1))?.shutdown).toBe(row(a)?.shutdown as number);
  });

  test.each([SHUT.RD, SHUT.WR, SHUT.RDWR])("keeps that it was shut down (%i)", (how) => {
    const [a, b] = pair(type);
    send(a, "before");
    tryShutdown(a, how);
    using run = new TestRun(unix);
    run.dump(a, b);
    run.restore();
    expect([row(run.fd(1))?.shutdown, row(run.fd(2))?.shutdown]).toEqual([row(a)?.shutdown, row(b)?.shutdown]);
    expect(receive(run.fd(2))).toBe("before");
    expect(receive(run.fd(2))).toBe(receive(b) === "before" ? receive(b) : undefined);
  });

  test("carries descriptors in its queue, among plain data", () => {
    const [a, b] = pair(type);
    const [r, w] = makePipe();
    const [r2, w2] = makePipe();
    open.push(r, w, r2, w2);
    expect(trySend(a, { ...plain("with"), rights: [r, w2] })).toBe(4);
    expect(trySend(a, { ...plain("more"), rights: [r2] })).toBe(4);
    send(a, "after");
    expect(trySend(a, { ...plain("end"), rights: [r2, r] })).toBe(3);
    using run = new TestRun(unix, { kinds: [pipe] });
    run.dump(a, b, w);
    run.restore();
    const messages = (fd: number) =>
      Array.from({ length: type === SOCK.STREAM ? 3 : 4 }, (_, i) => {
        const message = tryReceive(fd, new Uint8Array(i < 2 ? 4 : 20), MSG.DONTWAIT);
        if (typeof message === "number") throw new Error(`recvmsg: ${message}`);
        open.push(...message.rights);
        return message;
      });
    const before = messages(b);
    const after = messages(run.fd(2));
    const words = (list: typeof before) => list.map((m) => `${Buffer.from(m.bytes)}:${m.rights.length}`);
    expect(words(after)).toEqual(words(before));
    expect(words(after)).toEqual(
      type === SOCK.STREAM ? ["with:2", "more:1", "afterend:2"] : ["with:2", "more:1", "after:0", "end:2"],
    );
    const [readEnd = -1, writeEnd = -1] = after[0]?.rights ?? [];
    const [readEnd2 = -1] = after[1]?.rights ?? [];
    put(run.fd(3), "through the held end");
    expect(read(readEnd)).toBe("through the held end");
    put(writeEnd, "both in flight");
    expect(read(readEnd2)).toBe("both in flight");
  });
});

describe("sockets in flight", () => {
  test("that were sent into each other's queues form a loop and come back", () => {
    const [a, b] = pair(SOCK.STREAM);
    const [c, d] = pair(SOCK.DGRAM);
    trySend(a, { ...plain("d"), rights: [d, b] });
    trySend(c, { ...plain("b"), rights: [b] });
    send(c, "deep");
    using run = new TestRun(unix);
    run.dump(a, c, b);
    run.restore();
    const message = tryReceive(run.fd(3), new Uint8Array(10), MSG.DONTWAIT);
    if (typeof message === "number") throw new Error("nothing");
    open.push(...message.rights);
    const [inner = -1] = message.rights;
    const second = tryReceive(inner, new Uint8Array(10), MSG.DONTWAIT);
    if (typeof second === "number") throw new Error("nothing");
    open.push(...second.rights);
    expect(second.rights.length).toBe(1);
    expect(receive(inner)).toBe("deep");
    send(run.fd(1), "x");
    expect(receive(second.rights[0] ?? -1)).toBe("x");
  });

  test("messages keep who signed them", () => {
    const [a, b] = pair(SOCK.DGRAM);
    trySetNumber(b, SOL.SOCKET, SO.PASSCRED, 1);
    trySend(a, { ...plain("signed"), credentials: { pid: process.pid, uid: 12, gid: 34 } });
    using run = new TestRun(unix);
    run.dump(a, b);
    run.restore();
    const message = tryReceive(run.fd(2), new Uint8Array(10), MSG.DONTWAIT);
    expect(message).toMatchObject({ credentials: { pid: process.pid, uid: 12, gid: 34 } });
    expect(getNumber(run.fd(2), SOL.SOCKET, SO.PASSCRED)).toBe(1);
  });
});

describe("a client that was shut down before it connected", () => {
  test("does not shut the other end", () => {
    const path = join(dir, "early.sock");
    const l = socket(SOCK.STREAM, path);
    listen(l, 5);
    const c = socket(SOCK.STREAM);
    tryShutdown(c, SHUT.RD);
    expect(tryConnect(c, unixAddress(path))).toBe(0);
    const s = accept(l);
    open.push(s);
    const before = [c, s].map((fd) => row(fd)?.shutdown);
    expect(before).toEqual([1, 0]);
    using run = new TestRun(unix);
    run.dump(c, s, l);
    closeAll();
    run.restore();
    expect([1, 2].map((id) => row(run.fd(id))?.shutdown)).toEqual(before);
  });
});

describe("datagrams", () => {
  test("keep who sent them, be it there or not", () => {
    const [s, a] = [socket(SOCK.DGRAM, join(dir, "s")), socket(SOCK.DGRAM, join(dir, "a"))];
    const gone = socket(SOCK.DGRAM, join(dir, "gone"));
    const to = unixAddress(join(dir, "s"));
    send(a, "from a", to);
    send(gone, "from gone", to);
    send(socket(SOCK.DGRAM), "from nobody", to);
    using run = new TestRun(unix);
    run.dump(s, a);
    closeAll();
    run.restore();
    const got = Array.from({ length: 3 }, () => {
      const message = tryReceive(run.fd(1), new Uint8Array(100), MSG.DONTWAIT);
      return typeof message === "number" ? message : `${Buffer.from(message.bytes)} ${name(message.from)}`;
    });
    expect(got).toEqual([`from a ${join(dir, "a")}`, `from gone ${join(dir, "gone")}`, "from nobody "]);
  });

  test("find their peers again, one way and in chains", () => {
    const [a, b, c] = ["a", "b", "c"].map((n) => socket(SOCK.DGRAM, `@tscriu-${process.pid}-${n}`)) as [
      number,
      number,
      number,
    ];
    tryConnect(a, address(`@tscriu-${process.pid}-b`));
    tryConnect(b, address(`@tscriu-${process.pid}-c`));
    using run = new TestRun(unix);
    run.dump(c, b, a);
    closeAll();
    run.restore();
    expect([3, 2].map((id) => name(peerAddress(run.fd(id))))).toEqual(
      ["b", "c"].map((n) => `\0tscriu-${process.pid}-${n}`),
    );
    send(run.fd(2), "b to c");
    expect(receive(run.fd(1))).toBe("b to c");
  });

  test("of no length count", () => {
    const [a, b] = pair(SOCK.DGRAM);
    for (const text of ["x", "", "y"]) trySend(a, plain(text));
    using run = new TestRun(unix);
    run.dump(a, b);
    run.restore();
    expect([receive(run.fd(2)), receive(run.fd(2)), receive(run.fd(2))]).toEqual(["x", "", "y"]);
  });

  test("that fill a buffer all come back", () => {
    const [a, b] = pair(SOCK.DGRAM);
    let count = 0;
    while (trySend(a, { ...plain(`${count}`.padEnd(3000, ".")) }) > 0) count++;
    using run = new TestRun(unix);
    run.dump(a, b);
    run.restore();
    expect(getNumber(run.fd(1), SOL.SOCKET, SO.SNDBUF)).toBe(getNumber(a, SOL.SOCKET, SO.SNDBUF) as number);
    for (let i = 0; i < count; i++) expect(receive(run.fd(2))?.replace(/\.+$/, "")).toBe(`${i}`);
    expect(receive(run.fd(2))).toBeUndefined();
  });
});

describe("connections that wait to be accepted", () => {
  test("wait again", () => {
    const path = join(dir, "w.sock");
    const l = socket(SOCK.STREAM, path);
    listen(l, 5);
    const c = socket(SOCK.STREAM);
    tryConnect(c, unixAddress(path));
    using run = new TestRun(unix);
    run.dump(c, l);
    expect(run.blockers).toEqual([]);
    expect(run.entries.get(1)?.usk?.peer).toBe(run.entries.get(2)?.usk?.ino as number);
    closeAll();
    run.restore();
    const s = accept(run.fd(2));
    open.push(s);
    send(run.fd(1), "late");
    expect(receive(s)).toBe("late");
  });

  test("keep what was sent, and its ends", () => {
    const path = join(dir, "w.sock");
    const l = socket(SOCK.STREAM, path);
    listen(l, 5);
    const c = socket(SOCK.STREAM);
    tryConnect(c, unixAddress(path));
    open.push(l, c);
    send(c, "early");
    send(c, "x".repeat(100_000));
    using run = new TestRun(unix);
    run.dump(c, l);
    expect(run.blockers).toEqual([]);
    closeAll();
    run.restore();
    const s = accept(run.fd(2));
    open.push(s);
    let got = "";
    while (got.length < 100_005) got += receive(s);
    expect(got).toBe(`early${"x".repeat(100_000)}`);
  });
});

describe("options", () => {
  test("all come back", () => {
    const [a, b] = pair(SOCK.STREAM);
    const numbers = [
      [SO.SNDBUF, 30_000],
      [SO.RCVBUF, 40_000],
      [SO.PRIORITY, 3],
      [SO.RCVLOWAT, 7],
      [SO.MARK, 99],
      [SO.OOBINLINE, 1],
      [SO.PASSCRED, 1],
      [SO.DONTROUTE, 1],
      [SO.BROADCAST, 1],
      [SO.KEEPALIVE, 1],
      [SO.REUSEADDR, 1],
    ] as const;
    for (const [option, value] of numbers) expect(trySetNumber(a, SOL.SOCKET, option, value)).toBe(0);
    expect(trySetOption(a, SOL.SOCKET, SO.LINGER, new Uint8Array(new Int32Array([1, 11]).buffer))).toBe(0);
    expect(trySetOption(a, SOL.SOCKET, SO.RCVTIMEO, new Uint8Array(new BigInt64Array([3n, 500_000n]).buffer))).toBe(0);
    // ld len; ret accept
    const filter = new DataView(new ArrayBuffer(16));
    filter.setUint16(0, 0x80, true);
    filter.setUint16(8, 6, true);
    filter.setUint32(12, 0xffff, true);
    const program = new DataView(new ArrayBuffer(16));
    program.setUint16(0, 2, true);
    program.setBigUint64(8, BigInt(addressOf(filter)), true);
    expect(trySetOption(a, SOL.SOCKET, SO.ATTACH_FILTER, new Uint8Array(program.buffer))).toBe(0);
    using run = new TestRun(unix);
    run.dump(a, b);
    const before = run.entries.get(1)?.usk?.opts;
    expect(before).toMatchObject({
      so_linger: 11,
      so_rcv_tmo_sec: 3,
      so_rcv_tmo_usec: 500_000,
      so_buf_lock: 3,
      so_mark: 99,
    });
    expect(before?.so_filter).toEqual([0x80n << 48n, (6n << 48n) | 0xffffn]);
    run.restore();
    using again = new TestRun(unix);
    again.dump(run.fd(1), run.fd(2));
    expect(again.entries.get(1)?.usk?.opts).toEqual(before as never);
  });
});
