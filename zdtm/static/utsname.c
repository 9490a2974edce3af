// zdtm: {"category": "ns", "flavours": ["ns", "uns"], "verifies": "the names of a host and of its domain, of any bytes and of the longest length", "needs": ["root"]}
#include "tst.h"

#include <sys/utsname.h>

int main(void) {
  struct utsname before, after;
  char name[64], domain[64] = "with \xff and\n\x01";
  tst_begin();
  memset(name, 'n', sizeof(name));
  tst_sys(sethostname(name, sizeof(name)));
  tst_sys(setdomainname(domain, strlen(domain)));
  tst_sys(uname(&before));
  tst_check(strlen(before.nodename) == sizeof(name), "the host is called %s", before.nodename);
  tst_ready();
  TST_SPOIL tst_sys(sethostname("other", 5));
  tst_sys(uname(&after));
  tst_check(!strcmp(before.nodename, after.nodename), "the host is called %s", after.nodename);
  tst_check(!strcmp(before.domainname, after.domainname), "the domain is called %s", after.domainname);
  return tst_pass();
}
