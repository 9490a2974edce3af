/**
 * A client of tscriu's RPC (CRIU's protocol: criu_req and criu_resp of `proto/rpc.proto` over a SOCK_SEQPACKET socket).
 *
 *     const client = Client.start("tscriu");              // a worker of our own, by `tscriu swrk`
 *     const images = openSync("/var/lib/images", "r");
 *     client.dump({ images_dir_fd: images, pid: 4711, log_level: 4 });
 *
 * Calls are synchronous, as the protocol is; a worker serves one of dump and restore, and any number of the light requests.
 */
import { CrError } from "../error.ts";
import type { Init } from "../image/codec.ts";
import {
  type CriuFeatures,
  type CriuOpts,
  type CriuReq,
  CriuReqType,
  type CriuResp,
  type CriuVersion,
} from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { makeSocket, makeSocketPair, tryConnect, unixAddress } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { AF, SOCK } from "../kernel/uapi/socket.ts";
import { Connection } from "./connection.ts";

/** What a notification tells. */
export interface Notification {
  /** The hook's name: `post-dump`, `setup-namespaces` and so on. */
  readonly script: string;
  /** The root task's pid, at `setup-namespaces` and `post-restore`. */
  readonly pid: number | undefined;
  /** A descriptor that comes along (the master at `orphan-pts-master`); the listener's to close. */
  readonly fd: number | undefined;
}

/** Returns false to object, or options to answer `query-ext-files`. */
export type Listener = (notification: Notification) => boolean | Init<CriuOpts>;

/** Options of a request; `images_dir_fd` or `images_dir` is needed. */
export type Options = Partial<Init<CriuOpts>>;

/** The worker said no. */
export class RequestFailed extends CrError {
  /** cr_errno, 0 when it gave none. */
  readonly errno: number;

  constructor(readonly response: CriuResp) {
    super(response.cr_errmsg ?? "the request failed", { code: "FAILED", subject: { request: response.type } });
    this.errno = response.cr_errno ?? 0;
  }
}

export class Client implements Disposable {
  readonly #connection: Connection;
  /** The worker, where it is our child. */
  readonly worker: Bun.Subprocess | undefined;

  private constructor(connection: Connection, worker: Bun.Subprocess | undefined) {
    this.#connection = connection;
    this.worker = worker;
  }

  /**
   * Starts a worker of our own.
   * @param command the program and options that come before `swrk`
   */
  static start(...command: string[]): Client {
    const [ours, theirs] = makeSocketPair(AF.UNIX, SOCK.SEQPACKET);
    try {
      const worker = Bun.spawn([...command, "swrk", "3"], { stdio: ["ignore", "inherit", "inherit", theirs] });
      return new Client(new Connection(ours), worker);
    } catch (cause) {
      closeFd(ours);
      const remedy = "name tscriu by its path, or as it is found in PATH";
      throw new CrError("cannot start a worker", { subject: { path: command[0] }, cause, remedy });
    } finally {
      closeFd(theirs);
    }
  }

  /** Connects to a service that listens at `path`. */
  static connect(path: string): Client {
    const fd = makeSocket(AF.UNIX, SOCK.SEQPACKET);
    try {
      check(tryConnect(fd, unixAddress(path)), "cannot reach the service", { path }, "start it: tscriu service");
    } catch (error) {
      closeFd(fd);
      throw error;
    }
    return new Client(new Connection(fd), undefined);
  }

  /** One request and its answer, notifications in between. Errors: RequestFailed, CrError when the worker is gone. */
  request(request: Init<CriuReq>, listener: Listener = () => true): CriuResp {
    this.#connection.ask(request);
    for (;;) {
      const got = this.#connection.response();
      if (!got)
        throw new CrError("the worker ended without an answer", {
          code: "ECONNRESET",
          remedy: "look at what it wrote to standard error, and into its log",
        });
      const { response, rights } = got;
      if (response.type !== CriuReqType.NOTIFY) {
        for (const fd of rights) closeFd(fd);
        if (!response.success) throw new RequestFailed(response);
        return response;
      }
      const told = response.notify;
      const reply = listener({ script: told?.script ?? "", pid: told?.pid, fd: rights[0] });
      const answer: Init<CriuReq> = { type: CriuReqType.NOTIFY, notify_success: reply !== false };
      if (typeof reply === "object") answer.opts = reply;
      this.#connection.ask(answer);
    }
  }

  #opts(options: Options, listener: Listener | undefined): Init<CriuOpts> {
    return { images_dir_fd: -1, notify_scripts: listener !== undefined, ...options };
  }

  /** Saves the tree of `options.pid`. */
  dump(options: Options, listener?: Listener): void {
    this.request({ type: CriuReqType.DUMP, opts: this.#opts(options, listener) }, listener);
  }

  /** Brings a tree back; returns the root task's pid. */
  restore(options: Options, listener?: Listener): number {
    const { restore } = this.request({ type: CriuReqType.RESTORE, opts: this.#opts(options, listener) }, listener);
    return restore?.pid ?? -1;
  }

  /** Throws when this machine lacks something that every dump and restore needs. */
  check(): void {
    this.request({ type: CriuReqType.CHECK });
  }

  /** Which of the features are there; the connection stays open. */
  features(wanted: CriuFeatures = { mem_track: true, lazy_pages: true, pidfd_store: true }): CriuFeatures {
    const request = { type: CriuReqType.FEATURE_CHECK, features: wanted, keep_open: true };
    return this.request(request).features ?? {};
  }

  /** Version of CRIU whose protocol this is, ours in `name`; the connection stays open. */
  version(): CriuVersion {
    const { version } = this.request({ type: CriuReqType.VERSION, keep_open: true });
    if (version) return version;
    throw new CrError("the worker does not tell its version");
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}
