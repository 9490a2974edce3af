// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "an overlay that knows files of a tmpfs by their handles is told of: it could not be mounted upon a new tmpfs", "needs": ["root"], "refused": "an overlay tells files of a tmpfs of the tree by their handles.*index=on"}
#include "overlays.h"

int main(void) { return overlays_untouched(true, ",index=on"); }
