import { nginx } from "./nginx.ts";
import type { RealProgram } from "./real.ts";
import { redis } from "./redis.ts";

export const realPrograms: readonly RealProgram[] = [redis, nginx];
