// linux/futex.h

/** Operations of futex(2), and the flags that go with them. */
export const FUTEX = {
  WAIT: 0,
  WAKE: 1,
  REQUEUE: 3,
  CMP_REQUEUE: 4,
  WAKE_OP: 5,
  LOCK_PI: 6,
  UNLOCK_PI: 7,
  TRYLOCK_PI: 8,
  WAIT_BITSET: 9,
  WAKE_BITSET: 0xa,
  WAIT_REQUEUE_PI: 0xb,
  CMP_REQUEUE_PI: 0xc,
  LOCK_PI2: 0xd,
  PRIVATE_FLAG: 0x80,
  CLOCK_REALTIME: 0x100,
} as const;
