// zdtm: {"category": "ns", "needs": ["root"], "cc": ["-pthread"], "verifies": "threads that left the network, UTS and ipc namespaces of their process are in them again, alone or together, with what is there"}
#include "netns.h"

#include <dirent.h>
#include <sys/msg.h>

enum { KEY = 0x71, PORT = 7171, TYPE = 3 };

static tst_step *step, *there, *done;
static int listening = -1, queue;
static ino_t inode[3][4];
static const char *const names[4] = {"net", "uts", "ipc", "mnt"};

static ino_t lives(const char *name) {
  char path[64];
  struct stat is;
  snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", name);
  tst_sys(stat(path, &is));
  return is.st_ino;
}

static void look(int who) {
  for (int i = 0; i < 4; i++) inode[who][i] = lives(names[i]);
}

static bool is_called(const char *name) {
  char host[65] = "";
  tst_sys(gethostname(host, sizeof(host)));
  return !strcmp(host, name);
}

static void names_itself(void) {
  TST_SPOIL tst_sys(sethostname("spoiled", 7));
  tst_check(is_called("alone"), "a thread's host has another name");
}

static void *alone(void *unused) {
  (void)unused;
  tst_sys(unshare(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC));
  tst_sys(sethostname("alone", 5));
  netns_up();
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  listening = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_sys(bind(listening, (struct sockaddr *)&at, sizeof(at)));
  tst_sys(listen(listening, 1));
  struct {
    long type;
    char text[8];
  } message = {TYPE, "waiting"}, got = {0};
  queue = tst_sys(msgget(KEY, IPC_CREAT | 0600));
  tst_sys(msgsnd(queue, &message, sizeof(message.text), 0));
  tst_raise(there);
  tst_await(step, 1);
  look(1);
  names_itself();
  int calls = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_check(!connect(calls, (struct sockaddr *)&at, sizeof(at)), "nobody listens in a thread's network");
  close(tst_sys(accept(listening, NULL, NULL)));
  tst_check(msgget(KEY, 0) == queue, "a queue has another number");
  tst_check(msgrcv(queue, &got, sizeof(got.text), TYPE, IPC_NOWAIT) == sizeof(got.text) && !strcmp(got.text, "waiting"),
            "a message of a thread's ipc namespace is gone");
  tst_raise(done);
  return NULL;
}

/* Where the other one has its name. */
static void *follows(void *of) {
  tst_sys(setns(*(int *)of, CLONE_NEWUTS));
  tst_raise(there);
  tst_await(step, 2);
  look(2);
  names_itself();
  tst_raise(done);
  return NULL;
}

static void *stays(void *unused) {
  tst_raise(there);
  tst_await(step, 3);
  look(0);
  tst_raise(done);
  return unused;
}

int main(void) {
  pthread_t id[3];
  char path[64], host[65] = "";
  tst_begin();
  step = tst_new_step(), there = tst_new_step(), done = tst_new_step();
  tst_sys(gethostname(host, sizeof(host)));
  tst_pthread(pthread_create(&id[0], NULL, alone, NULL));
  tst_await(there, 1);
  snprintf(path, sizeof(path), "/proc/self/task/%d/ns/uts", (int)getpid());
  /* of the newest thread: the last entry */
  DIR *tasks = opendir("/proc/self/task");
  for (struct dirent *one; (one = readdir(tasks));)
    if (one->d_name[0] != '.') snprintf(path, sizeof(path), "/proc/self/task/%.20s/ns/uts", one->d_name);
  closedir(tasks);
  int uts = tst_sys(open(path, O_RDONLY));
  tst_pthread(pthread_create(&id[1], NULL, follows, &uts));
  tst_await(there, 2);
  close(uts);
  tst_pthread(pthread_create(&id[2], NULL, stays, NULL));
  tst_await(there, 3);
  tst_ready();
  for (int i = 0; i < 3; i++) {
    tst_set(step, i + 1);
    tst_await(done, i + 1);
  }
  for (int i = 0; i < 4; i++) {
    tst_check(inode[0][i] == lives(names[i]), "a thread has left its process's %s namespace", names[i]);
    bool has_left = i < 3, has_followed = i == 1;
    tst_check((inode[1][i] != inode[0][i]) == has_left, "a thread's %s namespace is wrong", names[i]);
    tst_check((inode[2][i] == inode[1][i]) == (has_followed || !has_left), "another thread's %s namespace is wrong", names[i]);
  }
  tst_check(is_called(host), "the machine has another name");
  return tst_pass();
}
