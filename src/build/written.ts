/**
 * Pages of the runtime's .bss that each start writes to, besides those at its beginning: a fault each, where one call maps them
 * side by side. A running program shows them (/proc/PID/pagemap). Another runtime has another segment with the data, and none of
 * these until somebody looks: the test of the start-up code does, and says which.
 */
interface Written {
  /** Where the runtime's segment with the data and the .bss lies. */
  readonly address: number;
  readonly size: number;
  readonly ranges: readonly { readonly address: number; readonly pages: number }[];
}

const known: readonly Written[] = [
  {
    address: 0x684ac90,
    size: 0x1d6848,
    ranges: [
      { address: 0x68f2000, pages: 21 },
      { address: 0x69d9000, pages: 10 },
    ],
  },
];

export function writtenIn(segments: readonly { address: number; size: number }[]): Written["ranges"] {
  const isIn = ({ address, size }: Written) => segments.some((one) => one.address === address && one.size === size);
  return known.find(isIn)?.ranges ?? [];
}
