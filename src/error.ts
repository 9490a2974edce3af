/** What an error is about: shown as `pid 12, descriptor 5, /path`. */
export interface Subject {
  pid?: number;
  tid?: number;
  fd?: number;
  path?: string;
  /** Virtual address, bytes. */
  address?: number;
  image?: string;
  [name: string]: string | number | undefined;
}

export interface CrErrorInit {
  /** Kernel errno name such as `EPERM`, or a word of ours such as `BAD_IMAGE`. */
  code?: string;
  subject?: Subject;
  cause?: unknown;
  /** What the user can do about it: an option, a setting, an action. */
  remedy?: string;
  /** Exit status, when it is not 1. */
  status?: number;
}

/**
 * The one error of the engine. Made at the leaf with what the kernel said, wrapped with context on the way up;
 * the user reads it from the outside in.
 */
export class CrError extends Error {
  readonly code: string;
  readonly subject: Subject;
  readonly remedy: string | undefined;
  readonly status: number;

  constructor(what: string, init: CrErrorInit = {}) {
    super(what, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = "CrError";
    this.code = init.code ?? (init.cause instanceof CrError ? init.cause.code : "FAILED");
    this.subject = init.subject ?? {};
    this.remedy = init.remedy;
    this.status = init.status ?? (init.cause instanceof CrError ? init.cause.status : 1);
  }
}

/** Several independent problems found in one pass (a dump's blockers): all are shown, not just the first. */
export class CrErrors extends CrError {
  readonly errors: readonly CrError[];

  constructor(what: string, errors: readonly CrError[]) {
    super(what, { code: "BLOCKED" });
    this.errors = errors;
  }
}

function describeSubject(subject: Subject): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(subject)) {
    if (value === undefined) continue;
    if (name === "path" || name === "image") parts.push(String(value));
    else if (name === "fd") parts.push(`descriptor ${value}`);
    else if (name === "address") parts.push(`address 0x${Number(value).toString(16)}`);
    else parts.push(`${name} ${value}`);
  }
  return parts.join(", ");
}

/** What a scope threw, and what putting things back threw at its end. */
type Suppressed = Error & { readonly suppressed: unknown; readonly error: unknown };

function isSuppressed(error: unknown): error is Suppressed {
  return error instanceof Error && "suppressed" in error && "error" in error;
}

/** What failed first, where putting things back failed as well. */
export function firstOf(error: unknown): unknown {
  return isSuppressed(error) ? firstOf(error.suppressed) : error;
}

/** What helps wherever the kernel says so, for errors whose maker had no better word. */
const generalRemedies: Readonly<Record<string, string>> = {
  EMFILE: "raise the limit of open files (ulimit -n)",
  ENFILE: "raise the limit of open files of the machine (fs.file-max)",
  ENOSPC: "make room on that file system, or choose another one",
  EDQUOT: "make room within the quota, or choose another file system",
  EROFS: "choose a place that can be written",
  ENOMEM: "see that there is more memory: of the machine, of the cgroup that tscriu runs in",
};

/** The chain as lines, outermost first, each `what (subject)`; the remedies follow. */
export function errorLines(error: unknown): string[] {
  if (isSuppressed(error)) {
    const after = errorLines(error.error).map((line) => `  afterwards: ${line}`);
    return [...errorLines(error.suppressed), ...after];
  }
  const lines: string[] = [];
  const remedies: string[] = [];
  let at: unknown = error;
  let general: string | undefined;
  while (at !== undefined && at !== null) {
    if (at instanceof CrError) {
      const subject = describeSubject(at.subject);
      lines.push(subject ? `${at.message} (${subject})` : at.message);
      if (at instanceof CrErrors) for (const e of at.errors) lines.push(...errorLines(e).map((l) => `  ${l}`));
      if (at.remedy) remedies.push(`remedy: ${at.remedy}`);
      general = generalRemedies[at.code] ?? general;
      at = at.cause;
    } else {
      // below an error of ours stands what a library said; alone it is a fault of our own
      const fault = at === error && at instanceof Error ? `internal error: ${at.name}: ` : "";
      lines.push(fault + (at instanceof Error ? at.message : String(at)));
      at = at instanceof Error ? at.cause : undefined;
    }
  }
  if (remedies.length === 0 && general !== undefined && !(error instanceof CrErrors))
    remedies.push(`remedy: ${general}`);
  return [...lines, ...remedies];
}
