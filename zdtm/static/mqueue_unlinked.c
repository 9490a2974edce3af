// zdtm: {"category": "ipc", "cc": ["-lrt"], "verifies": "an empty POSIX message queue without a name is one queue again for all who have it, with its sizes, owner and mode"}
#include "ipc.h"
#include <mqueue.h>

int main(void) {
  tst_begin();
  char name[64], text[256];
  snprintf(name, sizeof(name), "/tscriu-unlinked-%d", getpid());
  ipc_note("mq", name);
  struct mq_attr attributes = {.mq_maxmsg = 7, .mq_msgsize = 123}, now;
  mqd_t sender = tst_sys(mq_open(name, O_WRONLY | O_CREAT | O_EXCL, 0622, &attributes));
  mqd_t reader = tst_sys(mq_open(name, O_RDONLY | O_NONBLOCK));
  tst_sys(mq_unlink(name));
  tst_ready();
  TST_SPOIL tst_sys(mq_send(sender, "!", 1, 0));
  tst_sys(mq_getattr(reader, &now));
  tst_check(now.mq_maxmsg == 7 && now.mq_msgsize == 123 && now.mq_curmsgs == 0, "it holds %ld of %ld messages of %ld bytes",
            now.mq_curmsgs, now.mq_maxmsg, now.mq_msgsize);
  tst_sys(mq_send(sender, "hello", 5, 2));
  tst_check(mq_receive(reader, text, sizeof(text), NULL) == 5 && memcmp(text, "hello", 5) == 0, "one queue has become two");
  tst_check(mq_open(name, O_RDONLY) < 0 && errno == ENOENT, "it has a name");
  return tst_pass();
}
