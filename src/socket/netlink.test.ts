import { afterEach, expect, test } from "bun:test";
import { TestRun } from "../file/testing.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { byInode, SockDiag } from "../kernel/sock-diag.ts";
import { makeSocket, tryBind, tryConnect, trySend, trySetNumber } from "../kernel/socket.ts";
import { statFd } from "../kernel/stat.ts";
import { sys } from "../kernel/sys.ts";
import { AF, NETLINK, NETLINK_OPT, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { netlink } from "./netlink.ts";
import { otherSocket } from "./other.ts";

const open: number[] = [];
afterEach(closeAll);

function closeAll(): void {
  for (const fd of open.splice(0)) closeFd(fd);
}

function socket(family: number, type: number, protocol: number): number {
  const fd = makeSocket(family, type, protocol);
  open.push(fd);
  return fd;
}

/** struct sockaddr_nl */
function address(port: number, groups: number): Uint8Array {
  return new Uint8Array(new Uint32Array([AF.NETLINK, port, groups]).buffer);
}

function row(fd: number) {
  using diag = new SockDiag();
  const { port, groups, dstPort, dstGroup, protocol, state } = byInode(diag.netlink()).get(statFd(fd).ino) ?? {};
  return { port, groups, dstPort, dstGroup, protocol, state };
}

test("netlink sockets keep port, groups and peer", () => {
  const a = socket(AF.NETLINK, SOCK.RAW, NETLINK.ROUTE);
  const port = 0x7000_0000 + process.pid;
  expect(tryBind(a, address(port, 0x11))).toBe(0);
  trySetNumber(a, SOL.NETLINK, NETLINK_OPT.ADD_MEMBERSHIP, 34);
  const b = socket(AF.NETLINK, SOCK.RAW, NETLINK.KOBJECT_UEVENT);
  const c = socket(AF.NETLINK, SOCK.RAW, NETLINK.ROUTE);
  expect(tryConnect(c, address(0, 0))).toBe(0);
  const before = [a, b, c].map(row);
  using run = new TestRun(netlink);
  run.dump(a, b, c);
  expect(run.blockers).toEqual([]);
  expect(run.entries.get(1)?.nlsk).toMatchObject({ protocol: NETLINK.ROUTE, portid: port, dst_portid: 0 });
  expect(run.entries.get(1)?.nlsk?.groups.slice(0, 2)).toEqual([0x11, 2]);
  closeAll();
  run.restore();
  expect([1, 2, 3].map((id) => row(run.fd(id)))).toEqual(before);
});

test("netlink sockets with unread answers are refused", () => {
  const fd = socket(AF.NETLINK, SOCK.RAW, NETLINK.ROUTE);
  // struct nlmsghdr and rtgenmsg: RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP
  const request = new Uint8Array(new Uint32Array([20, (0x301 << 16) | 18, 1, 0, 0]).buffer);
  expect(trySend(fd, { bytes: request, rights: [], credentials: undefined }, address(0, 0))).toBe(20);
  using run = new TestRun(netlink);
  expect(() => run.dump(fd)).toThrow("holds messages that were not read");
  expect(run.blockers.length).toBe(1);
});

test("other sockets are named", () => {
  // vsock, CAN and AF_ALG: a kernel has one or the other, or none
  const kinds = [
    [AF.VSOCK, SOCK.STREAM],
    [AF.CAN, SOCK.RAW],
    [AF.ALG, SOCK.SEQPACKET],
  ] as const;
  const found = kinds.flatMap(([family, type]) => {
    const fd = sys(NR.socket, family, type, family === AF.CAN ? 1 : 0);
    return fd < 0 ? [] : [fd];
  });
  open.push(...found);
  if (found[0] === undefined) return;
  using run = new TestRun(otherSocket);
  expect(() => run.dump(found[0] ?? -1)).toThrow("cannot be dumped yet");
  expect(run.blockers.length).toBe(1);
});
