/** What `tscriu --licenses` prints: our own licence, and whose work the finished executable carries inside. */
import own from "../../LICENSE" with { type: "text" };
import lgpl from "./lgpl-2.1.txt" with { type: "text" };

/** Put in by build.ts: the version of the C library that it packed. */
declare const TSCRIU_C_LIBRARY: string | undefined;

interface Work {
  name: string;
  /** How it is in the executable. */
  part: string;
  license: string;
  source: string;
}

const works: readonly Work[] = [
  {
    name: `GNU C Library${typeof TSCRIU_C_LIBRARY === "string" ? ` ${TSCRIU_C_LIBRARY}` : ""}`,
    part: "dynamic linker, libc, libm, libdl, libpthread: whole and unchanged, as shared libraries",
    license: "LGPL-2.1-or-later",
    source: "https://www.gnu.org/software/libc/",
  },
  {
    name: "libgcc_s, of the GNU Compiler Collection",
    part: "whole and unchanged, as a shared library",
    license: "GPL-3.0-or-later with the GCC Runtime Library Exception 3.1",
    source: "https://gcc.gnu.org/",
  },
  {
    name: `Bun ${Bun.version}`,
    part: "the JavaScript runtime",
    license: "MIT",
    source: "https://github.com/oven-sh/bun",
  },
  {
    name: "JavaScriptCore and other parts of WebKit",
    part: "linked into Bun; relinking is described in Bun's LICENSE.md",
    license: "LGPL-2.0-or-later, BSD-2-Clause",
    source: "https://github.com/oven-sh/WebKit",
  },
];

/** What Bun links besides, by licence. Its LICENSE.md has the addresses. */
const linkedIntoBun: Readonly<Record<string, string>> = {
  "Apache-2.0":
    "simdutf, uSockets, uWebSockets (a fork), highway, parts of TigerBeetle; with LLVM's exception: libc++abi",
  "BSD-2-Clause": "libbase64, libspng",
  "BSD-3-Clause": "lol-html, libwebp, zstd (or GPL-2.0)",
  "BSD-3-Clause, IJG, zlib": "libjpeg-turbo",
  "LGPL-2.1": "TinyCC",
  MIT: "brotli, c-ares, libdeflate, ls-hpack, ls-qpack, lsquic (parts BSD-3-Clause), mimalloc, picohttpparser, uucode; packages that stand in for Node's modules",
  "Unicode-3.0": "ICU",
  Zlib: "zlib-ng",
  "several licences each": "BoringSSL, libarchive",
};

export function noticeText(): string {
  const list = works.map(({ name, part, license, source }) => `${name}\n  ${part}\n  ${license}\n  ${source}`);
  const linked = Object.entries(linkedIntoBun).map(([license, names]) => `  ${license}: ${names}`);
  return `tscriu

${own.trim()}

The executable carries these works of others, each under its own licence:

${list.join("\n\n")}

Bun links, besides:

${linked.join("\n")}

tscriu itself is free to be built again with other versions of these libraries: \`npm run build\` takes the C library of
the machine it runs on, and the build accepts another Bun.

---

${lgpl.trim()}
`;
}
