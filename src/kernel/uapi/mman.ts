// asm-generic/mman-common.h, asm/mman.h, linux/mman.h, linux/userfaultfd.h

export const PROT = {
  NONE: 0,
  READ: 1,
  WRITE: 2,
  EXEC: 4,
  SEM: 8,
  GROWSDOWN: 0x1000000,
  GROWSUP: 0x2000000,
} as const;

/** Flags of mmap(2); the page size of HUGETLB stands in bits 26 and up. 32BIT is x86's alone. */
export const MAP = {
  SHARED: 1,
  PRIVATE: 2,
  SHARED_VALIDATE: 3,
  DROPPABLE: 8,
  TYPE: 0xf,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  "32BIT": 0x40,
  GROWSDOWN: 0x100,
  DENYWRITE: 0x800,
  EXECUTABLE: 0x1000,
  LOCKED: 0x2000,
  NORESERVE: 0x4000,
  POPULATE: 0x8000,
  NONBLOCK: 0x10000,
  STACK: 0x20000,
  HUGETLB: 0x40000,
  SYNC: 0x80000,
  FIXED_NOREPLACE: 0x100000,
} as const;

/** Where the logarithm of a huge page's size stands in MAP_*, MFD_* and SHM_* flags. */
export const HUGE_SHIFT = 26;

/** Advice of madvise(2). */
export const MADV = {
  NORMAL: 0,
  RANDOM: 1,
  SEQUENTIAL: 2,
  WILLNEED: 3,
  DONTNEED: 4,
  FREE: 8,
  REMOVE: 9,
  DONTFORK: 10,
  DOFORK: 11,
  MERGEABLE: 12,
  UNMERGEABLE: 13,
  HUGEPAGE: 14,
  NOHUGEPAGE: 15,
  DONTDUMP: 16,
  DODUMP: 17,
  WIPEONFORK: 18,
  KEEPONFORK: 19,
  COLD: 20,
  PAGEOUT: 21,
  POPULATE_READ: 22,
  POPULATE_WRITE: 23,
  DONTNEED_LOCKED: 24,
  COLLAPSE: 25,
  HWPOISON: 100,
  SOFT_OFFLINE: 101,
  GUARD_INSTALL: 102,
  GUARD_REMOVE: 103,
} as const;

export const MREMAP = {
  MAYMOVE: 1,
  FIXED: 2,
  DONTUNMAP: 4,
} as const;

export const MCL = {
  CURRENT: 1,
  FUTURE: 2,
  ONFAULT: 4,
} as const;

/** Flags of msync(2). */
export const MS = {
  ASYNC: 1,
  INVALIDATE: 2,
  SYNC: 4,
} as const;

export const UFFDIO_REGISTER_MODE = {
  MISSING: 1,
  WP: 2,
  MINOR: 4,
} as const;

export const UFFD_FEATURE = {
  PAGEFAULT_FLAG_WP: 1,
  EVENT_FORK: 2,
  EVENT_REMAP: 4,
  EVENT_REMOVE: 8,
  MISSING_HUGETLBFS: 0x10,
  MISSING_SHMEM: 0x20,
  EVENT_UNMAP: 0x40,
  SIGBUS: 0x80,
  THREAD_ID: 0x100,
  MINOR_HUGETLBFS: 0x200,
  MINOR_SHMEM: 0x400,
  EXACT_ADDRESS: 0x800,
  WP_HUGETLBFS_SHMEM: 0x1000,
  WP_UNPOPULATED: 0x2000,
  POISON: 0x4000,
  WP_ASYNC: 0x8000,
  MOVE: 0x10000,
} as const;
