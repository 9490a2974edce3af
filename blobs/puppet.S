/* The program that a restored root task starts as: it waits for its tracer and does nothing by itself. */
	.globl	_start
_start:
#if defined(__x86_64__)
	.byte	0x0f, 0x05	/* syscall */
1:	mov	$34, %eax	/* pause */
	syscall
	jmp	1b
#elif defined(__aarch64__)
	svc	#0
1:	mov	x0, #0
	mov	x1, #0
	mov	x2, #0
	mov	x3, #0
	mov	x8, #73		/* ppoll */
	svc	#0
	b	1b
#endif
	.section .note.GNU-stack, "", %progbits
