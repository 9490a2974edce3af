// zdtm: {"category": "process-tree", "needs": ["i386"], "verifies": "a 32-bit program with threads below a 64-bit one comes back, and what it is called and given by the kernel is as before"}
import { readFileSync } from "node:fs";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";
import { m32 } from "../lib/compile.ts";

const source = `
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static int ends[2];
static __thread int own = 7;
static void *thread(void *unused) {
  char byte;
  own = 9;
  while (read(ends[0], &byte, 1) == 1) { printf("%c %d\\n", byte + 1, own++); fflush(stdout); }
  return unused;
}
int main(void) {
  pthread_t id;
  char byte;
  if (pipe(ends) || pthread_create(&id, NULL, thread, NULL)) return 1;
  while (read(0, &byte, 1) == 1) if (write(ends[1], &byte, 1) != 1) return 2;
  close(ends[1]);
  pthread_join(id, NULL);
  return own;
}`;

const program = `${process.cwd()}/below`;
const compiled = Bun.spawnSync(["cc", ...m32, "-O1", "-w", "-pthread", "-xc", "-", "-o", program], {
  stdin: new TextEncoder().encode(source),
});
check(compiled.success, compiled.stderr.toString());
const child = Bun.spawn([program], { stdin: "pipe", stdout: "pipe" });
const answers = child.stdout.getReader();

async function ask(letter: string): Promise<string> {
  child.stdin.write(letter);
  child.stdin.flush();
  return new TextDecoder().decode((await answers.read()).value);
}

const look = () => ({
  auxv: readFileSync(`/proc/${child.pid}/auxv`).toString("hex"),
  maps: readFileSync(`/proc/${child.pid}/maps`, "latin1").replaceAll(/ +/g, " "),
  comm: readFileSync(`/proc/${child.pid}/comm`, "latin1"),
});

same(await ask("a"), "b 9\n", "the answer");
const before = look();
check(!before.maps.includes("vsyscall"), "the child is no 32-bit program");
await ready();
if (spoiling()) child.kill("SIGKILL");
same(look(), before, "what the kernel knows of the child");
same(await ask("x"), "y 10\n", "the answer after the dump");
child.stdin.end();
same(await child.exited, 7, "its exit code");
pass();
