// zdtm: {"flavours": ["h"], "category": "ipc", "needs": ["root"], "cc": ["-lrt"], "except": {"fd 3 info": "a queue of a new namespace is a new file", "fd 3 file": "a queue of a new namespace is a new file"}, "verifies": "empty POSIX message queues of an ipc namespace of the tree's own are there again, by name and without"}
#include "ipc.h"
#include <mqueue.h>

int main(void) {
  tst_begin();
  ipc_alone();
  char text[256];
  struct mq_attr attributes = {.mq_maxmsg = 6, .mq_msgsize = 99}, now;
  mqd_t named = tst_sys(mq_open("/named", O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0640, &attributes));
  mqd_t sender = tst_sys(mq_open("/gone", O_WRONLY | O_CREAT | O_EXCL, 0600, &attributes));
  mqd_t reader = tst_sys(mq_open("/gone", O_RDONLY | O_NONBLOCK));
  tst_sys(mq_unlink("/gone"));
  tst_ready();
  TST_SPOIL tst_sys(mq_unlink("/named"));
  tst_sys(mq_getattr(named, &now));
  tst_check(now.mq_maxmsg == 6 && now.mq_msgsize == 99 && now.mq_flags == O_NONBLOCK, "it holds %ld messages of %ld",
            now.mq_maxmsg, now.mq_msgsize);
  mqd_t again = mq_open("/named", O_WRONLY);
  tst_check(again >= 0, "it has no name: %s", strerror(errno));
  tst_sys(mq_send(again, "hello", 5, 1));
  tst_check(mq_receive(named, text, sizeof(text), NULL) == 5, "one queue has become two");
  tst_check(mq_open("/gone", O_RDONLY) < 0 && errno == ENOENT, "what had no name has one");
  tst_sys(mq_send(sender, "bye", 3, 1));
  tst_check(mq_receive(reader, text, sizeof(text), NULL) == 3, "the queue without a name has become two");
  return tst_pass();
}
