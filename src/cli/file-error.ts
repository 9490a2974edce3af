import { CrError } from "../error.ts";
import { errnoWords } from "../kernel/errno.ts";

/** What node:fs threw, as an error of ours: what we wanted, on which path, and the kernel's reason in words. */
export function fileError(what: string, path: string, thrown: unknown, remedy?: string): CrError {
  const { code, errno } = thrown as NodeJS.ErrnoException;
  const cause = errno === undefined ? thrown : errnoWords(errno);
  return new CrError(what, { code, subject: { path }, cause, remedy });
}
