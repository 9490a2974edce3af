// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "what lies in a tmpfs has its capabilities, the extended attributes of its FIFOs and links, its flags (chattr), and sockets that nobody is bound to", "needs": ["root"], "spoils": true}
#include "tst.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

/* struct vfs_cap_data of linux/capability.h, version 2: CAP_NET_RAW, permitted, and effective at once */
static const uint32_t capability[5] = {0x02000001, 1 << 13, 0, 0, 0};

static void attribute(const char *path, const char *name, bool isChecked) {
  char value[16] = "";
  if (!isChecked) {
    if (lsetxattr(path, name, "here", 4, 0)) tst_die("%s: %s", path, name);
  } else
    tst_check(lgetxattr(path, name, value, sizeof(value)) == 4 && !memcmp(value, "here", 4), "%s has lost %s", path, name);
}

static long flags_of(const char *path) {
  long flags = 0;
  int fd = tst_sys(open(path, O_RDONLY));
  tst_sys(ioctl(fd, FS_IOC_GETFLAGS, &flags));
  close(fd);
  return flags;
}

static bool flag(const char *path, long flags) {
  int fd = tst_sys(open(path, O_RDONLY));
  int done = ioctl(fd, FS_IOC_SETFLAGS, &flags);
  close(fd);
  return done == 0;
}

int main(void) {
  tst_begin();
  tst_sys(mkdir("t", 0755));
  tst_sys(mount("zdtm", "t", "tmpfs", 0, NULL));
  tst_sys(chdir("t"));
  static const char *const files[] = {"ping", "still", "log", "scratch"};
  for (size_t i = 0; i < 4; i++) close(tst_sys(open(files[i], O_CREAT | O_WRONLY, 0755)));
  tst_sys(mkdir("fixed", 0755));
  close(tst_sys(open("fixed/in", O_CREAT | O_WRONLY, 0600)));
  tst_sys(mkfifo("fifo", 0600));
  tst_sys(symlink("nowhere", "link"));
  // in a user namespace it is noted whose capability it is
  tst_sys(setxattr("ping", "security.capability", capability, sizeof(capability), 0));
  // attributes of the kind trusted, and flags, are for who is root of the machine
  bool isRoot = !lsetxattr("link", "trusted.zdtm", "here", 4, 0);
  if (isRoot) attribute("fifo", "trusted.zdtm", false);
  attribute("ping", "user.zdtm", false);
  bool hasFlags = isRoot && flag("still", FS_IMMUTABLE_FL);
  if (hasFlags) hasFlags = flag("log", FS_APPEND_FL) && flag("scratch", FS_NODUMP_FL | FS_NOATIME_FL) && flag("fixed", FS_IMMUTABLE_FL);

  int fd = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
  tst_sys(bind(fd, (struct sockaddr *)&name, sizeof(name)));
  close(fd);
  tst_sys(chmod("socket", 0640));
  tst_sys(chown("socket", 3, 4));
  struct timespec times[2] = {{1000, 5}, {2000, 7}};
  tst_sys(utimensat(AT_FDCWD, "socket", times, 0));

  tst_ready();
  TST_SPOIL tst_sys(unlink("socket"));
  char value[64];
  ssize_t length = getxattr("ping", "security.capability", value, sizeof(value));
  tst_check(length == sizeof(capability) && !memcmp(value, capability, sizeof(capability)), "the capability of a file is gone");
  attribute("ping", "user.zdtm", true);
  if (isRoot) attribute("fifo", "trusted.zdtm", true), attribute("link", "trusted.zdtm", true);
  if (hasFlags) {
    tst_check(flags_of("still") == FS_IMMUTABLE_FL, "a file that nobody may change has the flags %lx", flags_of("still"));
    tst_check(flags_of("log") == FS_APPEND_FL, "a log has the flags %lx", flags_of("log"));
    tst_check(flags_of("scratch") == (FS_NODUMP_FL | FS_NOATIME_FL), "a file has the flags %lx", flags_of("scratch"));
    tst_check(unlink("fixed/in") && errno == EPERM, "a directory that nobody may change is changed");
    static const char *const all[] = {"still", "log", "scratch", "fixed"};
    for (size_t i = 0; i < 4; i++) tst_check(flag(all[i], 0), "the flags of %s stay", all[i]);
  }
  struct stat stat;
  tst_check(!lstat("socket", &stat), "a socket that nobody is bound to is gone");
  tst_check(stat.st_mode == (S_IFSOCK | 0640) && stat.st_uid == 3 && stat.st_gid == 4, "it is %o of %d:%d", stat.st_mode, stat.st_uid, stat.st_gid);
  tst_check(stat.st_mtim.tv_sec == 2000 && stat.st_mtim.tv_nsec == 7, "its time is another one");
  return tst_pass();
}
