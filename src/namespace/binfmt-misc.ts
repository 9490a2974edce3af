/**
 * Binary formats that somebody registered (binfmt_misc). From Linux 6.7 on each user namespace may have its own, which go into the
 * images; those of the machine are looked at, and never changed: they hold for everybody on it.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { BinfmtMiscEntry } from "../image/schema.gen.ts";
import { closeFd, openBelow } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, cstring, must, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { FSCONFIG } from "../kernel/uapi/mount.ts";

/** What the kernel takes at once, bytes. */
const LONGEST = 1920;
const CONTROLS: ReadonlySet<string> = new Set(["register", "status"]);

/** One file of it, or undefined where the kernel says what we do not know. */
export function parseFormat(name: string, text: string): BinfmtMiscEntry | undefined {
  const [state, ...lines] = text.trimEnd().split("\n");
  const words = new Map(
    lines.map((line) => {
      const space = line.indexOf(" ");
      return space < 0 ? [line, ""] : [line.slice(0, space), line.slice(space + 1)];
    }),
  );
  const interpreter = words.get("interpreter");
  if (interpreter === undefined) return undefined;
  const entry: BinfmtMiscEntry = { name, enabled: state === "enabled", interpreter };
  const [flags, extension, magic, mask, offset] = ["flags:", "extension", "magic", "mask", "offset"].map((key) =>
    words.get(key),
  );
  if (flags) entry.flags = flags;
  if (extension !== undefined) entry.extension = extension.replace(/^\./, "");
  if (magic !== undefined) entry.magic = magic;
  if (mask !== undefined) entry.mask = mask;
  if (offset !== undefined) entry.offset = Number(offset);
  return entry;
}

/** How it is registered. @throws CrError BAD_IMAGE for what is no format */
export function registration({
  name,
  interpreter,
  flags = "",
  extension,
  magic = "",
  mask = "",
  offset = 0,
}: BinfmtMiscEntry): string {
  const bytes = (hex: string) => hex.replace(/../g, "\\x$&");
  const fields =
    extension === undefined
      ? [name, "M", `${offset}`, bytes(magic), bytes(mask), interpreter, flags]
      : [name, "E", "", extension, "", interpreter, flags];
  const delimiter = [":", ",", ";", "|", "!"].find((one) => fields.every((field) => !field.includes(one)));
  const isName = /^[^/\0\n]+$/.test(name) && name !== "." && name !== ".." && !CONTROLS.has(name);
  const isHex = [magic, mask].every((hex) => /^([0-9a-f]{2})*$/.test(hex));
  const text = `${delimiter}${fields.join(delimiter)}`;
  if (delimiter === undefined || !isName || !isHex || /[\0\n]/.test(text) || text.length > LONGEST)
    throw new CrError("a binary format is impossible", { code: "BAD_IMAGE", subject: { name: name.slice(0, 40) } });
  return text;
}

const pathOf = (root: number, name = "") => `/proc/self/fd/${root}/${name}`;

/** @param root a descriptor of ours for the whole of it */
export function readFormats(root: number): BinfmtMiscEntry[] {
  const names = readdirSync(pathOf(root)).filter((name) => !CONTROLS.has(name));
  return names.sort().flatMap((name) => parseFormat(name, readFileSync(pathOf(root, name), "latin1")) ?? []);
}

/** The device of the machine's; undefined where this kernel has none. */
function machines(): number | undefined {
  const context = sys(NR.fsopen, addressOf(cstring("binfmt_misc")), 1);
  if (context < 0) return undefined;
  try {
    if (sys(NR.fsconfig, context, FSCONFIG.CMD_CREATE, 0, 0, 0) < 0) return undefined;
    const mount = must(NR.fsmount, [context, 1, 0], "cannot look at the machine's binary formats");
    const { dev } = statFd(mount);
    closeFd(mount);
    return dev;
  } finally {
    closeFd(context);
  }
}

/**
 * Registers what is not there.
 * @param root a descriptor of ours for the whole of it
 * @param lost is told what could not be done
 */
export function writeFormats(root: number, formats: readonly BinfmtMiscEntry[], lost: (what: string) => void): void {
  const there = new Set(readFormats(root).map((one) => JSON.stringify(one)));
  const missing = formats.filter((one) => !there.has(JSON.stringify(one)));
  if (missing.length === 0) return;
  const isMachines = statFd(root).dev === machines();
  for (const format of missing) {
    const text = registration(format);
    if (isMachines) {
      lost(`the binary format ${format.name} (${format.interpreter}), which is the machine's: register it`);
      continue;
    }
    if (format.flags?.includes("F")) {
      // it is opened by whoever registers it: by us, at a path of the machine's
      lost(`the binary format ${format.name}, whose interpreter ${format.interpreter} was open: register it`);
      continue;
    }
    try {
      put(root, "register", text);
      if (!format.enabled) put(root, format.name, "0");
    } catch (error) {
      lost(`the binary format ${format.name} (${error instanceof Error ? error.message : error})`);
    }
  }
}

function put(root: number, name: string, text: string): void {
  const fd = openBelow(root, name, O.WRONLY);
  if (fd < 0) throw new CrError("cannot open a file of binary formats", { code: "ENOENT", subject: { name } });
  try {
    writeFileSync(fd, Buffer.from(text, "latin1"));
  } finally {
    closeFd(fd);
  }
}
