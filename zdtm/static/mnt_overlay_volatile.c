// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "an overlay that is volatile is told of: what it leaves behind nobody can mount again", "needs": ["root"], "refused": "an overlay writes nothing to its disk in time \\(volatile\\).*/t/merged"}
#include "overlays.h"

int main(void) { return overlays_untouched(true, ",volatile"); }
