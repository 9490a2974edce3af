// zdtm: {"category": "mounts", "flavours": ["h"], "verifies": "a mount whose master is outside of the tree is its slave again: what is mounted out there appears in it, and nothing of it out there", "needs": ["net"], "opts": ["--external", "mnt[]", "--enable-external-masters"], "spoils": true}
#include "outside.h"

int main(void) {
  tst_begin();
  mounts_run("tmpfs /mnt; shared /mnt; mkdir /mnt/sub; mkdir /mnt/own");
  outside_later("/mnt/word", "tmpfs /mnt/sub; file /mnt/sub/f text; file /mnt/done x");
  outside_leave("", "slave /mnt");
  tst_ready();
  TST_SPOIL mounts_run("private /mnt");
  mounts_run("tmpfs /mnt/own; file /mnt/word x");
  tst_until(!access("/mnt/done", F_OK), "nobody out there hears");
  mounts_run("is /mnt/sub/f text");
  return tst_pass();
}
