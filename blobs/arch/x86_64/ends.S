/*
 * Where the agent begins. It reads before it writes to its stack beside that: then the kernel maps all of the area that is
 * there for the one fault, not only the page that is written to.
 */
	.section .text.entry, "ax", %progbits
	mov	(%rdi), %eax
	jmp	agent_entry

	.text
/* leave(ip, sp, base, size, nr): nr 0 goes straight to the rt_sigreturn of the nine bytes. */
	.globl leave
leave:
	mov	%rdi, %rax
	mov	%rsi, %rsp
	mov	%rdx, %rdi
	mov	%rcx, %rsi
	mov	%rax, %rdx
	mov	%r8, %rax
	test	%rax, %rax
	jnz	1f
	add	$2, %rdx
1:	jmp	*%rdx

	.section .note.GNU-stack, "", %progbits
