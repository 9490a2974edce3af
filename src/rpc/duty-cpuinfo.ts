/** The requests CPUINFO_DUMP and CPUINFO_CHECK. */
import { readCpuCap } from "../cli/value.ts";
import { readCpuInfo, writeCpuInfo } from "../image/work.ts";
import { checkCpuInfo, isSaved, ownCpuInfo } from "../task/cpuinfo.ts";
import { inRequest } from "./in-request.ts";
import { type Duty, optionsOf } from "./worker.ts";

export const cpuInfoDump: Duty = (request, office, first) =>
  inRequest(optionsOf(request, office), "cpuinfo dump", office, first, ({ space }) => {
    writeCpuInfo(space.images.path, ownCpuInfo());
    return {};
  });

export const cpuInfoCheck: Duty = (request, office, first) =>
  inRequest(optionsOf(request, office), "cpuinfo check", office, first, ({ settings, space }) => {
    const given = readCpuCap(settings.values("cpu-cap"));
    // the request is for nothing else
    const cap = isSaved(given) ? given : { given: true, cpu: true, fpu: true, ins: true };
    checkCpuInfo(cap, readCpuInfo(space.images.path), true);
    return {};
  });
