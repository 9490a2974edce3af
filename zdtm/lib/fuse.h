/* A file system whose content a process makes up: a directory with one file `f`, which holds "text". */
#ifndef FUSE_H
#define FUSE_H
#include "outside.h"

#include <linux/fuse.h>

#define FUSE_TEXT "text"

static inline struct fuse_attr fuse_attr_of(uint64_t node) {
  struct fuse_attr attr = {.ino = node, .nlink = 1, .mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0644, .blksize = 4096};
  if (node != 1) attr.size = strlen(FUSE_TEXT);
  return attr;
}

/* Answers until it is killed. */
static inline void fuse_serve(int fd) {
  static char in[1 << 17];
  for (;;) {
    ssize_t got = read(fd, in, sizeof(in));
    if (got < 0 && errno == EINTR) continue;
    if (got < (ssize_t)sizeof(struct fuse_in_header)) _exit(0);
    struct fuse_in_header *head = (void *)in;
    void *body = head + 1;
    struct {
      struct fuse_out_header head;
      union {
        struct fuse_init_out init;
        struct fuse_attr_out attr;
        struct fuse_entry_out entry;
        struct fuse_open_out open;
        char text[64];
      };
    } out = {.head = {.unique = head->unique}};
    size_t size = 0;
    switch (head->opcode) {
      case FUSE_INIT:
        out.init = (struct fuse_init_out){.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096};
        size = sizeof(out.init);
        break;
      case FUSE_GETATTR:
        out.attr.attr = fuse_attr_of(head->nodeid);
        size = sizeof(out.attr);
        break;
      case FUSE_LOOKUP:
        if (strcmp(body, "f")) out.head.error = -ENOENT;
        else out.entry = (struct fuse_entry_out){.nodeid = 2, .attr = fuse_attr_of(2)}, size = sizeof(out.entry);
        break;
      case FUSE_OPEN:
      case FUSE_OPENDIR:
        size = sizeof(out.open);
        break;
      case FUSE_READ: {
        uint64_t at = ((struct fuse_read_in *)body)->offset;
        if (at < strlen(FUSE_TEXT)) strcpy(out.text, FUSE_TEXT + at), size = strlen(out.text);
        break;
      }
      case FUSE_FLUSH:
      case FUSE_RELEASE:
      case FUSE_RELEASEDIR:
        break;
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
        continue;
      default:
        out.head.error = -ENOSYS;
    }
    out.head.len = sizeof(out.head) + size;
    if (write(fd, &out, out.head.len) < 0 && errno != ENOENT) _exit(0);
  }
}

/* Mounts one. Returns the descriptor by which it is served. */
static inline int fuse_mount(const char *at) {
  char options[128];
  int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd < 0) tst_skip("there is no /dev/fuse: %s", strerror(errno));
  snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
  if (mount("zdtm", at, "fuse", MS_NODEV | MS_NOSUID, options)) tst_skip("no FUSE can be mounted: %s", strerror(errno));
  return fd;
}
#endif
