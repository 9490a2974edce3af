// Made by generate.ts from proto/*.proto: change those, not this.

/** A 64-bit integer: a number where that is exact (up to 2^53 - 1 either way), else a bigint. */
export type U64 = number | bigint;

export type UserX86RegsMode = number;
export const UserX86RegsMode = {
  NATIVE: 1,
  COMPAT: 2,
} as const;

export type CpuinfoX86EntryVendor = number;
export const CpuinfoX86EntryVendor = {
  UNKNOWN: 0,
  INTEL: 1,
  AMD: 2,
} as const;

export type CpuinfoPpc64EntryEndianness = number;
export const CpuinfoPpc64EntryEndianness = {
  BIGENDIAN: 0,
  LITTLEENDIAN: 1,
} as const;

export type SysctlType = number;
export const SysctlType = {
  CTL_STR: 5,
  CTL_32: 6,
} as const;

export type SkShutdown = number;
export const SkShutdown = {
  NONE: 0,
  READ: 1,
  WRITE: 2,
  BOTH: 3,
} as const;

export type FdTypes = number;
export const FdTypes = {
  UND: 0,
  REG: 1,
  PIPE: 2,
  FIFO: 3,
  INETSK: 4,
  UNIXSK: 5,
  EVENTFD: 6,
  EVENTPOLL: 7,
  INOTIFY: 8,
  SIGNALFD: 9,
  PACKETSK: 10,
  TTY: 11,
  FANOTIFY: 12,
  NETLINKSK: 13,
  NS: 14,
  TUNF: 15,
  EXT: 16,
  TIMERFD: 17,
  MEMFD: 18,
  BPFMAP: 19,
  PIDFD: 20,
  CTL_TTY: 65534,
  AUTOFS_PIPE: 65535,
} as const;

export type FhEntrySizes = number;
export const FhEntrySizes = {
  min_entries: 16,
} as const;

export type RemapType = number;
export const RemapType = {
  LINKED: 0,
  GHOST: 1,
  PROCFS: 2,
} as const;

export type MarkType = number;
export const MarkType = {
  INODE: 1,
  MOUNT: 2,
} as const;

export type TtyType = number;
export const TtyType = {
  UNKNOWN: 0,
  PTY: 1,
  CONSOLE: 2,
  VT: 3,
  CTTY: 4,
  EXT_TTY: 5,
  SERIAL: 6,
} as const;

export type Lsmtype = number;
export const Lsmtype = {
  NO_LSM: 0,
  SELINUX: 1,
  APPARMOR: 2,
} as const;

export type Fstype = number;
export const Fstype = {
  UNSUPPORTED: 0,
  PROC: 1,
  SYSFS: 2,
  DEVTMPFS: 3,
  BINFMT_MISC: 4,
  TMPFS: 5,
  DEVPTS: 6,
  SIMFS: 7,
  PSTORE: 8,
  SECURITYFS: 9,
  FUSECTL: 10,
  DEBUGFS: 11,
  CGROUP: 12,
  AUFS: 13,
  MQUEUE: 14,
  FUSE: 15,
  AUTO: 16,
  OVERLAYFS: 17,
  AUTOFS: 18,
  TRACEFS: 19,
  CGROUP2: 23,
} as const;

export type NdType = number;
export const NdType = {
  LOOPBACK: 1,
  VETH: 2,
  TUN: 3,
  EXTLINK: 4,
  VENET: 5,
  BRIDGE: 6,
  MACVLAN: 7,
  SIT: 8,
} as const;

export type CriuCgMode = number;
export const CriuCgMode = {
  IGNORE: 0,
  CG_NONE: 1,
  PROPS: 2,
  SOFT: 3,
  FULL: 4,
  STRICT: 5,
  DEFAULT: 6,
} as const;

export type CriuNetworkLockMethod = number;
export const CriuNetworkLockMethod = {
  IPTABLES: 1,
  NFTABLES: 2,
  SKIP: 3,
} as const;

export type CriuPreDumpMode = number;
export const CriuPreDumpMode = {
  SPLICE: 1,
  VM_READ: 2,
} as const;

export type CriuReqType = number;
export const CriuReqType = {
  EMPTY: 0,
  DUMP: 1,
  RESTORE: 2,
  CHECK: 3,
  PRE_DUMP: 4,
  PAGE_SERVER: 5,
  NOTIFY: 6,
  CPUINFO_DUMP: 7,
  CPUINFO_CHECK: 8,
  FEATURE_CHECK: 9,
  VERSION: 10,
  WAIT_PID: 11,
  PAGE_SERVER_CHLD: 12,
  SINGLE_PRE_DUMP: 13,
} as const;

export type SeccompMode = number;
export const SeccompMode = {
  disabled: 0,
  strict: 1,
  filter: 2,
} as const;

export type CoreEntryMarch = number;
export const CoreEntryMarch = {
  UNKNOWN: 0,
  X86_64: 1,
  ARM: 2,
  AARCH64: 3,
  PPC64: 4,
  S390: 5,
  MIPS: 6,
  LOONGARCH64: 7,
  RISCV64: 8,
} as const;

export interface UserX86RegsEntry {
  r15: U64;
  r14: U64;
  r13: U64;
  r12: U64;
  bp: U64;
  bx: U64;
  r11: U64;
  r10: U64;
  r9: U64;
  r8: U64;
  ax: U64;
  cx: U64;
  dx: U64;
  si: U64;
  di: U64;
  orig_ax: U64;
  ip: U64;
  cs: U64;
  flags: U64;
  sp: U64;
  ss: U64;
  fs_base: U64;
  gs_base: U64;
  ds: U64;
  es: U64;
  fs: U64;
  gs: U64;
  /** Meant when absent: NATIVE. */
  mode?: UserX86RegsMode;
}

export interface UserX86CetEntry {
  cet: U64;
  ssp: U64;
}

export interface UserX86XsaveEntry {
  xstate_bv: U64;
  ymmh_space: number[];
  bndreg_state: U64[];
  bndcsr_state: U64[];
  opmask_reg: U64[];
  zmm_upper: U64[];
  hi16_zmm: U64[];
  pkru: number[];
  cet?: UserX86CetEntry;
  tscriu_xstates: TscriuXstate[];
}

export interface TscriuXstate {
  component: number;
  state: Uint8Array;
}

export interface UserX86FpregsEntry {
  cwd: number;
  swd: number;
  twd: number;
  fop: number;
  rip: U64;
  rdp: U64;
  mxcsr: number;
  mxcsr_mask: number;
  st_space: number[];
  xmm_space: number[];
  padding: number[];
  xsave?: UserX86XsaveEntry;
}

export interface UserDescT {
  entry_number: number;
  base_addr: number;
  limit: number;
  seg_32bit: boolean;
  contents_h: boolean;
  contents_l: boolean;
  /** Meant when absent: true. */
  read_exec_only: boolean;
  limit_in_pages: boolean;
  /** Meant when absent: true. */
  seg_not_present: boolean;
  usable: boolean;
}

export interface ThreadInfoX86 {
  clear_tid_addr: U64;
  gpregs: UserX86RegsEntry;
  fpregs: UserX86FpregsEntry;
  tls: UserDescT[];
}

export interface UserAarch64RegsEntry {
  regs: U64[];
  sp: U64;
  pc: U64;
  pstate: U64;
}

export interface UserAarch64FpsimdContextEntry {
  vregs: U64[];
  fpsr: number;
  fpcr: number;
}

export interface PacAddressKeys {
  apiakey_lo: U64;
  apiakey_hi: U64;
  apibkey_lo: U64;
  apibkey_hi: U64;
  apdakey_lo: U64;
  apdakey_hi: U64;
  apdbkey_lo: U64;
  apdbkey_hi: U64;
  pac_enabled_key: U64;
}

export interface PacGenericKeys {
  apgakey_lo: U64;
  apgakey_hi: U64;
}

export interface PacKeys {
  pac_address_keys?: PacAddressKeys;
  pac_generic_keys?: PacGenericKeys;
}

export interface ThreadInfoAarch64 {
  clear_tid_addr: U64;
  tls: U64;
  gpregs: UserAarch64RegsEntry;
  fpsimd: UserAarch64FpsimdContextEntry;
  pac_keys?: PacKeys;
  tscriu_regsets: TscriuRegset[];
}

