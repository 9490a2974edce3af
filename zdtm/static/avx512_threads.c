// zdtm: {"category": "arch-regs", "cc": ["-mavx512f", "-mavx512bw"], "needs": ["arch:x64", "cpu:avx512f", "cpu:avx512bw"], "spoils": true, "verifies": "sixteen threads keep an AVX-512 state of their own each"}
#define THREADS 16
#include "avx512_00.c"
