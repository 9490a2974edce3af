// zdtm: {"flavours": ["h"], "category": "ipc", "needs": ["root"], "verifies": "System V queues of an ipc namespace keep ids, keys and room, and their messages in order, with types and bytes, of any length"}
#include "ipc.h"
#include <sys/msg.h>

enum { MESSAGES = 25, LONGEST = 8192 };

static struct {
  long type;
  char text[LONGEST];
} message;

static size_t length(int i) { return i == 0 ? 0 : i == 1 ? LONGEST : (size_t)i * 17; }

static long type(int i) { return i == 4 ? 0x7fffffffffffffff : 1 + i % 4; }

static void take(int queue, long wanted, int i) {
  ssize_t got = msgrcv(queue, &message, LONGEST, wanted, IPC_NOWAIT);
  tst_check(got == (ssize_t)length(i) && message.type == type(i), "message %d has %zd bytes and type %ld", i, got, message.type);
  tst_check(got == 0 || tst_differs(message.text, (size_t)got, (uint32_t)i) < 0, "message %d is another", i);
}

int main(void) {
  tst_begin();
  ipc_alone();
  tst_sys(msgctl(tst_sys(msgget(IPC_PRIVATE, IPC_CREAT)), IPC_RMID, NULL));
  int queue = tst_sys(msgget(0x700, IPC_CREAT | IPC_EXCL | 0620)), empty = tst_sys(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
  struct msqid_ds room = {.msg_perm = {.uid = 5, .gid = 6, .mode = 0606}, .msg_qbytes = 333}, now;
  tst_sys(msgctl(empty, IPC_SET, &room));
  for (int i = 0; i < MESSAGES; i++) {
    message.type = type(i);
    tst_fill(message.text, LONGEST, (uint32_t)i);
    tst_sys(msgsnd(queue, &message, length(i), IPC_NOWAIT));
  }
  tst_ready();
  TST_SPOIL tst_sys(msgrcv(queue, &message, LONGEST, 0, IPC_NOWAIT));
  tst_check(msgget(0x700, 0) == queue, "the key is of another queue");
  tst_sys(msgctl(queue, IPC_STAT, &now));
  tst_check(now.msg_qnum == MESSAGES && (now.msg_perm.mode & 0777) == 0620, "it holds %lu messages", (unsigned long)now.msg_qnum);
  tst_sys(msgctl(empty, IPC_STAT, &now));
  tst_check(now.msg_qnum == 0 && now.msg_qbytes == 333 && now.msg_perm.uid == 5 && now.msg_perm.gid == 6 &&
                (now.msg_perm.mode & 0777) == 0606,
            "the empty one has room for %lu bytes", (unsigned long)now.msg_qbytes);
  /* one out of its turn */
  take(queue, type(4), 4);
  for (int i = 0; i < MESSAGES; i++)
    if (i != 4) take(queue, 0, i);
  tst_check(msgrcv(queue, &message, LONGEST, 0, IPC_NOWAIT) < 0 && errno == ENOMSG, "a message too many");
  return tst_pass();
}
