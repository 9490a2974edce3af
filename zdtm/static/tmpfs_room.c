// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "files of a tmpfs have the room that was set aside for them (fallocate), zeros that were written take room as before, and holes are holes", "needs": ["root"]}
#include "tst.h"

#include <sys/mount.h>
#include <sys/statfs.h>

#define FILES 6

static const char *const names[FILES] = {"all", "some", "behind", "zeros", "hole", "plain"};

static struct stat look(int i) {
  struct stat st;
  if (stat(names[i], &st)) tst_die("stat %s", names[i]);
  return st;
}

static long free_blocks(void) {
  struct statfs fs;
  tst_sys(statfs(".", &fs));
  return fs.f_bfree;
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  char *zeros = tst_private(2 * page);
  tst_sys(mkdir("t", 0755));
  tst_sys(mount("zdtm", "t", "tmpfs", 0, "size=1m"));
  tst_sys(chdir("t"));
  int fds[FILES];
  for (int i = 0; i < FILES; i++) fds[i] = tst_sys(open(names[i], O_CREAT | O_RDWR, 0600));
  tst_sys(fallocate(fds[0], 0, 0, 10 * page));
  tst_sys(ftruncate(fds[1], 100 * page));
  tst_sys(fallocate(fds[1], 0, 0, 5 * page + 1));
  tst_sys(pwrite(fds[1], "x", 1, 2 * page));
  tst_sys(fallocate(fds[2], FALLOC_FL_KEEP_SIZE, 0, 7 * page));
  tst_sys(pwrite(fds[3], zeros, 2 * page, 0));
  tst_sys(ftruncate(fds[4], 4000 * page));
  tst_sys(pwrite(fds[4], "x", 1, 3000 * page));
  tst_sys(write(fds[5], "plain", 5));
  struct stat before[FILES];
  long room = free_blocks();
  for (int i = 0; i < FILES; i++) {
    close(fds[i]);
    before[i] = look(i);
  }
  tst_ready();
  TST_SPOIL tst_sys(truncate("all", page));
  for (int i = 0; i < FILES; i++) {
    struct stat now = look(i);
    tst_check(now.st_size == before[i].st_size, "%s has %ld bytes", names[i], (long)now.st_size);
    tst_check(now.st_blocks == before[i].st_blocks, "%s has %ld blocks, had %ld", names[i], (long)now.st_blocks, (long)before[i].st_blocks);
    tst_check(now.st_mtim.tv_nsec == before[i].st_mtim.tv_nsec, "%s was written to", names[i]);
  }
  tst_check(free_blocks() == room, "%ld blocks are free, were %ld", free_blocks(), room);
  return tst_pass();
}
