// zdtm: {"category": "epoll-fsnotify", "verifies": "a fanotify group of a plain user that reports names goes on, and is no more than it was"}
#include "tst.h"

#include <sys/fanotify.h>

int main(void) {
  tst_begin();
  tst_sys(mkdir("dir", 0755));
  if (geteuid() == 0) {
    tst_sys(chown("dir", 1000, 1000));
    tst_sys(setresgid(1000, 1000, 1000));
    tst_sys(setresuid(1000, 1000, 1000));
    tst_sys(prctl(PR_SET_DUMPABLE, 1));
  }
  int group = fanotify_init(FAN_REPORT_DFID_NAME | FAN_NONBLOCK, O_RDONLY);
  if (group < 0) tst_skip("no fanotify for plain users here");
  if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_CREATE | FAN_DELETE | FAN_ONDIR, AT_FDCWD, "dir") != 0)
    tst_skip("no fanotify marks for plain users here");
  tst_ready();
  const char *name = "dir/made";
  TST_SPOIL name = "dir/other";
  close(tst_sys(open(name, O_CREAT | O_WRONLY, 0644)));
  static char bytes[4096] __attribute__((aligned(8)));
  ssize_t have = tst_sys(read(group, bytes, sizeof(bytes)));
  struct fanotify_event_metadata *event = (void *)bytes;
  tst_check(FAN_EVENT_OK(event, have) && event->mask == FAN_CREATE, "the event is %lx", (long)event->mask);
  struct fanotify_event_info_fid *info = (void *)(event + 1);
  struct file_handle *handle = (void *)info->handle;
  const char *told = (const char *)handle->f_handle + handle->handle_bytes;
  tst_check(info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME && !strcmp(told, "made"), "the event is about %s", told);
  /* Only groups that were made with CAP_SYS_ADMIN tell the pids of others; the kernel remembers it for each group. */
  pid_t pid = fork();
  if (!pid) _exit(unlink("dir/made") ? 1 : 0);
  tst_sys(waitpid(pid, NULL, 0));
  tst_sys(read(group, bytes, sizeof(bytes)));
  tst_check(event->mask == FAN_DELETE && event->pid == 0, "mask %lx, pid %d is told", (long)event->mask, event->pid);
  return tst_pass();
}
