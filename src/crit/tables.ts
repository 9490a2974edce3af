/** Names of flags and values as crit prints them with --pretty, by the names that the schema uses for the tables. */

type Names = readonly (readonly [name: string, value: number])[];

const bits = (...names: readonly (readonly [name: string, bit: number])[]): Names =>
  names.map(([name, bit]) => [name, 2 ** bit]);

const openFlags: Names = [
  ["O_WRONLY", 0o1],
  ["O_RDWR", 0o2],
  ["O_CREAT", 0o100],
  ["O_EXCL", 0o200],
  ["O_NOCTTY", 0o400],
  ["O_TRUNC", 0o1000],
  ["O_APPEND", 0o2000],
  ["O_NONBLOCK", 0o4000],
  ["O_DSYNC", 0o10000],
  ["FASYNC", 0o20000],
  ["O_DIRECT", 0o40000],
  ["O_LARGEFILE", 0o100000],
  ["O_DIRECTORY", 0o200000],
  ["O_NOFOLLOW", 0o400000],
  ["O_NOATIME", 0o1000000],
  ["O_CLOEXEC", 0o2000000],
];

/** Bit 16, guard regions, has no name: crit prints it as a number. */
const areaStatus = bits(
  ["VMA_AREA_REGULAR", 0],
  ["VMA_AREA_STACK", 1],
  ["VMA_AREA_VSYSCALL", 2],
  ["VMA_AREA_VDSO", 3],
  ["VMA_AREA_HEAP", 5],
  ["VMA_FILE_PRIVATE", 6],
  ["VMA_FILE_SHARED", 7],
  ["VMA_ANON_SHARED", 8],
  ["VMA_ANON_PRIVATE", 9],
  ["VMA_AREA_SYSVIPC", 10],
  ["VMA_AREA_SOCKET", 11],
  ["VMA_AREA_VVAR", 12],
  ["VMA_AREA_AIORING", 13],
  ["VMA_AREA_MEMFD", 14],
  ["VMA_AREA_SHSTK", 15],
  ["VMA_AREA_UPROBES", 17],
  ["VMA_UNSUPP", 31],
);

export const flagTables: ReadonlyMap<string, Names> = new Map([
  ["mmap.prot", bits(["PROT_READ", 0], ["PROT_WRITE", 1], ["PROT_EXEC", 2])],
  [
    "mmap.flags",
    bits(["MAP_SHARED", 0], ["MAP_PRIVATE", 1], ["MAP_DROPPABLE", 3], ["MAP_ANON", 5], ["MAP_GROWSDOWN", 8]),
  ],
  ["mmap.status", areaStatus],
  ["rfile.flags", openFlags],
  ["pmap.flags", bits(["PE_PARENT", 0], ["PE_LAZY", 1], ["PE_PRESENT", 2])],
  [
    "seals.flags",
    bits(["F_SEAL_SEAL", 0], ["F_SEAL_SHRINK", 1], ["F_SEAL_GROW", 2], ["F_SEAL_WRITE", 3], ["F_SEAL_FUTURE_WRITE", 4]),
  ],
]);

/** Value names by dictionary, then by field. */
export const dictTables: ReadonlyMap<string, Names> = new Map<string, Names>([
  [
    "gen.task_state",
    [
      ["Alive", 1],
      ["Zombie", 3],
      ["Stopped", 6],
    ],
  ],
  [
    "sk.family",
    [
      ["UNIX", 1],
      ["INET", 2],
      ["INET6", 10],
      ["NETLINK", 16],
      ["PACKET", 17],
    ],
  ],
  [
    "sk.type",
    [
      ["STREAM", 1],
      ["DGRAM", 2],
      ["RAW", 3],
      ["SEQPACKET", 5],
      ["PACKET", 10],
    ],
  ],
  [
    "sk.state",
    [
      ["ESTABLISHED", 1],
      ["SYN_SENT", 2],
      ["SYN_RECV", 3],
      ["FIN_WAIT1", 4],
      ["FIN_WAIT2", 5],
      ["TIME_WAIT", 6],
      ["CLOSE", 7],
      ["CLOSE_WAIT", 8],
      ["LAST_ACK", 9],
      ["LISTEN", 10],
    ],
  ],
  [
    "sk.proto",
    [
      ["IP", 0],
      ["TCP", 6],
      ["UDP", 17],
      ["UDPLITE", 136],
    ],
  ],
]);
