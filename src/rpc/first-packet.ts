/**
 * What a worker does before it is loaded: runtimes start one only to ask for the version, before each of their own requests, and
 * all but that would be loaded in vain. Imports nothing of ours but the version.
 */
import { fstatSync, readSync, writeSync } from "node:fs";
import { compatibleNumbers, ownName } from "../cli/version.ts";

/** criu_req { type: VERSION } alone: another one may keep the connection open. */
const QUESTION: readonly number[] = [0x08, 13];
/** Larger than any request may be. */
const ROOM = (1 << 20) + 1;

/** criu_resp { type: VERSION, success, version { major_number, minor_number, sublevel, name } }. */
function answer(): Uint8Array {
  const [major, minor, sublevel] = compatibleNumbers;
  const name = new TextEncoder().encode(ownName);
  const version = [0x08, major, 0x10, minor, 0x20, sublevel, 0x32, name.length, ...name];
  return new Uint8Array([...QUESTION, 0x10, 1, 0x52, version.length, ...version]);
}

let waiting: Uint8Array | undefined;

/** The packet that was read here and asks for more; once. */
export function takeFirstPacket(): Uint8Array | undefined {
  const packet = waiting;
  waiting = undefined;
  return packet;
}

/**
 * Reads the first packet of a worker's connection.
 * @param word the descriptor's number
 * @returns whether it is answered, with which all is done
 */
export function answerAtOnce(word: string): boolean {
  const fd = Number(word);
  try {
    // of anything else the worker says what it is
    if (!/^\d+$/.test(word) || !fstatSync(fd).isSocket()) return false;
    const room = Buffer.allocUnsafeSlow(ROOM);
    const packet = room.subarray(0, readSync(fd, room));
    if (packet.length === QUESTION.length && QUESTION.every((byte, at) => packet[at] === byte))
      return writeSync(fd, answer()) > 0;
    waiting = packet;
  } catch {
    // the worker meets the same error and tells it
  }
  return false;
}
