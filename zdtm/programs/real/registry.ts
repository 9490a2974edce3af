import { nodeCluster } from "./cluster.ts";
import { dnsmasq } from "./dnsmasq.ts";
import { nginx, nginxAnew } from "./nginx.ts";
import { postgres } from "./postgres.ts";
import { asyncio, multiprocessing } from "./python.ts";
import type { RealProgram } from "./real.ts";
import { redis } from "./redis.ts";
import { shells, tmuxes } from "./sessions.ts";
import { sqliteJournal, sqliteLog } from "./sqlite.ts";
import { tcpdumpBlocks, tcpdumpFrames } from "./tcpdump.ts";
import { bunClient, bunSockets, nodeClient, nodeSockets } from "./web-sockets.ts";

export const realPrograms: readonly RealProgram[] = [
  redis,
  nginx,
  nginxAnew,
  asyncio,
  multiprocessing,
  nodeSockets,
  nodeClient,
  nodeCluster,
  bunSockets,
  bunClient,
  shells,
  tmuxes,
  sqliteJournal,
  sqliteLog,
  postgres,
  dnsmasq,
  tcpdumpBlocks,
  tcpdumpFrames,
];
