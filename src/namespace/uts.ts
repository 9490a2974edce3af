/** UTS namespaces: host name and domain name (uts_namespaces(7)). */
import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { NamespaceKind } from "./kind.ts";

/** struct new_utsname (linux/utsname.h): six fields of this many bytes. */
const FIELD = 65;
const [NODENAME, DOMAINNAME, FIELDS] = [1, 5, 6];
/** __NEW_UTS_LEN: what sethostname(2) takes, bytes. */
const LONGEST = FIELD - 1;

function text(bytes: Uint8Array, field: number): string {
  const of = bytes.subarray(field * FIELD, (field + 1) * FIELD);
  const end = of.indexOf(0);
  return Buffer.from(end < 0 ? of : of.subarray(0, end)).toString("latin1");
}

export const uts: NamespaceKind = {
  name: "uts",
  flag: CLONE.NEWUTS,

  ask(questions) {
    const place = questions.reserve(FIELDS * FIELD);
    questions.call(NR.uname, [place], { what: "cannot read the host name" });
    return (images, id) =>
      images.write("UTSNS", id, [{ nodename: text(place.bytes, NODENAME), domainname: text(place.bytes, DOMAINNAME) }]);
  },

  fill({ program, images, id }) {
    const { nodename, domainname } = images.one("UTSNS", id);
    for (const [nr, name, what] of [
      [NR.sethostname, nodename, "cannot set the host name"],
      [NR.setdomainname, domainname, "cannot set the domain name"],
    ] as const) {
      const bytes = Buffer.from(name, "latin1");
      if (bytes.length > LONGEST)
        throw new CrError("a host name in the images is too long", {
          code: "BAD_IMAGE",
          subject: { image: `utsns-${id}.img`, bytes: bytes.length },
        });
      program.call(nr, [program.data(bytes), bytes.length], { what });
    }
  },
};
