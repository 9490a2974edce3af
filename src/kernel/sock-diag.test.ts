import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CrError } from "../error.ts";
import { NR } from "./nr.ts";
import { pidfdGetfd, pidfdOpen } from "./pidfd.ts";
import { byInode, SockDiag } from "./sock-diag.ts";
import { statFd } from "./stat.ts";
import { addressOf, must, sys } from "./sys.ts";
import { IPPROTO, IPV6, TCP_STATE } from "./uapi/inet.ts";
import { AF, NETLINK_OPT, PACKET, SHUT, SOCK, SOL } from "./uapi/socket.ts";

const root = process.getuid?.() === 0;
const dir = mkdtempSync(join(tmpdir(), "diag-"));
const open: number[] = [];
let diag: SockDiag;
beforeAll(() => {
  diag = new SockDiag();
});
afterAll(() => {
  diag[Symbol.dispose]();
  for (const fd of open) closeSync(fd);
  rmSync(dir, { recursive: true });
});

const keep = (fd: number): number => {
  open.push(fd);
  return fd;
};
const socket = (family: number, type: number, protocol = 0): number => keep(must(NR.socket, [family, type, protocol]));
const inode = (fd: number): number => statFd(fd).ino;

function unixAddress(name: string): Uint8Array {
  const bytes = Buffer.alloc(2 + Buffer.byteLength(name));
  bytes.writeUInt16LE(AF.UNIX);
  bytes.write(name, 2);
  return new Uint8Array(bytes);
}

function bind(fd: number, address: Uint8Array): void {
  must(NR.bind, [fd, addressOf(address), address.length]);
}

function setOption(fd: number, level: number, name: number, value: number): void {
  const bytes = new Int32Array(new ArrayBuffer(4)).fill(value);
  must(NR.setsockopt, [fd, level, name, addressOf(bytes), 4]);
}

function pair(type: number): [number, number] {
  const fds = new Int32Array(new ArrayBuffer(8));
  must(NR.socketpair, [AF.UNIX, type, 0, addressOf(fds)]);
  return [fds[0] ?? -1, fds[1] ?? -1];
}

describe("unix", () => {
  const row = (fd: number) => byInode(diag.unix()).get(inode(fd));

  test("a pair, its queue and what is shut", () => {
    const [near, far] = pair(SOCK.STREAM);
    keep(near);
    const text = Buffer.from("hello");
    must(NR.sendto, [near, addressOf(text), 5, 0, 0, 0]);
    must(NR.shutdown, [near, SHUT.WR]);
    expect(row(near)).toMatchObject({
      type: SOCK.STREAM,
      state: TCP_STATE.ESTABLISHED,
      peer: inode(far),
      name: undefined,
      vfs: undefined,
      shutdown: 2,
      uid: process.getuid?.() ?? 0,
      icons: [],
    });
    expect(row(far)).toMatchObject({ peer: inode(near), shutdown: 1, rqueue: 5 });
    expect(row(far)?.memory?.rcvbuf).toBeGreaterThan(0);
    closeSync(far);
    expect(row(near)?.peer ?? 0).toBe(0);
  });

  test("names on the file system and abstract ones", () => {
    const path = join(dir, "sock");
    const bound = socket(AF.UNIX, SOCK.DGRAM);
    bind(bound, unixAddress(`${path}\0`));
    const file = statSync(path);
    const dev = file.dev;
    expect(row(bound)?.name).toEqual(new Uint8Array(Buffer.from(`${path}\0`)));
    expect(row(bound)?.vfs).toMatchObject({ ino: file.ino });
    expect((row(bound)?.vfs?.dev ?? 0) & 0xff).toBe(dev & 0xff);
    expect(row(bound)).toMatchObject({ type: SOCK.DGRAM, state: TCP_STATE.CLOSE, peer: undefined });
    const name = `\0diag-${process.pid}\0x`;
    const abstract = socket(AF.UNIX, SOCK.SEQPACKET);
    bind(abstract, unixAddress(name));
    expect(row(abstract)?.name).toEqual(new Uint8Array(Buffer.from(name)));
    expect(row(abstract)?.vfs).toBeUndefined();
  });

  test("those who wait to be accepted", () => {
    const address = unixAddress(`\0wait-${process.pid}`);
    const server = socket(AF.UNIX, SOCK.STREAM);
    bind(server, address);
    must(NR.listen, [server, 7]);
    const clients = [socket(AF.UNIX, SOCK.STREAM), socket(AF.UNIX, SOCK.STREAM)];
    for (const client of clients) must(NR.connect, [client, addressOf(address), address.length]);
    expect(row(server)).toMatchObject({ state: TCP_STATE.LISTEN, icons: clients.map(inode), rqueue: 2, wqueue: 7 });
  });
});

