// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a stopped task with a signal waiting for the process takes it when it goes on"}
#include "stopped.h"

int main(void) { return stopped_case(SIGSTOP, true, false, set_of(0), 0); }
