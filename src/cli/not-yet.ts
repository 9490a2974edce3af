/** Commands whose time has not come. */
import { CrError } from "../error.ts";

/** @param remedy what the user can do today */
export function notYet(what: string, remedy: string): () => never {
  return () => {
    throw new CrError(what, { code: "NOT_YET", remedy });
  };
}
