/**
 * Keyrings (keyrings(7)): what a thread is asked in passing. A session keyring cannot be asked for where there may be none: the
 * kernel would give the thread that of its user, for good. But a search begins there, or with that of the user where there is
 * none, and changes nothing.
 */
import type { Result } from "../agent/program.ts";
import { NR } from "../kernel/nr.ts";
import { KEY_SPEC, KEYCTL } from "../kernel/uapi/keyctl.ts";
import type { Questions } from "./questions.ts";

export interface KeyringAnswers {
  /** What a search for the user's session keyring found: its number, or an error where the thread's session has another one. */
  readonly users: number;
  /** Numbers of its keyrings, or an error where there is none. */
  readonly process: number;
  readonly thread: number;
}

/** What the kernel calls the keyrings that come with a user. */
export const OF_USER = /^_uid(_ses)?\.(\d+)$/;

/**
 * Three questions, some microseconds.
 * @param uid the real user of the thread, as its user namespace has it
 */
export function askKeyrings(questions: Questions, uid: number): () => KeyringAnswers {
  const keyring = (id: number): Result =>
    questions.call(NR.keyctl, [KEYCTL.GET_KEYRING_ID, id, 0, 0, 0], { ignore: true });
  const users = searchUsers(questions, uid);
  const [process, thread] = [keyring(KEY_SPEC.PROCESS), keyring(KEY_SPEC.THREAD)];
  return () => ({
    users: questions.result(users),
    process: questions.result(process),
    thread: questions.result(thread),
  });
}

/** Without a word for a helper (callout_info) the kernel asks nobody outside. */
export function searchUsers(questions: Questions, uid: number): Result {
  const words = new TextEncoder().encode(`keyring\0_uid_ses.${uid}\0`);
  const place = questions.reserve(words.length);
  place.bytes.set(words);
  return questions.call(NR.request_key, [place, place.at("keyring\0".length), 0, 0], { ignore: true });
}
