import { expect, test } from "bun:test";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeFd, makePipe } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, cstring, sys } from "../kernel/sys.ts";
import { Rehearsal } from "./rehearsal.ts";

const MNT_DETACH = 2;

/** An automounter's mount on a directory; undefined where this machine has none. */
function automount(path: string, writeEnd: number): Disposable | undefined {
  const [source, at, type] = ["tscriu", path, "autofs"].map(cstring);
  const options = cstring(`fd=${writeEnd},pgrp=${sys(NR.getpgid, 0)},minproto=5,maxproto=5,direct`);
  if (!source || !at || !type) return undefined;
  const made = sys(NR.mount, addressOf(source), addressOf(at), addressOf(type), 0, addressOf(options));
  if (made < 0) return undefined;
  return { [Symbol.dispose]: () => void sys(NR.umount2, addressOf(at), MNT_DETACH) };
}

test("the pipe of an automounter is told by what it mounts (needs root and autofs)", () => {
  const path = mkdtempSync(join(tmpdir(), "tscriu-autofs-"));
  const [read, write] = makePipe();
  try {
    using mount = automount(path, write);
    closeFd(write);
    if (!mount) return;
    using run = new Rehearsal();
    run.dump([run.high(read)]);
    expect(run.blockers).toHaveLength(1);
    expect([run.blockers[0]?.message, run.blockers[0]?.subject.path]).toEqual([
      expect.stringContaining("asks this program to mount something"),
      path,
    ]);
  } finally {
    closeFd(read);
    rmdirSync(path);
  }
});
