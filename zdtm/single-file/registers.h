/*
 * spin(): fills the registers with values of their own and compares them until it is told to stop, without a system call or
 * a stack. Returns 0, or 1 when one had another value. `wide` asks for the vectors beyond their first 128 bits.
 */
struct spin {
	volatile unsigned long rounds, stop;
	unsigned long thread, wide;
	unsigned long scratch[8];
	unsigned char pattern[32 * 32];
};

long spin(struct spin *s);

#if defined(__x86_64__)

static inline int map_guarded(void)
{
	return 0;
}

static inline int has_wide(void)
{
	return __builtin_cpu_supports("avx");
}

__asm__(
	".pushsection .text\n"
	".macro general does\n"
	".set value, 0x1122334455667700\n"
	".irp r, rbx, rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15\n"
	".set value, value + 0x0101010101010101\n"
	"	\\does \\r\n"
	".endr\n"
	".endm\n"
	".macro vectors does\n"
	".set at, 96\n"
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	\\does \\n\n"
	".set at, at + 32\n"
	".endr\n"
	".endm\n"
	".macro set_general r\n"
	"	movabs $value, %\\r\n"
	".endm\n"
	".macro same_general r\n"
	"	movabs $value, %rax\n"
	"	cmp %rax, %\\r\n"
	"	jne 9f\n"
	".endm\n"
	".macro set_xmm n\n"
	"	movdqu at(%rbp), %xmm\\n\n"
	".endm\n"
	".macro set_ymm n\n"
	"	vmovdqu at(%rbp), %ymm\\n\n"
	".endm\n"
	".macro same_word i\n"
	"	mov 32 + 8 * \\i(%rbp), %rax\n"
	"	cmp at + 8 * \\i(%rbp), %rax\n"
	"	jne 9f\n"
	".endm\n"
	".macro same_xmm n\n"
	"	movdqu %xmm\\n, 32(%rbp)\n"
	"	same_word 0\n"
	"	same_word 1\n"
	".endm\n"
	".macro same_ymm n\n"
	"	vmovdqu %ymm\\n, 32(%rbp)\n"
	"	same_word 0\n"
	"	same_word 1\n"
	"	same_word 2\n"
	"	same_word 3\n"
	".endm\n"
	".globl spin\n"
	"spin:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rdi, %rbp\n"
	"	mov %fs:0, %rax\n"
	"	mov %rax, 16(%rbp)\n"
	"	fldpi\n"
	"	fstpt 64(%rbp)\n"
	"	fldpi\n"
	"	cmpq $0, 24(%rbp)\n"
	"	jne 1f\n"
	"	vectors set_xmm\n"
	"	jmp 2f\n"
	"1:	vectors set_ymm\n"
	"2:	general set_general\n"
	"3:	general same_general\n"
	"	cmpq $0, 24(%rbp)\n"
	"	jne 4f\n"
	"	vectors same_xmm\n"
	"	jmp 5f\n"
	"4:	vectors same_ymm\n"
	"5:	mov %fs:0, %rax\n"
	"	cmp %rax, 16(%rbp)\n"
	"	jne 9f\n"
	"	fld %st(0)\n"
	"	fstpt 32(%rbp)\n"
	"	mov 32(%rbp), %rax\n"
	"	cmp 64(%rbp), %rax\n"
	"	jne 9f\n"
	"	incq (%rbp)\n"
	"	cmpq $0, 8(%rbp)\n"
	"	je 3b\n"
	"	xor %eax, %eax\n"
	"	jmp 8f\n"
	"9:	mov $1, %eax\n"
	"8:	fstp %st(0)\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
	"	ret\n"
	".popsection\n");

#elif defined(__aarch64__)
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* HWCAP_SVE; with the longest vectors that there are, a signal frame has to be extended */
static inline int has_wide(void)
{
	return (getauxval(16) & (1 << 22)) && prctl(50 /* PR_SVE_SET_VL */, 256) >= 0;
}

