// linux/netfilter/nf_tables.h: attributes of expressions, sets and objects that a rule set is made of

export const NFTA = {
  BITWISE: { SREG: 1, DREG: 2, LEN: 3, MASK: 4, XOR: 5 },
  BYTEORDER: { SREG: 1, DREG: 2, OP: 3, LEN: 4, SIZE: 5 },
  CHAIN: { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7, FLAGS: 10, USERDATA: 12 },
  CMP: { SREG: 1, OP: 2, DATA: 3 },
  COUNTER: { BYTES: 1, PACKETS: 2 },
  CT: { DREG: 1, KEY: 2, DIRECTION: 3, SREG: 4 },
  CT_HELPER: { NAME: 1, L3PROTO: 2, L4PROTO: 3 },
  DATA: { VALUE: 1, VERDICT: 2 },
  DYNSET: { NAME: 1, OP: 3, KEY: 4, DATA: 5, TIMEOUT: 6, EXPR: 7, FLAGS: 9 },
  EXPR: { NAME: 1, DATA: 2 },
  EXTHDR: { DREG: 1, TYPE: 2, OFFSET: 3, LEN: 4, FLAGS: 5, OP: 6, SREG: 7 },
  FIB: { DREG: 1, RESULT: 2, FLAGS: 3 },
  HOOK: { HOOKNUM: 1, PRIORITY: 2, DEV: 3, DEVS: 4 },
  IMMEDIATE: { DREG: 1, DATA: 2 },
  LIMIT: { RATE: 1, UNIT: 2, BURST: 3, TYPE: 4, FLAGS: 5 },
  LOG: { GROUP: 1, PREFIX: 2, SNAPLEN: 3, QTHRESHOLD: 4, LEVEL: 5, FLAGS: 6 },
  LOOKUP: { SET: 1, SREG: 2, DREG: 3, SET_ID: 4, FLAGS: 5 },
  MASQ: { FLAGS: 1, PROTO_MIN: 2, PROTO_MAX: 3 },
  META: { DREG: 1, KEY: 2, SREG: 3 },
  NAT: { TYPE: 1, FAMILY: 2, ADDR_MIN: 3, ADDR_MAX: 4, PROTO_MIN: 5, PROTO_MAX: 6, FLAGS: 7 },
  OBJ: { TABLE: 1, NAME: 2, TYPE: 3, DATA: 4, USERDATA: 8 },
  OBJREF: { TYPE: 1, NAME: 2 },
  PAYLOAD: { DREG: 1, BASE: 2, OFFSET: 3, LEN: 4 },
  QUOTA: { BYTES: 1, FLAGS: 2, CONSUMED: 4 },
  RANGE: { SREG: 1, OP: 2, FROM: 3, TO: 4 },
  REDIR: { PROTO_MIN: 1, PROTO_MAX: 2, FLAGS: 3 },
  REJECT: { TYPE: 1, CODE: 2 },
  RT: { DREG: 1, KEY: 2 },
  RULE: { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4, USERDATA: 7 },
  SET: {
    ...{ TABLE: 1, NAME: 2, FLAGS: 3, KEY_TYPE: 4, KEY_LEN: 5, DATA_TYPE: 6, DATA_LEN: 7, POLICY: 8, DESC: 9, ID: 10 },
    ...{ TIMEOUT: 11, GC_INTERVAL: 12, USERDATA: 13, OBJ_TYPE: 15, EXPR: 17 },
  },
  SET_DESC: { SIZE: 1, CONCAT: 2 },
  SET_ELEM: {
    ...{ KEY: 1, DATA: 2, FLAGS: 3, TIMEOUT: 4, EXPIRATION: 5, USERDATA: 6, EXPR: 7, OBJREF: 9, KEY_END: 10 },
  },
  SET_ELEM_LIST: { TABLE: 1, SET: 2, ELEMENTS: 3 },
  TABLE: { NAME: 1, FLAGS: 2, USERDATA: 6 },
  VERDICT: { CODE: 1, CHAIN: 2 },
} as const;

/** NFTA_LIST_ELEM, NFTA_SET_FIELD_LEN, NFTA_DEVICE_NAME */
export const ITEM = 1;

export const NFT_SET = {
  ANONYMOUS: 1,
  CONSTANT: 2,
  INTERVAL: 4,
  MAP: 8,
  TIMEOUT: 16,
  EVAL: 32,
  OBJECT: 64,
  CONCAT: 128,
} as const;
export const NFT_SET_ELEM = { INTERVAL_END: 1, CATCHALL: 2 } as const;
/** NFT_DATA_VERDICT: what a map leads to. */
export const DATA_VERDICT = 0xffffff00;
export const CMP = { EQ: 0, NEQ: 1, LT: 2, LTE: 3, GT: 4, GTE: 5 } as const;
export const NFT_OBJECT = { counter: 1, quota: 2, limit: 4 } as const;
/** Verdicts; those of nf_tables are negative. */
export const VERDICT = { drop: 0, accept: 1, continue: -1, jump: -3, goto: -4, return: -5 } as const;
