/**
 * The worker behind one connection: takes requests and answers them, one after the other. The engine is synchronous, and a
 * client's answers to notifications come in the middle of its work.
 */
import { statusOf } from "../cli/command.ts";
import type { Environment } from "../cli/environment.ts";
import type { Occurrence } from "../cli/getopt.ts";
import { notYet } from "../cli/not-yet.ts";
import { specOf } from "../cli/options.ts";
import { CrError, errorLines, firstOf } from "../error.ts";
import type { Init } from "../image/codec.ts";
import { type CriuFeatures, type CriuReq, CriuReqType, type CriuResp } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { NR } from "../kernel/nr.ts";
import type { Credentials } from "../kernel/socket.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { type Connection, shortened } from "./connection.ts";
import { FirstError } from "./request.ts";
import { ownVersion } from "./version.ts";

/** What one worker knows for all of its requests. */
export interface Office {
  readonly connection: Connection;
  readonly peer: Credentials;
  /** Options of the worker's own command line and of configuration files. */
  readonly given: readonly Occurrence[];
  readonly environment: Environment;
  /** Started by the service, for a client that is no parent of ours. */
  readonly service: boolean;
}

type Answer = Omit<Init<CriuResp>, "type" | "success">;

/** A request type: does the work and tells what is to be answered besides success, or that everything is said. */
export type Duty = (
  request: CriuReq,
  office: Office,
  first: FirstError,
) => Answer | "answered" | Promise<Answer | "answered">;

/** Types after which the connection may stay open. */
const LIGHT: ReadonlySet<number> = new Set([
  CriuReqType.PAGE_SERVER,
  CriuReqType.PAGE_SERVER_CHLD,
  CriuReqType.CPUINFO_DUMP,
  CriuReqType.CPUINFO_CHECK,
  CriuReqType.FEATURE_CHECK,
  CriuReqType.VERSION,
  CriuReqType.WAIT_PID,
]);

async function check(): Promise<Answer> {
  const { checkFeatures } = await import("../check/check.ts");
  const missing = checkFeatures((category) => category === "basic").filter(({ supported }) => !supported);
  const [one] = missing;
  if (one) {
    throw new CrError(`this kernel or these privileges lack ${missing.map(({ name }) => name).join(", ")}`, {
      code: "ENOTSUP",
      remedy: one.remedy,
    });
  }
  return {};
}

/** What is asked for and there, both in the kernel and in us. */
async function checkFeatureBits(request: CriuReq): Promise<Answer> {
  const { checkFeature } = await import("../check/check.ts");
  const asked: CriuFeatures = request.features ?? {};
  const has = (option: "track-mem" | "lazy-pages", feature: "mem_dirty_track" | "uffd-noncoop") =>
    specOf(option).support === "yes" && checkFeature(feature).supported;
  return {
    features: {
      mem_track: asked.mem_track === true && has("track-mem", "mem_dirty_track"),
      lazy_pages: asked.lazy_pages === true && has("lazy-pages", "uffd-noncoop"),
      pidfd_store:
        asked.pidfd_store === true && has("track-mem", "mem_dirty_track") && checkFeature("pidfd_store").supported,
    },
  };
}

const anyClone = 0x4000_0000;

/** wait4(2) for a child of the worker. */
function waitPid({ pid }: CriuReq): Answer {
  if (!pid) throw new CrError("the request names no child to wait for", { code: "USAGE", remedy: "set the field pid" });
  const status = new Int32Array(1);
  let ended: number;
  do ended = sys(NR.wait4, pid, addressOf(status), anyClone, 0);
  while (ended === -(ERRNO.EINTR ?? 4));
  if (ended > 0) return { status: status[0] ?? 0 };
  throw new CrError("there is no such child of this worker", {
    code: "ECHILD",
    subject: { pid },
    remedy: "wait for a page server that this connection started",
  });
}

const rounds = notYet("saving memory in several rounds is not there yet", "use a DUMP with leave_running");
const pages = notYet("receiving pages is not there yet", "dump to a directory and copy it");

