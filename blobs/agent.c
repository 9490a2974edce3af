/*
 * The agent: runs the programs that the coordinator writes into the area they share. It knows no images and decides
 * nothing. Layout of area, control block and records: src/agent/layout.ts.
 */
#include "syscall.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long s64;

enum { PAGE = 4096, CLONE_ARGS = 88 };
enum { STATE_IDLE = 0, STATE_RUN = 1, STATE_LEAVE = 2, STATE_KEEP = 3 };
enum { POLICY_STOP, POLICY_IGNORE, POLICY_EXPECT };
enum { ARG_LITERAL, ARG_AREA, ARG_RESULT, ARG_LOAD32 };
enum { WRITEV_ALL = 0x10000, STORE32, STORE64, COPY, WAKE, USE_TILES, START_THREAD, SIGACTIONS, I386 = 0x20000 };
enum { SIGNALS = 64, SIGACTION_SIZE = 32 };
enum { EINTR = 4, EAGAIN = 11, ENOSYS = 38, ENODATA = 61, MSG_NOSIGNAL = 0x4000, FUTEX_WAIT = 0, FUTEX_WAKE = 1 };
enum { AF_UNIX = 1, STREAM_CLOEXEC = 02000001 };

struct control {
	u32 state, socket;
	u32 ops, stopped;
	u32 quiet, filtered;
	u64 leave_ip, leave_sp, base, size, area_ops;
	int pair[2];
	u32 gate;
};

/* Threads that the coordinator moved to its own CPU, behind the control block. */
enum { PINS = 0x200 };
struct pin {
	u32 tid, length;
	u8 mask[128];
};

struct op {
	u32 nr;
	u16 policy, after; /* made only if the result of record `after` - 1 is `expect` */
	u32 kinds, pad2;
	u64 arg[6];
	s64 result, expect;
};

struct iovec {
	u64 base, len;
};

/* In arch/: leaves for good, through the nine bytes in the victim's text. */
__attribute__((noreturn)) void leave(u64 ip, u64 sp, u64 base, u64 size, u64 nr);

static int failed(s64 r)
{
	return r < 0 && r >= -4095;
}

/* memcpy for the compiler and for us: eight bytes at a time, the rest singly. */
void *memcpy(void *to, const void *from, u64 n)
{
	u64 *d = to;
	const u64 *s = from;

	for (; n >= 8; n -= 8)
		*d++ = *s++;
	for (u64 i = 0; i < n; i++)
		((u8 *)d)[i] = ((const u8 *)s)[i];
	return to;
}

/* pwritev until every byte of every part is written; the parts are used up. */
static s64 write_all(s64 fd, struct iovec *v, u64 n, u64 off)
{
	while (n) {
		s64 r = syscall6(NR_pwritev, fd, (s64)v, n > 1024 ? 1024 : n, off, 0, 0);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			return r ? r : -ENODATA;
		off += r;
		while (n && (u64)r >= v->len) {
			r -= v->len;
			v++;
			n--;
		}
		if (n) {
			v->base += r;
			v->len -= r;
		}
	}
	return 0;
}

/* A trap of the first use makes the kernel give a thread room for AMX's registers. */
static s64 use_tiles(u64 config)
{
#ifdef __x86_64__
	__asm__ volatile("ldtilecfg (%0)\n\ttilezero %%tmm0\n\ttilerelease" : : "r"(config) : "memory");
	return 0;
#else
	(void)config;
	return -ENOSYS;
#endif
}

/* How each signal is handled, one behind the other. */
static s64 read_sigactions(u64 into)
{
	s64 r = 0;

	for (u64 sig = 1; sig <= SIGNALS && !r; sig++, into += SIGACTION_SIZE)
		r = syscall6(NR_rt_sigaction, sig, 0, into, 8, 0, 0);
	return r;
}

__attribute__((noreturn)) void agent_entry(struct control *c);

/* The child of clone3 runs the agent, with a control block of its own: it waits at once to be told what to do. */
static __attribute__((noreturn)) void begin(void *control)
{
	agent_entry(control);
}

