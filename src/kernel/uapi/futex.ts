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

/** What a robust or priority-inheritance futex word holds besides the owner's tid. */
export const FUTEX_WAITERS = 0x8000_0000;
export const FUTEX_OWNER_DIED = 0x4000_0000;
export const FUTEX_TID_MASK = 0x3fff_ffff;
export const FUTEX_BITSET_MATCH_ANY = 0xffff_ffff;
