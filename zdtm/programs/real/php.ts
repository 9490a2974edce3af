/** nginx before php-fpm in one tree, over a unix socket: a session counts what it was asked. */
import { existsSync, writeFileSync } from "node:fs";
import { until } from "../lib/stage.ts";
import { Connection } from "./http.ts";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";
import { Wire } from "./wire.ts";

/** Debian names the program by its version. */
const fpm = () => ["8.4", "8.3", "8.2"].map((version) => `php-fpm${version}`).find((name) => Bun.which(name) !== null);

export const php: RealProgram = {
  name: "nginx and php-fpm",
  missing: () => without("nginx", "nginx-light") ?? (fpm() ? undefined : "there is no php-fpm (Debian: php-fpm)"),

  async start(stage): Promise<Running> {
    const port = freePort();
    const at = (name: string) => stage.file(name);
    const page = `<?php session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; $said = 'n=' . $_SESSION['n'];
header('Content-Length: ' . strlen($said)); echo $said;`;
    writeFileSync(at("page.php"), page);
    const pool = ["pm = static", "pm.max_children = 3", "user = nobody", "group = nogroup", "listen.mode = 0666"];
    const lines = [`error_log = ${at("fpm-errors")}`, "[www]", `listen = ${at("socket")}`, ...pool];
    writeFileSync(at("fpm.conf"), [...lines, `php_value[session.save_path] = ${stage.path}`, ""].join("\n"));
    const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((n) => `${n}_temp_path ${at(n)};`)
      .join(" ");
    const nginx = `daemon off; pid ${at("nginx.pid")}; error_log ${at("errors")}; worker_processes 2; user nobody nogroup;
events {}
http {
  ${places} access_log off; keepalive_requests 1000000; keepalive_timeout 600s; fastcgi_read_timeout 600s;
  server {
    listen 127.0.0.1:${port};
    location / {
      fastcgi_pass unix:${at("socket")};
      fastcgi_param SCRIPT_FILENAME ${at("page.php")};
      fastcgi_param REQUEST_METHOD GET;
      fastcgi_param HTTP_COOKIE PHPSESSID=$arg_session;
    }
  }
}
`;
    writeFileSync(at("nginx.conf"), nginx);
    const both = `nginx -c ${at("nginx.conf")} & ${fpm()} -F -y ${at("fpm.conf")} & wait`;
    const program = await stage.start(["sh", "-c", both]);
    (await Wire.open(port))[Symbol.dispose]();
    await until("php-fpm listens", () => (existsSync(at("socket")) ? true : undefined));
    const connections = ["first", "second", "third", "fourth"].map((name) => ({ name, to: new Connection(port) }));
    const tally = new Tally();
    for (const { name, to } of connections)
      tally.keep(name, async (n) => ({ got: await to.ask(`/?session=${name}`), wanted: `n=${n + 1}` }));
    return {
      program,
      tally,
      words: ["--tcp-established", "--file-locks"],
      async finish() {
        for (const { to } of connections) to.close();
      },
    };
  },
};
