/** The requests CPUINFO_DUMP and CPUINFO_CHECK. */
import { readCpuCap } from "../cli/value.ts";
import { readCpuInfo, writeCpuInfo } from "../image/work.ts";
import { askedOf, checkCpuInfo, ownCpuInfo } from "../task/cpuinfo.ts";
import { inRequest } from "./in-request.ts";
import { type Duty, optionsOf } from "./worker.ts";

export const cpuInfoDump: Duty = (request, office, first) =>
  inRequest(optionsOf(request, office), "cpuinfo dump", office, first, ({ space }) => {
    writeCpuInfo(space.images.path, ownCpuInfo());
    return {};
  });

export const cpuInfoCheck: Duty = (request, office, first) =>
  inRequest(optionsOf(request, office), "cpuinfo check", office, first, ({ settings, space }) => {
    const cap = askedOf(readCpuCap(settings.values("cpu-cap")));
    checkCpuInfo(cap, readCpuInfo(space.images.path), true);
    return {};
  });
