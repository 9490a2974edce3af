// zdtm: {"category": "memory", "flavours": ["h", "ns"], "needs": ["root"], "spoils": true, "verifies": "pages are still shared between generations that have unmapped pieces of the area"}
#include "generations.h"

int main(void) { return generations_case(true); }
