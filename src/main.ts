import "./kernel/startup.ts";
import { run } from "./cli/run.ts";

process.exit(await run(process.argv0, process.argv.slice(2)));
