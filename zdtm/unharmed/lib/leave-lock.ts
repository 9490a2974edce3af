/** Makes a lock as a dump does at its end, and dies before it has handed it over. */
import { KeptLock } from "../../../src/socket/network-lock.ts";

const own = { bytes: Uint8Array.of(127, 0, 0, 1), port: 1 };
new KeptLock("of-somebody-dead").lockConnections([{ own, peer: { ...own, port: 2 } }]);
process.kill(process.pid, "SIGKILL");
