// Installs what the npm scripts need and is missing: plain JavaScript, because nothing but Node is there yet.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const tree = join(dirname(fileURLToPath(import.meta.url)), "..");
const works = (command, args = ["--version"]) => spawnSync(command, args, { stdio: "ignore" }).status === 0;

function installed() {
  const mark = join(tree, "node_modules/.package-lock.json");
  if (!existsSync(mark)) return false;
  const since = statSync(mark).mtimeMs;
  const stale = ["package.json", "package-lock.json"].some((name) => {
    const path = join(tree, name);
    return existsSync(path) && statSync(path).mtimeMs > since;
  });
  return !stale && works(join(tree, "node_modules/.bin/bun"));
}

if (!installed()) {
  const words = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
  const done = spawnSync("npm", words, { cwd: tree, stdio: ["ignore", "ignore", "inherit"] });
  if (done.status !== 0) {
    console.error("npm install failed: is the package registry within reach?");
    process.exit(1);
  }
  if (!works(join(tree, "node_modules/.bin/bun"))) {
    console.error("the package `bun` is installed, but its program does not run on this machine");
    process.exit(1);
  }
}

const missing = ["gcc", "ld", "objcopy", "readelf"].filter((tool) => !works(tool));
if (missing.length > 0) {
  console.error(`missing: ${missing.join(", ")}. On Debian and Ubuntu: apt-get install gcc libc6-dev binutils`);
  process.exit(1);
}
