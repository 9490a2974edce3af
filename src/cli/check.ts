/** `check`: what this kernel and these privileges allow. */
import type { Finding } from "../check/check.ts";
import { featureNames, isFeature } from "../check/features.ts";
import type { Invocation } from "./command.ts";
import { print, printError } from "./print.ts";
import { usageError } from "./usage-error.ts";
import { openWorkspace } from "./workspace.ts";

const verdicts = {
  good: "Looks good.",
  optional: `Looks good but some kernel features are missing
which, depending on your process tree, may cause
dump or restore failure.`,
  bad: "Does not look good.",
} as const;

/** A table for people: what is missing is followed by why and what to do. */
export function findingsTable(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, supported, need, why, remedy }) => {
      const line = `${name.padEnd(width)}  ${supported ? "yes" : "NO "}  ${need}\n`;
      return supported ? line : `${line}${" ".repeat(width)}       ${why ?? ""}; ${remedy ?? ""}\n`;
    })
    .join("");
}

/** Which of CRIU's texts fits. What is only checked by name never spoils the result. */
export function verdictOf(findings: readonly Finding[]): keyof typeof verdicts {
  const missing = findings.filter(({ supported, category }) => !supported && category !== "named");
  if (missing.some(({ category }) => category === "basic")) return "bad";
  return missing.length > 0 ? "optional" : "good";
}

/** The findings in the log, where one was asked for. */
function logFindings({ settings, command }: Invocation, findings: readonly Finding[]): void {
  if (!settings.given("log-file")) return;
  const { log } = openWorkspace(settings, command);
  for (const { name, supported, why } of findings) {
    if (supported) log.info(`${name} is supported`);
    else log.warn(`${name} is not supported: ${why ?? ""}`);
  }
  log.close();
}

async function checkOne(invocation: Invocation, name: string, json: boolean): Promise<number> {
  if (name === "list") {
    print(`${featureNames.join("\n")}\n`);
    return 0;
  }
  if (!isFeature(name)) {
    throw usageError(`there is no feature \`${name}\``, "`tscriu check --feature list` names them all");
  }
  const { checkFeature } = await import("../check/check.ts");
  const finding = checkFeature(name);
  logFindings(invocation, [finding]);
  if (json) print(`${JSON.stringify(finding)}\n`);
  else if (finding.supported) print(`${name} is supported\n`);
  else printError(`tscriu: ${name} is not supported\n  because ${finding.why}\n  try: ${finding.remedy}\n`);
  return finding.supported ? 0 : 1;
}

export async function runCheck(invocation: Invocation): Promise<number> {
  const { settings, command } = invocation;
  settings.requireSupport(command);
  const json = settings.flag("json");
  const feature = settings.text("feature");
  if (feature !== undefined) return await checkOne(invocation, feature, json);
  const { checkFeatures } = await import("../check/check.ts");
  const all = settings.flag("all");
  const wanted = {
    basic: true,
    extra: all || settings.flag("extra"),
    experimental: all || settings.flag("experimental"),
    named: all,
  };
  const findings = checkFeatures((category) => wanted[category]);
  logFindings(invocation, findings);
  const verdict = verdictOf(findings);
  if (json) print(`${JSON.stringify({ verdict: verdicts[verdict], features: findings }, null, 2)}\n`);
  else print(`${findingsTable(findings)}${verdicts[verdict]}\n`);
  return verdict === "good" ? 0 : 1;
}