export interface TscriuRegset {
  type: number;
  state: Uint8Array;
}

export interface UserArmRegsEntry {
  r0: number;
  r1: number;
  r2: number;
  r3: number;
  r4: number;
  r5: number;
  r6: number;
  r7: number;
  r8: number;
  r9: number;
  r10: number;
  fp: number;
  ip: number;
  sp: number;
  lr: number;
  pc: number;
  cpsr: number;
  orig_r0: number;
}

export interface UserArmVfpstateEntry {
  vfp_regs: U64[];
  fpscr: number;
  fpexc: number;
  fpinst: number;
  fpinst2: number;
}

export interface ThreadInfoArm {
  clear_tid_addr: U64;
  tls: number;
  gpregs: UserArmRegsEntry;
  fpstate: UserArmVfpstateEntry;
}

export interface UserPpc64RegsEntry {
  gpr: U64[];
  nip: U64;
  msr: U64;
  orig_gpr3: U64;
  ctr: U64;
  link: U64;
  xer: U64;
  ccr: U64;
  trap: U64;
  texasr?: U64;
  tfhar?: U64;
  tfiar?: U64;
}

export interface UserPpc64FpstateEntry {
  fpregs: U64[];
}

export interface UserPpc64VrstateEntry {
  vrregs: U64[];
  vrsave: number;
}

export interface UserPpc64VsxstateEntry {
  vsxregs: U64[];
}

export interface UserPpc64TmRegsEntry {
  gpregs: UserPpc64RegsEntry;
  fpstate?: UserPpc64FpstateEntry;
  vrstate?: UserPpc64VrstateEntry;
  vsxstate?: UserPpc64VsxstateEntry;
}

export interface ThreadInfoPpc64 {
  clear_tid_addr: U64;
  gpregs: UserPpc64RegsEntry;
  fpstate?: UserPpc64FpstateEntry;
  vrstate?: UserPpc64VrstateEntry;
  vsxstate?: UserPpc64VsxstateEntry;
  tmstate?: UserPpc64TmRegsEntry;
}

export interface UserS390RegsEntry {
  psw_mask: U64;
  psw_addr: U64;
  gprs: U64[];
  acrs: number[];
  orig_gpr2: U64;
  system_call: number;
}

export interface UserS390VxrsLowEntry {
  regs: U64[];
}

export interface UserS390VxrsHighEntry {
  regs: U64[];
}

export interface UserS390FpregsEntry {
  fpc: number;
  fprs: U64[];
}

export interface UserS390GsCbEntry {
  regs: U64[];
}

export interface UserS390RiEntry {
  ri_on: number;
  regs: U64[];
}

export interface ThreadInfoS390 {
  clear_tid_addr: U64;
  gpregs: UserS390RegsEntry;
  fpregs: UserS390FpregsEntry;
  vxrs_low?: UserS390VxrsLowEntry;
  vxrs_high?: UserS390VxrsHighEntry;
  gs_cb?: UserS390GsCbEntry;
  gs_bc?: UserS390GsCbEntry;
  ri_cb?: UserS390RiEntry;
}

export interface UserMipsRegsEntry {
  r0: U64;
  r1: U64;
  r2: U64;
  r3: U64;
  r4: U64;
  r5: U64;
  r6: U64;
  r7: U64;
  r8: U64;
  r9: U64;
  r10: U64;
  r11: U64;
  r12: U64;
  r13: U64;
  r14: U64;
  r15: U64;
  r16: U64;
  r17: U64;
  r18: U64;
  r19: U64;
  r20: U64;
  r21: U64;
  r22: U64;
  r23: U64;
  r24: U64;
  r25: U64;
  r26: U64;
  r27: U64;
  r28: U64;
  r29: U64;
  r30: U64;
  r31: U64;
  lo: U64;
  hi: U64;
  cp0_epc: U64;
  cp0_badvaddr: U64;
  cp0_status: U64;
  cp0_cause: U64;
}

export interface UserMipsFpregsEntry {
  r0: U64;
  r1: U64;
  r2: U64;
  r3: U64;
  r4: U64;
  r5: U64;
  r6: U64;
  r7: U64;
  r8: U64;
  r9: U64;
  r10: U64;
  r11: U64;
  r12: U64;
  r13: U64;
  r14: U64;
  r15: U64;
  r16: U64;
  r17: U64;
  r18: U64;
  r19: U64;
  r20: U64;
  r21: U64;
  r22: U64;
  r23: U64;
  r24: U64;
  r25: U64;
  r26: U64;
  r27: U64;
  r28: U64;
  r29: U64;
  r30: U64;
  r31: U64;
  lo: U64;
  hi: U64;
  fpu_fcr31: number;
  fpu_id: number;
}

export interface ThreadInfoMips {
  clear_tid_addr: U64;
  tls: U64;
  gpregs: UserMipsRegsEntry;
  fpregs: UserMipsFpregsEntry;
}

export interface UserLoongarch64GpregsEntry {
  regs: U64[];
  pc: U64;
}

export interface UserLoongarch64FpregsEntry {
  regs: U64[];
  fcc: U64;
  fcsr: number;
}

export interface ThreadInfoLoongarch64 {
  clear_tid_addr: U64;
  tls: U64;
  gpregs: UserLoongarch64GpregsEntry;
  fpregs: UserLoongarch64FpregsEntry;
}

export interface UserRiscv64RegsEntry {
  pc: U64;
  ra: U64;
  sp: U64;
  gp: U64;
  tp: U64;
  t0: U64;
  t1: U64;
  t2: U64;
  s0: U64;
  s1: U64;
  a0: U64;
  a1: U64;
  a2: U64;
  a3: U64;
  a4: U64;
  a5: U64;
  a6: U64;
  a7: U64;
  s2: U64;
  s3: U64;
  s4: U64;
  s5: U64;
  s6: U64;
  s7: U64;
  s8: U64;
  s9: U64;
  s10: U64;
  s11: U64;
  t3: U64;
  t4: U64;
  t5: U64;
  t6: U64;
}

export interface UserRiscv64DExtEntry {
  f: U64[];
  fcsr: number;
}

export interface ThreadInfoRiscv64 {
  clear_tid_addr: U64;
  tls: U64;
  gpregs: UserRiscv64RegsEntry;
  fpsimd: UserRiscv64DExtEntry;
}

export interface CpuinfoX86Entry {
  vendor_id: CpuinfoX86EntryVendor;
  cpu_family: number;
  model: number;
  stepping: number;
  capability_ver: number;
  capability: number[];
  model_id?: string;
  xfeatures_mask?: U64;
  xsave_size?: number;
  xsave_size_max?: number;
}

export interface CpuinfoPpc64Entry {
  endian: CpuinfoPpc64EntryEndianness;
  hwcap: U64[];
}

export interface CpuinfoS390Entry {
  hwcap: U64[];
}

export interface CpuinfoEntry {
  x86_entry: CpuinfoX86Entry[];
  ppc64_entry: CpuinfoPpc64Entry[];
  s390_entry: CpuinfoS390Entry[];
}

export interface FownEntry {
  uid: number;
  euid: number;
  signum: number;
  pid_type: number;
  pid: number;
}

export interface Timeval {
  tv_sec: U64;
  tv_usec: U64;
}

export interface SysctlEntry {
  type: SysctlType;
  iarg?: number;
  sarg?: string;
}

export interface SkOptsEntry {
  so_sndbuf: number;
  so_rcvbuf: number;
  so_snd_tmo_sec: U64;
  so_snd_tmo_usec: U64;
  so_rcv_tmo_sec: U64;
  so_rcv_tmo_usec: U64;
  reuseaddr?: boolean;
  so_priority?: number;
  so_rcvlowat?: number;
  so_mark?: number;
  so_passcred?: boolean;
  so_passsec?: boolean;
  so_dontroute?: boolean;
  so_no_check?: boolean;
  so_bound_dev?: string;
  so_filter: U64[];
  so_reuseport?: boolean;
  so_broadcast?: boolean;
  so_keepalive?: boolean;
  tcp_keepcnt?: number;
  tcp_keepidle?: number;
  tcp_keepintvl?: number;
  so_oobinline?: number;
  so_linger?: number;
  so_buf_lock?: number;
  tscriu_options: TscriuOption[];
  tscriu_uid?: number;
  tscriu_gid?: number;
  tscriu_mode?: number;
}

