// linux/wait.h

export const WAIT = {
  NOHANG: 1,
  UNTRACED: 2,
  EXITED: 4,
  CONTINUED: 8,
  NOWAIT: 0x100_0000,
  CLONE: 0x8000_0000,
  ALL: 0x4000_0000,
  NOTHREAD: 0x2000_0000,
} as const;
/** Kinds of id of waitid(2). */
export const WAIT_ID = { ALL: 0, PID: 1, PGID: 2, PIDFD: 3 } as const;

/** What a wait status says (wait(2)). */
export type WaitStatus =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: number; readonly core: boolean }
  /** A ptrace stop has its PTRACE_EVENT_* in `event`, else 0. */
  | { readonly kind: "stopped"; readonly signal: number; readonly event: number }
  | { readonly kind: "continued" };

export function waitStatus(status: number): WaitStatus {
  const low = status & 0x7f;
  if (status === 0xffff) return { kind: "continued" };
  if ((status & 0xff) === 0x7f) return { kind: "stopped", signal: (status >> 8) & 0xff, event: (status >> 16) & 0xff };
  if (low === 0) return { kind: "exited", code: (status >> 8) & 0xff };
  return { kind: "killed", signal: low, core: (status & 0x80) !== 0 };
}
