/** UTS namespaces: host name and domain name (uts_namespaces(7)). */
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { Envoy, envoyOf } from "../kernel/envoy.ts";
import { closeFd, O, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check } from "../kernel/sys.ts";
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

/** @param names struct new_utsname */
function saveNames(images: ImageDirectory, id: number, names: Uint8Array): void {
  images.write("UTSNS", id, [{ nodename: text(names, NODENAME), domainname: text(names, DOMAINNAME) }]);
}

export const uts: NamespaceKind = {
  name: "uts",
  flag: CLONE.NEWUTS,
  entered: CLONE.NEWUTS,

  ask(questions) {
    const place = questions.reserve(FIELDS * FIELD);
    questions.call(NR.uname, [place], { what: "cannot read the host name" });
    return (images, id) => saveNames(images, id, place.bytes);
  },

  saveForThread(images, id, tid) {
    const what = "cannot read the host name of a thread";
    const [file, names] = [openPath(`/proc/${tid}/ns/uts`, O.RDONLY, what), new Uint8Array(FIELDS * FIELD)];
    try {
      using envoy = new Envoy();
      check(envoy.call(NR.setns, file, CLONE.NEWUTS), what, { tid });
      check(envoy.call(NR.uname, addressOf(names)), what, { tid });
    } finally {
      closeFd(file);
    }
    saveNames(images, id, names);
  },

  fill({ program, pid, images, id: first, ids, isRoots, owner, entrance, atEnd }) {
    const enter = (id: number, fd: number) => {
      atEnd(() => closeFd(fd));
      entrance(id, fd);
    };
    // tasks of a tree in another one may live in ours
    const ours = images.inventory.root_ids?.uts_ns_id;
    if (ours !== undefined) enter(ours, openPath("/proc/self/ns/uts", O.RDONLY));
    for (const id of ids) {
      const names = namesOf(images, id);
      if (isRoots && id === first) {
        for (const { nr, bytes, what } of names) program.call(nr, [program.data(bytes), bytes.length], { what });
        enter(id, openPath(`/proc/${pid}/ns/uts`, O.RDONLY));
      } else enter(id, makeNamespace(names, owner(id)));
    }
  },
};

/** The calls that set the names of a namespace. */
function namesOf(images: ImageDirectory, id: number) {
  const { nodename, domainname } = images.one("UTSNS", id);
  const calls = [
    { nr: NR.sethostname, name: nodename, what: "cannot set the host name" },
    { nr: NR.setdomainname, name: domainname, what: "cannot set the domain name" },
  ];
  return calls.map(({ nr, name, what }) => {
    const bytes = Buffer.from(name, "latin1");
    if (bytes.length <= LONGEST && !bytes.includes(0)) return { nr, bytes: new Uint8Array(bytes), what };
    throw new CrError("a host name in the images is too long, or has a NUL byte", {
      code: "BAD_IMAGE",
      subject: { image: `utsns-${id}.img`, bytes: bytes.length },
    });
  });
}

/** Our descriptor of a namespace of which the root is no member. */
function makeNamespace(names: ReturnType<typeof namesOf>, owner: number | undefined): number {
  using envoy = envoyOf(owner);
  check(envoy.call(NR.unshare, CLONE.NEWUTS), "cannot make a UTS namespace");
  for (const { nr, bytes, what } of names) check(envoy.call(nr, addressOf(bytes), bytes.length), what);
  return openPath(`/proc/${envoy.pid}/ns/uts`, O.RDONLY, "cannot open a new UTS namespace");
}