export interface TscriuNetns {
  ino: number;
  cookie: U64;
  path?: string;
}

export interface TscriuOption {
  name: number;
  value?: number;
  text?: string;
  level?: number;
  data?: Uint8Array;
}

export interface RlimitEntry {
  cur: U64;
  max: U64;
}

export interface TscriuAttributes {
  xattrs: TscriuXattr[];
  flags?: number;
  project?: number;
  write_life?: number;
}

export interface TscriuXattr {
  name: string;
  value: Uint8Array;
}

export interface FdinfoEntry {
  id: number;
  flags: number;
  type: FdTypes;
  fd: number;
  xattr_security_selinux?: string;
}

export interface FileEntry {
  type: FdTypes;
  id: number;
  reg?: RegFileEntry;
  isk?: InetSkEntry;
  nsf?: NsFileEntry;
  psk?: PacketSockEntry;
  nlsk?: NetlinkSkEntry;
  efd?: EventfdFileEntry;
  epfd?: EventpollFileEntry;
  sgfd?: SignalfdEntry;
  tunf?: TunfileEntry;
  tfd?: TimerfdEntry;
  ify?: InotifyFileEntry;
  ffy?: FanotifyFileEntry;
  ext?: ExtFileEntry;
  usk?: UnixSkEntry;
  fifo?: FifoEntry;
  pipe?: PipeEntry;
  tty?: TtyFileEntry;
  memfd?: MemfdFileEntry;
  bpf?: BpfmapFileEntry;
  pidfd?: PidfdEntry;
}

export interface FhEntry {
  bytes: number;
  type: number;
  handle: U64[];
  path?: string;
  mnt_id?: number;
}

export interface IrmapCacheEntry {
  dev: number;
  inode: U64;
  path: string;
}

export interface RegFileEntry {
  id: number;
  flags: number;
  pos: U64;
  fown: FownEntry;
  name: string;
  /** Meant when absent: -1. */
  mnt_id?: number;
  size?: U64;
  ext?: boolean;
  mode?: number;
  build_id: number[];
  checksum?: number;
  checksum_config?: number;
  checksum_parameter?: number;
  tscriu_mqueue?: TscriuMqueue;
  tscriu_write_life?: number;
}

export interface TscriuMqueue {
  max_messages: U64;
  message_size: U64;
  messages: U64;
  uid: number;
  gid: number;
  unlinked?: U64;
}

export interface GhostFileEntry {
  uid: number;
  gid: number;
  mode: number;
  dev?: number;
  ino?: U64;
  rdev?: number;
  atim?: Timeval;
  mtim?: Timeval;
  chunks?: boolean;
  size?: U64;
  symlnk_target?: string;
  tscriu_atim_ns?: number;
  tscriu_mtim_ns?: number;
  tscriu_room?: U64;
  tscriu_attributes?: TscriuAttributes;
  tscriu_set_aside: TscriuRange[];
}

export interface TscriuRange {
  offset: U64;
  length: U64;
}

export interface GhostChunkEntry {
  len: U64;
  off: U64;
}

export interface RemapFilePathEntry {
  orig_id: number;
  remap_id: number;
  remap_type?: RemapType;
}

export interface PipeEntry {
  id: number;
  pipe_id: number;
  flags: number;
  fown: FownEntry;
  tscriu_uid?: number;
  tscriu_gid?: number;
  tscriu_mode?: number;
}

export interface PipeDataEntry {
  pipe_id: number;
  bytes: number;
  size?: number;
  tscriu_parts: number[];
}

export interface FifoEntry {
  id: number;
  pipe_id: number;
  regf_id?: number;
}

export interface EventfdFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  counter: U64;
  tscriu_semaphore?: boolean;
}

export interface EventpollTfdEntry {
  id: number;
  tfd: number;
  events: number;
  data: U64;
  dev?: number;
  inode?: U64;
  pos?: U64;
  tscriu_number?: number;
  tscriu_file?: number;
}

export interface EventpollFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  tfd: EventpollTfdEntry[];
  tscriu_busy_poll?: U64;
}

export interface SignalfdEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  sigmask: U64;
}

export interface TimerfdEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  clockid: number;
  ticks: U64;
  settime_flags: number;
  vsec: U64;
  vnsec: U64;
  isec: U64;
  insec: U64;
}

export interface InotifyWdEntry {
  id: number;
  i_ino: U64;
  mask: number;
  ignored_mask: number;
  s_dev: number;
  wd: number;
  f_handle: FhEntry;
}

export interface InotifyFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  wd: InotifyWdEntry[];
  tscriu_lost?: boolean;
}

export interface FanotifyInodeMarkEntry {
  i_ino: U64;
  f_handle: FhEntry;
}

export interface FanotifyMountMarkEntry {
  mnt_id: number;
  path?: string;
}

export interface FanotifyMarkEntry {
  id: number;
  type: MarkType;
  mflags: number;
  mask: number;
  ignored_mask: number;
  s_dev: number;
  ie?: FanotifyInodeMarkEntry;
  me?: FanotifyMountMarkEntry;
  tscriu_filesystem?: boolean;
}

export interface FanotifyFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  faflags: number;
  evflags: number;
  mark: FanotifyMarkEntry[];
  tscriu_unprivileged?: boolean;
  tscriu_lost?: boolean;
}

export interface MemfdFileEntry {
  id: number;
  flags: number;
  pos: U64;
  fown: FownEntry;
  inode_id: number;
}

export interface MemfdInodeEntry {
  name: string;
  uid: number;
  gid: number;
  size: U64;
  shmid: number;
  seals: number;
  inode_id: U64;
  hugetlb_flag?: number;
  mode?: number;
  tscriu_room?: U64;
  tscriu_attributes?: TscriuAttributes;
  tscriu_times: U64[];
}

export interface PidfdEntry {
  id: number;
  ino: number;
  flags: number;
  nspid: number;
  fown: FownEntry;
}

export interface WinsizeEntry {
  ws_row: number;
  ws_col: number;
  ws_xpixel: number;
  ws_ypixel: number;
}

export interface TermiosEntry {
  c_iflag: number;
  c_oflag: number;
  c_cflag: number;
  c_lflag: number;
  c_line: number;
  c_ispeed: number;
  c_ospeed: number;
  c_cc: number[];
}

export interface TtyPtyEntry {
  index: number;
}

export interface TtyDataEntry {
  tty_id: number;
  data: Uint8Array;
  tscriu_lines: number[];
}

export interface TtyInfoEntry {
  id: number;
  type: TtyType;
  locked: boolean;
  exclusive: boolean;
  packet_mode: boolean;
  sid: number;
  pgrp: number;
  rdev: number;
  termios?: TermiosEntry;
  termios_locked?: TermiosEntry;
  winsize?: WinsizeEntry;
  pty?: TtyPtyEntry;
  dev?: number;
  uid?: number;
  gid?: number;
  tscriu_stopped?: number;
  tscriu_closed?: boolean;
  tscriu_pty?: number;
  tscriu_status?: number;
}

export interface TtyFileEntry {
  id: number;
  tty_info_id: number;
  flags: number;
  fown: FownEntry;
  regf_id?: number;
}

export interface FileLockEntry {
  flag: number;
  type: number;
  pid: number;
  fd: number;
  start: U64;
  len: U64;
  tscriu_lease?: number;
}

export interface ExtFileEntry {
  id: number;
  fown: FownEntry;
  tscriu_uring?: TscriuUring;
}

export interface TscriuUring {
  setup: number;
  sq_entries: number;
  cq_entries: number;
  submitted: number;
  completed: number;
  flags: number;
  areas: TscriuUringArea[];
}

export interface TscriuUringArea {
  start: U64;
  length: U64;
  offset: U64;
  advice: number[];
}

