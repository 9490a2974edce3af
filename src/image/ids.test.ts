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

test("ids are translated in POSIX ACLs and in whose capabilities they are", () => {
  const acl = (user: number, group: number) =>
    new Uint8Array(Uint32Array.of(2, 0x60001, -1, 0x40002, user, 0x40008, group, 0x40010, -1).buffer);
  const capability = (root: number) => new Uint8Array(Uint32Array.of(0x03000001, 0x2000, 0, 0, 0, root).buffer);
  const file = (user: number, group: number) => ({
    uid: user,
    gid: group,
    tscriu_attributes: {
      xattrs: [
        { name: "system.posix_acl_access", value: acl(user, group) },
        { name: "security.capability", value: capability(user) },
        { name: "user.text", value: acl(1, 2) },
      ],
    },
  });
  expect(translateIds("ghost_file_entry", file(5, 6), ids)).toEqual(file(1005, 2006));
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
