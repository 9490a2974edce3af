/** The texts of --display-stats. */
import type { DumpResult, RestoreResult } from "../options.ts";

function lines(title: string, rows: readonly (readonly [string, string])[]): string {
  return `${title}\n${rows.map(([name, value]) => `${name}: ${value}\n`).join("")}`;
}

function pages(number: number): string {
  return `${number} (0x${number.toString(16)})`;
}

export function dumpStatistics(result: DumpResult): string {
  const { details } = result;
  return lines("Displaying dump stats:", [
    ["Freezing time", `${result.freezingUs} us`],
    ["Frozen time", `${result.frozenUs} us`],
    ...(details
      ? ([
          ["Memory dump time", `${details.memdumpUs} us`],
          ["Memory write time", `${details.memwriteUs} us`],
          ["Memory pages scanned", pages(details.pagesScanned)],
          ["Memory pages skipped from parent", pages(details.pagesSkippedParent)],
          ["Lazy memory pages", pages(details.pagesLazy)],
        ] as const)
      : []),
    ["Memory bytes written", String(result.pagesWritten)],
    ["Image bytes", String(result.imageBytes)],
    ["Total time", `${result.totalUs} us`],
  ]);
}

export function restoreStatistics(result: RestoreResult): string {
  const { details } = result;
  return lines("Displaying restore stats:", [
    ...(details
      ? ([
          ["Pages compared", pages(details.pagesCompared)],
          ["Pages skipped COW", pages(details.pagesSkippedCow)],
          ["Pages restored", pages(details.pagesRestored)],
        ] as const)
      : []),
    ["Forking time", `${result.forkingUs} us`],
    ["Restore time", `${result.totalUs} us`],
  ]);
}
