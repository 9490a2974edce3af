// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a task stopped by SIGSTOP is still stopped and goes on when told to"}
#include "stopped.h"

int main(void) { return stopped_case(SIGSTOP, false, false, set_of(0), 0); }