export interface BpfmapFileEntry {
  id: number;
  flags: number;
  pos: U64;
  fown: FownEntry;
  map_type: number;
  key_size: number;
  value_size: number;
  map_id: number;
  max_entries: number;
  map_flags: number;
  memlock: U64;
  /** Meant when absent: false. */
  frozen: boolean;
  map_name: string;
  /** Meant when absent: 0. */
  ifindex: number;
  /** Meant when absent: -1. */
  mnt_id?: number;
  map_extra?: U64;
}

export interface BpfmapDataEntry {
  map_id: number;
  keys_bytes: number;
  values_bytes: number;
  count: number;
}

export interface ImgStreamerRequestEntry {
  filename: string;
}

export interface ImgStreamerReplyEntry {
  exists: boolean;
}

export interface DevIolink {
  type: number;
  node_to_id: number;
}

export interface KfdDeviceEntry {
  node_id: number;
  gpu_id: number;
  cpu_cores_count: number;
  simd_count: number;
  mem_banks_count: number;
  caches_count: number;
  io_links_count: number;
  max_waves_per_simd: number;
  lds_size_in_kb: number;
  gds_size_in_kb: number;
  num_gws: number;
  wave_front_size: number;
  array_count: number;
  simd_arrays_per_engine: number;
  cu_per_simd_array: number;
  simd_per_cu: number;
  max_slots_scratch_cu: number;
  vendor_id: number;
  device_id: number;
  domain: number;
  drm_render_minor: number;
  hive_id: U64;
  num_sdma_engines: number;
  num_sdma_xgmi_engines: number;
  num_sdma_queues_per_engine: number;
  num_cp_queues: number;
  fw_version: number;
  capability: number;
  sdma_fw_version: number;
  vram_public: number;
  vram_size: U64;
  iolinks: DevIolink[];
}

export interface KfdBoEntry {
  addr: U64;
  size: U64;
  offset: U64;
  alloc_flags: number;
  gpu_id: number;
  handle: number;
}

export interface CriuKfd {
  pid: number;
  num_of_gpus: number;
  num_of_cpus: number;
  device_entries: KfdDeviceEntry[];
  num_of_bos: U64;
  bo_entries: KfdBoEntry[];
  num_of_objects: number;
  shared_mem_size: U64;
  shared_mem_magic: number;
  priv_data: Uint8Array;
}

export interface DrmBoEntry {
  addr: U64;
  size: U64;
  offset: U64;
  alloc_flags: U64;
  alignment: U64;
  preferred_domains: number;
  handle: number;
  is_import: number;
  num_of_vms: number;
  vm_entries: DrmVmEntry[];
}

export interface DrmVmEntry {
  addr: U64;
  size: U64;
  offset: U64;
  flags: U64;
}

export interface CriuRenderNode {
  gpu_id: number;
  id: number;
  drm_render_minor: number;
  num_of_bos: U64;
  bo_entries: DrmBoEntry[];
}

export interface CriuDmabufNode {
  gem_handle: number;
}

export interface PluginsEntry {
  plugins: string[];
}

export interface InventoryEntry {
  img_version: number;
  fdinfo_per_id?: boolean;
  root_ids?: TaskKobjIdsEntry;
  ns_per_id?: boolean;
  root_cg_set?: number;
  lsmtype?: Lsmtype;
  dump_uptime?: U64;
  pre_dump_mode?: number;
  tcp_close?: boolean;
  network_lock_method?: number;
  plugins_entry?: PluginsEntry;
  dump_criu_run_id?: string;
  allow_uprobes?: boolean;
}

export interface DumpStatsEntry {
  freezing_time: number;
  frozen_time: number;
  memdump_time: number;
  memwrite_time: number;
  pages_scanned: U64;
  pages_skipped_parent: U64;
  pages_written: U64;
  irmap_resolve?: number;
  pages_lazy: U64;
  page_pipes?: U64;
  page_pipe_bufs?: U64;
  shpages_scanned?: U64;
  shpages_skipped_parent?: U64;
  shpages_written?: U64;
}

export interface RestoreStatsEntry {
  pages_compared: U64;
  pages_skipped_cow: U64;
  forking_time: number;
  restore_time: number;
  pages_restored?: U64;
}

export interface StatsEntry {
  dump?: DumpStatsEntry;
  restore?: RestoreStatsEntry;
}

export interface AioRingEntry {
  id: U64;
  nr_req: number;
  ring_len: number;
  tscriu_polls: U64[];
}

export interface MmEntry {
  mm_start_code: U64;
  mm_end_code: U64;
  mm_start_data: U64;
  mm_end_data: U64;
  mm_start_stack: U64;
  mm_start_brk: U64;
  mm_brk: U64;
  mm_arg_start: U64;
  mm_arg_end: U64;
  mm_env_start: U64;
  mm_env_end: U64;
  exe_file_id: number;
  mm_saved_auxv: U64[];
  vmas: VmaEntry[];
  dumpable?: number;
  aios: AioRingEntry[];
  thp_disabled?: boolean;
  tscriu_pkeys?: number;
}

export interface VmaEntry {
  start: U64;
  end: U64;
  pgoff: U64;
  shmid: U64;
  prot: number;
  flags: number;
  status: number;
  fd: U64;
  madv?: U64;
  fdflags?: number;
  tscriu_lock_onfault?: boolean;
  tscriu_name?: string;
  tscriu_pkey?: number;
  tscriu_sealed?: boolean;
  tscriu_mempolicy?: TscriuMempolicy;
}

export interface PagemapHead {
  pages_id: number;
}

export interface PagemapEntry {
  vaddr: U64;
  compat_nr_pages: number;
  in_parent?: boolean;
  flags?: number;
  nr_pages?: U64;
}

export interface NsFileEntry {
  id: number;
  ns_id: number;
  ns_cflag: number;
  flags: number;
}

export interface MntEntry {
  fstype: number;
  mnt_id: number;
  root_dev: number;
  parent_mnt_id: number;
  flags: number;
  root: string;
  mountpoint: string;
  source: string;
  options: string;
  shared_id?: number;
  master_id?: number;
  with_plugin?: boolean;
  ext_mount?: boolean;
  fsname?: string;
  internal_sharing?: boolean;
  deleted?: boolean;
  sb_flags?: number;
  ext_key?: string;
  tscriu_pid_ns?: number;
  tscriu_locked?: boolean;
  tscriu_covered?: string;
  tscriu_content?: U64;
}

export interface AutofsEntry {
  fd: number;
  pgrp: number;
  timeout: number;
  minproto: number;
  maxproto: number;
  mode: number;
  uid?: number;
  gid?: number;
  read_fd?: number;
  tscriu_pipe?: number;
  tscriu_names: TscriuAutofsName[];
}

export interface TscriuAutofsName {
  path: string;
  mode: number;
  target?: string;
}

export interface BinfmtMiscEntry {
  name: string;
  enabled: boolean;
  interpreter: string;
  flags?: string;
  extension?: string;
  magic?: string;
  mask?: string;
  offset?: number;
}

export interface NetDeviceEntry {
  type: NdType;
  ifindex: number;
  mtu: number;
  flags: number;
  name: string;
  tun?: TunLinkEntry;
  address?: Uint8Array;
  conf: number[];
  conf4: SysctlEntry[];
  conf6: SysctlEntry[];
  macvlan?: MacvlanLinkEntry;
  peer_ifindex?: number;
  peer_nsid?: number;
  master?: number;
  sit?: SitEntry;
  tscriu_kind?: string;
  tscriu_data?: Uint8Array;
  tscriu_link?: number;
  tscriu_alias?: string;
  tscriu_group?: number;
  tscriu_queue?: number;
  tscriu_port?: Uint8Array;
  tscriu_tx_queues?: number;
  tscriu_rx_queues?: number;
}

export interface NetnsId {
  target_ns_id: number;
  netnsid_value: number;
}

export interface NetnsEntry {
  def_conf: number[];
  all_conf: number[];
  def_conf4: SysctlEntry[];
  all_conf4: SysctlEntry[];
  def_conf6: SysctlEntry[];
  all_conf6: SysctlEntry[];
  nsids: NetnsId[];
  ext_key?: string;
  unix_conf: SysctlEntry[];
  ipv4_sysctl: SysctlEntry[];
  tscriu_sysctls: TscriuSysctl[];
  tscriu_filter?: Uint8Array;
  tscriu_xtables: TscriuXtable[];
  tscriu_neighbours: Uint8Array[];
  tscriu_messages: TscriuNetworkMessage[];
  tscriu_ipsets: TscriuIpset[];
}

