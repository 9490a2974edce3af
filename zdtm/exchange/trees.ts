/** Which cases the trees are made of: CRIU keeps the state of each of these, too. */
export const trees: readonly (readonly string[])[] = [
  [
    ...["child_opened_proc", "child_subreaper", "child_subreaper_and_reparent", "child_subreaper_existing_child"],
    ...["thread_children", "wait00", "wait_blocked", "xids00", "zombie01", "pid00"],
  ],
  [
    ...["clear_child_tid", "futex", "futex-rl", "futex_pi", "thread_altstack", "thread_static", "threads64"],
    ...["sigaltstack", "sigaltstack_in_use", "sigmask_threads", "sigpending", "sigpending_kinds", "timers01"],
    ...["timer_pending_alarm", "timerfd_absolute", "time"],
  ],
  [
    ...["fifo", "fifo-ghost", "fifo-rowo-pair", "fifo_full", "fifo_opening", "fifo_ro", "fifo_wronly", "pipe00"],
    ...["pipe02", "pipe03", "pipe_blocked", "pipe_closed", "unlink_fifo", "unlink_fifo_wronly"],
    ...["socket6_udp", "socket_listen", "socket_listen4v6", "unbound_sock", "epoll", "epoll01"],
  ],
  [
    ...["chardev", "chroot", "chroot-file", "cwd00", "cwd01", "cwd02", "fd", "fd01", "fd_std_closed", "file_append"],
    ...["lib_replaced", "link10", "mtime_mmap", "open_flags", "proc-self", "remap_dead_pid", "symlink"],
    ...["unlink_fstat00", "write_read00", "write_read10"],
  ],
  [
    ...["caps00", "nonroot", "securebits", "dumpable01", "loginuid", "oom_score_adj", "pdeath_root", "sched_prio00"],
    ...["selfexe00", "umask00", "vdso00", "vdso01", "vdso_moved"],
  ],
  [
    ...["argv_moved", "auxv00", "brk00", "cow00", "cow01", "exec_memory", "grow_map", "maps00", "maps01", "maps03"],
    ...[
      "aio00",
      "aio01",
      "memfd02",
      "shmemfd",
      "maps04",
      "maps_file_prot",
      "prot_none_content",
      "relro_dirty",
      "fpu00",
      "fpu01",
      "regs00",
      "inotify02",
    ],
  ],
];

export const ownTrees: readonly (readonly string[])[] = [["pkey00", "pkey_family", "pkru00"]];

/** 32-bit programs, which the CRIU of that Debian kills when it dumps them. */
export const i386Trees: readonly (readonly string[])[] = [
  ["i386_regs", "i386_tls", "i386_signals", "i386_maps", "i386_robust", "i386_vdso"],
];

/** Trees that go to another kernel: what their files are is carried along, so they have no others than regular ones. */
export const travellers: readonly (readonly string[])[] = [
  ["vdso01", "vdso-proxy", "vdso_busy"],
  ["thread_static", "wait00", "cow00", "fpu00", "sigpending", "zombie01", "vdso02", "pipe_blocked"],
];
