// zdtm: {"category": "time", "verifies": "performance.now and Bun.nanoseconds go on from where they were, Date.now follows the wall"}
import { check, pass, ready, spoiling } from "../lib/case.ts";

const read = () => ({ now: performance.now(), nano: Bun.nanoseconds() / 1e6, wall: Date.now() });
const before = read();
await ready();
const after = read();
if (spoiling()) after.nano += 1e7;
const went = { now: after.now - before.now, nano: after.nano - before.nano, wall: after.wall - before.wall };
check(went.now >= 0 && went.nano >= 0 && went.wall >= 0, `a clock went back: ${JSON.stringify(went)}`);
check(Math.abs(went.now - went.nano) < 10_000, `the clocks fell apart: ${JSON.stringify(went)}`);
check(went.now < went.wall + 10_000, `the monotonic clock ran ahead: ${JSON.stringify(went)}`);
pass();
