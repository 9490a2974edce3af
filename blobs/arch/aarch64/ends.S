/*
 * Where the agent begins. It reads before it writes to its stack beside that: then the kernel maps all of the area that is
 * there for the one fault, not only the page that is written to.
 */
	.section .text.entry, "ax", %progbits
	ldr	w9, [x0]
	b	agent_entry

	.text
/* leave(ip, sp, base, size, nr): nr 0 goes straight to the rt_sigreturn behind the first instruction. */
	.globl leave
leave:
	mov	x9, x0
	mov	sp, x1
	mov	x0, x2
	mov	x1, x3
	mov	x8, x4
	cbnz	x8, 1f
	add	x9, x9, #4
1:	ret	x9		/* not br: there may be no landing pad (BTI) */

	.section .note.GNU-stack, "", %progbits
