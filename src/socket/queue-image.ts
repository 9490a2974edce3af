/** Queues of sockets in the images. */
import type { FileRestore } from "../file/kind.ts";
import { perRun } from "../file/per-run.ts";
import type { SkPacketEntry } from "../image/schema.gen.ts";

export type Packet = SkPacketEntry & { extra: Uint8Array };

/** Every queue of the set by the id of the socket that it waits in, first message first. */
export const packetsOf: (restore: FileRestore) => ReadonlyMap<number, Packet[]> = perRun((restore: FileRestore) =>
  Map.groupBy(restore.images.read("SK_QUEUES"), ({ id_for }) => id_for),
);
