/*
 * Processes that we start: some run in our memory beside us and make nothing but system calls, others become a puppet. The rest of
 * what src/kernel needs is in shim.c.
 */
#include <errno.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <string.h>
#include "../blobs/syscall.h"

/* Besides the flags of clone(2): the child ends when the thread that started it does. src/kernel/sys.ts has the same */
#define BOUND (1L << 40)

/* What the child of ts_spawn needs; it lives on the child's own stack. */
struct birth {
	long elf, gate, other_end, parent;
	char name[8];
	char *argv[2], *envp[1];
};

/* Takes these ids of its own user namespace, and keeps all it may there even if they are not those of root. */
static void become(const int *ids)
{
	int header[2] = { 0x20080522, 0 };
	unsigned int data[6] = { 0 };

	syscall6(NR_setresgid, ids[1], ids[1], ids[1], 0, 0, 0);
	syscall6(NR_setresuid, ids[0], ids[0], ids[0], 0, 0, 0);
	if (ids[0] == 0)
		return;
	syscall6(NR_capget, (long)header, (long)data, 0, 0, 0, 0);
	for (int word = 0; word < 2; word++)
		data[word * 3 + 2] = data[word * 3] = data[word * 3 + 1];
	syscall6(NR_capset, (long)header, (long)data, 0, 0, 0, 0);
	for (int cap = 0; cap < 64; cap++)
		syscall6(NR_prctl, 47 /* PR_CAP_AMBIENT */, 2 /* RAISE */, cap, 0, 0, 0);
}

