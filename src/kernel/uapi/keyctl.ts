// linux/keyctl.h

/** Operations of keyctl(2), KEYCTL_* there. */
export const KEYCTL = {
  GET_KEYRING_ID: 0,
  JOIN_SESSION_KEYRING: 1,
  CHOWN: 4,
  SETPERM: 5,
  DESCRIBE: 6,
  LINK: 8,
  READ: 11,
  SET_TIMEOUT: 15,
} as const;

/** Keyrings of who asks, KEY_SPEC_*_KEYRING there. */
export const KEY_SPEC = { THREAD: -1, PROCESS: -2, SESSION: -3, USER: -4, USER_SESSION: -5 } as const;

/** Bits of a key's permissions: of who possesses it, of its owner (shifted by 16), its group (8) and others. */
export const KEY_PERM = {
  VIEW: 0x01,
  READ: 0x02,
  WRITE: 0x04,
  SEARCH: 0x08,
  LINK: 0x10,
  SETATTR: 0x20,
  ALL: 0x3f,
} as const;
