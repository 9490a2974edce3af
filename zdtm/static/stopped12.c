// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a stopped task with signals waiting for the process and for its thread takes both when it goes on"}
#include "stopped.h"

int main(void) { return stopped_case(SIGSTOP, true, true, set_of(0), 0); }
