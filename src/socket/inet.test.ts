import { afterEach, describe, expect, test } from "bun:test";
import { TestRun } from "../file/testing.ts";
import { closeFd, fcntl } from "../kernel/fd.ts";
import { lookInside } from "../kernel/inside.ts";
import {
  accept,
  getNumber,
  inetAddress,
  listen,
  makeSocket,
  ownAddress,
  parseInetAddress,
  peerAddress,
  tryBind,
  tryConnect,
  tryReceive,
  trySend,
  trySetNumber,
  tryShutdown,
} from "../kernel/socket.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { IP, IPPROTO, IPV6, TCP } from "../kernel/uapi/inet.ts";
import { AF, MSG, SHUT, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { inet } from "./inet.ts";
import { addressWords } from "./inet-address.ts";

const open: number[] = [];
afterEach(closeAll);

function closeAll(): void {
  for (const fd of open.splice(0)) closeFd(fd);
}

const V4 = Uint8Array.of(127, 0, 0, 1);
const V6 = Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0));
const at = (family: number, bytes: Uint8Array, port: number) => inetAddress({ family, bytes, port, scope: 0 });
const loop = (family: number, port = 0) => at(family, family === AF.INET ? V4 : V6, port);

function socket(family: number, type: number, address?: Uint8Array, prepare?: (fd: number) => void): number {
  const fd = makeSocket(family, type);
  open.push(fd);
  prepare?.(fd);
  if (address) expect(tryBind(fd, address)).toBe(0);
  return fd;
}

const words = (address: Uint8Array | undefined) => {
  const parsed = parseInetAddress(address ?? new Uint8Array());
  return parsed && addressWords(parsed);
};
const portOf = (fd: number) => parseInetAddress(ownAddress(fd))?.port ?? 0;
const send = (fd: number, text: string, to?: Uint8Array) =>
  trySend(fd, { bytes: Buffer.from(text), rights: [], credentials: undefined }, to);
function receive(fd: number): string | undefined {
  const message = tryReceive(fd, new Uint8Array(1000), MSG.DONTWAIT);
  return typeof message === "number" ? undefined : Buffer.from(message.bytes).toString();
}

const FAMILIES = [
  ["IPv4", AF.INET],
  ["IPv6", AF.INET6],
] as const;

