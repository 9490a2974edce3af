// zdtm: {"category": "creds", "verifies": "personality, securebits and no_new_privs of a JavaScript program's main thread come back"}
import { readFileSync } from "node:fs";
import { pass, ready, same, spoiling, status } from "../lib/case.ts";
import { libc, sys } from "../lib/libc.ts";

const [getSecurebits, setSecurebits, setNoNewPrivileges, getNoNewPrivileges] = [27, 28, 38, 39];
const [noRandomize, noRoot, keepCaps] = [0x40000, 1, 16];
sys("personality", libc.personality(noRandomize));
sys("prctl", libc.prctl(setSecurebits, noRoot | keepCaps, 0, 0, 0));
sys("prctl", libc.prctl(setNoNewPrivileges, 1, 0, 0, 0));
await ready();
if (spoiling()) libc.prctl(setSecurebits, noRoot, 0, 0, 0);
same(readFileSync("/proc/self/personality", "utf8").trim(), "00040000", "the personality");
same(libc.prctl(getSecurebits, 0, 0, 0, 0), noRoot | keepCaps, "the securebits");
same(libc.prctl(getNoNewPrivileges, 0, 0, 0, 0), 1, "no_new_privs");
same(status(process.pid, "NoNewPrivs"), "1", "no_new_privs in /proc");
pass();