export interface TscriuIpset {
  name: string;
  type: string;
  revision: number;
  family: number;
  index: number;
  options: Uint8Array;
  elements: Uint8Array[];
}

export interface TscriuNetworkMessage {
  kind: string;
  payload: Uint8Array;
}

export interface TscriuXtable {
  family: number;
  name: string;
  hooks: number;
  entries_of: number[];
  policies: number[];
  count: number;
  entries: Uint8Array;
}

export interface TscriuSysctl {
  path: string;
  value: string;
}

export interface TunfileEntry {
  id: number;
  netdev?: string;
  detached?: boolean;
  ns_id?: number;
  tscriu_device?: NetDeviceEntry;
  tscriu_addresses: Uint8Array[];
  tscriu_routes: Uint8Array[];
  tscriu_netns?: TscriuNetns;
  tscriu_packets: Uint8Array[];
  tscriu_filter?: Uint8Array;
  tscriu_offload?: number;
}

export interface TunLinkEntry {
  flags: number;
  owner: number;
  group: number;
  vnethdr: number;
  sndbuf: number;
}

export interface MacvlanLinkEntry {
  mode: number;
  flags?: number;
}

export interface SitEntry {
  link?: number;
  local: number[];
  remote: number[];
  ttl?: number;
  tos?: number;
  pmtudisc?: boolean;
  proto?: number;
  flags?: number;
  encap_type?: number;
  encap_flags?: number;
  encap_sport?: number;
  encap_dport?: number;
  rd_prefixlen?: number;
  rd_prefix: number[];
  relay_prefixlen?: number;
  relay_prefix: number[];
}

export interface IpcDescEntry {
  key: number;
  uid: number;
  gid: number;
  cuid: number;
  cgid: number;
  mode: number;
  id: number;
}

export interface IpcVarEntry {
  sem_ctls: number[];
  msg_ctlmax: number;
  msg_ctlmnb: number;
  msg_ctlmni: number;
  auto_msgmni: number;
  shm_ctlmax: U64;
  shm_ctlall: U64;
  shm_ctlmni: number;
  shm_rmid_forced: number;
  mq_queues_max: number;
  mq_msg_max: number;
  mq_msgsize_max: number;
  mq_msg_default?: number;
  mq_msgsize_default?: number;
  msg_next_id?: number;
  sem_next_id?: number;
  shm_next_id?: number;
}

export interface IpcShmEntry {
  desc: IpcDescEntry;
  size: U64;
  in_pagemaps?: boolean;
  hugetlb_flag?: number;
  tscriu_cpid?: number;
  tscriu_noreserve?: boolean;
}

export interface IpcMsg {
  mtype: U64;
  msize: number;
}

export interface IpcMsgEntry {
  desc: IpcDescEntry;
  qbytes: number;
  qnum: number;
}

export interface IpcSemEntry {
  desc: IpcDescEntry;
  nsems: number;
}

export interface UtsnsEntry {
  nodename: string;
  domainname: string;
}

export interface UidGidExtent {
  first: number;
  lower_first: number;
  count: number;
}

export interface UsernsEntry {
  uid_map: UidGidExtent[];
  gid_map: UidGidExtent[];
  tscriu_projid_map: UidGidExtent[];
  tscriu_setgroups_denied?: boolean;
  tscriu_owner?: number;
  tscriu_parent?: number;
  tscriu_owned: number[];
}

export interface Timespec {
  tv_sec: U64;
  tv_nsec: U64;
}

export interface TimensEntry {
  monotonic: Timespec;
  boottime: Timespec;
}

export interface PidnsEntry {
  ext_key?: string;
  tscriu_pid_max?: number;
  tscriu_memfd_noexec?: number;
}

export interface CgroupPerms {
  mode: number;
  uid: number;
  gid: number;
}

export interface CgroupPropEntry {
  name: string;
  value: string;
  perms?: CgroupPerms;
}

export interface CgroupDirEntry {
  dir_name: string;
  children: CgroupDirEntry[];
  properties: CgroupPropEntry[];
  dir_perms?: CgroupPerms;
  tscriu_threads?: CgroupPerms;
}

export interface CgControllerEntry {
  cnames: string[];
  dirs: CgroupDirEntry[];
  is_threaded?: boolean;
  tscriu_above: CgroupDirEntry[];
}

export interface CgMemberEntry {
  name: string;
  path: string;
  cgns_prefix?: number;
}

export interface CgSetEntry {
  id: number;
  ctls: CgMemberEntry[];
}

export interface CgroupEntry {
  sets: CgSetEntry[];
  controllers: CgControllerEntry[];
}

export interface CriuPageServerInfo {
  address?: string;
  port?: number;
  pid?: number;
  fd?: number;
}

export interface CriuVethPair {
  if_in: string;
  if_out: string;
}

export interface ExtMountMap {
  key: string;
  val: string;
}

export interface JoinNamespace {
  ns: string;
  ns_file: string;
  extra_opt?: string;
}

export interface InheritFd {
  key: string;
  fd: number;
}

export interface CgroupRoot {
  ctrl?: string;
  path: string;
}

export interface UnixSk {
  inode: number;
}

export interface CriuOpts {
  /** Meant when absent: -1. */
  images_dir_fd: number;
  pid?: number;
  leave_running?: boolean;
  ext_unix_sk?: boolean;
  tcp_established?: boolean;
  evasive_devices?: boolean;
  shell_job?: boolean;
  file_locks?: boolean;
  /** Meant when absent: 2. */
  log_level?: number;
  log_file?: string;
  ps?: CriuPageServerInfo;
  notify_scripts?: boolean;
  root?: string;
  parent_img?: string;
  track_mem?: boolean;
  auto_dedup?: boolean;
  work_dir_fd?: number;
  link_remap?: boolean;
  veths: CriuVethPair[];
  /** Meant when absent: 4294967295. */
  cpu_cap?: number;
  force_irmap?: boolean;
  exec_cmd: string[];
  ext_mnt: ExtMountMap[];
  manage_cgroups?: boolean;
  cg_root: CgroupRoot[];
  rst_sibling?: boolean;
  inherit_fd: InheritFd[];
  auto_ext_mnt?: boolean;
  ext_sharing?: boolean;
  ext_masters?: boolean;
  skip_mnt: string[];
  enable_fs: string[];
  unix_sk_ino: UnixSk[];
  manage_cgroups_mode?: CriuCgMode;
  /** Meant when absent: 1048576. */
  ghost_limit?: number;
  irmap_scan_paths: string[];
  external: string[];
  empty_ns?: number;
  join_ns: JoinNamespace[];
  cgroup_props?: string;
  cgroup_props_file?: string;
  cgroup_dump_controller: string[];
  freeze_cgroup?: string;
  timeout?: number;
  tcp_skip_in_flight?: boolean;
  weak_sysctls?: boolean;
  lazy_pages?: boolean;
  status_fd?: number;
  orphan_pts_master?: boolean;
  config_file?: string;
  tcp_close?: boolean;
  lsm_profile?: string;
  tls_cacert?: string;
  tls_cacrl?: string;
  tls_cert?: string;
  tls_key?: string;
  tls?: boolean;
  tls_no_cn_verify?: boolean;
  cgroup_yard?: string;
  /** Meant when absent: SPLICE. */
  pre_dump_mode?: CriuPreDumpMode;
  pidfd_store_sk?: number;
  lsm_mount_context?: string;
  /** Meant when absent: IPTABLES. */
  network_lock?: CriuNetworkLockMethod;
  mntns_compat_mode?: boolean;
  skip_file_rwx_check?: boolean;
  unprivileged?: boolean;
  images_dir?: string;
  leave_stopped?: boolean;
  display_stats?: boolean;
  log_to_stderr?: boolean;
}

export interface CriuDumpResp {
  restored?: boolean;
}

export interface CriuRestoreResp {
  pid: number;
}

export interface CriuNotify {
  script?: string;
  pid?: number;
}

