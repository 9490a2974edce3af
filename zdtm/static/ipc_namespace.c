// zdtm: {"flavours": ["h"], "category": "ipc", "needs": ["root"], "verifies": "all limits of an ipc namespace stay as they were set"}
#include "ipc_limits.h"

int main(void) {
  tst_begin();
  ipc_alone();
  limits_set(LIMITS);
  tst_ready();
  TST_SPOIL limits_put("kernel/msgmax", "7778");
  limits_stay(LIMITS);
  return tst_pass();
}
