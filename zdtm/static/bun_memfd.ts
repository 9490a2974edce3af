// zdtm: {"category": "files", "verifies": "memory files keep bytes, size, seals and position, and stay apart from each other"}
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { fdinfo, libc, put, sys, take, text } from "../lib/libc.ts";

const [allowSealing, addSeals, getSeals, shrink, grow] = [2, 1033, 1034, 2, 4];
const files = [0, shrink, grow, shrink | grow].map((seals, i) => {
  const fd = sys("memfd_create", libc.memfd_create(text(`file ${i}`), allowSealing));
  put(fd, `bytes of file ${i}`);
  sys("ftruncate", libc.ftruncate(fd, 5000 + i));
  if (seals !== 0) sys("fcntl", libc.fcntl(fd, addSeals, seals));
  sys("lseek", libc.lseek(fd, 6, 0));
  return { fd, seals, i };
});
await ready();
if (spoiling()) libc.fcntl(files[1]?.fd ?? -1, addSeals, grow);
for (const { fd, seals, i } of files) {
  same(libc.fcntl(fd, getSeals, 0), seals, `the seals of ${i}`);
  same(fdinfo(fd).get("pos"), "6", `the position in ${i}`);
  same(take(fd, 9), `of file ${i}`, `the bytes of ${i}`);
  same(sys("lseek", libc.lseek(fd, 0, 2)), 5000 + i, `the size of ${i}`);
  same(libc.ftruncate(fd, 4000) === 0, (seals & shrink) === 0, `whether ${i} shrinks`);
}
pass();
