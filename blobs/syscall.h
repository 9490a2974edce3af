/* Raw system calls for code that runs without a libc. Numbers: asm/unistd.h. */
#ifndef TSCRIU_SYSCALL_H
#define TSCRIU_SYSCALL_H

#if defined(__x86_64__)
enum {
	NR_read = 0, NR_write = 1, NR_close = 3, NR_pwrite64 = 18, NR_exit = 60, NR_sendto = 44,
	NR_mmap = 9, NR_munmap = 11, NR_pwritev = 296, NR_futex = 202, NR_clone3 = 435, NR_execveat = 322,
	NR_sched_setaffinity = 203, NR_socketpair = 53, NR_kill = 62, NR_getpid = 39,
	NR_getppid = 110, NR_prctl = 157, NR_nanosleep = 35, NR_ptrace = 101, NR_wait4 = 61, NR_close_range = 436,
	NR_madvise = 28, NR_exit_group = 231, NR_rt_sigtimedwait = 128, NR_rt_sigaction = 13,
	NR_openat = 257, NR_pread64 = 17, NR_readlinkat = 267, NR_setresuid = 117, NR_setresgid = 119, NR_capget = 125, NR_capset = 126,
};

static inline long syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* A system call as 32-bit programs make it, by their numbers. Old kernels do not keep r8 to r11. */
static inline long i386_call(long nr, long a, long b, long c, long d, long e)
{
	unsigned long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "r8", "r9", "r10", "r11", "memory");
	return (unsigned int)ret > -4096U ? (int)ret : (long)(unsigned int)ret;
}

/* clone3 whose child starts in fn(arg) on the stack that args names. */
static inline long clone_on_stack(unsigned long *args, long size, void *arg, void (*fn)(void *))
{
	register void *keep_arg __asm__("r12") = arg;
	register void *keep_fn __asm__("r13") = (void *)fn;
	long ret;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r12, %%rdi\n\t"
			 "call *%%r13\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(NR_clone3), "D"(args), "S"(size), "r"(keep_arg), "r"(keep_fn)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
enum {
	NR_read = 63, NR_write = 64, NR_close = 57, NR_pwrite64 = 68, NR_exit = 93, NR_sendto = 206,
	NR_mmap = 222, NR_munmap = 215, NR_pwritev = 70, NR_futex = 98, NR_clone3 = 435, NR_execveat = 281,
	NR_sched_setaffinity = 122, NR_socketpair = 199, NR_kill = 129, NR_getpid = 172,
	NR_getppid = 173, NR_prctl = 167, NR_nanosleep = 101, NR_ptrace = 117, NR_wait4 = 260, NR_close_range = 436,
	NR_madvise = 233, NR_exit_group = 94, NR_rt_sigtimedwait = 137, NR_rt_sigaction = 134,
	NR_openat = 56, NR_pread64 = 67, NR_readlinkat = 78, NR_setresuid = 147, NR_setresgid = 149, NR_capget = 90, NR_capset = 91,
};

static inline long syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}

static inline long clone_on_stack(unsigned long *args, long size, void *arg, void (*fn)(void *))
{
	register long x8 __asm__("x8") = NR_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = size;
	register void *keep_arg __asm__("x19") = arg;
	register void *keep_fn __asm__("x20") = (void *)fn;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, #0\n\t"
			 "mov x0, x19\n\t"
			 "blr x20\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(keep_arg), "r"(keep_fn)
			 : "x30", "memory");
	return x0;
}
#endif
#endif
