// zdtm: {"category": "files", "spoils": true, "opts": ["--ghost-limit", "8M"], "dumpOpts": ["--ghost-fiemap"], "verifies": "a deleted file with a thousand holes keeps every one, found in the map of its extents"}
#include "multi_holes.h"
