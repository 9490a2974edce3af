/** Commands whose time has not come. */
import { CrError } from "../error.ts";
import type { RunCommand } from "./command.ts";

/** @param remedy what the user can do today */
export function notYet(what: string, remedy: string): RunCommand {
  return () => {
    throw new CrError(what, { code: "NOT_YET", remedy });
  };
}
