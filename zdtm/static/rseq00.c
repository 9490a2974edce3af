// zdtm: {"category": "rseq", "except": {"memory": "the kernel writes CPU numbers into the area"}, "verifies": "a thread's rseq area stays registered: the kernel knows it and keeps its fields"}
#include "tst.h"

#include <linux/rseq.h>

enum { SIGN = 0x53053053 };
static struct rseq area __attribute__((aligned(32)));

int main(void) {
  tst_begin();
  tst_sys(syscall(SYS_rseq, &area, sizeof(area), 0, SIGN));
  area.rseq_cs = 0;
  tst_ready();
  TST_SPOIL tst_sys(syscall(SYS_rseq, &area, sizeof(area), RSEQ_FLAG_UNREGISTER, SIGN));
  tst_check(syscall(SYS_rseq, &area, sizeof(area), 0, SIGN) == -1 && errno == EBUSY, "the area is not registered: %s",
            strerror(errno));
  tst_check(area.cpu_id == area.cpu_id_start && (int)area.cpu_id >= 0, "the area says CPU %d", (int)area.cpu_id);
  area.cpu_id = 0xffff;
  tst_until(area.cpu_id != 0xffff, "the kernel does not fill in the area");
  tst_sys(syscall(SYS_rseq, &area, sizeof(area), RSEQ_FLAG_UNREGISTER, SIGN));
  return tst_pass();
}
