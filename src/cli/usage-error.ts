import { CrError } from "../error.ts";

/** A command line or configuration file that cannot be understood. */
export function usageError(what: string, remedy = "`tscriu --help` lists commands and options"): CrError {
  return new CrError(what, { code: "USAGE", remedy });
}