describe.each(FAMILIES)("%s", (_, family) => {
  test("a listening socket takes connections again, at its port", () => {
    const l = socket(family, SOCK.STREAM, loop(family));
    listen(l, 17);
    fcntl(l, F.SETFL, O.RDWR | O.NONBLOCK, "");
    const before = words(ownAddress(l));
    using run = new TestRun(inet);
    run.dump(l);
    expect(run.blockers).toEqual([]);
    expect(run.entries.get(1)?.isk).toMatchObject({
      family,
      type: 1,
      proto: 6,
      state: 10,
      backlog: 17,
      src_port: portOf(l),
      dst_port: 0,
    });
    closeAll();
    run.restore();
    expect(words(ownAddress(run.fd(1)))).toBe(before);
    expect(getNumber(run.fd(1), SOL.SOCKET, SO.REUSEADDR)).toBe(0);
    expect(fcntl(run.fd(1), F.GETFL, 0, "") & O.NONBLOCK).toBe(O.NONBLOCK);
    const c = socket(family, SOCK.STREAM);
    expect(tryConnect(c, ownAddress(run.fd(1)))).toBe(0);
    open.push(accept(run.fd(1)));
    using again = new TestRun(inet);
    expect(() => again.dump(c)).toThrow(`-> ${before} (ESTABLISHED) cannot be dumped`);
  });

  test("bound and fresh sockets can listen and connect afterwards", () => {
    const bound = socket(family, SOCK.STREAM, loop(family));
    const fresh = socket(family, SOCK.STREAM);
    const before = words(ownAddress(bound));
    using run = new TestRun(inet);
    run.dump(bound, fresh);
    closeAll();
    run.restore();
    expect(words(ownAddress(run.fd(1)))).toBe(before);
    expect(portOf(run.fd(2))).toBe(0);
    listen(run.fd(1), 1);
    expect(tryConnect(run.fd(2), ownAddress(run.fd(1)))).toBe(0);
  });

  test("UDP sockets: bound, connected, fresh", () => {
    const [a, b, fresh] = [
      socket(family, SOCK.DGRAM, loop(family)),
      socket(family, SOCK.DGRAM, loop(family)),
      socket(family, SOCK.DGRAM),
    ];
    tryConnect(b, ownAddress(a));
    const before = [a, b].map((fd) => [words(ownAddress(fd)), words(peerAddress(fd))]);
    using run = new TestRun(inet);
    run.dump(a, b, fresh);
    expect([1, 2, 3].map((id) => run.entries.get(id)?.isk?.state)).toEqual([7, 1, 7]);
    closeAll();
    run.restore();
    expect([1, 2].map((id) => [words(ownAddress(run.fd(id))), words(peerAddress(run.fd(id)))])).toEqual(before);
    send(run.fd(2), "to a");
    expect(receive(run.fd(1))).toBe("to a");
    send(run.fd(3), "from fresh", ownAddress(run.fd(1)));
    expect(receive(run.fd(1))).toBe("from fresh");
  });

  test("the way a UDP socket was shut down", () => {
    const fds = [SHUT.RD, SHUT.WR, SHUT.RDWR].map((how) => {
      const fd = socket(family, SOCK.DGRAM, loop(family));
      tryConnect(fd, ownAddress(fd));
      expect(tryShutdown(fd, how)).toBe(0);
      return fd;
    });
    using run = new TestRun(inet);
    run.dump(...fds);
    expect([1, 2, 3].map((id) => run.entries.get(id)?.isk?.shutdown)).toEqual([1, 2, 3]);
    closeAll();
    run.restore();
    expect([1, 2, 3].map((id) => send(run.fd(id), "x"))).toEqual([1, -32, -32]);
    using again = new TestRun(inet);
    again.dump(...[1, 2, 3].map((id) => run.fd(id)));
    expect([1, 2, 3].map((id) => again.entries.get(id)?.isk?.shutdown)).toEqual([1, 2, 3]);
  });

  test("sockets that share a port, whatever their flags are by now", () => {
    const reuse = (fd: number) => void trySetNumber(fd, SOL.SOCKET, SO.REUSEPORT, 1);
    const a = socket(family, SOCK.STREAM, loop(family), reuse);
    const b = socket(family, SOCK.STREAM, ownAddress(a), reuse);
    listen(a, 1);
    listen(b, 1);
    trySetNumber(a, SOL.SOCKET, SO.REUSEPORT, 0);
    using run = new TestRun(inet);
    run.dump(a, b);
    closeAll();
    run.restore();
    expect([1, 2].map((id) => getNumber(run.fd(id), SOL.SOCKET, SO.REUSEPORT))).toEqual([0, 1]);
    expect(words(ownAddress(run.fd(1)))).toBe(words(ownAddress(run.fd(2))) as string);
  });

  test("an address that is taken is named, with its owner", async () => {
    const l = socket(family, SOCK.STREAM, loop(family));
    listen(l, 1);
    using run = new TestRun(inet);
    run.dump(l);
    const outside = Bun.spawn(["/bin/sleep", "1000"], { stdin: l });
    const before = words(ownAddress(l));
    closeAll();
    try {
      expect(() => run.restore()).toThrow(`the address ${before} is in use, by process ${outside.pid} (sleep)`);
    } finally {
      outside.kill();
      await outside.exited;
    }
  });
});

