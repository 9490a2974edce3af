// asm/fcntl.h, linux/fcntl.h, linux/memfd.h
import { byArch } from "./arch.ts";

/** Flags of open(2), as F_GETFL and fdinfo show them. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  ACCMODE: 3,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DSYNC: 0o10000,
  ASYNC: 0o20000,
  DIRECT: byArch(0o40000, 0o200000),
  LARGEFILE: byArch(0o100000, 0o400000),
  DIRECTORY: byArch(0o200000, 0o40000),
  NOFOLLOW: byArch(0o400000, 0o100000),
  NOATIME: 0o1000000,
  CLOEXEC: 0o2000000,
  SYNC: 0o4010000,
  PATH: 0o10000000,
  TMPFILE: 0o20000000 + byArch(0o200000, 0o40000),
} as const;

/** Commands of fcntl(2). */
export const F = {
  DUPFD: 0,
  GETFD: 1,
  SETFD: 2,
  GETFL: 3,
  SETFL: 4,
  GETLK: 5,
  SETLK: 6,
  SETLKW: 7,
  SETOWN: 8,
  GETOWN: 9,
  SETSIG: 10,
  GETSIG: 11,
  SETOWN_EX: 15,
  GETOWN_EX: 16,
  GETOWNER_UIDS: 17,
  OFD_GETLK: 36,
  OFD_SETLK: 37,
  OFD_SETLKW: 38,
  SETLEASE: 1024,
  GETLEASE: 1025,
  NOTIFY: 1026,
  DUPFD_QUERY: 1027,
  CREATED_QUERY: 1028,
  CANCELLK: 1029,
  DUPFD_CLOEXEC: 1030,
  SETPIPE_SZ: 1031,
  GETPIPE_SZ: 1032,
  ADD_SEALS: 1033,
  GET_SEALS: 1034,
  GET_RW_HINT: 1035,
  SET_RW_HINT: 1036,
} as const;

export const FD_CLOEXEC = 1;

/** Kinds of owner in struct f_owner_ex. */
export const F_OWNER = {
  TID: 0,
  PID: 1,
  PGRP: 2,
} as const;

/** Lock types of fcntl(2). */
export const F_LOCK = {
  RDLCK: 0,
  WRLCK: 1,
  UNLCK: 2,
} as const;

/** Operations of flock(2). */
export const LOCK = {
  SH: 1,
  EX: 2,
  NB: 4,
  UN: 8,
  MAND: 0x20,
  READ: 0x40,
  WRITE: 0x80,
  RW: 0xc0,
} as const;

/** Seals of memfd_create(2). */
export const F_SEAL = {
  SEAL: 1,
  SHRINK: 2,
  GROW: 4,
  WRITE: 8,
  FUTURE_WRITE: 0x10,
  EXEC: 0x20,
} as const;

/** Flags of memfd_create(2); the page size of HUGETLB stands in bits 26 and up. */
export const MFD = {
  CLOEXEC: 1,
  ALLOW_SEALING: 2,
  HUGETLB: 4,
  NOEXEC_SEAL: 8,
  EXEC: 0x10,
} as const;

/** The *at calls. */
export const AT = {
  FDCWD: -100,
  SYMLINK_NOFOLLOW: 0x100,
  REMOVEDIR: 0x200,
  SYMLINK_FOLLOW: 0x400,
  NO_AUTOMOUNT: 0x800,
  EMPTY_PATH: 0x1000,
  RECURSIVE: 0x8000,
} as const;

/** Directory notification (F_NOTIFY). */
export const DN = {
  ACCESS: 1,
  MODIFY: 2,
  CREATE: 4,
  DELETE: 8,
  RENAME: 0x10,
  ATTRIB: 0x20,
  MULTISHOT: 0x80000000,
} as const;

/** Flags of renameat2(2). */
export const RENAME = {
  NOREPLACE: 1,
  EXCHANGE: 2,
  WHITEOUT: 4,
} as const;

/** Origins of lseek(2). */
export const SEEK = {
  SET: 0,
  CUR: 1,
  END: 2,
  DATA: 3,
  HOLE: 4,
} as const;

/** Modes of fallocate(2). */
export const FALLOC = {
  KEEP_SIZE: 1,
  PUNCH_HOLE: 2,
  COLLAPSE_RANGE: 8,
  ZERO_RANGE: 0x10,
  INSERT_RANGE: 0x20,
  UNSHARE_RANGE: 0x40,
} as const;