const duties: ReadonlyMap<number, Duty> = new Map<number, Duty>([
  [CriuReqType.DUMP, async (...all) => (await import("./duty-dump.ts")).dumpDuty(...all)],
  [CriuReqType.RESTORE, async (...all) => (await import("./duty-restore.ts")).restoreDuty(...all)],
  [CriuReqType.CHECK, check],
  [CriuReqType.PRE_DUMP, rounds],
  [CriuReqType.SINGLE_PRE_DUMP, rounds],
  [CriuReqType.PAGE_SERVER, pages],
  [CriuReqType.PAGE_SERVER_CHLD, pages],
  [CriuReqType.CPUINFO_DUMP, async (...all) => (await import("./duty-cpuinfo.ts")).cpuInfoDump(...all)],
  [CriuReqType.CPUINFO_CHECK, async (...all) => (await import("./duty-cpuinfo.ts")).cpuInfoCheck(...all)],
  [CriuReqType.FEATURE_CHECK, checkFeatureBits],
  [CriuReqType.VERSION, () => ownVersion],
  [CriuReqType.WAIT_PID, waitPid],
]);

/** What a client finds in cr_errno: EBADRQC for a request that means nothing, else what the kernel said. */
function errnoOf(thrown: unknown): number | undefined {
  const error = firstOf(thrown);
  if (!(error instanceof CrError)) return undefined;
  if (error.code === "USAGE" || error.code === "BAD_IMAGE") return ERRNO.EBADRQC;
  if (error.code === "NOT_YET") return ERRNO.ENOTSUP ?? ERRNO.EOPNOTSUPP;
  return ERRNO[error.code];
}

function refuse(office: Office, type: number, error: unknown, first: FirstError): void {
  const failure: Init<CriuResp> = {
    type,
    success: false,
    cr_errmsg: shortened(first.text ?? errorLines(error).join("\n")),
  };
  const errno = errnoOf(error);
  if (errno !== undefined) failure.cr_errno = errno;
  // the failure may be that the client has left
  office.connection.answer(failure, [], true);
}

/** Serves the connection until the client leaves or a request ends it. @returns the exit status */
export async function serve(office: Office): Promise<number> {
  for (;;) {
    const first = new FirstError();
    let request: CriuReq | undefined;
    try {
      request = office.connection.request();
    } catch (error) {
      refuse(office, CriuReqType.EMPTY, error, first);
      return statusOf(error);
    }
    if (!request) return 0;
    const duty = duties.get(request.type);
    if (!duty) {
      refuse(
        office,
        CriuReqType.EMPTY,
        new CrError(`there is no request of type ${request.type}`, { code: "USAGE" }),
        first,
      );
      return 1;
    }
    try {
      const answer = await duty(request, office, first);
      if (answer !== "answered") office.connection.answer({ ...answer, type: request.type, success: true });
    } catch (error) {
      refuse(office, request.type, error, first);
      return statusOf(error);
    }
    if (!request.keep_open || !LIGHT.has(request.type)) return 0;
  }
}

/** Options of a request; a client of the service has fewer: see `requireRights`. */
export function optionsOf(request: CriuReq, office: Office): NonNullable<CriuReq["opts"]> {
  const { opts } = request;
  if (!opts) throw new CrError("the request has no options", { code: "USAGE", remedy: "set the field opts" });
  if (office.service) requireRights(opts, office.peer);
  return opts;
}

/**
 * The service acts with its own rights: it does so for those alone who have these anyway. What is a number in a table of
 * descriptors of ours, or a place among our relatives, means something to a worker's parent only.
 */
function requireRights(opts: NonNullable<CriuReq["opts"]>, peer: Credentials): void {
  const own = process.geteuid?.() ?? 0;
  if (peer.uid !== 0 && peer.uid !== own) {
    throw new CrError("the service saves and restores for root and for its own user only", {
      code: "EPERM",
      subject: { pid: peer.pid, uid: peer.uid },
      remedy: "ask as root, or run a service of your own",
    });
  }
  for (const [field, given] of [
    ["rst_sibling", opts.rst_sibling],
    ["inherit_fd", opts.inherit_fd.length > 0],
    ["ps.fd", opts.ps?.fd !== undefined],
  ] as const)
    if (given)
      throw new CrError(`RPC option ${field} means nothing to a service`, {
        code: "USAGE",
        remedy: "start a worker of your own: tscriu swrk FD",
      });
}
