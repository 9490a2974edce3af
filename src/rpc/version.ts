/** What a worker answers who is asked for its version. The finished executable says it before its runtime starts: blobs/start.c. */
import { compatibleNumbers, ownName } from "../cli/version.ts";
import { encode } from "../image/codec.ts";
import { CriuReqType } from "../image/schema.gen.ts";

const [major_number, minor_number, sublevel] = compatibleNumbers;
export const ownVersion = { version: { major_number, minor_number, sublevel, name: ownName } };

/** The packets: how runtimes ask, and what they hear. */
export function versionExchange(): { question: Uint8Array; answer: Uint8Array } {
  const type = CriuReqType.VERSION;
  return {
    question: encode("criu_req", { type }),
    answer: encode("criu_resp", { type, success: true, ...ownVersion }),
  };
}
