// Made by generate.ts from proto/*.proto: change those, not this.
import * as schema from "./schema.gen.ts";

/** Messages by name, a field per line: number, label, type (.message, #enum or a scalar), name, how crit shows it. */
export const messages: Readonly<Record<string, string>> = {
  user_x86_regs_entry: `1 required uint64 r15
2 required uint64 r14
3 required uint64 r13
4 required uint64 r12
5 required uint64 bp
6 required uint64 bx
7 required uint64 r11
8 required uint64 r10
9 required uint64 r9
10 required uint64 r8
11 required uint64 ax
12 required uint64 cx
13 required uint64 dx
14 required uint64 si
15 required uint64 di
16 required uint64 orig_ax
17 required uint64 ip
18 required uint64 cs
19 required uint64 flags
20 required uint64 sp
21 required uint64 ss
22 required uint64 fs_base
23 required uint64 gs_base
24 required uint64 ds
25 required uint64 es
26 required uint64 fs
27 required uint64 gs
28 optional #user_x86_regs_mode mode`,
  user_x86_cet_entry: `1 required uint64 cet hex
2 required uint64 ssp hex`,
  user_x86_xsave_entry: `1 required uint64 xstate_bv
2 repeated uint32 ymmh_space
3 repeated uint64 bndreg_state
4 repeated uint64 bndcsr_state
5 repeated uint64 opmask_reg
6 repeated uint64 zmm_upper
7 repeated uint64 hi16_zmm
8 repeated uint32 pkru
9 optional .user_x86_cet_entry cet
2000 repeated .tscriu_xstate tscriu_xstates`,
  tscriu_xstate: `1 required uint32 component
2 required bytes state`,
  user_x86_fpregs_entry: `1 required uint32 cwd
2 required uint32 swd
3 required uint32 twd
4 required uint32 fop
5 required uint64 rip
6 required uint64 rdp
7 required uint32 mxcsr
8 required uint32 mxcsr_mask
9 repeated uint32 st_space
10 repeated uint32 xmm_space
11 repeated uint32 padding
13 optional .user_x86_xsave_entry xsave`,
  user_desc_t: `1 required uint32 entry_number
2 required uint32 base_addr
3 required uint32 limit
4 required bool seg_32bit
5 required bool contents_h
6 required bool contents_l
7 required bool read_exec_only
8 required bool limit_in_pages
9 required bool seg_not_present
10 required bool usable`,
  thread_info_x86: `1 required uint64 clear_tid_addr hex
2 required .user_x86_regs_entry gpregs hex
3 required .user_x86_fpregs_entry fpregs
4 repeated .user_desc_t tls`,
  user_aarch64_regs_entry: `1 repeated uint64 regs
2 required uint64 sp
3 required uint64 pc
4 required uint64 pstate`,
  user_aarch64_fpsimd_context_entry: `1 repeated uint64 vregs
2 required uint32 fpsr
3 required uint32 fpcr`,
  pac_address_keys: `1 required uint64 apiakey_lo
2 required uint64 apiakey_hi
3 required uint64 apibkey_lo
4 required uint64 apibkey_hi
5 required uint64 apdakey_lo
6 required uint64 apdakey_hi
7 required uint64 apdbkey_lo
8 required uint64 apdbkey_hi
9 required uint64 pac_enabled_key`,
  pac_generic_keys: `1 required uint64 apgakey_lo
2 required uint64 apgakey_hi`,
  pac_keys: `6 optional .pac_address_keys pac_address_keys
7 optional .pac_generic_keys pac_generic_keys`,
  thread_info_aarch64: `1 required uint64 clear_tid_addr hex
2 required uint64 tls
3 required .user_aarch64_regs_entry gpregs hex
4 required .user_aarch64_fpsimd_context_entry fpsimd
5 optional .pac_keys pac_keys
2000 repeated .tscriu_regset tscriu_regsets`,
  tscriu_regset: `1 required uint32 type
2 required bytes state`,
  user_arm_regs_entry: `1 required uint32 r0
2 required uint32 r1
3 required uint32 r2
4 required uint32 r3
5 required uint32 r4
6 required uint32 r5
7 required uint32 r6
8 required uint32 r7
9 required uint32 r8
10 required uint32 r9
11 required uint32 r10
12 required uint32 fp
13 required uint32 ip
14 required uint32 sp
15 required uint32 lr
16 required uint32 pc
17 required uint32 cpsr
18 required uint32 orig_r0`,
  user_arm_vfpstate_entry: `1 repeated uint64 vfp_regs
2 required uint32 fpscr
3 required uint32 fpexc
4 required uint32 fpinst
5 required uint32 fpinst2`,
  thread_info_arm: `1 required uint64 clear_tid_addr hex
2 required uint32 tls
3 required .user_arm_regs_entry gpregs hex
4 required .user_arm_vfpstate_entry fpstate`,
  user_ppc64_regs_entry: `1 repeated uint64 gpr
2 required uint64 nip
3 required uint64 msr
4 required uint64 orig_gpr3
5 required uint64 ctr
6 required uint64 link
7 required uint64 xer
8 required uint64 ccr
9 required uint64 trap
10 optional uint64 texasr
11 optional uint64 tfhar
12 optional uint64 tfiar`,
  user_ppc64_fpstate_entry: `1 repeated uint64 fpregs`,
  user_ppc64_vrstate_entry: `1 repeated uint64 vrregs
2 required uint32 vrsave`,
  user_ppc64_vsxstate_entry: `1 repeated uint64 vsxregs`,
  user_ppc64_tm_regs_entry: `1 required .user_ppc64_regs_entry gpregs
2 optional .user_ppc64_fpstate_entry fpstate
3 optional .user_ppc64_vrstate_entry vrstate
4 optional .user_ppc64_vsxstate_entry vsxstate`,
  thread_info_ppc64: `1 required uint64 clear_tid_addr hex
2 required .user_ppc64_regs_entry gpregs hex
3 optional .user_ppc64_fpstate_entry fpstate
4 optional .user_ppc64_vrstate_entry vrstate
5 optional .user_ppc64_vsxstate_entry vsxstate
6 optional .user_ppc64_tm_regs_entry tmstate`,
  user_s390_regs_entry: `1 required uint64 psw_mask
2 required uint64 psw_addr
3 repeated uint64 gprs
4 repeated uint32 acrs
5 required uint64 orig_gpr2
6 required uint32 system_call`,
  user_s390_vxrs_low_entry: `1 repeated uint64 regs`,
  user_s390_vxrs_high_entry: `1 repeated uint64 regs`,
  user_s390_fpregs_entry: `1 required uint32 fpc
2 repeated uint64 fprs`,
  user_s390_gs_cb_entry: `1 repeated uint64 regs`,
  user_s390_ri_entry: `1 required uint32 ri_on
2 repeated uint64 regs`,
  thread_info_s390: `1 required uint64 clear_tid_addr hex
2 required .user_s390_regs_entry gpregs hex
3 required .user_s390_fpregs_entry fpregs hex
4 optional .user_s390_vxrs_low_entry vxrs_low hex
5 optional .user_s390_vxrs_high_entry vxrs_high hex
6 optional .user_s390_gs_cb_entry gs_cb hex
7 optional .user_s390_gs_cb_entry gs_bc hex
8 optional .user_s390_ri_entry ri_cb hex`,
  user_mips_regs_entry: `1 required uint64 r0
2 required uint64 r1
3 required uint64 r2
4 required uint64 r3
5 required uint64 r4
6 required uint64 r5
7 required uint64 r6
8 required uint64 r7
9 required uint64 r8
10 required uint64 r9
11 required uint64 r10
12 required uint64 r11
13 required uint64 r12
14 required uint64 r13
15 required uint64 r14
16 required uint64 r15
17 required uint64 r16
18 required uint64 r17
19 required uint64 r18
20 required uint64 r19
21 required uint64 r20
22 required uint64 r21
23 required uint64 r22
24 required uint64 r23
25 required uint64 r24
26 required uint64 r25
27 required uint64 r26
28 required uint64 r27
29 required uint64 r28
30 required uint64 r29
31 required uint64 r30
32 required uint64 r31
33 required uint64 lo
34 required uint64 hi
35 required uint64 cp0_epc
36 required uint64 cp0_badvaddr
37 required uint64 cp0_status
38 required uint64 cp0_cause`,
  user_mips_fpregs_entry: `1 required uint64 r0
2 required uint64 r1
3 required uint64 r2
4 required uint64 r3
5 required uint64 r4
6 required uint64 r5
7 required uint64 r6
8 required uint64 r7
9 required uint64 r8
10 required uint64 r9
11 required uint64 r10
12 required uint64 r11
13 required uint64 r12
14 required uint64 r13
15 required uint64 r14
16 required uint64 r15
17 required uint64 r16
18 required uint64 r17
19 required uint64 r18
20 required uint64 r19
21 required uint64 r20
22 required uint64 r21
23 required uint64 r22
24 required uint64 r23
25 required uint64 r24
26 required uint64 r25
27 required uint64 r26
28 required uint64 r27
29 required uint64 r28
30 required uint64 r29
31 required uint64 r30
32 required uint64 r31
33 required uint64 lo
34 required uint64 hi
35 required uint32 fpu_fcr31
36 required uint32 fpu_id`,
  thread_info_mips: `1 required uint64 clear_tid_addr hex
2 required uint64 tls
3 required .user_mips_regs_entry gpregs hex
4 required .user_mips_fpregs_entry fpregs hex`,
  user_loongarch64_gpregs_entry: `1 repeated uint64 regs
2 required uint64 pc`,
  user_loongarch64_fpregs_entry: `1 repeated uint64 regs
2 required uint64 fcc
3 required uint32 fcsr`,
  thread_info_loongarch64: `1 required uint64 clear_tid_addr hex
2 required uint64 tls
3 required .user_loongarch64_gpregs_entry gpregs hex
4 required .user_loongarch64_fpregs_entry fpregs hex`,
  user_riscv64_regs_entry: `1 required uint64 pc
2 required uint64 ra
3 required uint64 sp
4 required uint64 gp
5 required uint64 tp
6 required uint64 t0
7 required uint64 t1
8 required uint64 t2
9 required uint64 s0
10 required uint64 s1
11 required uint64 a0
12 required uint64 a1
13 required uint64 a2
14 required uint64 a3
15 required uint64 a4
16 required uint64 a5
17 required uint64 a6
18 required uint64 a7
19 required uint64 s2
20 required uint64 s3
21 required uint64 s4
22 required uint64 s5
23 required uint64 s6
24 required uint64 s7
25 required uint64 s8
26 required uint64 s9
27 required uint64 s10
28 required uint64 s11
29 required uint64 t3
30 required uint64 t4
31 required uint64 t5
32 required uint64 t6`,
  user_riscv64_d_ext_entry: `1 repeated uint64 f
2 required uint32 fcsr`,
  thread_info_riscv64: `1 required uint64 clear_tid_addr hex
2 required uint64 tls
3 required .user_riscv64_regs_entry gpregs hex
4 required .user_riscv64_d_ext_entry fpsimd`,
  cpuinfo_x86_entry: `1 required #cpuinfo_x86_entry.vendor vendor_id
2 required uint32 cpu_family
3 required uint32 model
4 required uint32 stepping
5 required uint32 capability_ver
6 repeated uint32 capability
7 optional string model_id
8 optional uint64 xfeatures_mask
9 optional uint32 xsave_size
10 optional uint32 xsave_size_max`,
  cpuinfo_ppc64_entry: `1 required #cpuinfo_ppc64_entry.endianness endian
2 repeated uint64 hwcap`,
  cpuinfo_s390_entry: `2 repeated uint64 hwcap`,
  cpuinfo_entry: `1 repeated .cpuinfo_x86_entry x86_entry
2 repeated .cpuinfo_ppc64_entry ppc64_entry
3 repeated .cpuinfo_s390_entry s390_entry`,
  fown_entry: `1 required uint32 uid
2 required uint32 euid
3 required uint32 signum
4 required uint32 pid_type
5 required uint32 pid`,
  timeval: `1 required uint64 tv_sec
2 required uint64 tv_usec`,
  sysctl_entry: `1 required #SysctlType type
2 optional int32 iarg
3 optional string sarg`,
  sk_opts_entry: `1 required uint32 so_sndbuf
2 required uint32 so_rcvbuf
3 required uint64 so_snd_tmo_sec
4 required uint64 so_snd_tmo_usec
5 required uint64 so_rcv_tmo_sec
6 required uint64 so_rcv_tmo_usec
7 optional bool reuseaddr
8 optional uint32 so_priority
9 optional uint32 so_rcvlowat
10 optional uint32 so_mark
11 optional bool so_passcred
12 optional bool so_passsec
13 optional bool so_dontroute
14 optional bool so_no_check
15 optional string so_bound_dev
16 repeated fixed64 so_filter
17 optional bool so_reuseport
18 optional bool so_broadcast
19 optional bool so_keepalive
20 optional uint32 tcp_keepcnt
21 optional uint32 tcp_keepidle
22 optional uint32 tcp_keepintvl
23 optional uint32 so_oobinline
24 optional uint32 so_linger
25 optional uint32 so_buf_lock
2000 repeated .tscriu_option tscriu_options
2001 optional uint32 tscriu_uid
2002 optional uint32 tscriu_gid`,
  tscriu_netns: `1 required uint32 ino
2 required uint64 cookie
3 optional string path`,
  tscriu_option: `1 required int32 name
2 optional int32 value
3 optional string text
4 optional int32 level
5 optional bytes data`,
  rlimit_entry: `1 required uint64 cur
2 required uint64 max`,
  fdinfo_entry: `1 required uint32 id
2 required uint32 flags
3 required #fd_types type
4 required uint32 fd
5 optional string xattr_security_selinux`,
  file_entry: `1 required #fd_types type
2 required uint32 id
3 optional .reg_file_entry reg
4 optional .inet_sk_entry isk
5 optional .ns_file_entry nsf
6 optional .packet_sock_entry psk
7 optional .netlink_sk_entry nlsk
8 optional .eventfd_file_entry efd
9 optional .eventpoll_file_entry epfd
10 optional .signalfd_entry sgfd
11 optional .tunfile_entry tunf
12 optional .timerfd_entry tfd
13 optional .inotify_file_entry ify
14 optional .fanotify_file_entry ffy
15 optional .ext_file_entry ext
16 optional .unix_sk_entry usk
17 optional .fifo_entry fifo
18 optional .pipe_entry pipe
19 optional .tty_file_entry tty
20 optional .memfd_file_entry memfd
21 optional .bpfmap_file_entry bpf
22 optional .pidfd_entry pidfd`,
  fh_entry: `1 required uint32 bytes
2 required uint32 type
3 repeated uint64 handle
4 optional string path
5 optional uint32 mnt_id`,
  irmap_cache_entry: `1 required uint32 dev dev odev
2 required uint64 inode
3 required string path`,
  reg_file_entry: `1 required uint32 id
2 required uint32 flags flags=rfile.flags
3 required uint64 pos
5 required .fown_entry fown
6 required string name
7 optional sint32 mnt_id
8 optional uint64 size
9 optional bool ext
10 optional uint32 mode
11 repeated uint32 build_id
12 optional uint32 checksum
13 optional uint32 checksum_config
14 optional uint32 checksum_parameter
2000 optional .tscriu_mqueue tscriu_mqueue
2001 optional uint32 tscriu_write_life`,
  tscriu_mqueue: `1 required uint64 max_messages
2 required uint64 message_size
3 required uint64 messages
4 required uint32 uid
5 required uint32 gid
6 optional uint64 unlinked`,
  ghost_file_entry: `1 required uint32 uid
2 required uint32 gid
3 required uint32 mode
4 optional uint32 dev dev
5 optional uint64 ino
6 optional uint32 rdev dev odev
7 optional .timeval atim
8 optional .timeval mtim
9 optional bool chunks
10 optional uint64 size
11 optional string symlnk_target
2000 optional uint32 tscriu_atim_ns
2001 optional uint32 tscriu_mtim_ns
2002 optional uint64 tscriu_room
2003 optional .tscriu_attributes tscriu_attributes
2004 repeated .tscriu_range tscriu_set_aside`,
  tscriu_attributes: `1 repeated .tscriu_xattr xattrs
2 optional uint32 flags
3 optional uint32 project
4 optional uint32 write_life`,
  tscriu_xattr: `1 required string name
2 required bytes value`,
  tscriu_range: `1 required uint64 offset
2 required uint64 length`,
  ghost_chunk_entry: `1 required uint64 len
2 required uint64 off`,
  remap_file_path_entry: `1 required uint32 orig_id
2 required uint32 remap_id
3 optional #remap_type remap_type`,
  pipe_entry: `1 required uint32 id
2 required uint32 pipe_id
3 required uint32 flags hex
4 required .fown_entry fown
2000 optional uint32 tscriu_uid
2001 optional uint32 tscriu_gid`,
  pipe_data_entry: `1 required uint32 pipe_id
2 required uint32 bytes
3 optional uint32 size
2000 repeated sint32 tscriu_parts`,
  fifo_entry: `1 required uint32 id
2 required uint32 pipe_id
3 optional uint32 regf_id`,
  eventfd_file_entry: `1 required uint32 id
2 required uint32 flags
3 required .fown_entry fown
4 required uint64 counter
2000 optional bool tscriu_semaphore`,
  eventpoll_tfd_entry: `1 required uint32 id
2 required uint32 tfd
3 required uint32 events
4 required uint64 data
5 optional uint32 dev
6 optional uint64 inode
7 optional uint64 pos
2000 optional uint32 tscriu_number
2001 optional uint32 tscriu_file`,
  eventpoll_file_entry: `1 required uint32 id
2 required uint32 flags
3 required .fown_entry fown
4 repeated .eventpoll_tfd_entry tfd
2000 optional uint64 tscriu_busy_poll`,
  signalfd_entry: `1 required uint32 id
2 required uint32 flags hex
3 required .fown_entry fown
4 required uint64 sigmask hex`,
  timerfd_entry: `1 required uint32 id
2 required uint32 flags hex
3 required .fown_entry fown
4 required uint32 clockid
5 required uint64 ticks
6 required uint32 settime_flags hex
7 required uint64 vsec
8 required uint64 vnsec
9 required uint64 isec
10 required uint64 insec`,
  inotify_wd_entry: `1 required uint32 id
2 required uint64 i_ino
3 required uint32 mask hex
4 required uint32 ignored_mask hex
5 required uint32 s_dev dev
6 required uint32 wd
7 required .fh_entry f_handle`,
  inotify_file_entry: `1 required uint32 id
2 required uint32 flags hex
4 required .fown_entry fown
5 repeated .inotify_wd_entry wd
2000 optional bool tscriu_lost`,
  fanotify_inode_mark_entry: `1 required uint64 i_ino
2 required .fh_entry f_handle`,
  fanotify_mount_mark_entry: `1 required uint32 mnt_id
2 optional string path`,
  fanotify_mark_entry: `1 required uint32 id
2 required #mark_type type
3 required uint32 mflags hex
4 required uint32 mask hex
5 required uint32 ignored_mask hex
6 required uint32 s_dev dev
7 optional .fanotify_inode_mark_entry ie
8 optional .fanotify_mount_mark_entry me
2000 optional bool tscriu_filesystem`,
  fanotify_file_entry: `1 required uint32 id
2 required uint32 flags hex
3 required .fown_entry fown
4 required uint32 faflags hex
5 required uint32 evflags hex
6 repeated .fanotify_mark_entry mark
2000 optional bool tscriu_unprivileged
2001 optional bool tscriu_lost`,
  memfd_file_entry: `1 required uint32 id
2 required uint32 flags flags=rfile.flags
3 required uint64 pos
4 required .fown_entry fown
5 required uint32 inode_id`,
  memfd_inode_entry: `1 required string name
2 required uint32 uid
3 required uint32 gid
4 required uint64 size
5 required uint32 shmid
6 required uint32 seals flags=seals.flags
7 required uint64 inode_id
8 optional uint32 hugetlb_flag
9 optional uint32 mode
2000 optional uint64 tscriu_room
2001 optional .tscriu_attributes tscriu_attributes
2002 repeated sint64 tscriu_times`,
  pidfd_entry: `1 required uint32 id
2 required uint32 ino
3 required uint32 flags
4 required int32 nspid
5 required .fown_entry fown`,
  winsize_entry: `1 required uint32 ws_row
2 required uint32 ws_col
3 required uint32 ws_xpixel
4 required uint32 ws_ypixel`,
  termios_entry: `1 required uint32 c_iflag
2 required uint32 c_oflag
3 required uint32 c_cflag
4 required uint32 c_lflag
5 required uint32 c_line
6 required uint32 c_ispeed
7 required uint32 c_ospeed
8 repeated uint32 c_cc`,
  tty_pty_entry: `1 required uint32 index`,
  tty_data_entry: `1 required uint32 tty_id
2 required bytes data
2000 repeated uint32 tscriu_lines`,
  tty_info_entry: `1 required uint32 id
2 required #TtyType type
3 required bool locked
4 required bool exclusive
5 required bool packet_mode
6 required uint32 sid
7 required uint32 pgrp
8 required uint32 rdev
9 optional .termios_entry termios
10 optional .termios_entry termios_locked
11 optional .winsize_entry winsize
12 optional .tty_pty_entry pty
13 optional uint32 dev
14 optional uint32 uid
15 optional uint32 gid
2000 optional uint32 tscriu_stopped
2001 optional bool tscriu_closed
2002 optional uint32 tscriu_pty
2003 optional uint32 tscriu_status`,
  tty_file_entry: `1 required uint32 id
2 required uint32 tty_info_id
3 required uint32 flags hex
4 required .fown_entry fown
6 optional uint32 regf_id`,
  file_lock_entry: `1 required uint32 flag
2 required uint32 type
3 required int32 pid
4 required int32 fd
5 required int64 start
6 required int64 len
2000 optional uint32 tscriu_lease`,
  ext_file_entry: `1 required uint32 id
5 required .fown_entry fown
2000 optional .tscriu_uring tscriu_uring`,
  tscriu_uring: `1 required uint32 setup
2 required uint32 sq_entries
3 required uint32 cq_entries
4 required uint32 submitted
5 required uint32 completed
6 required uint32 flags flags=rfile.flags
7 repeated .tscriu_uring_area areas`,
  tscriu_uring_area: `1 required uint64 start hex
2 required uint64 length
3 required uint64 offset hex
4 repeated uint32 advice`,
  bpfmap_file_entry: `1 required uint32 id
2 required uint32 flags flags=rfile.flags
3 required uint64 pos
4 required .fown_entry fown
5 required uint32 map_type
6 required uint32 key_size
7 required uint32 value_size
8 required uint32 map_id
9 required uint32 max_entries
10 required uint32 map_flags
11 required uint64 memlock
12 required bool frozen
13 required string map_name
14 required uint32 ifindex
15 optional sint32 mnt_id
16 optional uint64 map_extra`,
  bpfmap_data_entry: `1 required uint32 map_id
2 required uint32 keys_bytes
3 required uint32 values_bytes
4 required uint32 count`,
  img_streamer_request_entry: `1 required string filename`,
  img_streamer_reply_entry: `1 required bool exists`,
  dev_iolink: `1 required uint32 type
2 required uint32 node_to_id`,
  kfd_device_entry: `1 required uint32 node_id
2 required uint32 gpu_id
3 required uint32 cpu_cores_count
4 required uint32 simd_count
5 required uint32 mem_banks_count
6 required uint32 caches_count
7 required uint32 io_links_count
8 required uint32 max_waves_per_simd
9 required uint32 lds_size_in_kb
10 required uint32 gds_size_in_kb
11 required uint32 num_gws
12 required uint32 wave_front_size
13 required uint32 array_count
14 required uint32 simd_arrays_per_engine
15 required uint32 cu_per_simd_array
16 required uint32 simd_per_cu
17 required uint32 max_slots_scratch_cu
18 required uint32 vendor_id
19 required uint32 device_id
20 required uint32 domain
21 required uint32 drm_render_minor
22 required uint64 hive_id
23 required uint32 num_sdma_engines
24 required uint32 num_sdma_xgmi_engines
25 required uint32 num_sdma_queues_per_engine
26 required uint32 num_cp_queues
27 required uint32 fw_version
28 required uint32 capability
29 required uint32 sdma_fw_version
30 required uint32 vram_public
31 required uint64 vram_size
32 repeated .dev_iolink iolinks`,
  kfd_bo_entry: `1 required uint64 addr
2 required uint64 size
3 required uint64 offset
4 required uint32 alloc_flags
5 required uint32 gpu_id
6 required uint32 handle`,
  criu_kfd: `1 required uint32 pid
2 required uint32 num_of_gpus
3 required uint32 num_of_cpus
4 repeated .kfd_device_entry device_entries
5 required uint64 num_of_bos
6 repeated .kfd_bo_entry bo_entries
7 required uint32 num_of_objects
8 required uint64 shared_mem_size
9 required uint32 shared_mem_magic
10 required bytes priv_data`,
  drm_bo_entry: `1 required uint64 addr
2 required uint64 size
3 required uint64 offset
4 required uint64 alloc_flags
5 required uint64 alignment
6 required uint32 preferred_domains
7 required uint32 handle
8 required uint32 is_import
9 required uint32 num_of_vms
10 repeated .drm_vm_entry vm_entries`,
  drm_vm_entry: `1 required uint64 addr
2 required uint64 size
3 required uint64 offset
4 required uint64 flags`,
  criu_render_node: `1 required uint32 gpu_id
2 required uint32 id
3 required uint32 drm_render_minor
4 required uint64 num_of_bos
5 repeated .drm_bo_entry bo_entries`,
  criu_dmabuf_node: `1 required uint32 gem_handle`,
  plugins_entry: `12 repeated string plugins`,
  inventory_entry: `1 required uint32 img_version
2 optional bool fdinfo_per_id
3 optional .task_kobj_ids_entry root_ids
4 optional bool ns_per_id
5 optional uint32 root_cg_set
6 optional #lsmtype lsmtype
8 optional uint64 dump_uptime
9 optional uint32 pre_dump_mode
10 optional bool tcp_close
11 optional uint32 network_lock_method
12 optional .plugins_entry plugins_entry
13 optional string dump_criu_run_id
14 optional bool allow_uprobes`,
  dump_stats_entry: `1 required uint32 freezing_time
2 required uint32 frozen_time
3 required uint32 memdump_time
4 required uint32 memwrite_time
5 required uint64 pages_scanned
6 required uint64 pages_skipped_parent
7 required uint64 pages_written
8 optional uint32 irmap_resolve
9 required uint64 pages_lazy
10 optional uint64 page_pipes
11 optional uint64 page_pipe_bufs
12 optional uint64 shpages_scanned
13 optional uint64 shpages_skipped_parent
14 optional uint64 shpages_written`,
  restore_stats_entry: `1 required uint64 pages_compared
2 required uint64 pages_skipped_cow
3 required uint32 forking_time
4 required uint32 restore_time
5 optional uint64 pages_restored`,
  stats_entry: `1 optional .dump_stats_entry dump
2 optional .restore_stats_entry restore`,
  aio_ring_entry: `1 required uint64 id
2 required uint32 nr_req
3 required uint32 ring_len
2000 repeated uint64 tscriu_polls`,
  mm_entry: `1 required uint64 mm_start_code hex
2 required uint64 mm_end_code hex
3 required uint64 mm_start_data hex
4 required uint64 mm_end_data hex
5 required uint64 mm_start_stack hex
6 required uint64 mm_start_brk hex
7 required uint64 mm_brk hex
8 required uint64 mm_arg_start hex
9 required uint64 mm_arg_end hex
10 required uint64 mm_env_start hex
11 required uint64 mm_env_end hex
12 required uint32 exe_file_id
13 repeated uint64 mm_saved_auxv
14 repeated .vma_entry vmas
15 optional int32 dumpable
16 repeated .aio_ring_entry aios
17 optional bool thp_disabled
2000 optional uint32 tscriu_pkeys`,
  vma_entry: `1 required uint64 start hex
2 required uint64 end hex
3 required uint64 pgoff
4 required uint64 shmid
5 required uint32 prot flags=mmap.prot
6 required uint32 flags flags=mmap.flags
7 required uint32 status flags=mmap.status
8 required sint64 fd
9 optional uint64 madv hex
10 optional uint32 fdflags hex
2000 optional bool tscriu_lock_onfault
2001 optional string tscriu_name
2002 optional uint32 tscriu_pkey
2003 optional bool tscriu_sealed
2004 optional .tscriu_mempolicy tscriu_mempolicy`,
  pagemap_head: `1 required uint32 pages_id`,
  pagemap_entry: `1 required uint64 vaddr hex
2 required uint32 compat_nr_pages
3 optional bool in_parent
4 optional uint32 flags flags=pmap.flags
5 optional uint64 nr_pages`,
  ns_file_entry: `1 required uint32 id
2 required uint32 ns_id
3 required uint32 ns_cflag
4 required uint32 flags`,
  mnt_entry: `1 required uint32 fstype
2 required uint32 mnt_id
3 required uint32 root_dev dev
4 required uint32 parent_mnt_id
5 required uint32 flags hex
6 required string root
7 required string mountpoint
8 required string source
9 required string options
10 optional uint32 shared_id
11 optional uint32 master_id
12 optional bool with_plugin
13 optional bool ext_mount
14 optional string fsname
15 optional bool internal_sharing
16 optional bool deleted
17 optional uint32 sb_flags hex
18 optional string ext_key
2000 optional uint32 tscriu_pid_ns
2001 optional bool tscriu_locked
2002 optional string tscriu_covered
2003 optional uint64 tscriu_content`,
  autofs_entry: `1 required int32 fd
2 required int32 pgrp
3 required int32 timeout
4 required int32 minproto
5 required int32 maxproto
6 required int32 mode
7 optional int32 uid
8 optional int32 gid
9 optional int32 read_fd
2000 optional uint32 tscriu_pipe
2001 repeated .tscriu_autofs_name tscriu_names`,
  tscriu_autofs_name: `1 required string path
2 required uint32 mode
3 optional string target`,
  binfmt_misc_entry: `1 required string name
2 required bool enabled
3 required string interpreter
4 optional string flags
5 optional string extension
6 optional string magic
7 optional string mask
8 optional int32 offset`,
  net_device_entry: `1 required #nd_type type
2 required uint32 ifindex
3 required uint32 mtu
4 required uint32 flags hex
5 required string name
6 optional .tun_link_entry tun
7 optional bytes address
8 repeated int32 conf
9 repeated .sysctl_entry conf4
10 repeated .sysctl_entry conf6
11 optional .macvlan_link_entry macvlan
12 optional uint32 peer_ifindex
13 optional uint32 peer_nsid
14 optional uint32 master
15 optional .sit_entry sit
2000 optional string tscriu_kind
2001 optional bytes tscriu_data
2002 optional uint32 tscriu_link
2003 optional string tscriu_alias
2004 optional uint32 tscriu_group
2005 optional uint32 tscriu_queue
2006 optional bytes tscriu_port
2007 optional uint32 tscriu_tx_queues
2008 optional uint32 tscriu_rx_queues`,
  netns_id: `1 required uint32 target_ns_id
2 required int32 netnsid_value`,
  netns_entry: `1 repeated int32 def_conf
2 repeated int32 all_conf
3 repeated .sysctl_entry def_conf4
4 repeated .sysctl_entry all_conf4
5 repeated .sysctl_entry def_conf6
6 repeated .sysctl_entry all_conf6
7 repeated .netns_id nsids
8 optional string ext_key
9 repeated .sysctl_entry unix_conf
10 repeated .sysctl_entry ipv4_sysctl
2000 repeated .tscriu_sysctl tscriu_sysctls
2001 optional bytes tscriu_filter
2002 repeated .tscriu_xtable tscriu_xtables
2003 repeated bytes tscriu_neighbours
2004 repeated .tscriu_network_message tscriu_messages
2005 repeated .tscriu_ipset tscriu_ipsets`,
  tscriu_ipset: `1 required string name
2 required string type
3 required uint32 revision
4 required uint32 family
5 required uint32 index
6 required bytes options
7 repeated bytes elements`,
  tscriu_network_message: `1 required string kind
2 required bytes payload`,
  tscriu_xtable: `1 required uint32 family
2 required string name
3 required uint32 hooks
4 repeated uint32 entries_of
5 repeated uint32 policies
6 required uint32 count
7 required bytes entries`,
  tscriu_sysctl: `1 required string path
2 required string value`,
  tunfile_entry: `1 required uint32 id
2 optional string netdev
3 optional bool detached
4 optional uint32 ns_id
2000 optional .net_device_entry tscriu_device
2001 repeated bytes tscriu_addresses
2002 repeated bytes tscriu_routes
2003 optional .tscriu_netns tscriu_netns
2004 repeated bytes tscriu_packets
2005 optional bytes tscriu_filter
2006 optional uint32 tscriu_offload`,
  tun_link_entry: `1 required uint32 flags hex
2 required int32 owner
3 required int32 group
4 required uint32 vnethdr
5 required uint32 sndbuf`,
  macvlan_link_entry: `1 required uint32 mode
2 optional uint32 flags`,
  sit_entry: `1 optional uint32 link
2 repeated uint32 local ipadd
3 repeated uint32 remote ipadd
4 optional uint32 ttl
5 optional uint32 tos
6 optional bool pmtudisc
7 optional uint32 proto
8 optional uint32 flags
9 optional uint32 encap_type
10 optional uint32 encap_flags
11 optional uint32 encap_sport
12 optional uint32 encap_dport
13 optional uint32 rd_prefixlen
14 repeated uint32 rd_prefix ipadd
15 optional uint32 relay_prefixlen
16 repeated uint32 relay_prefix ipadd`,
  ipc_desc_entry: `1 required uint32 key
2 required uint32 uid
3 required uint32 gid
4 required uint32 cuid
5 required uint32 cgid
6 required uint32 mode
7 required uint32 id`,
  ipc_var_entry: `1 repeated uint32 sem_ctls
2 required uint32 msg_ctlmax
3 required uint32 msg_ctlmnb
4 required uint32 msg_ctlmni
5 required uint32 auto_msgmni
6 required uint64 shm_ctlmax
7 required uint64 shm_ctlall
8 required uint32 shm_ctlmni
9 required uint32 shm_rmid_forced
10 required uint32 mq_queues_max
11 required uint32 mq_msg_max
12 required uint32 mq_msgsize_max
13 optional uint32 mq_msg_default
14 optional uint32 mq_msgsize_default
15 optional uint32 msg_next_id
16 optional uint32 sem_next_id
17 optional uint32 shm_next_id`,
  ipc_shm_entry: `1 required .ipc_desc_entry desc
2 required uint64 size
3 optional bool in_pagemaps
4 optional uint32 hugetlb_flag
2000 optional sint32 tscriu_cpid
2001 optional bool tscriu_noreserve`,
  ipc_msg: `1 required uint64 mtype
2 required uint32 msize`,
  ipc_msg_entry: `1 required .ipc_desc_entry desc
2 required uint32 qbytes
3 required uint32 qnum`,
  ipc_sem_entry: `1 required .ipc_desc_entry desc
2 required uint32 nsems`,
  utsns_entry: `1 required string nodename
2 required string domainname`,
  uid_gid_extent: `1 required uint32 first
2 required uint32 lower_first
3 required uint32 count`,
  userns_entry: `1 repeated .uid_gid_extent uid_map
2 repeated .uid_gid_extent gid_map
2000 repeated .uid_gid_extent tscriu_projid_map
2001 optional bool tscriu_setgroups_denied
2002 optional uint32 tscriu_owner
2003 optional uint32 tscriu_parent
2004 repeated uint32 tscriu_owned`,
  timespec: `1 required uint64 tv_sec
2 required uint64 tv_nsec`,
  timens_entry: `1 required .timespec monotonic
2 required .timespec boottime`,
  pidns_entry: `1 optional string ext_key`,
  cgroup_perms: `1 required uint32 mode
2 required uint32 uid
3 required uint32 gid`,
  cgroup_prop_entry: `1 required string name
2 required string value
3 optional .cgroup_perms perms`,
  cgroup_dir_entry: `1 required string dir_name
2 repeated .cgroup_dir_entry children
3 repeated .cgroup_prop_entry properties
4 optional .cgroup_perms dir_perms`,
  cg_controller_entry: `1 repeated string cnames
2 repeated .cgroup_dir_entry dirs
3 optional bool is_threaded`,
  cg_member_entry: `1 required string name
2 required string path
3 optional uint32 cgns_prefix`,
  cg_set_entry: `1 required uint32 id
2 repeated .cg_member_entry ctls`,
  cgroup_entry: `1 repeated .cg_set_entry sets
2 repeated .cg_controller_entry controllers`,
  criu_page_server_info: `1 optional string address
2 optional int32 port
3 optional int32 pid
4 optional int32 fd`,
  criu_veth_pair: `1 required string if_in
2 required string if_out`,
  ext_mount_map: `1 required string key
2 required string val`,
  join_namespace: `1 required string ns
2 required string ns_file
3 optional string extra_opt`,
  inherit_fd: `1 required string key
2 required int32 fd`,
  cgroup_root: `1 optional string ctrl
2 required string path`,
  unix_sk: `1 required uint32 inode`,
  criu_opts: `1 required int32 images_dir_fd
2 optional int32 pid
3 optional bool leave_running
4 optional bool ext_unix_sk
5 optional bool tcp_established
6 optional bool evasive_devices
7 optional bool shell_job
8 optional bool file_locks
9 optional int32 log_level
10 optional string log_file
11 optional .criu_page_server_info ps
12 optional bool notify_scripts
13 optional string root
14 optional string parent_img
15 optional bool track_mem
16 optional bool auto_dedup
17 optional int32 work_dir_fd
18 optional bool link_remap
19 repeated .criu_veth_pair veths
20 optional uint32 cpu_cap
21 optional bool force_irmap
22 repeated string exec_cmd
23 repeated .ext_mount_map ext_mnt
24 optional bool manage_cgroups
25 repeated .cgroup_root cg_root
26 optional bool rst_sibling
27 repeated .inherit_fd inherit_fd
28 optional bool auto_ext_mnt
29 optional bool ext_sharing
30 optional bool ext_masters
31 repeated string skip_mnt
32 repeated string enable_fs
33 repeated .unix_sk unix_sk_ino
34 optional #criu_cg_mode manage_cgroups_mode
35 optional uint32 ghost_limit
36 repeated string irmap_scan_paths
37 repeated string external
38 optional uint32 empty_ns
39 repeated .join_namespace join_ns
41 optional string cgroup_props
42 optional string cgroup_props_file
43 repeated string cgroup_dump_controller
44 optional string freeze_cgroup
45 optional uint32 timeout
46 optional bool tcp_skip_in_flight
47 optional bool weak_sysctls
48 optional bool lazy_pages
49 optional int32 status_fd
50 optional bool orphan_pts_master
51 optional string config_file
52 optional bool tcp_close
53 optional string lsm_profile
54 optional string tls_cacert
55 optional string tls_cacrl
56 optional string tls_cert
57 optional string tls_key
58 optional bool tls
59 optional bool tls_no_cn_verify
60 optional string cgroup_yard
61 optional #criu_pre_dump_mode pre_dump_mode
62 optional int32 pidfd_store_sk
63 optional string lsm_mount_context
64 optional #criu_network_lock_method network_lock
65 optional bool mntns_compat_mode
66 optional bool skip_file_rwx_check
67 optional bool unprivileged
68 optional string images_dir
69 optional bool leave_stopped
70 optional bool display_stats
71 optional bool log_to_stderr`,
  criu_dump_resp: `1 optional bool restored`,
  criu_restore_resp: `1 required int32 pid`,
  criu_notify: `1 optional string script
2 optional int32 pid`,
  criu_features: `1 optional bool mem_track
2 optional bool lazy_pages
3 optional bool pidfd_store`,
  criu_req: `1 required #criu_req_type type
2 optional .criu_opts opts
3 optional bool notify_success
4 optional bool keep_open
5 optional .criu_features features
6 optional uint32 pid`,
  criu_resp: `1 required #criu_req_type type
2 required bool success
3 optional .criu_dump_resp dump
4 optional .criu_restore_resp restore
5 optional .criu_notify notify
6 optional .criu_page_server_info ps
7 optional int32 cr_errno
8 optional .criu_features features
9 optional string cr_errmsg
10 optional .criu_version version
11 optional int32 status`,
  criu_version: `1 required int32 major_number
2 required int32 minor_number
3 optional string gitid
4 optional int32 sublevel
5 optional int32 extra
6 optional string name`,
  ip_opts_raw_entry: `1 optional bool hdrincl
2 optional bool nodefrag
3 optional bool checksum
4 repeated uint32 icmpv_filter`,
  ip_opts_entry: `1 optional bool freebind
4 optional .ip_opts_raw_entry raw
5 optional bool pktinfo
6 optional uint32 tos
7 optional uint32 ttl
2000 repeated .tscriu_option tscriu_options
2001 repeated .tscriu_membership tscriu_memberships`,
  tscriu_membership: `1 required bytes group
2 required string ifname
3 optional bool include
4 repeated bytes sources`,
  inet_sk_entry: `1 required uint32 id
2 required uint32 ino
3 required uint32 family dict=sk
4 required uint32 type dict=sk
5 required uint32 proto dict=sk
6 required uint32 state dict=sk
7 required uint32 src_port
8 required uint32 dst_port
9 required uint32 flags hex
10 required uint32 backlog
11 repeated uint32 src_addr ipadd
12 repeated uint32 dst_addr ipadd
13 required .fown_entry fown
14 required .sk_opts_entry opts
15 optional bool v6only
16 optional .ip_opts_entry ip_opts
17 optional string ifname
18 optional uint32 ns_id
19 optional #sk_shutdown shutdown
20 optional .tcp_opts_entry tcp_opts
2000 optional .tscriu_netns tscriu_netns
2001 repeated .tscriu_pending tscriu_pending
2002 optional .tscriu_group tscriu_group
2003 optional uint32 tscriu_error
2004 repeated bytes tscriu_errors
2005 repeated .tscriu_md5 tscriu_md5
2006 optional uint32 tscriu_flowinfo
2007 optional bytes tscriu_corked
2008 optional bytes tscriu_corked_to`,
  tscriu_group: `1 required uint32 place
2 repeated fixed64 filter`,
  tscriu_md5: `1 required bytes address
2 required uint32 prefix
3 required bytes key`,
  tscriu_pending: `1 required uint32 ino
2 required uint32 state
3 repeated uint32 src_addr
4 required uint32 dst_port
5 repeated uint32 dst_addr`,
  tcp_opts_entry: `1 optional bool cork
2 optional bool nodelay
3 optional uint32 keepcnt
4 optional uint32 keepidle
5 optional uint32 keepintvl
2000 repeated .tscriu_option tscriu_options`,
  tcp_stream_entry: `1 required uint32 inq_len
2 required uint32 inq_seq
3 required uint32 outq_len
4 required uint32 outq_seq
5 required uint32 opt_mask hex
6 required uint32 snd_wscale
7 required uint32 mss_clamp
8 optional uint32 rcv_wscale
9 optional uint32 timestamp
10 optional bool cork
11 optional bool nodelay
12 optional uint32 unsq_len
13 optional uint32 snd_wl1
14 optional uint32 snd_wnd
15 optional uint32 max_window
16 optional uint32 rcv_wnd
17 optional uint32 rcv_wup
2000 optional uint32 tscriu_error
2001 optional bool tscriu_never
2002 optional uint32 tscriu_urgent
2003 optional bool tscriu_taken`,
  file_perms_entry: `1 required uint32 mode
2 required uint32 uid
3 required uint32 gid`,
  unix_sk_entry: `1 required uint32 id
2 required uint32 ino
3 required uint32 type dict=sk
4 required uint32 state dict=sk
5 required uint32 flags hex
6 required uint32 uflags hex
7 required uint32 backlog
8 required uint32 peer
9 required .fown_entry fown
10 required .sk_opts_entry opts
11 required bytes name conv=unix_name
12 optional #sk_shutdown shutdown
13 optional .file_perms_entry file_perms
14 optional string name_dir
15 optional bool deleted
16 optional uint32 ns_id
17 optional sint32 mnt_id
2000 repeated uint32 tscriu_peer
2001 optional uint32 tscriu_uid
2002 optional uint32 tscriu_gid
2003 optional string tscriu_path
2004 optional sint32 tscriu_peek_off
2005 optional sint32 tscriu_passpidfd
2006 optional sint32 tscriu_passrights
2007 optional uint32 tscriu_error
2008 optional bytes tscriu_peer_name
2009 repeated .tscriu_unix_ahead tscriu_ahead`,
  tscriu_unix_ahead: `1 required bytes data
2 repeated uint32 credentials`,
  scm_entry: `1 required uint32 type
2 repeated uint32 rights`,
  sk_packet_entry: `1 required uint32 id_for
2 required uint32 length
4 repeated .scm_entry scm
2000 optional bytes tscriu_from
2001 repeated uint32 tscriu_credentials
2002 optional uint32 tscriu_urgent
2003 repeated .tscriu_control tscriu_controls`,
  tscriu_control: `1 required int32 level
2 required int32 type
3 required bytes bytes`,
  packet_mclist: `1 required uint32 index
2 required uint32 type
3 required bytes addr
2000 optional string tscriu_ifname`,
  packet_ring: `1 required uint32 block_size
2 required uint32 block_nr
3 required uint32 frame_size
4 required uint32 frame_nr
5 required uint32 retire_tmo
6 required uint32 sizeof_priv
7 required uint32 features`,
  packet_sock_entry: `1 required uint32 id
2 required uint32 type
3 required uint32 protocol
4 required uint32 flags hex
5 required uint32 ifindex
6 required .fown_entry fown
7 required .sk_opts_entry opts
8 required uint32 version
9 required uint32 reserve
10 required bool aux_data
11 required bool orig_dev
12 required bool vnet_hdr
13 required bool loss
14 required uint32 timestamp
15 required uint32 copy_thresh
16 repeated .packet_mclist mclist
17 optional uint32 fanout
18 optional .packet_ring rx_ring
19 optional .packet_ring tx_ring
20 optional uint32 ns_id
2000 optional string tscriu_ifname
2001 optional uint32 tscriu_next
2002 repeated .tscriu_frame tscriu_frames
2003 optional .tscriu_netns tscriu_netns`,
  tscriu_frame: `1 required uint32 index
2 required bytes bytes`,
  netlink_sk_entry: `1 required uint32 id
2 required uint32 ino
3 required uint32 protocol
4 required uint32 state
6 required uint32 flags hex
7 required uint32 portid
8 repeated uint32 groups
9 required uint32 dst_portid
10 required uint32 dst_group
11 required .fown_entry fown
12 required .sk_opts_entry opts
13 optional uint32 ns_id
2000 optional uint32 tscriu_type
2001 optional .tscriu_netns tscriu_netns
2002 repeated .tscriu_netlink_message tscriu_messages
2003 optional bool tscriu_missed`,
  tscriu_netlink_message: `1 required uint32 port
2 required bytes data`,
  pstree_entry: `1 required uint32 pid
2 required uint32 ppid
3 required uint32 pgid
4 required uint32 sid
5 repeated uint32 threads
2000 optional .tscriu_pid_spaces tscriu_pids`,
  tscriu_pid_spaces: `1 repeated .tscriu_inner_pids inner
2 optional uint32 born_into
3 optional uint32 clocks_born_into`,
  tscriu_inner_pids: `1 required uint32 pid_ns_id
2 required uint32 pid
3 required uint32 pgid
4 required uint32 sid
5 repeated uint32 threads`,
  task_core_entry: `1 required uint32 task_state dict=gen
2 required uint32 exit_code
3 required uint32 personality
4 required uint32 flags
5 required uint64 blk_sigset hex
6 required string comm
7 optional .task_timers_entry timers
8 optional .task_rlimits_entry rlimits
9 optional uint32 cg_set
10 optional .signal_queue_entry signals_s
11 optional #seccomp_mode old_seccomp_mode
12 optional uint32 old_seccomp_filter
13 optional uint32 loginuid
14 optional int32 oom_score_adj
15 repeated .sa_entry sigactions
18 optional bool child_subreaper
20 optional uint64 blk_sigset_extended hex
21 optional uint32 stop_signo
22 optional uint32 membarrier_registration_mask hex
2000 optional uint32 tscriu_coredump_filter
2001 repeated .tscriu_prctl tscriu_prctls
2002 optional uint32 tscriu_exit_signal
2003 optional bool tscriu_stop_waited
2004 optional uint64 tscriu_xcomp_perm
2005 optional uint32 tscriu_mlockall
2006 optional sint32 tscriu_autogroup
2007 optional bool tscriu_continued`,
  tscriu_prctl: `1 required uint32 option
2 required uint64 value`,
  task_kobj_ids_entry: `1 required uint32 vm_id
2 required uint32 files_id
3 required uint32 fs_id
4 required uint32 sighand_id
5 optional uint32 pid_ns_id
6 optional uint32 net_ns_id
7 optional uint32 ipc_ns_id
8 optional uint32 uts_ns_id
9 optional uint32 mnt_ns_id
10 optional uint32 user_ns_id
11 optional uint32 cgroup_ns_id
12 optional uint32 time_ns_id`,
  thread_sas_entry: `1 required uint64 ss_sp
2 required uint64 ss_size
3 required uint32 ss_flags`,
  thread_core_entry: `1 required uint64 futex_rla
2 required uint32 futex_rla_len
3 optional sint32 sched_nice
4 optional uint32 sched_policy
5 optional uint32 sched_prio
6 optional uint64 blk_sigset
7 optional .thread_sas_entry sas
8 optional uint32 pdeath_sig
9 optional .signal_queue_entry signals_p
10 optional .creds_entry creds
11 optional #seccomp_mode seccomp_mode
12 optional uint32 seccomp_filter
13 optional string comm
14 optional uint64 blk_sigset_extended
15 optional .rseq_entry rseq_entry
16 optional uint32 cg_set
2000 optional bytes tscriu_affinity
2001 optional uint32 tscriu_ioprio
2002 optional uint64 tscriu_timerslack_ns
2003 optional .tscriu_sched tscriu_sched
2004 optional .tscriu_restart tscriu_restart
2005 optional .tscriu_thread_namespaces tscriu_namespaces
2006 optional .fs_entry tscriu_fs
2007 repeated .tscriu_prctl tscriu_prctls
2008 optional .tscriu_mempolicy tscriu_mempolicy
2009 optional .tscriu_keyrings tscriu_keyrings`,
  tscriu_keyrings: `1 optional uint32 session
2 optional uint32 process
3 optional uint32 thread
4 repeated .tscriu_key keys`,
  tscriu_key: `1 required uint32 id
2 required string type
3 required string description
4 required uint32 uid
5 required uint32 gid
6 required uint32 perm
7 optional bytes payload
8 repeated uint32 links
9 optional uint32 left`,
  tscriu_mempolicy: `1 required uint32 mode
2 required bytes nodes`,
  tscriu_thread_namespaces: `1 optional uint32 net_ns_id
2 optional uint32 ipc_ns_id
3 optional uint32 uts_ns_id
4 optional uint32 cgroup_ns_id
5 optional uint32 mnt_ns_id
6 optional uint32 born_into
7 optional uint32 clocks_born_into`,
  tscriu_sched: `1 optional uint64 flags
2 optional uint64 runtime
3 optional uint64 deadline
4 optional uint64 period
5 optional uint32 util_min
6 optional uint32 util_max
7 optional sint32 nice`,
  tscriu_restart: `1 required uint32 nr
2 required uint64 remaining_ns
3 optional bytes before`,
  task_rlimits_entry: `1 repeated .rlimit_entry rlimits`,
  core_entry: `1 required #core_entry.march mtype
2 optional .thread_info_x86 thread_info
3 optional .task_core_entry tc
4 optional .task_kobj_ids_entry ids
5 optional .thread_core_entry thread_core
6 optional .thread_info_arm ti_arm
8 optional .thread_info_aarch64 ti_aarch64
9 optional .thread_info_ppc64 ti_ppc64
10 optional .thread_info_s390 ti_s390
11 optional .thread_info_mips ti_mips
12 optional .thread_info_loongarch64 ti_loongarch64
13 optional .thread_info_riscv64 ti_riscv64`,
  creds_entry: `1 required uint32 uid
2 required uint32 gid
3 required uint32 euid
4 required uint32 egid
5 required uint32 suid
6 required uint32 sgid
7 required uint32 fsuid
8 required uint32 fsgid
9 repeated uint32 cap_inh
10 repeated uint32 cap_prm
11 repeated uint32 cap_eff
12 repeated uint32 cap_bnd
13 required uint32 secbits
14 repeated uint32 groups
15 optional string lsm_profile
16 optional string lsm_sockcreate
17 optional bytes apparmor_data
18 optional uint32 no_new_privs
19 repeated uint32 cap_amb
2000 repeated uint32 tscriu_groups`,
  itimer_entry: `1 required uint64 isec
2 required uint64 iusec
3 required uint64 vsec
4 required uint64 vusec`,
  posix_timer_entry: `1 required uint32 it_id
2 required uint32 clock_id
3 required uint32 si_signo
4 required uint32 it_sigev_notify
5 required uint64 sival_ptr
6 required uint32 overrun
7 required uint64 isec
8 required uint64 insec
9 required uint64 vsec
10 required uint64 vnsec
11 optional int32 notify_thread_id
2000 optional uint64 tscriu_overrun`,
  task_timers_entry: `1 required .itimer_entry real
2 required .itimer_entry virt
3 required .itimer_entry prof
4 repeated .posix_timer_entry posix`,
  sa_entry: `1 required uint64 sigaction hex
2 required uint64 flags hex
3 required uint64 restorer hex
4 required uint64 mask hex
5 optional bool compat_sigaction
6 optional uint64 mask_extended hex`,
  siginfo_entry: `1 required bytes siginfo`,
  signal_queue_entry: `1 repeated .siginfo_entry signals`,
  rseq_entry: `1 required uint64 rseq_abi_pointer
2 required uint32 rseq_abi_size
3 required uint32 signature
4 optional uint64 rseq_cs_pointer`,
  seccomp_filter: `1 required bytes filter
2 optional uint32 prev
3 optional uint32 flags`,
  seccomp_entry: `1 repeated .seccomp_filter seccomp_filters`,
  aa_policy: `1 required string name
2 required bytes blob`,
  aa_namespace: `1 required string name
2 repeated .aa_policy policies
3 repeated .aa_namespace namespaces`,
  apparmor_entry: `1 repeated .aa_namespace namespaces`,
  fs_entry: `1 required uint32 cwd_id
2 required uint32 root_id
3 optional uint32 umask`,
};

/** Enums by name. */
export const enums: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  user_x86_regs_mode: schema.UserX86RegsMode,
  "cpuinfo_x86_entry.vendor": schema.CpuinfoX86EntryVendor,
  "cpuinfo_ppc64_entry.endianness": schema.CpuinfoPpc64EntryEndianness,
  SysctlType: schema.SysctlType,
  sk_shutdown: schema.SkShutdown,
  fd_types: schema.FdTypes,
  fh_entry_sizes: schema.FhEntrySizes,
  remap_type: schema.RemapType,
  mark_type: schema.MarkType,
  TtyType: schema.TtyType,
  lsmtype: schema.Lsmtype,
  fstype: schema.Fstype,
  nd_type: schema.NdType,
  criu_cg_mode: schema.CriuCgMode,
  criu_network_lock_method: schema.CriuNetworkLockMethod,
  criu_pre_dump_mode: schema.CriuPreDumpMode,
  criu_req_type: schema.CriuReqType,
  seccomp_mode: schema.SeccompMode,
  "core_entry.march": schema.CoreEntryMarch,
};
