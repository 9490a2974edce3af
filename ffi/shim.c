/* The C side of src/kernel: what bun:ffi alone cannot do. It decides nothing. Processes that we start are in beside.c. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include "../blobs/syscall.h"

/* One raw system call: what the kernel returned, -errno included, without a detour over glibc's errno. */
long ts_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	return syscall6(nr, a, b, c, d, e, f);
}

/* open(2) as 32-bit programs of x86 make it; the path lies below 4 GiB. */
long ts_i386_open(long path, long flags)
{
#ifdef __x86_64__
	return i386_call(5, path, flags, 0, 0, 0);
#else
	return (void)path, (void)flags, -ENOSYS;
#endif
}

/*
 * Reads a file from its beginning: how many bytes, all of `size` when there may be more, or -errno. A first read that brings
 * less than `whole` bytes has brought all. Without a name `dir` is the file, which is read on and stays open.
 */
long ts_read_file(long dir, long name, long into, long size, long whole)
{
	long fd = dir, got, used = 0;

	while (name) {
		fd = syscall6(NR_openat, dir, name, 02000000 /* O_CLOEXEC */, 0, 0, 0);
		if (fd != -EINTR)
			break;
	}
	if (fd < 0)
		return fd;
	do {
		got = syscall6(NR_read, fd, into + used, size - used, 0, 0, 0);
		used += got > 0 ? got : 0;
	} while ((got > 0 && used < size && used >= whole) || got == -EINTR);
	if (name)
		syscall6(NR_close, fd, 0, 0, 0, 0, 0);
	return got < 0 ? got : used;
}

/*
 * Reads small files of one directory: for each a word of 4 bytes, its length or -errno, then its first bytes, filled up to a word.
 * `names` follow each other, each with its NUL. Returns how many bytes that are.
 */
long ts_read_files(long dir, const char *names, long count, char *into, long size)
{
	long fd, got, used = 0;

	for (; count-- > 0 && used + 4100 <= size; names += strlen(names) + 1) {
		fd = syscall6(NR_openat, dir, (long)names, 02000000 /* O_CLOEXEC */, 0, 0, 0);
		got = fd;
		if (fd >= 0) {
			got = syscall6(NR_read, fd, (long)(into + used + 4), 4096, 0, 0, 0);
			syscall6(NR_close, fd, 0, 0, 0, 0, 0);
		}
		*(int *)(into + used) = got;
		used += 4 + (got > 0 ? (got + 3) & ~3L : 0);
	}
	return used;
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

/*
 * Reads on in a list of pieces of a file, by address and length, one behind the other into `into`: until `room` bytes are there or
 * the list is at its end. How many bytes, or -errno. `at` and `done` say how far it came.
 */
struct pieces {
	long fd, list, count, at, done, into, room;
};

long ts_gather(struct pieces *p)
{
	const long *list = (const long *)p->list;
	long used = 0;

	while (p->at < p->count && used < p->room) {
		long left = list[2 * p->at + 1] - p->done;
		long part = left < p->room - used ? left : p->room - used;
		long got = syscall6(NR_pread64, p->fd, p->into + used, part, list[2 * p->at] + p->done, 0, 0);

		if (got == -EINTR)
			continue;
		if (got <= 0)
			return got ? got : -EIO;
		used += got;
		p->done += got;
		if (p->done == list[2 * p->at + 1]) {
			p->at++;
			p->done = 0;
		}
	}
	return used;
}

/* What the C library would return, and its errno. */
static long settled(long ret)
{
	if (ret >= 0 || ret < -4095)
		return ret;
	errno = -ret;
	return -1;
}

/*
 * The finished executable has this library loaded before all others, so the runtime's engine calls these two. For what it reserves
 * at its start, code and the shapes of objects, it asks for small pages, to spare memory. A run of ours is short, and a fault for
 * each of those pages takes it longer than all that it does with them.
 */
int madvise(void *address, size_t length, int advice)
{
	enum { HUGEPAGE = 14, NOHUGEPAGE = 15 };

	return settled(syscall6(NR_madvise, (long)address, length, advice == NOHUGEPAGE ? HUGEPAGE : advice, 0, 0, 0));
}

/* Code begins at a huge page, behind the one small page that guards it; a small heap comes with its pages. */
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	enum { WRITE = 2, EXEC = 4, ANONYMOUS = 0x20, NORESERVE = 0x4000, POPULATE = 0x8000 };
	const unsigned long page = 4096, huge = 0x200000, fresh = !address && flags & ANONYMOUS;
	long at, from;

	if (fresh && protection & WRITE && !(flags & NORESERVE) && length <= 64 * page)
		flags |= POPULATE;
	if (!fresh || !(protection & EXEC) || length < huge)
		return (void *)settled(syscall6(NR_mmap, (long)address, length, protection, flags, fd, offset));
	from = syscall6(NR_mmap, 0, length + huge, protection, flags, fd, offset);
	if (from < 0 && from >= -4095)
		return (void *)settled(from);
	at = ((from + page + huge - 1) & -huge) - page;
	if (at > from)
		syscall6(NR_munmap, from, at - from, 0, 0, 0, 0);
	syscall6(NR_munmap, at + length, from + huge - at, 0, 0, 0, 0);
	return (void *)at;
}

void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));
