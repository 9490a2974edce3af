/* The C side of src/kernel: what bun:ffi alone cannot do. It decides nothing. */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include "../blobs/syscall.h"

/* One raw system call: what the kernel returned, -errno included, without a detour over glibc's errno. */
long ts_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	return syscall6(nr, a, b, c, d, e, f);
}

/* Besides the flags of clone(2): the child ends when the thread that started it does. src/kernel/sys.ts has the same */
#define BOUND (1L << 40)

/* What the child of ts_spawn needs; it lives on the child's own stack. */
struct birth {
	long elf, gate, other_end, parent;
	char name[8];
	char *argv[2], *envp[1];
};

/* Runs in our address space, beside us: nothing but system calls. */
static __attribute__((noreturn)) void child(void *arg)
{
	struct birth *b = arg;
	char byte;

	if (b->parent) {
		syscall6(NR_prctl, 1 /* PR_SET_PDEATHSIG */, SIGKILL, 0, 0, 0, 0);
		if (syscall6(NR_getppid, 0, 0, 0, 0, 0, 0) != b->parent)
			syscall6(NR_exit, 127, 0, 0, 0, 0, 0);
	}
	/* our own copy of the gate's other end would hide its owner's death */
	if (b->other_end >= 0)
		syscall6(NR_close, b->other_end, 0, 0, 0, 0, 0);
	if (syscall6(NR_read, b->gate, (long)&byte, 1, 0, 0, 0) == 1)
		syscall6(NR_execveat, b->elf, (long)"", (long)b->argv, (long)b->envp, 0x1000 /* AT_EMPTY_PATH */, 0);
	for (;;)
		syscall6(NR_exit, 127, 0, 0, 0, 0, 0);
}

long ts_spawn(long flags, long set_tids, long n_tids, long elf, long gate, long stack)
{
	struct birth *b = (struct birth *)((stack - 4096) & ~15L);
	unsigned long args[11] = { 0 };
	sigset_t all, old;
	long ret;

	b->elf = elf;
	b->gate = (int)gate;
	b->other_end = (gate >> 32) - 1;
	memcpy(b->name, "tscriu", 7);
	b->argv[0] = b->name;
	b->argv[1] = NULL;
	b->envp[0] = NULL;
	b->parent = flags & BOUND ? syscall6(NR_getpid, 0, 0, 0, 0, 0, 0) : 0;
	flags &= ~BOUND;
	args[0] = (flags & ~0xffL) | 0x100 /* CLONE_VM */;
	args[4] = flags & 0xff;
	args[5] = stack - 8192;
	args[6] = 4096;
	args[8] = set_tids;
	args[9] = n_tids;
	/* the child would run our handlers in our memory */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	ret = clone_on_stack(args, 88, b, child);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}

/*
 * A process beside us, in our memory, that ends others when it is told to, all of them even if we die in the middle. One byte
 * through `gate` lets it begin; an end of file, which our own death is, lets it go without.
 */
struct sentence {
	long gate, other_end, count;
	const int *pids;
};

static __attribute__((noreturn)) void carry_out(void *arg)
{
	struct sentence *s = arg;
	char byte;

	syscall6(NR_close, s->other_end, 0, 0, 0, 0, 0);
	if (syscall6(NR_read, s->gate, (long)&byte, 1, 0, 0, 0) == 1)
		for (long i = 0; i < s->count; i++)
			syscall6(NR_kill, s->pids[i], SIGKILL, 0, 0, 0, 0);
	for (;;)
		syscall6(NR_exit, 0, 0, 0, 0, 0, 0);
}

long ts_executioner(long sentence, long stack)
{
	unsigned long args[11] = { 0 };
	sigset_t all, old;
	long ret;

	args[0] = 0x100 /* CLONE_VM */;
	args[5] = stack - 8192;
	args[6] = 8192;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	ret = clone_on_stack(args, 88, (void *)sentence, carry_out);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}

static volatile sig_atomic_t interrupted;

static void note(int signo)
{
	if (!interrupted)
		interrupted = signo;
}

long ts_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_handler = note };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &act, NULL);
	return 0;
}

long ts_interrupted(void)
{
	return interrupted;
}

/* CPUID into out[4]: eax, ebx, ecx, edx. All zero where there is no such instruction. */
long ts_cpuid(long leaf, long subleaf, unsigned int *out)
{
	out[0] = out[1] = out[2] = out[3] = 0;
#ifdef __x86_64__
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "0"((unsigned int)leaf), "2"((unsigned int)subleaf));
#else
	(void)leaf;
	(void)subleaf;
#endif
	return 0;
}
