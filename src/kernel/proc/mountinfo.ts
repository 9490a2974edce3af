import { CrError } from "../../error.ts";
import { unescapeOctal } from "./escape.ts";

/** One mount, by the fields of proc_pid_mountinfo(5). Escapes are undone. */
export interface MountInfo {
  readonly mntId: number;
  readonly parentId: number;
  /** Kernel encoding major << 20 | minor: st_dev of files there (btrfs and overlayfs may show others). */
  readonly dev: number;
  /** Directory of the file system that is the mount's root. */
  readonly root: string;
  /** Mount point, seen from the reading process's root. */
  readonly mountpoint: string;
  /** Options of the mount: `rw,nosuid,…`. */
  readonly options: readonly string[];
  /** Peer group of a shared mount, of the master of a slave, and the nearest dominant group under our root. */
  readonly shared: number | undefined;
  readonly master: number | undefined;
  readonly propagateFrom: number | undefined;
  readonly unbindable: boolean;
  /** Optional fields that have no name here. */
  readonly optional: readonly string[];
  /** `ext4`; `fuse.sshfs` with its subtype. */
  readonly fsType: string;
  readonly source: string;
  /** Options of the file system, as one string: a comma within a value has a backslash before it. */
  readonly superOptions: string;
}

/** Values that are told in the words of who mounted: in these a backslash stands before what would end a name (overlayfs). */
const ESCAPED_BY_USER = /^(lowerdir|upperdir|workdir)=/;

/** What the kernel writes for a comma that ends no option, and for what ends more: a tab, the end of a line, a blank, a backslash. */
const OCTAL = /\\(?:054|011|012|040|134)/;

/** As `superOptions`, from what the kernel writes. */
export function optionsOf(text: string): string {
  if (!OCTAL.test(text)) return text;
  const words = text.split(",").map((raw) => {
    const word = unescapeOctal(raw);
    return ESCAPED_BY_USER.test(word)
      ? word.replace(/\\.|,/gs, (found) => (found === "," ? "\\," : found))
      : word.replace(/[\\,]/g, "\\$&");
  });
  return words.join(",");
}

function parseLine(line: string): MountInfo {
  const fields = line.split(" ");
  const dash = fields.indexOf("-", 6);
  const [id, parent, device = "", root = "", mountpoint = "", options = ""] = fields;
  const [fsType, source, superOptions] = fields.slice(dash + 1);
  const [major, minor] = device.split(":").map(Number);
  if (dash < 0 || superOptions === undefined || minor === undefined || major === undefined) {
    throw new CrError("a mount of an unknown form in /proc", { code: "BAD_PROC", subject: { line } });
  }
  const tags = fields.slice(6, dash);
  const group = (name: string): number | undefined => {
    const tag = tags.find((text) => text.startsWith(`${name}:`));
    return tag === undefined ? undefined : Number(tag.slice(name.length + 1));
  };
  return {
    mntId: Number(id),
    parentId: Number(parent),
    dev: major * 0x100000 + minor,
    root: unescapeOctal(root),
    mountpoint: unescapeOctal(mountpoint),
    options: options.split(","),
    shared: group("shared"),
    master: group("master"),
    propagateFrom: group("propagate_from"),
    unbindable: tags.includes("unbindable"),
    optional: tags.filter((tag) => !/^(shared|master|propagate_from):|^unbindable$/.test(tag)),
    fsType: unescapeOctal(fsType ?? ""),
    source: unescapeOctal(source ?? ""),
    superOptions: optionsOf(superOptions),
  };
}

/**
 * The text of /proc/PID/mountinfo, in its order: a mount comes after the one below it, later ones cover earlier ones.
 * @throws CrError BAD_PROC
 */
export function parseMountInfo(text: string): MountInfo[] {
  return text.split("\n").filter(Boolean).map(parseLine);
}
