// zdtm: {"category": "process-tree", "verifies": "a process that begins and ends children without a pause gets every output and every exit code"}
import { going, listen, markReady, pass, same, spoiling } from "../lib/case.ts";

void listen();
markReady();
for (let turn = 0; going(); turn++) {
  const children = [0, 1, 2].map((i) =>
    Bun.spawn(["sh", "-c", `echo ${turn}-${i}; exit ${i + Number(spoiling())}`], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    }),
  );
  const outputs = await Promise.all(children.map((c) => new Response(c.stdout).text()));
  same(
    outputs,
    [0, 1, 2].map((i) => `${turn}-${i}\n`),
    "the outputs",
  );
  same(await Promise.all(children.map((c) => c.exited)), [0, 1, 2], "the exit codes");
}
pass();