export interface CriuFeatures {
  mem_track?: boolean;
  lazy_pages?: boolean;
  pidfd_store?: boolean;
}

export interface CriuReq {
  type: CriuReqType;
  opts?: CriuOpts;
  notify_success?: boolean;
  keep_open?: boolean;
  features?: CriuFeatures;
  pid?: number;
}

export interface CriuResp {
  type: CriuReqType;
  success: boolean;
  dump?: CriuDumpResp;
  restore?: CriuRestoreResp;
  notify?: CriuNotify;
  ps?: CriuPageServerInfo;
  cr_errno?: number;
  features?: CriuFeatures;
  cr_errmsg?: string;
  version?: CriuVersion;
  status?: number;
}

export interface CriuVersion {
  major_number: number;
  minor_number: number;
  gitid?: string;
  sublevel?: number;
  extra?: number;
  name?: string;
}

export interface IpOptsRawEntry {
  hdrincl?: boolean;
  nodefrag?: boolean;
  checksum?: boolean;
  icmpv_filter: number[];
}

export interface IpOptsEntry {
  freebind?: boolean;
  raw?: IpOptsRawEntry;
  pktinfo?: boolean;
  tos?: number;
  ttl?: number;
  tscriu_options: TscriuOption[];
  tscriu_memberships: TscriuMembership[];
}

export interface TscriuMembership {
  group: Uint8Array;
  ifname: string;
  include?: boolean;
  sources: Uint8Array[];
}

export interface InetSkEntry {
  id: number;
  ino: number;
  family: number;
  type: number;
  proto: number;
  state: number;
  src_port: number;
  dst_port: number;
  flags: number;
  backlog: number;
  src_addr: number[];
  dst_addr: number[];
  fown: FownEntry;
  opts: SkOptsEntry;
  v6only?: boolean;
  ip_opts?: IpOptsEntry;
  ifname?: string;
  ns_id?: number;
  shutdown?: SkShutdown;
  tcp_opts?: TcpOptsEntry;
  tscriu_netns?: TscriuNetns;
  tscriu_pending: TscriuPending[];
  tscriu_group?: TscriuGroup;
  tscriu_error?: number;
  tscriu_errors: Uint8Array[];
  tscriu_md5: TscriuMd5[];
  tscriu_flowinfo?: number;
  tscriu_corked?: Uint8Array;
  tscriu_corked_to?: Uint8Array;
}

export interface TscriuGroup {
  place: number;
  filter: U64[];
}

export interface TscriuMd5 {
  address: Uint8Array;
  prefix: number;
  key: Uint8Array;
}

export interface TscriuPending {
  ino: number;
  state: number;
  src_addr: number[];
  dst_port: number;
  dst_addr: number[];
}

export interface TcpOptsEntry {
  cork?: boolean;
  nodelay?: boolean;
  keepcnt?: number;
  keepidle?: number;
  keepintvl?: number;
  tscriu_options: TscriuOption[];
}

export interface TcpStreamEntry {
  inq_len: number;
  inq_seq: number;
  outq_len: number;
  outq_seq: number;
  opt_mask: number;
  snd_wscale: number;
  mss_clamp: number;
  rcv_wscale?: number;
  timestamp?: number;
  cork?: boolean;
  nodelay?: boolean;
  unsq_len?: number;
  snd_wl1?: number;
  snd_wnd?: number;
  max_window?: number;
  rcv_wnd?: number;
  rcv_wup?: number;
  tscriu_error?: number;
  tscriu_never?: boolean;
  tscriu_urgent?: number;
  tscriu_taken?: boolean;
}

export interface FilePermsEntry {
  mode: number;
  uid: number;
  gid: number;
}

export interface UnixSkEntry {
  id: number;
  ino: number;
  type: number;
  state: number;
  flags: number;
  uflags: number;
  backlog: number;
  peer: number;
  fown: FownEntry;
  opts: SkOptsEntry;
  name: Uint8Array;
  shutdown?: SkShutdown;
  file_perms?: FilePermsEntry;
  name_dir?: string;
  deleted?: boolean;
  ns_id?: number;
  /** Meant when absent: -1. */
  mnt_id?: number;
  tscriu_peer: number[];
  tscriu_uid?: number;
  tscriu_gid?: number;
  tscriu_path?: string;
  tscriu_peek_off?: number;
  tscriu_passpidfd?: number;
  tscriu_passrights?: number;
  tscriu_error?: number;
  tscriu_peer_name?: Uint8Array;
  tscriu_ahead: TscriuUnixAhead[];
  tscriu_file?: TscriuAttributes;
}

export interface TscriuUnixAhead {
  data: Uint8Array;
  credentials: number[];
}

export interface ScmEntry {
  type: number;
  rights: number[];
}

export interface SkPacketEntry {
  id_for: number;
  length: number;
  scm: ScmEntry[];
  tscriu_from?: Uint8Array;
  tscriu_credentials: number[];
  tscriu_urgent?: number;
  tscriu_controls: TscriuControl[];
}

export interface TscriuControl {
  level: number;
  type: number;
  bytes: Uint8Array;
}

export interface PacketMclist {
  index: number;
  type: number;
  addr: Uint8Array;
  tscriu_ifname?: string;
}

export interface PacketRing {
  block_size: number;
  block_nr: number;
  frame_size: number;
  frame_nr: number;
  retire_tmo: number;
  sizeof_priv: number;
  features: number;
}

export interface PacketSockEntry {
  id: number;
  type: number;
  protocol: number;
  flags: number;
  ifindex: number;
  fown: FownEntry;
  opts: SkOptsEntry;
  version: number;
  reserve: number;
  aux_data: boolean;
  orig_dev: boolean;
  vnet_hdr: boolean;
  loss: boolean;
  timestamp: number;
  copy_thresh: number;
  mclist: PacketMclist[];
  /** Meant when absent: 4294967295. */
  fanout?: number;
  rx_ring?: PacketRing;
  tx_ring?: PacketRing;
  ns_id?: number;
  tscriu_ifname?: string;
  tscriu_next?: number;
  tscriu_frames: TscriuFrame[];
  tscriu_netns?: TscriuNetns;
}

export interface TscriuFrame {
  index: number;
  bytes: Uint8Array;
}

export interface NetlinkSkEntry {
  id: number;
  ino: number;
  protocol: number;
  state: number;
  flags: number;
  portid: number;
  groups: number[];
  dst_portid: number;
  dst_group: number;
  fown: FownEntry;
  opts: SkOptsEntry;
  ns_id?: number;
  tscriu_type?: number;
  tscriu_netns?: TscriuNetns;
  tscriu_messages: TscriuNetlinkMessage[];
  tscriu_missed?: boolean;
}

export interface TscriuNetlinkMessage {
  port: number;
  data: Uint8Array;
}

export interface PstreeEntry {
  pid: number;
  ppid: number;
  pgid: number;
  sid: number;
  threads: number[];
  tscriu_pids?: TscriuPidSpaces;
}

export interface TscriuPidSpaces {
  inner: TscriuInnerPids[];
  born_into?: number;
  clocks_born_into?: number;
}

export interface TscriuInnerPids {
  pid_ns_id: number;
  pid: number;
  pgid: number;
  sid: number;
  threads: number[];
}

export interface TaskCoreEntry {
  task_state: number;
  exit_code: number;
  personality: number;
  flags: number;
  blk_sigset: U64;
  comm: string;
  timers?: TaskTimersEntry;
  rlimits?: TaskRlimitsEntry;
  cg_set?: number;
  signals_s?: SignalQueueEntry;
  old_seccomp_mode?: SeccompMode;
  old_seccomp_filter?: number;
  loginuid?: number;
  oom_score_adj?: number;
  sigactions: SaEntry[];
  child_subreaper?: boolean;
  blk_sigset_extended?: U64;
  stop_signo?: number;
  membarrier_registration_mask?: number;
  tscriu_coredump_filter?: number;
  tscriu_prctls: TscriuPrctl[];
  tscriu_exit_signal?: number;
  tscriu_stop_waited?: boolean;
  tscriu_xcomp_perm?: U64;
  tscriu_mlockall?: number;
  tscriu_autogroup?: number;
  tscriu_continued?: boolean;
}

export interface TscriuPrctl {
  option: number;
  value: U64;
}

