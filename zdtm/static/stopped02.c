// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a stopped task with a signal waiting for its thread takes it when it goes on"}
#include "stopped.h"

int main(void) { return stopped_case(SIGSTOP, false, true, set_of(0), 0); }
