/**
 * Keyrings (keyrings(7)): what a thread is asked in passing. A session keyring cannot be asked for where there may be none: the
 * kernel would give the thread that of its user, for good. But a search begins there, or with that of the user where there is
 * none, and changes nothing.
 */
import type { CallOptions, Program, Result } from "../agent/program.ts";
import { NR } from "../kernel/nr.ts";
import { KEY_SPEC, KEYCTL } from "../kernel/uapi/keyctl.ts";
import type { Questions } from "./questions.ts";

/** Bytes of a description: type and text of 4 KiB at most. */
export const DESCRIPTION = 4352;
/** There is no such key. */
export const ENOKEY = -126;

export interface KeyringAnswers {
  /** What a search for the user's session keyring found: its number, or an error where the thread's session has another one. */
  readonly users: number;
  /** The number of a session keyring other than that, where the search was enough to ask for it. */
  readonly session: number | undefined;
  /** Numbers of its keyrings, or an error where there is none. */
  readonly process: number;
  readonly thread: number;
}

export type OtherAnswers = Omit<KeyringAnswers, "session">;

/** What the kernel calls the keyrings that come with a user. */
export const OF_USER = /^_uid(_ses)?\.(\d+)$/;
export const sessionOf = (uid: number) => `_uid_ses.${uid}`;

/**
 * Three questions, some microseconds; six for whoever has a session keyring of his own.
 * @param uid the real user of the thread, as its user namespace has it
 */
export function askKeyrings(program: Program, uid: number): () => KeyringAnswers {
  const others = askOthers(program, uid);
  const keyring = (id: number, call: Result): Result =>
    program.call(NR.keyctl, [KEYCTL.GET_KEYRING_ID, id, 0, 0, 0], { ignore: true, after: { call, answered: ENOKEY } });
  // it may be that nobody had those of the user yet: looked at they are there, and a search finds them unless it begins elsewhere
  keyring(KEY_SPEC.USER_SESSION, others.users);
  const again = searchUsers(program, uid, { call: others.users, answered: ENOKEY });
  // whoever has none gets that of the user for good where somebody took the right to search from that: it is his all the same
  const session = keyring(KEY_SPEC.SESSION, again);
  return () => ({ ...others.answers(), session: program.made(session) ? program.result(session) : undefined });
}

/** What a thread without an agent is asked, at the price of two stops each: not which session keyring it has. */
export function askOthers(questions: Questions, uid: number) {
  const keyring = (id: number): Result =>
    questions.call(NR.keyctl, [KEYCTL.GET_KEYRING_ID, id, 0, 0, 0], { ignore: true });
  const users = searchUsers(questions, uid);
  const [process, thread] = [keyring(KEY_SPEC.PROCESS), keyring(KEY_SPEC.THREAD)];
  const answers = (): OtherAnswers => ({
    users: questions.result(users),
    process: questions.result(process),
    thread: questions.result(thread),
  });
  return { users, answers };
}

/** Without a word for a helper (callout_info) the kernel asks nobody outside. */
export function searchUsers(questions: Questions, uid: number, after?: CallOptions["after"]): Result {
  const words = new TextEncoder().encode(`keyring\0${sessionOf(uid)}\0`);
  const place = questions.reserve(words.length);
  place.bytes.set(words);
  return questions.call(NR.request_key, [place, place.at("keyring\0".length), 0, 0], {
    ignore: true,
    ...(after && { after }),
  });
}
