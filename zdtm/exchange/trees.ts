/** Which cases the trees are made of: CRIU keeps the state of each of these, too. native.test.ts has many more for the CRIU of today. */
export const trees: readonly (readonly string[])[] = [
  [
    ...["zombie01", "futex", "sigpending", "timerfd_absolute", "pipe00", "fifo-ghost", "socket_listen", "epoll"],
    ...["cwd01", "caps00", "maps04", "shmemfd"],
  ],
];

export const ownTrees: readonly (readonly string[])[] = [["pkey00", "pkey_family", "pkru00"]];

/** 32-bit programs, which the CRIU of that Debian kills when it dumps them. */
export const i386Trees: readonly (readonly string[])[] = [
  ["i386_regs", "i386_tls", "i386_signals", "i386_maps", "i386_robust", "i386_vdso"],
];

/** Trees that go to another kernel: what their files are is carried along, so they have no others than regular ones. */
export const travellers: readonly (readonly string[])[] = [
  [
    ...["vdso01", "vdso02", "vdso-proxy", "vdso_busy", "thread_static", "wait00", "cow00", "fpu00", "sigpending"],
    ...["zombie01", "pipe_blocked"],
  ],
];
