// zdtm: {"category": "memory", "flavours": ["h", "ns"], "needs": ["root"], "spoils": true, "verifies": "over three generations every page is shared or private, present or absent, with the right contents, as before"}
#include "generations.h"

int main(void) { return generations_case(false); }
