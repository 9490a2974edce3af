// zdtm: {"flavours": ["h"], "category": "ipc", "cc": ["-lrt"], "verifies": "descriptors of a POSIX message queue are open on it again, each with its access and flags, and who waited in it for a message gets one"}
#include "ipc.h"
#include <mqueue.h>

static mqd_t both;

static int child(void *number) {
  (void)number;
  char text[64];
  unsigned priority = 0;
  ssize_t got = mq_receive(both, text, sizeof(text), &priority);
  return got == 4 && memcmp(text, "late", 4) == 0 && priority == 9 ? 7 : 1;
}

int main(void) {
  tst_begin();
  char name[64], other[64], text[64];
  snprintf(name, sizeof(name), "/tscriu-mqueue-%d", getpid());
  snprintf(other, sizeof(other), "/tscriu-mqueue2-%d", getpid());
  ipc_note("mq", name);
  ipc_note("mq", other);
  struct mq_attr attributes = {.mq_maxmsg = 5, .mq_msgsize = 64};
  both = tst_sys(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0640, &attributes));
  pid_t pid = tst_child(child, NULL);
  mqd_t queue = tst_sys(mq_open(other, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0604, &attributes));
  mqd_t sender = tst_sys(mq_open(other, O_WRONLY)), reader = tst_sys(mq_open(other, O_RDONLY | O_NONBLOCK));
  mqd_t twin = tst_sys(dup(reader));
  tst_sys(mq_send(sender, "one", 3, 1));
  tst_sys(mq_send(sender, "three", 5, 3));
  tst_sys(mq_send(sender, "two", 3, 1));
  tst_until(tst_state(pid) == 'S', "the child does not wait");
  tst_ready();
  TST_SPOIL tst_sys(mq_receive(queue, text, sizeof(text), NULL));
  struct mq_attr now;
  tst_sys(mq_getattr(queue, &now));
  tst_check(now.mq_curmsgs == 3 && now.mq_maxmsg == 5 && now.mq_msgsize == 64, "it holds %ld messages", now.mq_curmsgs);
  tst_check(now.mq_flags == O_NONBLOCK, "its flags are %lo", now.mq_flags);
  tst_sys(mq_getattr(sender, &now));
  tst_check(now.mq_flags == 0, "the sender's flags are %lo", now.mq_flags);
  tst_check(mq_send(reader, "x", 1, 0) < 0 && errno == EBADF, "the reader can send");
  tst_check(mq_receive(sender, text, sizeof(text), NULL) < 0 && errno == EBADF, "the sender can read");
  const char *expected[] = {"three", "one", "two"};
  for (int i = 0; i < 3; i++) {
    ssize_t got = mq_receive(i == 1 ? twin : reader, text, sizeof(text), NULL);
    tst_check(got > 0 && strncmp(text, expected[i], (size_t)got) == 0, "message %d is another", i);
  }
  tst_check(mq_receive(twin, text, sizeof(text), NULL) < 0 && errno == EAGAIN, "a message too many");
  attributes.mq_flags = 0;
  tst_sys(mq_setattr(reader, &attributes, NULL));
  tst_sys(mq_getattr(twin, &now));
  tst_check(now.mq_flags == 0, "two numbers have become two descriptions");
  tst_sys(mq_send(both, "late", 4, 9));
  tst_check(WEXITSTATUS(tst_reap(pid)) == 7, "the child received something else");
  return tst_pass();
}
