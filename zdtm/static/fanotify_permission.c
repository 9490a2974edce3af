// zdtm: {"category": "epoll-fsnotify", "needs": ["root"], "refused": "decides whether others may open files", "verifies": "a group that answers for others' opening of files is refused and goes on"}
#include "tst.h"

#include <sys/fanotify.h>

int main(void) {
  tst_begin();
  close(tst_sys(open("file", O_RDWR | O_CREAT, 0644)));
  int group = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY);
  if (group < 0 || fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "file") != 0)
    tst_skip("no fanotify permission events here");
  tst_ready();
  pid_t pid = fork();
  if (!pid) _exit(open("file", O_RDONLY) < 0 && errno == EPERM ? 0 : 1);
  struct fanotify_event_metadata event;
  tst_sys(read(group, &event, sizeof(event)));
  struct fanotify_response response = {.fd = event.fd, .response = FAN_DENY};
  TST_SPOIL response.response = FAN_ALLOW;
  tst_sys(write(group, &response, sizeof(response)));
  int status;
  tst_sys(waitpid(pid, &status, 0));
  tst_check(status == 0, "the open was not denied: %x", status);
  return tst_pass();
}