/* Runs in our address space, beside us: nothing but system calls. */
static __attribute__((noreturn)) void child(void *arg)
{
	struct birth *b = arg;
	int ids[2];
	long got;

	if (b->parent) {
		syscall6(NR_prctl, 1 /* PR_SET_PDEATHSIG */, SIGKILL, 0, 0, 0, 0);
		if (syscall6(NR_getppid, 0, 0, 0, 0, 0, 0) != b->parent)
			syscall6(NR_exit, 127, 0, 0, 0, 0, 0);
	}
	/* our own copy of the gate's other end would hide its owner's death */
	if (b->other_end >= 0)
		syscall6(NR_close, b->other_end, 0, 0, 0, 0, 0);
	got = syscall6(NR_read, b->gate, (long)ids, sizeof(ids), 0, 0, 0);
	if (got == sizeof(ids))
		become(ids);
	if (got > 0)
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
 * A process beside us, in our memory, that makes system calls for us: `told` when a byte comes through `gate`, all of them even
 * if we die in the middle; `bereft` at an end of file, which our own death is. Each list: how many calls, then number and six
 * arguments of each; null for none. `pending` until that is done. It has copies of the descriptors that we had when it was
 * started.
 */
struct orders {
	long gate, other_end;
	const long *told, *bereft;
	long pending;
};

static __attribute__((noreturn)) void carry_out(void *arg)
{
	volatile struct orders *o = arg;
	const long *list;
	char byte;

	syscall6(NR_close, o->other_end, 0, 0, 0, 0, 0);
	list = syscall6(NR_read, o->gate, (long)&byte, 1, 0, 0, 0) == 1 ? o->told : o->bereft;
	for (long left = list ? *list++ : 0; left > 0; left--, list += 7)
		syscall6(list[0], list[1], list[2], list[3], list[4], list[5], list[6]);
	o->pending = 0;
	for (;;)
		syscall6(NR_exit, 0, 0, 0, 0, 0, 0);
}

/* A process in our memory that runs fn(arg); `stack` is its highest address, `flags` are more of clone(2). */
static long beside(void (*fn)(void *), long arg, long stack, unsigned long flags)
{
	unsigned long args[11] = { 0 };
	sigset_t all, old;
	long ret;

	args[0] = 0x100 /* CLONE_VM */ | flags;
	args[5] = stack - 16384;
	args[6] = 16384;
	/* it keeps all signals blocked: our handlers are not its own */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	ret = clone_on_stack(args, 88, (void *)arg, fn);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}

long ts_standby(long orders, long stack)
{
	return beside(carry_out, orders, stack, 0);
}

/*
 * A process beside us that traces in our stead. PTRACE_O_SUSPEND_SECCOMP ends with the tracer: if we traced ourselves and died
 * while a task under a filter makes calls for us, the filter would end the task. The deputy lives on until all are home.
 */
struct deputy {
	unsigned int state, pad;
	long nr, args[6], result;
	long parent, count, room;
	struct ward {
		long tid;
		/* code that it runs for us, which ends in rt_sigreturn: the trampoline, the agent */
		struct {
			unsigned long start, size;
		} code[2];
	} *wards;
	/* set as long as somebody beside us still has to undo what we did; null for nobody */
	const volatile long *pending;
};

enum { ANSWERED, ASKED, DISMISSED };

static long trace(long request, int tid, const void *address, const void *data)
{
	return syscall6(NR_ptrace, request, tid, (long)address, (long)data, 0, 0);
}

/* Lets a task run to its next stop, which may stand in a stop we know nothing of; with the signal that it was to get. */
static void call_to_us(int tid)
{
	int info[32] = { 0 };
	long signo = 0, stands = trace(PTRACE_GETSIGINFO, tid, 0, info);

	if (stands == 0) {
		int code = info[2], stop = info[0] == SIGTRAP && (code == (SIGTRAP | 0x80) || code > 0xff);

		signo = stop ? 0 : info[0];
	}
	/* it looks for signals first then, which is where the kernel makes an interrupted call again */
	trace(PTRACE_INTERRUPT, tid, 0, 0);
	/* one that runs will stop by itself: if it did so between these calls, it would go on unseen, and be ours for ever */
	if (stands != -ESRCH)
		trace(PTRACE_CONT, tid, 0, (void *)signo);
}

/* Is the stopped task on its way? */
static int is_away(const struct deputy *d, int tid)
{
	unsigned long regs[64] = { 0 }, ip, iov[2] = { (unsigned long)regs, sizeof(regs) };

	trace(PTRACE_GETREGSET, tid, (void *)1 /* NT_PRSTATUS */, iov);
#ifdef __x86_64__
	ip = regs[16];
#else
	ip = regs[32];
#endif
	for (const struct ward *w = d->wards; w < d->wards + d->count; w++)
		if (w->tid == tid && (ip - w->code[0].start < w->code[0].size || ip - w->code[1].start < w->code[1].size))
			return 1;
	return 0;
}

/*
 * Our principal has died: everybody goes home, then we may go. Not before what it did to them is undone. A task on its way is
 * seen next at the ends of its calls, of which rt_sigreturn is the last: to interrupt it again and again would keep it, on a busy
 * machine, from ever getting there.
 */
static void wind_up(struct deputy *d)
{
	static const unsigned long all = ~0UL;
	long millisecond[2] = { 0, 1000000 };
	long tid;
	int status;

	for (int patience = 10000; d->pending && *d->pending && patience > 0; patience--)
		syscall6(NR_nanosleep, (long)millisecond, 0, 0, 0, 0, 0);
	for (long i = 0; i < d->count; i++)
		call_to_us(d->wards[i].tid);
	while ((tid = syscall6(NR_wait4, -1, (long)&status, 0x40000000 /* __WALL */, 0, 0, 0)) > 0) {
		int signo = (status >> 8) & 0xff;

		if ((status & 0xff) != 0x7f)
			continue;
		if (status >> 16 || signo == (SIGTRAP | 0x80))
			signo = 0;
		if (is_away(d, tid)) {
			/* before its first call it has the mask of its own, and no handler may come in between */
			trace(PTRACE_SETSIGMASK, tid, (void *)8, &all);
			trace(PTRACE_SYSCALL, tid, 0, (void *)(long)signo);
		} else
			trace(PTRACE_DETACH, tid, 0, (void *)(long)signo);
	}
}

static __attribute__((noreturn)) void stand_in(void *arg)
{
	struct deputy *d = arg;
	long tick[2] = { 0, 5000000 };

	/* copies of our principal's descriptors would hide its death from others */
	syscall6(NR_close_range, 0, ~0U, 0, 0, 0, 0);
	for (;;) {
		unsigned int state = __atomic_load_n(&d->state, __ATOMIC_ACQUIRE);

		if (state == DISMISSED)
			break;
		if (state == ASKED) {
			int seizes = d->nr == NR_ptrace && d->args[0] == PTRACE_SEIZE;

			/* whom we do not know we could not let go */
			if (seizes && d->count == d->room)
				d->result = -ENOMEM;
			else
				d->result = syscall6(d->nr, d->args[0], d->args[1], d->args[2], d->args[3], d->args[4], d->args[5]);
			if (seizes && d->result == 0)
				d->wards[d->count++].tid = d->args[1];
			__atomic_store_n(&d->state, ANSWERED, __ATOMIC_RELEASE);
			syscall6(NR_futex, (long)&d->state, 1 /* FUTEX_WAKE */, 1, 0, 0, 0);
			continue;
		}
		syscall6(NR_futex, (long)&d->state, 0 /* FUTEX_WAIT */, ANSWERED, (long)tick, 0, 0);
		if (syscall6(NR_getppid, 0, 0, 0, 0, 0, 0) != d->parent) {
			wind_up(d);
			break;
		}
	}
	for (;;)
		syscall6(NR_exit, 0, 0, 0, 0, 0, 0);
}

long ts_deputy(long deputy, long stack)
{
	return beside(stand_in, deputy, stack, 0);
}

/*
 * A process beside us, with our memory and our descriptors, but with a root, a directory and namespaces that it can leave for
 * others: our own threads share theirs. It makes one call after another for us, and ends when we do.
 */
struct envoy {
	unsigned int state, pad;
	long nr, args[6], result, parent;
};

static __attribute__((noreturn)) void travel(void *arg)
{
	struct envoy *e = arg;

	syscall6(NR_prctl, 1 /* PR_SET_PDEATHSIG */, SIGKILL, 0, 0, 0, 0);
	while (syscall6(NR_getppid, 0, 0, 0, 0, 0, 0) == e->parent) {
		unsigned int state = __atomic_load_n(&e->state, __ATOMIC_ACQUIRE);

		if (state == DISMISSED)
			break;
		if (state == ASKED) {
			e->result = syscall6(e->nr, e->args[0], e->args[1], e->args[2], e->args[3], e->args[4], e->args[5]);
			__atomic_store_n(&e->state, ANSWERED, __ATOMIC_RELEASE);
			syscall6(NR_futex, (long)&e->state, 1 /* FUTEX_WAKE */, 1, 0, 0, 0);
		}
		syscall6(NR_futex, (long)&e->state, 0 /* FUTEX_WAIT */, ANSWERED, 0, 0, 0);
	}
	for (;;)
		syscall6(NR_exit, 0, 0, 0, 0, 0, 0);
}

long ts_envoy(long envoy, long stack)
{
	return beside(travel, envoy, stack, 0x400 /* CLONE_FILES */);
}

/*
 * A process beside us that reads a long file of /proc on another CPU, while we look at what is there already: to write such a
 * file takes the kernel as long as to read it takes us. It ends at the end of the file or of the room.
 */
struct reader {
	unsigned int used, done;
	long fd, into, room, error, parent;
};

static __attribute__((noreturn)) void read_on(void *arg)
{
	struct reader *r = arg;
	long got = 1;

	syscall6(NR_prctl, 1 /* PR_SET_PDEATHSIG */, SIGKILL, 0, 0, 0, 0);
	while (got != 0 && r->used < r->room && syscall6(NR_getppid, 0, 0, 0, 0, 0, 0) == r->parent) {
		got = syscall6(NR_read, r->fd, r->into + r->used, r->room - r->used, 0, 0, 0);
		if (got > 0)
			__atomic_store_n(&r->used, r->used + got, __ATOMIC_RELEASE);
		if (got >= 0 || got == -EINTR)
			continue;
		r->error = got;
		break;
	}
	__atomic_store_n(&r->done, 1, __ATOMIC_RELEASE);
	for (;;)
		syscall6(NR_exit, 0, 0, 0, 0, 0, 0);
}

long ts_reader(long reader, long stack)
{
	return beside(read_on, reader, stack, 0x400 /* CLONE_FILES */);
}

/*
 * A process beside us, with our memory and our descriptors, that goes ahead on another CPU while we do something else: it opens
 * the first `files` of the names, whose descriptors or -errno it leaves in `fds`; the others are symbolic links, each of which it
 * reads into LINK bytes of `links`, which were zeros. It ends when its parent does.
 */
enum { LINK = 64, AT_FDCWD = -100 };

struct forerunner {
	long names, count, files, fds, links, flags, mode, parent;
};

static void run_ahead(const struct forerunner *f)
{
	const char *name = (const char *)f->names;
	char *link = (char *)f->links;
	int *fd = (int *)f->fds;

	for (long i = 0; i < f->count && (!f->parent || syscall6(NR_getppid, 0, 0, 0, 0, 0, 0) == f->parent); i++) {
		if (i < f->files)
			*fd++ = syscall6(NR_openat, AT_FDCWD, (long)name, f->flags, f->mode, 0, 0);
		else
			syscall6(NR_readlinkat, AT_FDCWD, (long)name, (long)link, LINK - 1, 0, 0);
		link += i < f->files ? 0 : LINK;
		/* by hand: no function of a library that our own thread may be in, too */
		while (*(const volatile char *)name++)
			;
	}
}

static __attribute__((noreturn)) void forerun(void *arg)
{
	struct forerunner *f = arg;

	syscall6(NR_prctl, 1 /* PR_SET_PDEATHSIG */, SIGKILL, 0, 0, 0, 0);
	run_ahead(f);
	for (;;)
		syscall6(NR_exit, 0, 0, 0, 0, 0, 0);
}

/* Without a stack we go ourselves. */
long ts_forerunner(long forerunner, long stack)
{
	if (!stack)
		return run_ahead((const struct forerunner *)forerunner), 0;
	return beside(forerun, forerunner, stack, 0x400 /* CLONE_FILES */);
}
