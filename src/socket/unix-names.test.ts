import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestRun } from "../file/testing.ts";
import { closeFd } from "../kernel/fd.ts";
import { accept, listen, ownAddress, peerAddress, tryConnect, unixAddress } from "../kernel/socket.ts";
import { SOCK } from "../kernel/uapi/socket.ts";
import { unix } from "./unix.ts";

import { address, closeAll, dir, haveSockets, name, open, receive, row, send, socket } from "./unix-testing.ts";

haveSockets();

describe("names", () => {
  test("a listener at a path takes connections again, with its owner and permissions", () => {
    const path = join(dir, "l.sock");
    const l = socket(SOCK.STREAM, path);
    chmodSync(path, 0o613);
    listen(l, 7);
    using run = new TestRun(unix);
    run.dump(l);
    expect(run.entries.get(1)?.usk).toMatchObject({
      state: 10,
      backlog: 7,
      file_perms: { mode: 0o140613, uid: 0, gid: 0 },
    });
    expect(Buffer.from(run.entries.get(1)?.usk?.name ?? []).toString()).toBe(`${path}\0`);
    closeAll();
    run.restore();
    expect(statSync(path).mode).toBe(0o140613);
    const c = socket(SOCK.STREAM);
    expect(tryConnect(c, unixAddress(path))).toBe(0);
    expect(row(run.fd(1))).toMatchObject({ state: 10, wqueue: 7, rqueue: 1 });
  });

  test("that begin at a directory are bound there again", () => {
    const before = process.cwd();
    process.chdir(dir);
    try {
      const l = socket(SOCK.SEQPACKET, "rel.sock");
      listen(l, 1);
      using run = new TestRun(unix);
      run.dump(l);
      expect(run.entries.get(1)?.usk).toMatchObject({ name_dir: dir });
      closeAll();
      process.chdir("/");
      run.restore();
      expect(process.cwd()).toBe("/");
      expect(name(ownAddress(run.fd(1)))).toBe("rel.sock");
      const c = socket(SOCK.SEQPACKET);
      expect(tryConnect(c, unixAddress(join(dir, "rel.sock")))).toBe(0);
    } finally {
      process.chdir(before);
    }
  });

  test("abstract ones come back", () => {
    const l = socket(SOCK.STREAM, `@tscriu-${process.pid}-abstract`);
    listen(l, 3);
    using run = new TestRun(unix);
    run.dump(l);
    closeAll();
    run.restore();
    expect(tryConnect(socket(SOCK.STREAM), address(`@tscriu-${process.pid}-abstract`))).toBe(0);
  });

  test("that were deleted are kept, and the path stays free", () => {
    const path = join(dir, "gone.sock");
    const server = socket(SOCK.DGRAM, path);
    const client = socket(SOCK.DGRAM);
    tryConnect(client, unixAddress(path));
    send(client, "queued");
    unlinkSync(path);
    using run = new TestRun(unix);
    run.dump(client, server);
    expect(run.entries.get(2)?.usk?.deleted).toBe(true);
    closeAll();
    run.restore();
    expect(existsSync(path)).toBe(false);
    expect(name(ownAddress(run.fd(2)))).toBe(path);
    send(run.fd(1), "more");
    expect([receive(run.fd(2)), receive(run.fd(2))]).toEqual(["queued", "more"]);
  });

  test.each([
    ["a path", ""],
    ["an abstract name", "@"],
  ])("of an accepted connection: that of the listener, %s", (_, kind) => {
    const at = kind ? `@tscriu-${process.pid}-accept` : join(dir, "a.sock");
    const l = socket(SOCK.STREAM, at);
    listen(l, 5);
    const c = socket(SOCK.STREAM);
    tryConnect(c, address(at));
    const s = accept(l);
    open.push(s);
    send(c, "hello");
    using run = new TestRun(unix);
    run.dump(c, s, l);
    const [peerName, ownName] = [name(peerAddress(c)), name(ownAddress(s))];
    closeAll();
    run.restore();
    expect([name(peerAddress(run.fd(1))), name(ownAddress(run.fd(2)))]).toEqual([peerName, ownName]);
    expect(ownName.length).toBeGreaterThan(5);
    expect(receive(run.fd(2))).toBe("hello");
    expect(tryConnect(socket(SOCK.STREAM), address(at))).toBe(0);
  });

  test("of an accepted connection whose listener is closed", () => {
    const path = join(dir, "b.sock");
    const l = socket(SOCK.STREAM, path);
    listen(l, 5);
    const c = socket(SOCK.STREAM);
    tryConnect(c, unixAddress(path));
    const s = accept(l);
    closeFd(l);
    open.splice(open.indexOf(l), 1);
    open.push(s);
    using run = new TestRun(unix);
    run.dump(c, s);
    closeAll();
    run.restore();
    expect(name(peerAddress(run.fd(1)))).toBe(path);
    send(run.fd(1), "x");
    expect(receive(run.fd(2))).toBe("x");
  });

  test("of a path that is another file by now is not touched", () => {
    const path = join(dir, "c.sock");
    const l = socket(SOCK.STREAM, path);
    listen(l, 5);
    using run = new TestRun(unix);
    run.dump(l);
    expect(() => run.restore()).toThrow("in use");
    using run2 = new TestRun(unix);
    run2.dump(l);
    closeAll();
    unlinkSync(path);
    writeFileSync(path, "precious");
    expect(() => run2.restore()).toThrow("taken by another file");
  });
});
