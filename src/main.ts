import "./kernel/startup.ts";
import { versionText } from "./cli/version.ts";

const words = process.argv.slice(2);
const asTscriu = !process.argv0.endsWith("crit");

// scripts ask this often: no other module is loaded for it
if (asTscriu && words.length === 1 && (words[0] === "--version" || words[0] === "-V")) {
  try {
    await Bun.write(Bun.stdout, versionText);
  } catch {
    // nobody can hear it
    process.exit(1);
  }
  process.exit(0);
}
const [{ run }, { closeSync }] = await Promise.all([import("./cli/run.ts"), import("node:fs")]);
const status = await run(process.argv0, words);
// at its exit the runtime gives terminals the modes that they had when it began: a restored tree has set its own
for (const fd of [0, 1, 2]) {
  try {
    closeSync(fd);
  } catch {
    // it was closed when we began
  }
}
process.exit(status);
