import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { TestRun } from "../file/testing.ts";
import { closeFd } from "../kernel/fd.ts";
import { makeSocketPair, tryConnect, unixAddress } from "../kernel/socket.ts";
import { statFd } from "../kernel/stat.ts";
import { AF, SOCK } from "../kernel/uapi/socket.ts";
import { unix } from "./unix.ts";

import { dir, haveSockets, open, pair, receive, send, socket } from "./unix-testing.ts";

haveSockets();

describe("a peer outside of the tree", () => {
  test("is named, and may be given anew", async () => {
    const [a, b] = makeSocketPair(AF.UNIX, SOCK.STREAM);
    open.push(a);
    const outside = Bun.spawn(["/bin/sleep", "1000"], { stdin: b });
    closeFd(b);
    try {
      using run = new TestRun(unix);
      expect(() => run.dump(a)).toThrow("not part of the tree");
      expect(run.blockers[0]?.message).toContain(`process ${outside.pid} (sleep)`);
      const ino = String(statFd(a).ino);
      expect(run.blockers[0]?.remedy).toContain(`--external 'unix[${ino}]'`);
      using second = new TestRun(unix, {
        dump: { external: [{ kind: "unix", id: ino, value: "", text: `unix[${ino}]` }] },
      });
      second.dump(a);
      const [x, y] = pair(SOCK.STREAM);
      second.restore({ inheritFds: [{ fd: x, resource: `socket:[${ino}]` }] });
      send(second.fd(1), "hello");
      expect(receive(y)).toBe("hello");
    } finally {
      outside.kill();
      await outside.exited;
    }
  });
});

describe("a stream whose peer stays outside", () => {
  test("comes back as closed by the peer, with what waited, when nobody gives a new one", async () => {
    const [a, b] = makeSocketPair(AF.UNIX, SOCK.STREAM);
    open.push(a);
    send(b, "last");
    const outside = Bun.spawn(["/bin/sleep", "1000"], { stdin: b });
    closeFd(b);
    try {
      const id = String(statFd(a).ino);
      using run = new TestRun(unix, { dump: { external: [{ kind: "unix", id, value: "", text: `unix[${id}]` }] } });
      run.dump(a);
      expect(run.blockers).toEqual([]);
      run.restore();
      expect(run.warnings[0]).toContain(`socket:[${id}]`);
      expect(receive(run.fd(1))).toBe("last");
      expect(receive(run.fd(1))).toBe("");
    } finally {
      outside.kill();
      await outside.exited;
    }
  });
});

describe("a named datagram peer outside of the tree", () => {
  /** Bound by us, then held by another program alone. */
  function outsider(path: string) {
    const server = socket(SOCK.DGRAM, path);
    return { server, program: Bun.spawn(["/bin/sleep", "1000"], { stdin: server }) };
  }

  test("is refused without --ext-unix-sk, which the error tells", async () => {
    const path = join(dir, "x.sock");
    const { server, program } = outsider(path);
    try {
      const client = socket(SOCK.DGRAM);
      tryConnect(client, unixAddress(path));
      closeFd(server);
      open.splice(open.indexOf(server), 1);
      using run = new TestRun(unix);
      expect(() => run.dump(client)).toThrow(`process ${program.pid} (sleep) at ${path}`);
      expect(run.blockers[0]?.remedy).toContain("--ext-unix-sk");
      using second = new TestRun(unix, { dump: { extUnixSk: true } });
      second.dump(client);
      program.kill();
      await program.exited;
      rmSync(path);
      expect(() => second.restore()).toThrow("cannot connect a unix socket to the program outside of the tree");
    } finally {
      program.kill();
      await program.exited;
    }
  });
});
