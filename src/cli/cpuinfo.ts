/** `cpuinfo dump` and `cpuinfo check`: the processor of one machine, written, and compared with another. */
import { type Invocation, withLog } from "./command.ts";
import { readCpuCap } from "./value.ts";
import { openWorkspace } from "./workspace.ts";

export async function dumpCpuInfo({ settings, command }: Invocation): Promise<number> {
  settings.requireSupport(command);
  const space = openWorkspace(settings, command);
  const [{ ownCpuInfo }, { writeCpuInfo }] = await Promise.all([
    import("../task/cpuinfo.ts"),
    import("../image/work.ts"),
  ]);
  return withLog(space.log, () => {
    writeCpuInfo(space.images.path, ownCpuInfo());
    space.log.summary(`Wrote what this processor can to ${space.images.path}/cpuinfo.img.`, {});
    return 0;
  });
}

export async function checkCpuInfo({ settings, command }: Invocation): Promise<number> {
  settings.requireSupport(command);
  const space = openWorkspace(settings, command);
  const [engine, { readCpuInfo }] = await Promise.all([import("../task/cpuinfo.ts"), import("../image/work.ts")]);
  return withLog(space.log, () => {
    const cap = engine.askedOf(readCpuCap(settings.values("cpu-cap")));
    engine.checkCpuInfo(cap, readCpuInfo(space.images.path), true);
    space.log.summary("This processor is like that of the images.", {});
    return 0;
  });
}
