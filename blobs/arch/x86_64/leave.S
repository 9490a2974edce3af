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
