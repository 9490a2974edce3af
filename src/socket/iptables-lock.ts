/**
 * The lock that CRIU makes with iptables: two rules for each connection, which wait for a restore to remove them. As nobody but
 * iptables can say where it keeps rules, it is asked to.
 */
import { callersEnvironment } from "../kernel/startup.ts";
import { AF } from "../kernel/uapi/socket.ts";
import { addressWords, v4Of } from "./inet-address.ts";
import type { Ends } from "./network-lock.ts";

const RULE =
  /^-A (INPUT|OUTPUT) -s (\S+)\/\d+ -d (\S+)\/\d+ -p tcp -m mark ! --mark 0xc114 -m tcp --sport (\d+) --dport (\d+) -j DROP$/;

function words({ bytes, port }: Ends["own"]): string {
  const address = v4Of(bytes);
  return addressWords({ family: address.length === 4 ? AF.INET : AF.INET6, bytes: address, port });
}

/** Of the rules that iptables-save tells, those of the lock of these connections. */
export function lockRules(saved: string, connections: readonly Ends[]): string[] {
  const wanted = new Set(
    connections.flatMap(({ own, peer }) => [
      `INPUT ${words(peer)} ${words(own)}`,
      `OUTPUT ${words(own)} ${words(peer)}`,
    ]),
  );
  return saved.split("\n").filter((line) => {
    const [, chain, from = "", to = "", sport, dport] = RULE.exec(line) ?? [];
    const named = (address: string) => (address.includes(":") ? `[${address}]` : address);
    return wanted.has(`${chain} ${named(from)}:${sport} ${named(to)}:${dport}`);
  });
}

function run(program: string, args: readonly string[], input = ""): string | undefined {
  try {
    const env = callersEnvironment();
    const done = Bun.spawnSync({ cmd: [program, ...args], env, stdin: Buffer.from(input), stderr: "ignore" });
    return done.success ? done.stdout.toString("latin1") : undefined;
  } catch {
    return undefined; // without the program there are no rules of its
  }
}

/**
 * Removes the lock of these connections, where there is one.
 * @returns what could not be removed
 */
export function removeIptablesLock(connections: readonly Ends[]): string[] {
  return ["iptables", "ip6tables"].flatMap((tool) => {
    const rules = lockRules(run(`${tool}-save`, ["-t", "filter"]) ?? "", connections);
    if (rules.length === 0) return [];
    const removal = rules.map((rule) => rule.replace("-A", "-D"));
    const isDone =
      run(`${tool}-restore`, ["--noflush"], ["*filter", ...removal, "COMMIT", ""].join("\n")) !== undefined;
    return isDone ? [] : rules.map((rule) => `${tool} ${rule}`);
  });
}
