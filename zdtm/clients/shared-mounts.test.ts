/** Containers of runc where the machine's mounts are shared, as an init makes them: root, binds and cgroups are slaves of these. */
import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { binary } from "../lib/binary.ts";
import { Host } from "./lib/host.ts";

const isThere = process.getuid?.() === 0 && Bun.which("runc") !== null && Bun.which("busybox") !== null;

for (const propagation of ["rslave", "private"])
  test.skipIf(!isThere)(
    `a root that is ${propagation}, with mounts that share with the machine's${isThere ? "" : " (it needs root, runc and busybox)"}`,
    async () => {
      await using host = await Host.start("mount --make-rshared /; mount -t tmpfs none /run");
      const { scratch } = host;
      const [root, data, id] = [
        scratch.file("rootfs"),
        scratch.file("data"),
        `tscriu-${process.pid}-${Bun.nanoseconds()}`,
      ];
      for (const dir of ["bin", "dev", "proc", "sys", "data"]) mkdirSync(`${root}/${dir}`, { recursive: true });
      copyFileSync(Bun.which("busybox") ?? "", `${root}/bin/busybox`);
      for (const name of ["sh", "sleep"]) symlinkSync("busybox", `${root}/bin/${name}`);
      writeFileSync(scratch.file("criu"), `#!/bin/sh\nexec ${(await binary()).join(" ")} "$@"\n`, { mode: 0o755 });
      const there = `cd ${scratch.path}; PATH=${scratch.path}:$PATH`;
      await host.sh(`${there}; mkdir data; mount -t tmpfs data data; runc spec`);
      const spec = JSON.parse(readFileSync(scratch.file("config.json"), "utf8"));
      spec.process.terminal = false;
      delete spec.process.rlimits;
      spec.process.args = ["/bin/sh", "-c", "while :; do sleep 0.05; done"];
      spec.linux.rootfsPropagation = propagation;
      spec.mounts.push({ destination: "/data", type: "bind", source: data, options: ["bind"] });
      writeFileSync(scratch.file("config.json"), JSON.stringify(spec));
      try {
        await host.sh(`${there}; exec runc run --detach ${id} </dev/null >/dev/null 2>&1`);
      } catch (error) {
        console.log(`skipped a container of runc, which starts none here: ${String(error).replaceAll("\n", " ")}`);
        return;
      }
      const pid = async () => JSON.parse(await host.sh(`runc state ${id}`)).pid;
      const shares = async () => {
        const lines = (await host.sh(`cat /proc/${await pid()}/mountinfo`)).trim().split("\n");
        return lines.map((line) => `${line.split(" ")[4]} ${/(shared|master):\d+/.exec(line)?.[0] ?? ""}`).sort();
      };
      try {
        const before = await shares();
        expect(before).toContainEqual(expect.stringMatching(propagation === "rslave" ? /^\/ master:/ : /^\/ $/));
        expect(before).toContainEqual(
          expect.stringMatching(propagation === "rslave" ? /^\/data master:/ : /^\/data shared:/),
        );
        await host.sh(
          `${there}; runc checkpoint --image-path images --work-path work ${id} || { tail -n 30 work/dump.log; exit 1; }`,
        );
        const restore = `runc restore --detach --image-path images --work-path work ${id} </dev/null >/dev/null 2>&1`;
        await host.sh(`${there}; ${restore} || { tail -n 30 work/restore.log; exit 1; }`);
        expect(await shares()).toEqual(before);
        // what the machine mounts there shows in it
        await host.sh(`mkdir ${data}/in; mount -t tmpfs seen ${data}/in`);
        expect(await host.sh(`cat /proc/${await pid()}/mountinfo`)).toContain(" /data/in ");
      } finally {
        await host.sh(`runc delete --force ${id}`);
      }
    },
    300_000,
  );
