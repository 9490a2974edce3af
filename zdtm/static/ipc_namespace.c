// zdtm: {"flavours": ["h"], "category": "ipc", "needs": ["root"], "verifies": "all limits of an ipc namespace stay as they were set"}
#include "ipc_limits.h"

int main(void) {
  tst_begin();
  ipc_alone();
  return limits_stay(LIMITS);
}