describe("options", () => {
  test("of IP and TCP come back", () => {
    const four = socket(AF.INET, SOCK.STREAM);
    const six = socket(AF.INET6, SOCK.DGRAM);
    const set = [
      [four, SOL.IP, IP.TTL, 44],
      [four, SOL.IP, IP.TOS, 16],
      [four, SOL.IP, IP.FREEBIND, 1],
      [four, SOL.IP, IP.PKTINFO, 1],
      [four, SOL.TCP, TCP.NODELAY, 1],
      [four, SOL.TCP, TCP.CORK, 1],
      [four, SOL.TCP, TCP.KEEPIDLE, 100],
      [four, SOL.TCP, TCP.KEEPINTVL, 10],
      [four, SOL.TCP, TCP.KEEPCNT, 3],
      [six, SOL.IPV6, IPV6.V6ONLY, 1],
      [six, SOL.IPV6, IPV6.FREEBIND, 1],
      [six, SOL.IPV6, IPV6.RECVPKTINFO, 1],
      [six, SOL.SOCKET, SO.BROADCAST, 1],
    ] as const;
    for (const [fd, level, option, value] of set) expect(trySetNumber(fd, level, option, value)).toBe(0);
    using run = new TestRun(inet);
    run.dump(four, six);
    expect(run.entries.get(1)?.isk?.ip_opts).toMatchObject({ freebind: true, pktinfo: true, tos: 16, ttl: 44 });
    expect(run.entries.get(2)?.isk).toMatchObject({
      v6only: true,
      ip_opts: { freebind: true, pktinfo: true },
      tcp_opts: {},
    });
    run.restore();
    for (const [fd, level, option, value] of set) {
      expect(getNumber(run.fd(fd === four ? 1 : 2), level, option)).toBe(value);
    }
  });

  test("a device, and buffers", () => {
    const fd = socket(AF.INET, SOCK.DGRAM, undefined, (s) => void trySetNumber(s, SOL.SOCKET, SO.BINDTOIFINDEX, 1));
    trySetNumber(fd, SOL.SOCKET, SO.RCVBUF, 10_000);
    using run = new TestRun(inet);
    run.dump(fd);
    expect(run.entries.get(1)?.isk?.opts).toMatchObject({ so_bound_dev: "lo", so_rcvbuf: 20_000, so_buf_lock: 2 });
    expect(run.entries.get(1)?.isk?.opts).not.toHaveProperty("so_passcred");
    run.restore();
    using again = new TestRun(inet);
    again.dump(run.fd(1));
    expect(again.entries.get(1)?.isk?.opts).toEqual(run.entries.get(1)?.isk?.opts as never);
  });
});

describe("addresses", () => {
  test("that the machine does not have are bound all the same", () => {
    const free = (fd: number) => void trySetNumber(fd, SOL.IP, IP.FREEBIND, 1);
    const far = at(AF.INET, Uint8Array.of(203, 0, 113, 7), 0);
    const fd = socket(AF.INET, SOCK.STREAM, far, free);
    trySetNumber(fd, SOL.IP, IP.FREEBIND, 0);
    using run = new TestRun(inet);
    run.dump(fd);
    const before = words(ownAddress(fd));
    closeAll();
    run.restore();
    expect(words(ownAddress(run.fd(1)))).toBe(before);
    expect(getNumber(run.fd(1), SOL.IP, IP.FREEBIND)).toBe(0);
    expect(run.warnings.join()).toContain("203.0.113.7");
  });

  test("of IPv4 in IPv6 sockets", () => {
    const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1);
    const fd = socket(AF.INET6, SOCK.STREAM, at(AF.INET6, mapped, 0));
    listen(fd, 1);
    using run = new TestRun(inet);
    run.dump(fd);
    expect(run.entries.get(1)?.isk?.v6only).toBe(false);
    const port = portOf(fd);
    closeAll();
    run.restore();
    expect(words(ownAddress(run.fd(1)))).toBe(`[::ffff:127.0.0.1]:${port}`);
    expect(tryConnect(socket(AF.INET, SOCK.STREAM), loop(AF.INET, port))).toBe(0);
  });

  test("are written as people know them", () => {
    const v6 = (...groups: number[]) => Uint8Array.from(groups.flatMap((g) => [g >> 8, g & 255]));
    const write = (bytes: Uint8Array) =>
      addressWords({ family: bytes.length === 4 ? AF.INET : AF.INET6, bytes, port: 1 });
    expect(write(V4)).toBe("127.0.0.1:1");
    expect(write(v6(0, 0, 0, 0, 0, 0, 0, 0))).toBe("[::]:1");
    expect(write(v6(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1))).toBe("[2001:db8::1:0:0:1]:1");
    expect(write(v6(0xfe80, 0, 1, 2, 3, 4, 5, 6))).toBe("[fe80:0:1:2:3:4:5:6]:1");
  });
});

