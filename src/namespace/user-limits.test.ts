import { expect, test } from "bun:test";
import type { Log } from "../log.ts";
import { tellOfUserLimits } from "./user-limits.ts";

test.skipIf(process.getuid?.() !== 0)(
  "limits that somebody set in a user namespace are told, and no others",
  async () => {
    const said: string[] = [];
    const log = { warn: (text: string) => said.push(text) } as unknown as Log;
    for (const words of ["", "echo 77 >/proc/sys/user/max_user_namespaces; "]) {
      const script = `${words}echo ready; exec sleep 1000`;
      const child = Bun.spawn(["unshare", "--user", "--map-root-user", "sh", "-c", script], { stdout: "pipe" });
      try {
        await child.stdout.getReader().read();
        tellOfUserLimits([{ name: "user", member: child.pid }], log);
        expect(said.map((text) => text.replace(/ \(pid.*/, ""))).toEqual(
          words === ""
            ? []
            : ["limits of a user namespace are not kept, set them again after a restore: max_user_namespaces=77"],
        );
      } finally {
        child.kill(9);
      }
    }
  },
);