export interface TaskKobjIdsEntry {
  vm_id: number;
  files_id: number;
  fs_id: number;
  sighand_id: number;
  pid_ns_id?: number;
  net_ns_id?: number;
  ipc_ns_id?: number;
  uts_ns_id?: number;
  mnt_ns_id?: number;
  user_ns_id?: number;
  cgroup_ns_id?: number;
  time_ns_id?: number;
}

export interface ThreadSasEntry {
  ss_sp: U64;
  ss_size: U64;
  ss_flags: number;
}

export interface ThreadCoreEntry {
  futex_rla: U64;
  futex_rla_len: number;
  sched_nice?: number;
  sched_policy?: number;
  sched_prio?: number;
  blk_sigset?: U64;
  sas?: ThreadSasEntry;
  pdeath_sig?: number;
  signals_p?: SignalQueueEntry;
  creds?: CredsEntry;
  seccomp_mode?: SeccompMode;
  seccomp_filter?: number;
  comm?: string;
  blk_sigset_extended?: U64;
  rseq_entry?: RseqEntry;
  cg_set?: number;
  tscriu_affinity?: Uint8Array;
  tscriu_ioprio?: number;
  tscriu_timerslack_ns?: U64;
  tscriu_sched?: TscriuSched;
  tscriu_restart?: TscriuRestart;
  tscriu_namespaces?: TscriuThreadNamespaces;
  tscriu_fs?: FsEntry;
  tscriu_prctls: TscriuPrctl[];
  tscriu_mempolicy?: TscriuMempolicy;
  tscriu_keyrings?: TscriuKeyrings;
}

export interface TscriuKeyrings {
  session?: number;
  process?: number;
  thread?: number;
  keys: TscriuKey[];
}

export interface TscriuKey {
  id: number;
  type: string;
  description: string;
  uid: number;
  gid: number;
  perm: number;
  payload?: Uint8Array;
  links: number[];
  left?: number;
}

export interface TscriuMempolicy {
  mode: number;
  nodes: Uint8Array;
}

export interface TscriuThreadNamespaces {
  net_ns_id?: number;
  ipc_ns_id?: number;
  uts_ns_id?: number;
  cgroup_ns_id?: number;
  mnt_ns_id?: number;
  born_into?: number;
  clocks_born_into?: number;
}

export interface TscriuSched {
  flags?: U64;
  runtime?: U64;
  deadline?: U64;
  period?: U64;
  util_min?: number;
  util_max?: number;
  nice?: number;
}

export interface TscriuRestart {
  nr: number;
  remaining_ns: U64;
  before?: Uint8Array;
}

export interface TaskRlimitsEntry {
  rlimits: RlimitEntry[];
}

export interface CoreEntry {
  mtype: CoreEntryMarch;
  thread_info?: ThreadInfoX86;
  tc?: TaskCoreEntry;
  ids?: TaskKobjIdsEntry;
  thread_core?: ThreadCoreEntry;
  ti_arm?: ThreadInfoArm;
  ti_aarch64?: ThreadInfoAarch64;
  ti_ppc64?: ThreadInfoPpc64;
  ti_s390?: ThreadInfoS390;
  ti_mips?: ThreadInfoMips;
  ti_loongarch64?: ThreadInfoLoongarch64;
  ti_riscv64?: ThreadInfoRiscv64;
}

export interface CredsEntry {
  uid: number;
  gid: number;
  euid: number;
  egid: number;
  suid: number;
  sgid: number;
  fsuid: number;
  fsgid: number;
  cap_inh: number[];
  cap_prm: number[];
  cap_eff: number[];
  cap_bnd: number[];
  secbits: number;
  groups: number[];
  lsm_profile?: string;
  lsm_sockcreate?: string;
  apparmor_data?: Uint8Array;
  no_new_privs?: number;
  cap_amb: number[];
  tscriu_groups: number[];
}

export interface ItimerEntry {
  isec: U64;
  iusec: U64;
  vsec: U64;
  vusec: U64;
}

export interface PosixTimerEntry {
  it_id: number;
  clock_id: number;
  si_signo: number;
  it_sigev_notify: number;
  sival_ptr: U64;
  overrun: number;
  isec: U64;
  insec: U64;
  vsec: U64;
  vnsec: U64;
  notify_thread_id?: number;
  tscriu_overrun?: U64;
}

export interface TaskTimersEntry {
  real: ItimerEntry;
  virt: ItimerEntry;
  prof: ItimerEntry;
  posix: PosixTimerEntry[];
}

export interface SaEntry {
  sigaction: U64;
  flags: U64;
  restorer: U64;
  mask: U64;
  compat_sigaction?: boolean;
  mask_extended?: U64;
}

export interface SiginfoEntry {
  siginfo: Uint8Array;
}

export interface SignalQueueEntry {
  signals: SiginfoEntry[];
}

export interface RseqEntry {
  rseq_abi_pointer: U64;
  rseq_abi_size: number;
  signature: number;
  rseq_cs_pointer?: U64;
}

export interface SeccompFilter {
  filter: Uint8Array;
  prev?: number;
  flags?: number;
}

export interface SeccompEntry {
  seccomp_filters: SeccompFilter[];
}

export interface AaPolicy {
  name: string;
  blob: Uint8Array;
}

export interface AaNamespace {
  name: string;
  policies: AaPolicy[];
  namespaces: AaNamespace[];
}

export interface ApparmorEntry {
  namespaces: AaNamespace[];
}

export interface FsEntry {
  cwd_id: number;
  root_id: number;
  umask?: number;
}

