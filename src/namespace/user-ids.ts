/** What users and groups are called in a user namespace, and by us. */
import { CrError } from "../error.ts";
import type { IdTranslation } from "../image/ids.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type IdRange, idInside, idOutside, parseIdMap } from "../kernel/proc/uidmap.ts";
import { linkOf } from "./ids.ts";

/** In images: somebody whom the namespace does not know. */
export const NOBODY = 0xffff_ffff;
/** In images somebody outside is root: the most likely one, and the one whom we can always be. */
const ROOT = 0;

export interface IdMaps {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** Those of the user namespace that a task lives in, which is not ours. */
export function mapsOf(pid: number): IdMaps {
  using dir = new ProcDir(pid);
  return { uids: parseIdMap(dir.text("uid_map")), gids: parseIdMap(dir.text("gid_map")) };
}

/** From ours to those inside. Remembers whom the namespace does not know. */
export class Inward implements IdTranslation {
  readonly strangers = new Set<string>();

  constructor(readonly maps: IdMaps) {}

  uid(id: number): number {
    return this.#inside(this.maps.uids, id, "user");
  }

  gid(id: number): number {
    return this.#inside(this.maps.gids, id, "group");
  }

  #inside(map: readonly IdRange[], id: number, what: string): number {
    const inside = id === NOBODY ? NOBODY : idInside(map, id);
    if (inside === undefined && id !== ROOT) this.strangers.add(`${what} ${id}`);
    return inside ?? NOBODY;
  }
}

/** From those inside to ours. Errors: CrError BAD_IMAGE for somebody whom the namespace does not know. */
export function outward({ uids, gids }: IdMaps): IdTranslation {
  const outside = (map: readonly IdRange[], id: number, what: string) => {
    const found = id === NOBODY ? ROOT : idOutside(map, id);
    if (found !== undefined) return found;
    throw new CrError(`the images name a ${what} whom the tree's user namespace does not have`, {
      code: "BAD_IMAGE",
      subject: { [what]: id },
      remedy: "take the whole set from its origin again, or dump again",
    });
  };
  return {
    uid: (id) => outside(uids, id, "user"),
    gid: (id) => outside(gids, id, "group"),
    chief: { uid: idOutside(uids, ROOT) ?? ROOT, gid: idOutside(gids, ROOT) ?? ROOT },
  };
}

/** The translations of a tree that is dumped. */
export class TreeIds {
  readonly #byLink = new Map<string, Inward | undefined>();

  /** @param linkOfTask the link of a task's user namespace */
  constructor(readonly linkOfTask: (pid: number) => string) {
    this.#byLink.set(linkOf("self", "user"), undefined);
  }

  /** For images of a tree: into the user namespace of its root; undefined where that is ours. */
  forImages(root: number): Inward | undefined {
    const ids = this.ofTask(root);
    // apart from credentials, which keep groups that their namespace does not know
    return ids && new Inward(ids.maps);
  }

  /** Into the user namespace of a task; undefined where that is ours. */
  ofTask(pid: number): Inward | undefined {
    const link = this.linkOfTask(pid);
    if (link === "" || this.#byLink.has(link)) return this.#byLink.get(link);
    const ids = new Inward(mapsOf(pid));
    this.#byLink.set(link, ids);
    return ids;
  }
}
