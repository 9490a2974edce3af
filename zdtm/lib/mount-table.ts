/** What a process sees of mounts: each with what is the kernel's own left out, and numbers of groups and devices named anew. */
export interface MountLine {
  /** Where, and how many mounts lie below it at the same place. */
  readonly place: string;
  readonly what: string;
}

interface Parsed {
  readonly id: string;
  readonly parent: string;
  readonly device: string;
  readonly point: string;
  readonly rest: string;
  readonly groups: readonly string[];
}

function parse(line: string): Parsed {
  const [id = "", parent = "", device = "", root = "", point = "", options = "", ...more] = line.split(" ");
  const dash = more.indexOf("-");
  const groups = more.slice(0, dash).filter((tag) => !tag.startsWith("propagate_from"));
  const [type = "", source = "", own = ""] = more.slice(dash + 1);
  // an automounter's pipe is another one, and its group has another number outside
  const named = type === "autofs" ? own.replace(/\b(fd|pgrp|pipe_ino)=\d+/g, "$1") : own;
  return { id, parent, device, point, groups, rest: [root, options, type, source, named].join(" ") };
}

/** @param name gives a number of the kernel's a name by its kind, always the same one */
export function mountTable(text: string, name: (kind: string, number: string) => string): MountLine[] {
  const all = text.split("\n").filter(Boolean).map(parse);
  const byId = new Map(all.map((mount) => [mount.id, mount]));
  const depth = (mount: Parsed): number => {
    const below = byId.get(mount.parent);
    return below && below !== mount ? depth(below) + 1 : 0;
  };
  const sorted = all
    .map((mount) => ({ mount, depth: depth(mount) }))
    // two at one place and depth hang on different mounts there: they are told apart by what they are
    .map((one) => ({ ...one, key: [one.mount.point, one.depth.toString().padStart(4, "0"), one.mount.rest].join(" ") }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return sorted.map(({ mount, depth: level }) => {
    const groups = mount.groups.map((tag) => {
      const [kind = "", number] = tag.split(":");
      return number === undefined ? kind : `${kind} ${name("group", number)}`;
    });
    return {
      place: `${mount.point} at ${level}`,
      what: [mount.rest, name("device", mount.device), ...groups].join(" "),
    };
  });
}
