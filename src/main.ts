import "./kernel/startup.ts";
import { versionText } from "./cli/version.ts";

const words = process.argv.slice(2);
const asTscriu = !process.argv0.endsWith("crit");

// scripts ask this often: no other module is loaded for it
if (asTscriu && words.length === 1 && (words[0] === "--version" || words[0] === "-V")) {
  await Bun.write(Bun.stdout, versionText);
  process.exit(0);
}
const { run } = await import("./cli/run.ts");
process.exit(await run(process.argv0, words));
