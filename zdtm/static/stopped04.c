// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a stopped task with SIGTSTP blocked and waiting is still stopped, and the signal still waits"}
#include "stopped.h"

int main(void) { return stopped_case(SIGSTOP, false, false, set_of(SIGTSTP), SIGTSTP); }
