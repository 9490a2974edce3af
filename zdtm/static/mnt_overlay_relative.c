// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "an overlay whose layers were named from a working directory is told of: nobody knows that any more", "needs": ["root"], "refused": "an overlay names a layer from a working directory that nobody knows any more.*layer lower"}
#include "overlays.h"

int main(void) { return overlays_untouched(false, ""); }
