/** CRIU's plugins: C libraries made for its process, which nothing else can load. */
import { readdirSync } from "node:fs";
import { CrError } from "../error.ts";
import { fileError } from "./file-error.ts";

/** @param dir what the user says has plugins; a relative name lies in the current directory */
export function requireNoPlugins(dir: string | undefined): void {
  if (dir === undefined) return;
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (thrown) {
    throw fileError(
      "cannot read the directory of plugins",
      dir,
      thrown,
      "leave --libdir (-L) out, or name one that is there",
    );
  }
  const plugin = names.find((name) => name.endsWith(".so"));
  if (plugin === undefined) return;
  throw new CrError("CRIU's plugins cannot be loaded", {
    code: "NOT_YET",
    subject: { path: `${dir}/${plugin}` },
    remedy: "leave --libdir (-L) out, or name a directory without plugins",
  });
}
