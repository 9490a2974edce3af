// zdtm: {"category": "sockets-unix", "verifies": "listeners with relative paths, made in different directories, are found from there"}
#include "named.h"

#ifndef TYPE
#define TYPE SOCK_STREAM
#endif

int main(void) {
  tst_begin();
  tst_sys(mkdir("a", 0755));
  tst_sys(mkdir("b", 0755));
  named_name name = named_path("sock");
  tst_sys(chdir("a"));
  int one = named_bound(TYPE, &name);
  tst_sys(listen(one, 3));
  tst_sys(chdir("../b"));
  int two = named_bound(TYPE, &name);
  tst_sys(listen(two, 3));
  tst_ready();
  TST_SPOIL tst_sys(unlink("../a/sock"));
  named_serves(two, TYPE, &name);
  tst_sys(chdir("../a"));
  named_serves(one, TYPE, &name);
  struct sockaddr_un is = {0};
  socklen_t length = sizeof(is);
  tst_sys(getsockname(two, (void *)&is, &length));
  tst_check(!strcmp(is.sun_path, "sock"), "the name is %s", is.sun_path);
  return tst_pass();
}