/** Every message by its name in proto/. */
export interface Messages {
  user_x86_regs_entry: UserX86RegsEntry;
  user_x86_cet_entry: UserX86CetEntry;
  user_x86_xsave_entry: UserX86XsaveEntry;
  tscriu_xstate: TscriuXstate;
  user_x86_fpregs_entry: UserX86FpregsEntry;
  user_desc_t: UserDescT;
  thread_info_x86: ThreadInfoX86;
  user_aarch64_regs_entry: UserAarch64RegsEntry;
  user_aarch64_fpsimd_context_entry: UserAarch64FpsimdContextEntry;
  pac_address_keys: PacAddressKeys;
  pac_generic_keys: PacGenericKeys;
  pac_keys: PacKeys;
  thread_info_aarch64: ThreadInfoAarch64;
  tscriu_regset: TscriuRegset;
  user_arm_regs_entry: UserArmRegsEntry;
  user_arm_vfpstate_entry: UserArmVfpstateEntry;
  thread_info_arm: ThreadInfoArm;
  user_ppc64_regs_entry: UserPpc64RegsEntry;
  user_ppc64_fpstate_entry: UserPpc64FpstateEntry;
  user_ppc64_vrstate_entry: UserPpc64VrstateEntry;
  user_ppc64_vsxstate_entry: UserPpc64VsxstateEntry;
  user_ppc64_tm_regs_entry: UserPpc64TmRegsEntry;
  thread_info_ppc64: ThreadInfoPpc64;
  user_s390_regs_entry: UserS390RegsEntry;
  user_s390_vxrs_low_entry: UserS390VxrsLowEntry;
  user_s390_vxrs_high_entry: UserS390VxrsHighEntry;
  user_s390_fpregs_entry: UserS390FpregsEntry;
  user_s390_gs_cb_entry: UserS390GsCbEntry;
  user_s390_ri_entry: UserS390RiEntry;
  thread_info_s390: ThreadInfoS390;
  user_mips_regs_entry: UserMipsRegsEntry;
  user_mips_fpregs_entry: UserMipsFpregsEntry;
  thread_info_mips: ThreadInfoMips;
  user_loongarch64_gpregs_entry: UserLoongarch64GpregsEntry;
  user_loongarch64_fpregs_entry: UserLoongarch64FpregsEntry;
  thread_info_loongarch64: ThreadInfoLoongarch64;
  user_riscv64_regs_entry: UserRiscv64RegsEntry;
  user_riscv64_d_ext_entry: UserRiscv64DExtEntry;
  thread_info_riscv64: ThreadInfoRiscv64;
  cpuinfo_x86_entry: CpuinfoX86Entry;
  cpuinfo_ppc64_entry: CpuinfoPpc64Entry;
  cpuinfo_s390_entry: CpuinfoS390Entry;
  cpuinfo_entry: CpuinfoEntry;
  fown_entry: FownEntry;
  timeval: Timeval;
  sysctl_entry: SysctlEntry;
  sk_opts_entry: SkOptsEntry;
  tscriu_netns: TscriuNetns;
  tscriu_option: TscriuOption;
  rlimit_entry: RlimitEntry;
  tscriu_attributes: TscriuAttributes;
  tscriu_xattr: TscriuXattr;
  fdinfo_entry: FdinfoEntry;
  file_entry: FileEntry;
  fh_entry: FhEntry;
  irmap_cache_entry: IrmapCacheEntry;
  reg_file_entry: RegFileEntry;
  tscriu_mqueue: TscriuMqueue;
  ghost_file_entry: GhostFileEntry;
  tscriu_range: TscriuRange;
  ghost_chunk_entry: GhostChunkEntry;
  remap_file_path_entry: RemapFilePathEntry;
  pipe_entry: PipeEntry;
  pipe_data_entry: PipeDataEntry;
  fifo_entry: FifoEntry;
  eventfd_file_entry: EventfdFileEntry;
  eventpoll_tfd_entry: EventpollTfdEntry;
  eventpoll_file_entry: EventpollFileEntry;
  signalfd_entry: SignalfdEntry;
  timerfd_entry: TimerfdEntry;
  inotify_wd_entry: InotifyWdEntry;
  inotify_file_entry: InotifyFileEntry;
  fanotify_inode_mark_entry: FanotifyInodeMarkEntry;
  fanotify_mount_mark_entry: FanotifyMountMarkEntry;
  fanotify_mark_entry: FanotifyMarkEntry;
  fanotify_file_entry: FanotifyFileEntry;
  memfd_file_entry: MemfdFileEntry;
  memfd_inode_entry: MemfdInodeEntry;
  pidfd_entry: PidfdEntry;
  winsize_entry: WinsizeEntry;
  termios_entry: TermiosEntry;
  tty_pty_entry: TtyPtyEntry;
  tty_data_entry: TtyDataEntry;
  tty_info_entry: TtyInfoEntry;
  tty_file_entry: TtyFileEntry;
  file_lock_entry: FileLockEntry;
  ext_file_entry: ExtFileEntry;
  tscriu_uring: TscriuUring;
  tscriu_uring_area: TscriuUringArea;
  bpfmap_file_entry: BpfmapFileEntry;
  bpfmap_data_entry: BpfmapDataEntry;
  img_streamer_request_entry: ImgStreamerRequestEntry;
  img_streamer_reply_entry: ImgStreamerReplyEntry;
  dev_iolink: DevIolink;
  kfd_device_entry: KfdDeviceEntry;
  kfd_bo_entry: KfdBoEntry;
  criu_kfd: CriuKfd;
  drm_bo_entry: DrmBoEntry;
  drm_vm_entry: DrmVmEntry;
  criu_render_node: CriuRenderNode;
  criu_dmabuf_node: CriuDmabufNode;
  plugins_entry: PluginsEntry;
  inventory_entry: InventoryEntry;
  dump_stats_entry: DumpStatsEntry;
  restore_stats_entry: RestoreStatsEntry;
  stats_entry: StatsEntry;
  aio_ring_entry: AioRingEntry;
  mm_entry: MmEntry;
  vma_entry: VmaEntry;
  pagemap_head: PagemapHead;
  pagemap_entry: PagemapEntry;
  ns_file_entry: NsFileEntry;
  mnt_entry: MntEntry;
  autofs_entry: AutofsEntry;
  tscriu_autofs_name: TscriuAutofsName;
  binfmt_misc_entry: BinfmtMiscEntry;
  net_device_entry: NetDeviceEntry;
  netns_id: NetnsId;
  netns_entry: NetnsEntry;
  tscriu_ipset: TscriuIpset;
  tscriu_network_message: TscriuNetworkMessage;
  tscriu_xtable: TscriuXtable;
  tscriu_sysctl: TscriuSysctl;
  tunfile_entry: TunfileEntry;
  tun_link_entry: TunLinkEntry;
  macvlan_link_entry: MacvlanLinkEntry;
  sit_entry: SitEntry;
  ipc_desc_entry: IpcDescEntry;
  ipc_var_entry: IpcVarEntry;
  ipc_shm_entry: IpcShmEntry;
  ipc_msg: IpcMsg;
  ipc_msg_entry: IpcMsgEntry;
  ipc_sem_entry: IpcSemEntry;
  utsns_entry: UtsnsEntry;
  uid_gid_extent: UidGidExtent;
  userns_entry: UsernsEntry;
  timespec: Timespec;
  timens_entry: TimensEntry;
  pidns_entry: PidnsEntry;
  cgroup_perms: CgroupPerms;
  cgroup_prop_entry: CgroupPropEntry;
  cgroup_dir_entry: CgroupDirEntry;
  cg_controller_entry: CgControllerEntry;
  cg_member_entry: CgMemberEntry;
  cg_set_entry: CgSetEntry;
  cgroup_entry: CgroupEntry;
  criu_page_server_info: CriuPageServerInfo;
  criu_veth_pair: CriuVethPair;
  ext_mount_map: ExtMountMap;
  join_namespace: JoinNamespace;
  inherit_fd: InheritFd;
  cgroup_root: CgroupRoot;
  unix_sk: UnixSk;
  criu_opts: CriuOpts;
  criu_dump_resp: CriuDumpResp;
  criu_restore_resp: CriuRestoreResp;
  criu_notify: CriuNotify;
  criu_features: CriuFeatures;
  criu_req: CriuReq;
  criu_resp: CriuResp;
  criu_version: CriuVersion;
  ip_opts_raw_entry: IpOptsRawEntry;
  ip_opts_entry: IpOptsEntry;
  tscriu_membership: TscriuMembership;
  inet_sk_entry: InetSkEntry;
  tscriu_group: TscriuGroup;
  tscriu_md5: TscriuMd5;
  tscriu_pending: TscriuPending;
  tcp_opts_entry: TcpOptsEntry;
  tcp_stream_entry: TcpStreamEntry;
  file_perms_entry: FilePermsEntry;
  unix_sk_entry: UnixSkEntry;
  tscriu_unix_ahead: TscriuUnixAhead;
  scm_entry: ScmEntry;
  sk_packet_entry: SkPacketEntry;
  tscriu_control: TscriuControl;
  packet_mclist: PacketMclist;
  packet_ring: PacketRing;
  packet_sock_entry: PacketSockEntry;
  tscriu_frame: TscriuFrame;
  netlink_sk_entry: NetlinkSkEntry;
  tscriu_netlink_message: TscriuNetlinkMessage;
  pstree_entry: PstreeEntry;
  tscriu_pid_spaces: TscriuPidSpaces;
  tscriu_inner_pids: TscriuInnerPids;
  task_core_entry: TaskCoreEntry;
  tscriu_prctl: TscriuPrctl;
  task_kobj_ids_entry: TaskKobjIdsEntry;
  thread_sas_entry: ThreadSasEntry;
  thread_core_entry: ThreadCoreEntry;
  tscriu_keyrings: TscriuKeyrings;
  tscriu_key: TscriuKey;
  tscriu_mempolicy: TscriuMempolicy;
  tscriu_thread_namespaces: TscriuThreadNamespaces;
  tscriu_sched: TscriuSched;
  tscriu_restart: TscriuRestart;
  task_rlimits_entry: TaskRlimitsEntry;
  core_entry: CoreEntry;
  creds_entry: CredsEntry;
  itimer_entry: ItimerEntry;
  posix_timer_entry: PosixTimerEntry;
  task_timers_entry: TaskTimersEntry;
  sa_entry: SaEntry;
  siginfo_entry: SiginfoEntry;
  signal_queue_entry: SignalQueueEntry;
  rseq_entry: RseqEntry;
  seccomp_filter: SeccompFilter;
  seccomp_entry: SeccompEntry;
  aa_policy: AaPolicy;
  aa_namespace: AaNamespace;
  apparmor_entry: ApparmorEntry;
  fs_entry: FsEntry;
}
