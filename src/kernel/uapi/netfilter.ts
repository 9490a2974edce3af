// linux/netfilter.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h

export const NETLINK_NETFILTER = 12;

/** Message types of nfnetlink itself. */
export const NFNL_MSG = { BATCH_BEGIN: 16, BATCH_END: 17 } as const;

/** Messages of nf_tables: its subsystem is in the high byte. */
export const NFT_MSG = {
  NEWTABLE: 0xa00,
  GETTABLE: 0xa01,
  DELTABLE: 0xa02,
  NEWCHAIN: 0xa03,
  GETCHAIN: 0xa04,
  DELCHAIN: 0xa05,
  NEWRULE: 0xa06,
  GETRULE: 0xa07,
  DELRULE: 0xa08,
  NEWSET: 0xa09,
  GETSET: 0xa0a,
  NEWSETELEM: 0xa0c,
  GETSETELEM: 0xa0d,
  NEWOBJ: 0xa12,
  GETOBJ: 0xa13,
  GETFLOWTABLE: 0xa17,
} as const;

export const NFPROTO = { INET: 1, IPV4: 2, IPV6: 10 } as const;

/** Hooks of the Internet protocols. */
export const NF_INET = { LOCAL_IN: 1, LOCAL_OUT: 3 } as const;

/** Verdicts. */
export const NF = { DROP: 0, ACCEPT: 1 } as const;
/** Those of nf_tables besides; they stand as unsigned numbers. */
export const NFT_JUMP = 0xfffffffd;

/** Flags of tables. OWNER: it goes with the netlink socket that made it (kernel 5.12). */
export const NFT_TABLE_F = { DORMANT: 1, OWNER: 2 } as const;

export const NFTA_TABLE = { NAME: 1, FLAGS: 2, USERDATA: 6 } as const;
export const NFTA_CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7 } as const;
export const NFTA_HOOK = { HOOKNUM: 1, PRIORITY: 2 } as const;
export const NFTA_RULE = { TABLE: 1, CHAIN: 2, HANDLE: 3, EXPRESSIONS: 4 } as const;
export const NFTA_SET = { TABLE: 1, NAME: 2, KEY_TYPE: 4, KEY_LEN: 5, DESC: 9, ID: 10 } as const;
export const NFTA_SET_DESC = { SIZE: 1 } as const;
export const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
export const NFTA_SET_ELEM = { KEY: 1 } as const;
export const NFTA_DATA = { VALUE: 1, VERDICT: 2 } as const;
export const NFTA_VERDICT = { CODE: 1, CHAIN: 2 } as const;
export const NFTA_LIST_ELEM = 1;
export const NFTA_EXPR = { NAME: 1, DATA: 2 } as const;
export const NFTA_META = { DREG: 1, KEY: 2 } as const;
export const NFTA_CMP = { SREG: 1, OP: 2, DATA: 3 } as const;
export const NFTA_IMMEDIATE = { DREG: 1, DATA: 2 } as const;
export const NFTA_PAYLOAD = { DREG: 1, BASE: 2, OFFSET: 3, LEN: 4 } as const;
export const NFTA_LOOKUP = { SET: 1, SREG: 2 } as const;
/** linux/netfilter/nf_tables_compat.h: a match or a target of the older iptables. */
export const NFTA_MATCH = { NAME: 1, REV: 2, INFO: 3 } as const;

export const NFT_META = { MARK: 3, NFPROTO: 15, L4PROTO: 16 } as const;
export const NFT_PAYLOAD = { NETWORK_HEADER: 1, TRANSPORT_HEADER: 2 } as const;
/** Registers: the verdict, and the first of the 32-bit ones. */
export const NFT_REG = { VERDICT: 0, R32_00: 8 } as const;
