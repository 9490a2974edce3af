// zdtm: {"category": "memory", "verifies": "locked memory stays locked and counted, lock-on-fault stays that, unlocked stays unlocked"}
#include "tst.h"

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *locked = tst_private(8 * page), *later = tst_private(64 * page), *not_now = tst_private(8 * page);
  tst_sys(mlock(locked, 8 * page));
  tst_sys(syscall(SYS_mlock2, later, 64 * page, MLOCK_ONFAULT));
  tst_sys(mlock(not_now, 8 * page));
  tst_sys(munlock(not_now, 8 * page));
  tst_fill(locked, 4 * page, 1);
  later[0] = 1;
  long kilobytes = tst_status(getpid(), "VmLck", 10);
  tst_check(kilobytes == (long)(72 * page / 1024), "VmLck is %ld", kilobytes);
  tst_ready();
  TST_SPOIL tst_sys(munlock(locked, page));
  long now = tst_status(getpid(), "VmLck", 10);
  tst_check(now == kilobytes, "VmLck is %ld kB, was %ld", now, kilobytes);
  tst_check(tst_vmflag(locked, "lo") && !tst_vmflag(locked, "lf"), "the locked area is not locked");
  tst_check(tst_vmflag(later, "lf"), "the area is not locked on fault");
  tst_check(!tst_vmflag(not_now, "lo"), "the unlocked area is locked");
  for (int i = 0; i < 8; i++) tst_check(tst_pagemap(locked + (size_t)i * page) >> 63, "a locked page is not present");
  tst_check(!(tst_pagemap(later + 32 * page) >> 63), "an untouched lock-on-fault page is present");
  tst_check(tst_differs(locked, 4 * page, 1) < 0, "the locked bytes are wrong");
  return tst_pass();
}
