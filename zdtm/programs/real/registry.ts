import { nodeCluster } from "./cluster.ts";
import { dnsmasq } from "./dnsmasq.ts";
import { haproxy } from "./haproxy.ts";
import { mariadb } from "./mariadb.ts";
import { memcached } from "./memcached.ts";
import { mosquitto } from "./mosquitto.ts";
import { nginx, nginxAnew } from "./nginx.ts";
import { php } from "./php.ts";
import { postgres } from "./postgres.ts";
import { asyncio, multiprocessing } from "./python.ts";
import type { RealProgram } from "./real.ts";
import { redis } from "./redis.ts";
import { shells, tmuxes } from "./sessions.ts";
import { sqliteJournal, sqliteLog } from "./sqlite.ts";
import { sshd } from "./sshd.ts";
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
  mariadb,
  memcached,
  mosquitto,
  haproxy,
  php,
  sshd,
  dnsmasq,
  tcpdumpBlocks,
  tcpdumpFrames,
];
