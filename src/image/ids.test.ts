import { expect, test } from "bun:test";
import { translateIds } from "./ids.ts";

const ids = { uid: (id: number) => id + 1000, gid: (id: number) => id + 2000 };

test("ids are translated wherever an entry has them, and nowhere else", () => {
  const fown = { uid: 1, euid: 2, signum: 0, pid_type: 0, pid: 5 };
  const usk = {
    id: 3,
    ino: 4,
    fown,
    tscriu_uid: 6,
    tscriu_peer: [7, 8, 9],
    file_perms: { mode: 0o600, uid: 1, gid: 2 },
  };
  const entry = { type: 12, id: 3, usk };
  expect(translateIds("file_entry", entry, ids)).toEqual({
    type: 12,
    id: 3,
    usk: {
      ...usk,
      fown: { ...fown, uid: 1001, euid: 1002 },
      tscriu_uid: 1006,
      tscriu_peer: [7, 1008, 2009],
      file_perms: { mode: 0o600, uid: 1001, gid: 2002 },
    },
  });
  expect(usk.fown.uid).toBe(1);
});

test("a message without ids stays the object that it was", () => {
  const entry = { pid: 1, ppid: 0, pgid: 1, sid: 1, threads: [1] };
  expect(translateIds("pstree_entry", entry, ids)).toBe(entry);
  const creds = { uid: 1, gid: 1 };
  expect(translateIds("creds_entry", creds, ids)).toBe(creds);
});

test("an interface that is nobody's stays nobody's", () => {
  const entry = { flags: 1, owner: -1, group: 5, vnethdr: 0, sndbuf: 0 };
  expect(translateIds("tun_link_entry", entry, ids)).toEqual({ ...entry, group: 2005 });
});
