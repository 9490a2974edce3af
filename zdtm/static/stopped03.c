// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a task stopped by SIGTSTP is still reported to its parent with that signal, and goes on"}
#include "stopped.h"

int main(void) { return stopped_case(SIGTSTP, false, false, set_of(0), 0); }