describe("inet", () => {
  const listen = (family: number, address: Uint8Array): number => {
    const fd = socket(family, SOCK.STREAM);
    bind(fd, address);
    must(NR.listen, [fd, 5]);
    return fd;
  };
  const loopback4 = (): Uint8Array => Uint8Array.of(AF.INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  const loopback6 = (): Uint8Array => {
    const address = new Uint8Array(28);
    address[0] = AF.INET6;
    address[23] = 1;
    return address;
  };
  const nameOf = (fd: number, size: number): Uint8Array => {
    const address = new Uint8Array(new ArrayBuffer(28));
    const length = new Uint32Array(new ArrayBuffer(4)).fill(28);
    must(NR.getsockname, [fd, addressOf(address), addressOf(length)]);
    return address.slice(0, size);
  };
  const portOf = (address: Uint8Array): number => (address[2] ?? 0) * 256 + (address[3] ?? 0);
  const LOOPBACK_WORD = 0x0100007f;

  test("a connection over IPv4 and its listener", () => {
    const server = listen(AF.INET, loopback4());
    const address = nameOf(server, 16);
    const client = socket(AF.INET, SOCK.STREAM);
    must(NR.connect, [client, addressOf(address), 16]);
    const accepted = keep(must(NR.accept4, [server, 0, 0, SOCK.CLOEXEC]));
    const text = Buffer.from("hello");
    must(NR.sendto, [client, addressOf(text), 5, 0, 0, 0]);
    const rows = byInode(diag.inet(AF.INET, IPPROTO.TCP));
    const common = { family: AF.INET, protocol: IPPROTO.TCP, src: [LOOPBACK_WORD], ifindex: 0, v6only: undefined };
    const port = portOf(address);
    expect(rows.get(inode(server))).toMatchObject({
      ...common,
      state: TCP_STATE.LISTEN,
      srcPort: port,
      dstPort: 0,
      wqueue: 5,
    });
    expect(rows.get(inode(accepted))).toMatchObject({
      ...common,
      state: TCP_STATE.ESTABLISHED,
      srcPort: port,
      dstPort: portOf(nameOf(client, 16)),
      dst: [LOOPBACK_WORD],
      rqueue: 5,
      shutdown: 0,
    });
    expect(rows.get(inode(client))?.congestion).toMatch(/^\w+$/);
  });

  test("UDP and UDP-Lite, bound over IPv6", () => {
    for (const protocol of [IPPROTO.UDP, IPPROTO.UDPLITE]) {
      const fd = sys(NR.socket, AF.INET6, SOCK.DGRAM, protocol);
      if (fd < 0) continue; // a kernel without UDP-Lite or IPv6
      keep(fd);
      setOption(fd, SOL.IPV6, IPV6.V6ONLY, 1);
      bind(fd, loopback6());
      expect(byInode(diag.inet(AF.INET6, protocol)).get(inode(fd))).toMatchObject({
        family: AF.INET6,
        state: TCP_STATE.CLOSE,
        src: [0, 0, 0, 0x01000000],
        dst: [0, 0, 0, 0],
        srcPort: portOf(nameOf(fd, 28)),
        v6only: true,
      });
    }
  });

  test("a kind that the kernel was built without is an error with its name", () => {
    try {
      diag.inet(AF.INET, IPPROTO.RAW);
    } catch (error) {
      expect(error).toBeInstanceOf(CrError);
      expect(error).toMatchObject({ code: "ENOENT", subject: { protocol: IPPROTO.RAW } });
    }
  });
});

describe.skipIf(!root)("packet (skipped without root)", () => {
  test("memberships, options and rings", () => {
    const ETH_P_ALL = 3;
    const fd = socket(AF.PACKET, SOCK.RAW, ETH_P_ALL << 8);
    // struct packet_mreq: index of lo, PACKET_MR_PROMISC
    const request = new DataView(new ArrayBuffer(16));
    request.setInt32(0, 1, true);
    request.setUint16(4, 1, true);
    must(NR.setsockopt, [fd, SOL.PACKET, PACKET.ADD_MEMBERSHIP, addressOf(request), 16]);
    setOption(fd, SOL.PACKET, PACKET.AUXDATA, 1);
    const ring = new Uint32Array([4096, 2, 2048, 4]);
    must(NR.setsockopt, [fd, SOL.PACKET, PACKET.RX_RING, addressOf(ring), 16]);
    const row = byInode(diag.packet()).get(inode(fd));
    expect(row).toMatchObject({
      type: SOCK.RAW,
      protocol: ETH_P_ALL,
      ifindex: 0,
      version: 0,
      uid: 0,
      fanout: undefined,
    });
    expect((row?.flags ?? 0) & 2).toBe(2);
    expect(row?.memberships).toMatchObject([{ index: 1, count: 1, type: 1 }]);
    expect(row?.rxRing).toMatchObject({ blockSize: 4096, blockNr: 2, frameSize: 2048, frameNr: 4 });
    expect(row?.txRing).toBeUndefined();
  });
});

test("netlink: port and groups", () => {
  const NETLINK_ROUTE = 0;
  const fd = socket(AF.NETLINK, SOCK.RAW, NETLINK_ROUTE);
  bind(fd, Uint8Array.of(AF.NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  setOption(fd, SOL.NETLINK, NETLINK_OPT.ADD_MEMBERSHIP, 1);
  setOption(fd, SOL.NETLINK, NETLINK_OPT.ADD_MEMBERSHIP, 5);
  const row = byInode(diag.netlink(NETLINK_ROUTE)).get(inode(fd));
  expect(row).toMatchObject({ type: SOCK.RAW, protocol: NETLINK_ROUTE, dstPort: 0, dstGroup: 0 });
  expect(row?.port).not.toBe(0);
  expect(row?.groups[0]).toBe((1 << 0) | (1 << 4));
  expect(byInode(diag.netlink()).has(inode(fd))).toBe(true);
});

test.skipIf(!root || Bun.which("unshare") === null || Bun.which("python3") === null)(
  "the sockets of another namespace, by a socket that was made there (skipped without root, unshare, python3)",
  async () => {
    const script =
      "import socket,sys\n" +
      "d=socket.socket(16,3,4)\n" +
      "u=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); u.bind('\\0elsewhere')\n" +
      "print(d.fileno(), flush=True)\nsys.stdin.readline()";
    const child = Bun.spawn(["unshare", "-n", "python3", "-c", script], { stdin: "pipe", stdout: "pipe" });
    try {
      const { value } = await child.stdout.getReader().read();
      const pidfd = pidfdOpen(child.pid);
      const fd = pidfdGetfd(pidfd, Number(new TextDecoder().decode(value)));
      closeSync(pidfd);
      using there = new SockDiag(fd);
      const names = there.unix().map((one) => one.name && new TextDecoder().decode(one.name));
      expect(names).toEqual(["\0elsewhere"]);
      closeSync(fd);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  },
);

test("a listing while sockets come and go stays whole", () => {
  const kept = pair(SOCK.STREAM).map(keep).map(inode);
  for (let i = 0; i < 200; i++) {
    const [a, b] = pair(SOCK.STREAM);
    const rows = byInode(diag.unix());
    for (const ino of kept) expect(rows.has(ino)).toBe(true);
    closeSync(a);
    closeSync(b);
  }
});
