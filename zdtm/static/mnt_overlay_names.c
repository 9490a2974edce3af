// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "overlays of directories with commas, colons and backslashes in their names, told by mount(2) and by fsconfig(2), and of more layers than fit into one call", "needs": ["root"], "except": {"mount /mnt/many": "layers that come one by one are told one by one"}}
#include "mounts.h"

enum { LAYERS = 12 };

static void set(int fs, const char *key, const char *value) {
  if (syscall(431 /* fsconfig */, fs, value ? 1 : 6 /* SET_STRING, CMD_CREATE */, key, value, 0)) tst_skip("no %s of a name with a comma: %s", key, strerror(errno));
}

/* As newer programs do: each layer for itself, its name as it is. */
static void told_apart(void) {
  int fs = (int)syscall(430 /* fsopen */, "overlay", 0);
  if (fs < 0) tst_skip("no overlay by fsopen: %s", strerror(errno));
  set(fs, "lowerdir+", "/mnt/lo,w");
  set(fs, "lowerdir+", "/mnt/l:o\\w");
  set(fs, "upperdir", "/mnt/up");
  set(fs, "workdir", "/mnt/work");
  set(fs, NULL, NULL);
  int mount = (int)tst_sys(syscall(432 /* fsmount */, fs, 0, 0));
  tst_sys(syscall(429 /* move_mount */, mount, "", AT_FDCWD, "/mnt/apart", 4 /* MOVE_MOUNT_F_EMPTY_PATH */));
  close(mount);
  close(fs);
}

int main(void) {
  char options[4096] = "lowerdir=";
  tst_begin();
  mounts_run("tmpfs /mnt; mkdir /mnt/lo,w; mkdir /mnt/l:o\\w; mkdir /mnt/u,p; mkdir /mnt/up; mkdir /mnt/w:ork; mkdir /mnt/work; "
             "mkdir /mnt/whole; mkdir /mnt/apart; mkdir /mnt/many; file /mnt/lo,w/f low; file /mnt/l:o\\w/g other");
  if (mount("zdtm", "/mnt/whole", "overlay", 0, "lowerdir=/mnt/lo\\,w:/mnt/l\\:o\\\\w,upperdir=/mnt/u\\,p,workdir=/mnt/w:ork"))
    tst_skip("no overlay can be mounted here: %s", strerror(errno));
  told_apart();
  for (int i = 0; i < LAYERS; i++) {
    char path[128];
    int length = snprintf(path, sizeof(path), "/mnt/a layer of many with a long name, the number %d", i);
    tst_sys(mkdir(path, 0755));
    for (int j = 0; j < length; j++) {
      char letter[3] = {path[j] == ',' ? '\\' : path[j], path[j] == ',' ? ',' : 0, 0};
      strcat(options, letter);
    }
    if (i < LAYERS - 1) strcat(options, ":");
    snprintf(strchr(path, 0), 16, "/of %d", i);
    close(mounts_write(path, "text", 0));
  }
  if (mount("zdtm", "/mnt/many", "overlay", 0, options)) tst_die("many layers");
  mounts_run("file /mnt/whole/new text; file /mnt/apart/own text; rm /mnt/apart/f; open /mnt/whole/f");
  tst_ready();
  TST_SPOIL mounts_run("umount /mnt/apart");
  mounts_run("is /mnt/whole/g other; is /mnt/whole/new text; is /mnt/u,p/new text; held 0 low; is /mnt/whole/f low; file /mnt/whole/late x; is /mnt/u,p/late x");
  mounts_run("is /mnt/apart/g other; is /mnt/apart/own text; no /mnt/apart/f; is /mnt/lo,w/f low; file /mnt/apart/late x; is /mnt/up/late x");
  for (int i = 0; i < LAYERS; i++) {
    char path[64];
    snprintf(path, sizeof(path), "/mnt/many/of %d", i);
    tst_check(mounts_is(path, "text"), "layer %d is gone", i);
  }
  return tst_pass();
}
