// zdtm: {"flavours": ["ns", "uns"], "category": "ipc", "needs": ["root"], "verifies": "limits of an ipc namespace stay as they were set, also by the root of a user namespace"}
#include "ipc_limits.h"

int main(void) {
  tst_begin();
  limits_set(LIMITS_FOR_USERS);
  tst_ready();
  TST_SPOIL limits_put("kernel/msgmax", "7778");
  limits_stay(LIMITS_FOR_USERS);
  return tst_pass();
}
