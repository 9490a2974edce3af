import type { CgroupProps } from "../options.ts";
import { usageError } from "./usage-error.ts";

/**
 * The text of `--cgroup-props`: for each controller its name, a strategy and a list of properties.
 *
 *     "cpu":
 *       - "strategy": "replace"
 *       - "properties": ["cpu.shares", "cpu.cfs_period_us"]
 *
 * @throws a usage error for any other form
 */
export function parseCgroupProps(text: string): CgroupProps[] {
  const block =
    /\s*"(?<controller>[^"\n]+)":\s*-\s*"strategy":\s*"(?<strategy>merge|replace)"\s*-\s*"properties":\s*\[(?<list>[^\]]*)\]\s*/y;
  const found: CgroupProps[] = [];
  for (let at = 0; at < text.trimEnd().length; at = block.lastIndex) {
    block.lastIndex = at;
    const { controller = "", strategy, list = "" } = block.exec(text)?.groups ?? {};
    const words = list.split(",").map((word) => /^\s*"([^"/]+)"\s*$/.exec(word)?.[1]);
    const properties = words.filter((word) => word !== undefined);
    if (controller === "" || (properties.length !== words.length && list.trim() !== ""))
      throw usageError(
        `the cgroup properties are of an unknown form: ${text.slice(at, at + 40)}`,
        'for each controller "CTRL":, then - "strategy": "merge" or "replace", then - "properties": ["a", "b"]',
      );
    found.push({ controller, replaces: strategy === "replace", properties });
  }
  return found;
}
