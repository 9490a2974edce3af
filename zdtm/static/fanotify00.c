// zdtm: {"category": "epoll-fsnotify", "needs": ["root"], "verifies": "fanotify marks on files, directories, a mount and a file system, with what they ignore, tell of events afterwards"}
#include "fanotify.h"

/* The whole machine may execute meanwhile: events of others are thrown away. */
static void run_here(void) {
  pid_t pid = fork();
  if (!pid) {
    execl("./program", "./program", "/dev/null", (char *)NULL);
    _exit(1);
  }
  int status;
  tst_sys(waitpid(pid, &status, 0));
  tst_check(status == 0, "the program ends with %x", status);
}

/* Whether somebody's start of ./program was told. */
static bool heard_program(int group) {
  static char bytes[65536] __attribute__((aligned(8)));
  struct stat wanted, there;
  bool heard = false;
  tst_sys(stat("program", &wanted));
  for (ssize_t have; (have = read(group, bytes, sizeof(bytes))) > 0;) {
    for (struct fanotify_event_metadata *event = (void *)bytes; FAN_EVENT_OK(event, have);
         event = FAN_EVENT_NEXT(event, have)) {
      if (event->fd < 0) continue;
      if (fstat(event->fd, &there) == 0 && there.st_ino == wanted.st_ino) heard = true;
      close(event->fd);
    }
  }
  return heard;
}

int main(void) {
  tst_begin();
  tst_sys(mkdir("dir", 0755));
  close(tst_sys(open("file", O_RDWR | O_CREAT, 0644)));
  close(tst_sys(open("ignored", O_RDWR | O_CREAT, 0644)));
  close(tst_sys(open("dir/child", O_RDWR | O_CREAT, 0644)));
  tst_check(system("cp /bin/cat program") == 0, "cannot copy a program");

  int group = fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS, O_RDONLY | O_LARGEFILE | O_NOATIME);
  if (group < 0) tst_skip("no fanotify here");
  int on_mount = tst_sys(fanotify_init(FAN_NONBLOCK, O_RDONLY));
  int on_system = tst_sys(fanotify_init(FAN_NONBLOCK, O_RDONLY));
  tst_sys(fanotify_mark(group, FAN_MARK_ADD, FAN_MODIFY | FAN_CLOSE_WRITE, AT_FDCWD, "file"));
  tst_sys(fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_MODIFY | FAN_EVENT_ON_CHILD | FAN_ONDIR, AT_FDCWD, "dir"));
  tst_sys(fanotify_mark(group, FAN_MARK_ADD, FAN_MODIFY | FAN_CLOSE_WRITE, AT_FDCWD, "ignored"));
  tst_sys(fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_CLOSE_WRITE, AT_FDCWD,
                        "ignored"));
  tst_sys(fanotify_mark(on_mount, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_EXEC, AT_FDCWD, "."));
  tst_sys(fanotify_mark(on_system, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC, AT_FDCWD, "."));

  tst_ready();
  TST_SPOIL tst_sys(fanotify_mark(group, FAN_MARK_REMOVE, FAN_MODIFY, AT_FDCWD, "file"));
  tst_check(fan_events(group, "file") == 0, "there are events that nobody caused");
  fan_touch("file");
  uint64_t told = fan_events(group, "file");
  tst_check(told == (FAN_MODIFY | FAN_CLOSE_WRITE), "the file tells %lx", (long)told);
  fan_touch("ignored");
  told = fan_events(group, "ignored");
  tst_check(told == FAN_MODIFY, "the file of which closes are ignored tells %lx", (long)told);
  fan_touch("dir/child");
  told = fan_events(group, "dir/child");
  tst_check(told == FAN_MODIFY, "the file in the directory tells %lx", (long)told);
  run_here();
  tst_check(heard_program(on_mount), "the mark on the mount does not tell");
  tst_check(heard_program(on_system), "the mark on the file system does not tell");
  tst_check(fcntl(group, F_GETFD) == FD_CLOEXEC && fcntl(on_mount, F_GETFD) == 0, "close-on-exec differs");
  return tst_pass();
}