test("where a program peeks is put back, also if the dumper dies meanwhile", () => {
  const fd = socket(AF.INET, SOCK.DGRAM, loop(AF.INET));
  for (const text of ["one", "two"]) send(fd, text, ownAddress(fd));
  trySetNumber(fd, SOL.SOCKET, SO.PEEK_OFF, 2);
  using run = new TestRun(inet);
  run.dump(fd);
  expect(getNumber(fd, SOL.SOCKET, SO.PEEK_OFF)).toBe(2);
  const [first = [], last] = run.ifWeDie;
  expect(first.map(({ args }) => args[3])).toEqual([Int32Array.of(2)]);
  expect(last).toEqual([]);
});

test.each(FAMILIES)("unread datagrams of %s come back, from whom they came", (_, family) => {
  const [fd, from] = [socket(family, SOCK.DGRAM, loop(family)), socket(family, SOCK.DGRAM, loop(family))];
  for (const text of ["first", "", "third"]) send(from, text, ownAddress(fd));
  const sender = ownAddress(from);
  using run = new TestRun(inet);
  run.dump(fd);
  closeAll();
  run.restore();
  for (const text of ["first", "", "third"]) {
    const message = tryReceive(run.fd(1), new Uint8Array(10), MSG.DONTWAIT);
    if (typeof message === "number") throw new Error(`errno ${-message}`);
    expect([Buffer.from(message.bytes).toString(), words(message.from)]).toEqual([text, words(sender) ?? ""]);
  }
  expect(receive(run.fd(1))).toBeUndefined();
});

describe("what cannot be dumped", () => {
  test("connections that wait are counted, and may be dropped", () => {
    const l = socket(AF.INET, SOCK.STREAM, loop(AF.INET));
    listen(l, 5);
    for (let i = 0; i < 2; i++) tryConnect(socket(AF.INET, SOCK.STREAM), ownAddress(l));
    using run = new TestRun(inet);
    expect(() => run.dump(l)).toThrow(`2 connections to ${words(ownAddress(l))} wait to be accepted`);
    using second = new TestRun(inet, { dump: { tcpSkipInFlight: true } });
    second.dump(l);
    expect(second.blockers).toEqual([]);
  });

  test("corked data is read out of the kernel, and named where that is not to be seen", () => {
    const corked = socket(AF.INET, SOCK.DGRAM);
    tryConnect(corked, loop(AF.INET, 9));
    trySetNumber(corked, IPPROTO.UDP, 1, 1);
    send(corked, "stays");
    using second = new TestRun(inet);
    if (lookInside(() => true) === true) {
      second.dump(corked);
      expect(Buffer.from(second.entries.get(1)?.isk?.tscriu_corked ?? []).toString()).toBe("stays");
      return;
    }
    expect(() => second.dump(corked)).toThrow("corked");
    expect(second.blockers[0]?.remedy).toContain("UDP_CORK");
  });

  test("unread packets of raw sockets are told", () => {
    const fd = makeSocket(AF.INET, SOCK.RAW, 253);
    open.push(fd);
    send(fd, "unread", loop(AF.INET));
    using run = new TestRun(inet);
    run.dump(fd);
    expect(run.warnings.join()).toContain("packets that wait unread");
  });
});