static s64 perform(u32 nr, u64 *a)
{
	switch (nr) {
	case WRITEV_ALL:
		return write_all(a[0], (struct iovec *)a[1], a[2], a[3]);
	case STORE32:
		*(volatile u32 *)a[0] = a[1];
		return 0;
	case STORE64:
		*(volatile u64 *)a[0] = a[1];
		return 0;
	case COPY:
		memcpy((void *)a[0], (void *)a[1], a[2]);
		return 0;
	case WAKE:
		*(volatile u32 *)a[0] = a[1];
		return syscall6(NR_futex, a[0], FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
	case USE_TILES:
		return use_tiles(a[0]);
	case START_THREAD:
		return clone_on_stack((unsigned long *)a[0], CLONE_ARGS, (void *)a[1], begin);
	case SIGACTIONS:
		return read_sigactions(a[0]);
	}
#ifdef __x86_64__
	if (nr >= I386)
		return i386_call(nr - I386, a[0], a[1], a[2], a[3], a[4]);
#endif
	return syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void run(struct control *c)
{
	struct op *ops = (struct op *)c->area_ops, *op = ops;
	u32 n = c->ops, i;

	for (i = 0; i < n; i++, op++) {
		u64 a[6];

		if (op->after && ops[op->after - 1].result != op->expect)
			continue;
		for (u32 k = 0; k < 6; k++) {
			u32 kind = op->kinds >> (k * 4) & 15;
			u64 v = op->arg[k];

			if (kind == ARG_AREA)
				v += c->base;
			else if (kind == ARG_RESULT)
				v = ops[v].result;
			else if (kind == ARG_LOAD32)
				v = (s64) * (volatile int *)(c->base + v);
			a[k] = v;
		}
		op->result = perform(op->nr, a);
		if (op->policy == POLICY_EXPECT ? op->result != op->expect :
						 op->policy == POLICY_STOP && failed(op->result))
			break;
	}
	c->stopped = i;
}

/* Gives up all that is ours, the area last. */
static __attribute__((noreturn)) void go_home(struct control *c)
{
	if (!c->filtered) {
		struct pin *p = (struct pin *)((u8 *)c + PINS + 8);

		for (u32 n = *(u32 *)((u8 *)c + PINS); n; n--, p++)
			syscall6(NR_sched_setaffinity, p->tid, p->length, (s64)p->mask, 0, 0, 0);
		syscall6(NR_close, c->pair[0], 0, 0, 0, 0, 0);
	}
	leave(c->leave_ip, c->leave_sp, c->base, c->size, c->filtered ? 0 : NR_munmap);
}

/*
 * At dump: woken through a socket, whose end of file is the coordinator's death. It takes the other end while we are stopped
 * behind our first call; if it died before, there is nobody at that end either.
 */
static __attribute__((noreturn)) void serve_socket(struct control *c)
{
	u8 byte = 0;
	s64 r;

	if (!c->filtered) {
		syscall6(NR_socketpair, AF_UNIX, STREAM_CLOEXEC, 0, (s64)c->pair, 0, 0);
		syscall6(NR_close, c->pair[1], 0, 0, 0, 0, 0);
	}
	for (;;) {
		/* the first program may be there before us */
		if (c->state != STATE_RUN) {
			r = syscall6(NR_read, c->pair[0], (s64)&byte, 1, 0, 0, 0);
			if (r == -EINTR || r == -EAGAIN)
				continue;
			if (r != 1)
				break;
		}
		c->state = STATE_IDLE;
		run(c);
		r = syscall6(NR_sendto, c->pair[0], (s64)&byte, 1, MSG_NOSIGNAL, 0, 0);
		if (r != 1)
			break;
	}
	/* threads that wait at the gate for the coordinator need not any more */
	__atomic_store_n(&c->gate, 0, __ATOMIC_RELEASE);
	if (!c->filtered)
		syscall6(NR_futex, (s64)&c->gate, FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
	go_home(c);
}

/* At restore: a futex is enough, since the tracer's death kills us. */
static __attribute__((noreturn)) void serve_futex(struct control *c)
{
	for (;;) {
		while (__atomic_load_n(&c->state, __ATOMIC_ACQUIRE) != STATE_RUN)
			syscall6(NR_futex, (s64)&c->state, FUTEX_WAIT, STATE_IDLE, 0, 0, 0);
		run(c);
		__atomic_store_n(&c->state, STATE_IDLE, __ATOMIC_RELEASE);
		syscall6(NR_futex, (s64)&c->state, FUTEX_WAKE, 1, 0, 0, 0);
	}
}

enum { SIGCHLD = 17, ECHILD = 10, WNOHANG = 1, WALL = 0x40000000, EVERYBODY = -1 };

/*
 * The init of a pid namespace that was made around a tree, whose root is its child `root`. It reaps whoever ends, passes on
 * the signals that somebody sends it, and ends when nobody is left, as the root did. All signals are blocked.
 */
static __attribute__((noreturn)) void keep_house(struct control *c)
{
	s64 root = c->ops;
	u64 all = ~0UL;
	int info[32], status, verdict = 0;

	for (;;) {
		s64 r = syscall6(NR_wait4, -1, (s64)&status, WNOHANG | WALL, 0, 0, 0);

		if (r == root) {
			verdict = status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
			root = EVERYBODY;
		}
		if (r == -ECHILD)
			syscall6(NR_exit_group, verdict, 0, 0, 0, 0, 0);
		if (r > 0)
			continue;
		r = syscall6(NR_rt_sigtimedwait, (s64)&all, (s64)info, 0, sizeof(all), 0, 0);
		/* what the kernel says itself is for the terminal's group, which hears it too */
		if (r > 0 && r != SIGCHLD && info[2] <= 0 && !c->quiet)
			syscall6(NR_kill, root, r, 0, 0, 0, 0);
	}
}

__attribute__((noreturn)) void agent_entry(struct control *c)
{
	if (c->state == STATE_LEAVE)
		go_home(c);
	if (c->state == STATE_KEEP)
		keep_house(c);
	if (c->socket)
		serve_socket(c);
	serve_futex(c);
}