/* HWCAP2_BTI: memory whose code needs landing pads, which only the flags of smaps tell */
static inline int map_guarded(void)
{
	int wanted = (getauxval(26) & (1 << 17)) != 0;

	return wanted && mmap(0, 4096, 0x15, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

/* x0..x26 hold values of their own, x27 is for comparing, x28 is the pointer; return addresses are signed where that works */
__asm__(
	".pushsection .text\n"
	".arch_extension sve\n"
	".macro value r, n\n"
	"	movz \\r, #\\n + 0x1100\n"
	"	movk \\r, #\\n + 0x2200, lsl #16\n"
	"	movk \\r, #\\n + 0x3300, lsl #32\n"
	"	movk \\r, #\\n + 0x4400, lsl #48\n"
	".endm\n"
	".macro general does\n"
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26\n"
	"	\\does \\n\n"
	".endr\n"
	".endm\n"
	/* vector n holds what the general registers n and 26 - n hold, from 27 on it begins anew */
	".macro vectors does\n"
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26\n"
	"	\\does \\n, \\n, 26 - \\n\n"
	".endr\n"
	".irp n, 27, 28, 29, 30, 31\n"
	"	\\does \\n, \\n - 27, 53 - \\n\n"
	".endr\n"
	".endm\n"
	".macro set_general n\n"
	"	value x\\n, \\n\n"
	".endm\n"
	".macro same x, y\n"
	"	cmp \\x, \\y\n"
	"	b.ne 9f\n"
	".endm\n"
	".macro same_general n\n"
	"	value x27, \\n\n"
	"	same x\\n, x27\n"
	".endm\n"
	".macro set_vector n, low, high\n"
	"	value x27, \\low\n"
	"	mov v\\n\\().d[0], x27\n"
	"	value x27, \\high\n"
	"	mov v\\n\\().d[1], x27\n"
	".endm\n"
	".macro same_vector n, low, high\n"
	"	value x29, \\low\n"
	"	mov x27, v\\n\\().d[0]\n"
	"	same x27, x29\n"
	"	value x29, \\high\n"
	"	mov x27, v\\n\\().d[1]\n"
	"	same x27, x29\n"
	".endm\n"
	/* every element of a scalable vector differs; vector 31 is for comparing */
	".macro scalable does\n"
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26\n"
	"	\\does \\n\n"
	".endr\n"
	".endm\n"
	".macro set_scalable n\n"
	"	index z\\n\\().d, x\\n, x26\n"
	".endm\n"
	".macro same_scalable n\n"
	"	index z31.d, x\\n, x26\n"
	"	ptrue p0.d\n"
	"	cmpne p0.d, p0/z, z\\n\\().d, z31.d\n"
	"	b.ne 9f\n"
	".endm\n"
	".macro predicates does\n"
	".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14\n"
	"	\\does \\n\n"
	".endr\n"
	".endm\n"
	".macro set_predicate n\n"
	"	mov x27, #2 * \\n\n"
	"	whilelo p\\n\\().b, xzr, x27\n"
	".endm\n"
	".macro same_predicate n\n"
	"	mov x27, #2 * \\n\n"
	"	whilelo p0.b, xzr, x27\n"
	"	ptrue p15.b\n"
	"	eors p0.b, p15/z, p0.b, p\\n\\().b\n"
	"	b.ne 9f\n"
	".endm\n"
	".globl spin\n"
	".type spin, %function\n"
	"spin:\n"
	"	hint #25\n" /* paciasp */
	"	stp x29, x30, [sp, #-160]!\n"
	"	stp x19, x20, [sp, #16]\n	stp x21, x22, [sp, #32]\n	stp x23, x24, [sp, #48]\n"
	"	stp x25, x26, [sp, #64]\n	stp x27, x28, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n	stp d10, d11, [sp, #112]\n	stp d12, d13, [sp, #128]\n	stp d14, d15, [sp, #144]\n"
	"	mov x28, x0\n"
	"	mrs x27, tpidr_el0\n"
	"	str x27, [x28, #16]\n"
	"	mov x27, #0xc00000\n" /* rounds towards zero */
	"	msr fpcr, x27\n"
	"	general set_general\n"
	"	ldr x27, [x28, #24]\n"
	"	cbnz x27, 1f\n"
	"	vectors set_vector\n"
	"	b 2f\n"
	"1:	scalable set_scalable\n"
	"	predicates set_predicate\n"
	"	setffr\n"
	"	wrffr p3.b\n"
	"2:	general same_general\n"
	"	ldr x27, [x28, #24]\n"
	"	cbnz x27, 3f\n"
	"	vectors same_vector\n"
	"	b 4f\n"
	"3:	scalable same_scalable\n"
	"	predicates same_predicate\n"
	"	rdffr p0.b\n"
	"	ptrue p15.b\n"
	"	eors p0.b, p15/z, p0.b, p3.b\n"
	"	b.ne 9f\n"
	"4:	mrs x27, tpidr_el0\n"
	"	ldr x29, [x28, #16]\n"
	"	same x27, x29\n"
	"	mrs x27, fpcr\n"
	"	mov x29, #0xc00000\n"
	"	same x27, x29\n"
	"	ldr x27, [x28]\n"
	"	add x27, x27, #1\n"
	"	str x27, [x28]\n"
	"	ldr x27, [x28, #8]\n"
	"	cbz x27, 2b\n"
	"	mov x0, #0\n"
	"	b 8f\n"
	"9:	mov x0, #1\n"
	"8:	msr fpcr, xzr\n"
	"	ldp d8, d9, [sp, #96]\n	ldp d10, d11, [sp, #112]\n	ldp d12, d13, [sp, #128]\n	ldp d14, d15, [sp, #144]\n"
	"	ldp x19, x20, [sp, #16]\n	ldp x21, x22, [sp, #32]\n	ldp x23, x24, [sp, #48]\n"
	"	ldp x25, x26, [sp, #64]\n	ldp x27, x28, [sp, #80]\n"
	"	ldp x29, x30, [sp], #160\n"
	"	hint #29\n" /* autiasp */
	"	ret\n"
	".size spin, . - spin\n"
	".arch_extension nosve\n"
	".popsection\n");
#endif
