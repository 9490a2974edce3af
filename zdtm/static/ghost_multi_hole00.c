// zdtm: {"category": "files", "spoils": true, "opts": ["--ghost-limit", "8M"], "dumpOpts": ["--no-ghost-fiemap"], "verifies": "a deleted file with a thousand holes keeps every one, found by seeking"}
#include "multi_holes.h"
