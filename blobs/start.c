/*
 * The first code of the finished executable. It starts the program with the dynamic linker and the C library that the
 * file itself carries, so nothing need be installed, and keeps the environment from steering the runtime.
 *
 * Freestanding and linked at a fixed address below the program (start.ld). build.ts fills in the table.
 */
typedef unsigned long u64;
typedef long s64;

enum { SEGMENTS = 8, LIBRARIES = 8, WRITTEN = 4, HEADERS = 24, QUESTION = 8, ANSWER = 64, ROOM = 1024 };

/* src/build/pack.ts writes this, field by field: offsets and sizes are bytes of the executable's file */
struct table {
	u64 magic, start;
	u64 program_entry, program_headers; /* the program's own; headers: the address of the copy below */
	u64 linker_entry, linker_span;      /* relative to where the dynamic linker is mapped */
	u64 linker_mmap;                    /* of the linker's own mmap, relative as well: see lend(); 0 for unknown */
	u64 segment_count, library_count;
	struct { u64 offset, address, file_size, size, protection; } segment[SEGMENTS];
	struct { u64 offset, size, first; } library[LIBRARIES]; /* first: bytes of the segment that is mapped first */
	struct { u64 address, size; } written[WRITTEN]; /* of the program's memory, by each start */
	u64 lend;
	u64 question_size, answer_size;
	unsigned char question[QUESTION], answer[ANSWER]; /* packets: how a worker is asked for its version, and what it says */
	unsigned char headers[HEADERS * 56];
};

void _start(void), lend(void);
__attribute__((section(".table"), used)) const volatile struct table table = {
	.magic = 0x5354415254303032, .start = (u64)_start, .lend = (u64)lend
};

#if defined(__x86_64__)
enum { SYS_write = 1, SYS_close = 3, SYS_mmap = 9, SYS_mprotect = 10, SYS_pread64 = 17, SYS_pwrite64 = 18, SYS_mincore = 27, SYS_madvise = 28,
       SYS_sendfile = 40, SYS_recvfrom = 45, SYS_fcntl = 72, SYS_getcwd = 79, SYS_chdir = 80, SYS_readahead = 187, SYS_exit = 231, SYS_openat = 257, SYS_ppoll = 271,
       SYS_prlimit = 302, SYS_memfd_create = 319 };

static s64 call(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	register u64 r9 __asm__("r9") = f;
	s64 ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* The new argument block goes some way below the old one: our own frames lie below that */
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tlea -4096(%rsp), %rsp\n\tand $-16, %rsp\n\tcall prepare\n"
	"\tmov %rdx, %rsp\n\txor %edx, %edx\n\txor %ebp, %ebp\n\tjmp *%rax\n");

/* The runtime is compiled for AVX2, and would end by a signal at its first instruction of that kind */
static int runs_here(void)
{
	unsigned leaf = 0, features = 0, third = 0, fourth;

	__asm__ volatile("cpuid" : "+a"(leaf), "=b"(features), "+c"(third), "=d"(fourth));
	if (leaf < 7)
		return 0;
	leaf = 7;
	third = 0;
	__asm__ volatile("cpuid" : "+a"(leaf), "=b"(features), "+c"(third), "=d"(fourth));
	return features >> 5 & 1;
}

/* In place of a system call: the fourth argument is where such a call has it */
__asm__(".globl lend\nlend:\n\tmov %r10, %rcx\n\tcall map_piece\n\tret\n");

/* mov $9, %eax; syscall: and what takes its place, call *(address of 32 bits) */
static const unsigned char linkers_call[] = { 0xb8, 9, 0, 0, 0, 0x0f, 5 }, our_call[] = { 0xff, 0x14, 0x25 };
#elif defined(__aarch64__)
enum { SYS_getcwd = 17, SYS_fcntl = 25, SYS_chdir = 49, SYS_openat = 56, SYS_close = 57, SYS_write = 64, SYS_pread64 = 67, SYS_pwrite64 = 68, SYS_sendfile = 71,
       SYS_ppoll = 73, SYS_exit = 94, SYS_recvfrom = 207, SYS_readahead = 213, SYS_mmap = 222, SYS_mprotect = 226, SYS_mincore = 232, SYS_madvise = 233, SYS_prlimit = 261,
       SYS_memfd_create = 279 };

static s64 call(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	register u64 x8 __asm__("x8") = number;
	register u64 x0 __asm__("x0") = a;
	register u64 x1 __asm__("x1") = b;
	register u64 x2 __asm__("x2") = c;
	register u64 x3 __asm__("x3") = d;
	register u64 x4 __asm__("x4") = e;
	register u64 x5 __asm__("x5") = f;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}

__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tsub x9, x0, #4096\n\tmov sp, x9\n\tbl prepare\n\tmov sp, x1\n\tmov x16, x0\n"
	"\tmov x0, #0\n\tmov x29, #0\n\tmov x30, #0\n\tbr x16\n");

static int runs_here(void)
{
	return 1;
}

/* no room for a call there */
static const unsigned char linkers_call[] = { 0 }, our_call[] = { 0 };
void lend(void) {}
#endif

enum { ENOENT = 2, EINVAL = 22, AT_FDCWD = -100, O_CLOEXEC = 02000000, F_DUPFD_CLOEXEC = 1030, RLIMIT_DATA = 2, RLIMIT_NOFILE = 7, RLIMIT_AS = 9 };
enum { MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32, MAP_POPULATE = 0x8000, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, MFD_CLOEXEC = 1, MFD_NOEXEC_SEAL = 8 };
enum { PT_LOAD = 1, PF_W = 2, MADV_RANDOM = 1, MADV_HUGEPAGE = 14, MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23, PIECE = 2 << 20, FEW = 64 << 10 };
/* e_shoff of an ELF file, which nobody reads who only loads it; and what is there in ours */
enum { E_SHOFF = 40, HEAD = 4096 };
static const u64 lent = 0x6c656e7400000000; /* then three bytes of our file's descriptor, and one of the library's index */
enum { MSG_PEEK = 2, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, POLLIN = 1, PATIENCE = 300000 /* ns */ };
enum { AT_PHDR = 3, AT_PAGESZ = 6, AT_BASE = 7, AT_ENTRY = 9, AT_EUID = 12, AT_SECURE = 23 };

static char *append(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	*to = 0;
	return to;
}

static char *append_number(char *to, u64 number)
{
	char digits[20];
	int count = 0;

	do {
		digits[count++] = '0' + number % 10;
		number /= 10;
	} while (number);
	while (count)
		*to++ = digits[--count];
	return to;
}

static __attribute__((noreturn)) void fail(const char *what, s64 error)
{
	char line[256];
	char *at = append(append(line, "tscriu: "), what);

	if (error)
		at = append(append_number(append(at, " (errno "), -error), ")");
	*at++ = '\n';
	call(SYS_write, 2, (u64)line, at - line, 0, 0, 0);
	for (;;)
		call(SYS_exit, 1, 0, 0, 0, 0, 0);
}

/* Is this a variable that could change what the runtime, its engine, the linker or the C library does? */
static int steers(const char *variable)
{
	static const char prefixes[] = "BUN_\0LD_\0NODE_\0JSC_\0GLIBC_\0MALLOC_\0MIMALLOC_\0GCONV_PATH=\0LOCPATH=\0";
	const char *prefix = prefixes;

	while (*prefix) {
		int same = 0;

		while (prefix[same] && prefix[same] == variable[same])
			same++;
		if (!prefix[same])
			return 1;
		while (*prefix++)
			;
	}
	return 0;
}

/*
 * What the runtime's engine shall do; src/kernel/startup.ts takes these out again. A run is short, and a tree stands still
 * meanwhile: optimising compilers, threads for them and for memory ahead, and early garbage collections cost more than they bring.
 */
static const char *const engine[] = { "BUN_JSC_useDFGJIT=0", "BUN_JSC_useConcurrentJIT=0", "BUN_JSC_thresholdForJITAfterWarmUp=5000",
				      "BUN_JSC_largeHeapSize=201326592", "MIMALLOC_ALLOW_THP=2", "BUN_JSC_useWarmUpMarkedBlocks=0" };
enum { ENGINE = sizeof(engine) / sizeof(engine[0]) };

/*
 * Has the program read from the disk in huge pages: one fault each, at this start and later ones. See src/build/huge-pages.ts.
 * One at a time: what a kernel reads ahead of them it reads in small ones.
 */
static void want_huge_pages(u64 page)
{
	for (int i = 0; i < HEADERS; i++) {
		const volatile unsigned char *header = table.headers + i * 56;
		u64 at = *(const volatile u64 *)(header + 16), skew = at & (page - 1), size = *(const volatile u64 *)(header + 40) + skew;

		/* where there are none, or none of a size that a page cache takes, reading ahead is all there is */
		if (*(const volatile unsigned *)header == PT_LOAD && !call(SYS_madvise, at - skew, size, MADV_HUGEPAGE, 0, 0, 0) && page == 4096)
			call(SYS_madvise, at - skew, size, MADV_RANDOM, 0, 0, 0);
	}
}

/* Is this page of the file in the page cache? Who may not write to the file is told so of all. */
static int cached(u64 address, u64 page)
{
	unsigned char has[1];

	return !call(SYS_mincore, address, page, (u64)has, 0, 0, 0) && has[0] & 1;
}

/* Maps the dynamic linker out of our own file; returns where it lies */
static u64 map_linker(int self, u64 page)
{
	u64 base = call(SYS_mmap, 0, table.linker_span, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if ((s64)base < 0 && (s64)base > -4096)
		fail("no room for the dynamic linker", base);
	for (u64 i = 0; i < table.segment_count; i++) {
		u64 skew = table.segment[i].address & (page - 1);
		u64 from = base + table.segment[i].address - skew;
		u64 data_end = base + table.segment[i].address + table.segment[i].file_size;
		u64 file_end = (data_end + page - 1) & -page;
		u64 end = (base + table.segment[i].address + table.segment[i].size + page - 1) & -page;
		u64 protection = table.segment[i].protection;
		s64 ret = call(SYS_mmap, from, file_end - from, protection, MAP_PRIVATE | MAP_FIXED | MAP_POPULATE, self,
			       table.segment[i].offset - skew);

		if (ret >= 0 && end > file_end)
			ret = call(SYS_mmap, file_end, end - file_end, protection, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
		if (ret < 0 && ret > -4096)
			fail("cannot map the dynamic linker", ret);
		if (protection & PROT_WRITE)
			for (volatile char *byte = (char *)data_end; byte < (char *)file_end; byte++)
				*byte = 0;
	}
	return base;
}

/*
 * What the linker's mmap does now: a library whose head we made is mapped out of our own file. With its pages: most of them are
 * used, but for those of all of it, that other pieces then take the place of.
 */
__attribute__((used)) s64 map_piece(u64 address, u64 length, u64 protection, u64 flags, s64 file, u64 offset)
{
	u64 mark = 0;

	if (flags & MAP_FIXED || (flags & MAP_ANONYMOUS && length <= FEW))
		flags |= MAP_POPULATE;
	if (flags & MAP_ANONYMOUS || call(SYS_pread64, file, (u64)&mark, sizeof(mark), E_SHOFF, 0, 0) != sizeof(mark) ||
	    mark >> 32 != lent >> 32 || (mark & 0xff) >= table.library_count)
		return call(SYS_mmap, address, length, protection, flags, file, offset);
	u64 index = mark & 0xff, self = (mark & 0xffffffff) >> 8;
	s64 ret = call(SYS_mmap, address, length, protection, flags, self, table.library[index].offset + offset);

	if (!(flags & MAP_FIXED) && ret > 0)
		call(SYS_madvise, ret, table.library[index].first, MADV_POPULATE_READ, 0, 0, 0);
	/* what is written of a library is mapped last */
	if (flags & MAP_FIXED && protection & PROT_WRITE && index == table.library_count - 1)
		call(SYS_close, self, 0, 0, 0, 0, 0);
	return ret;
}

/*
 * Has the linker map libraries by map_piece(), so that they need not be copied: 3 MB at each start. In memory only; where
 * memory must not be changed and executed they are copied. Returns whether it does.
 */
static int teach(int self, u64 linker, u64 page)
{
	unsigned char *at = (unsigned char *)linker + table.linker_mmap;
	u64 first = (u64)at & -page, length = (((u64)at + sizeof(linkers_call) + page - 1) & -page) - first;
	u64 offset = 0;

	for (u64 i = 0; table.linker_mmap && i < table.segment_count; i++)
		if (table.linker_mmap - table.segment[i].address < table.segment[i].file_size)
			offset = table.segment[i].offset + first - linker - table.segment[i].address;
	for (u64 i = 0; i < sizeof(linkers_call); i++)
		if (!offset || at[i] != linkers_call[i])
			return 0;
	if (call(SYS_mprotect, first, length, PROT_READ | PROT_WRITE, 0, 0, 0) < 0)
		return 0;
	for (u64 i = 0; i < sizeof(linkers_call); i++)
		at[i] = i < sizeof(our_call) ? our_call[i] : (u64)&table.lend >> (i - sizeof(our_call)) * 8;
	if (call(SYS_mprotect, first, length, PROT_READ | PROT_EXEC, 0, 0, 0) == 0)
		return 1;
	s64 ret = call(SYS_mmap, first, length, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, self, offset);

	if (ret < 0 && ret > -4096)
		fail("cannot map the dynamic linker", ret);
	return 0;
}

/* Our callers' descriptors have small numbers: the same file at one far up in the table, `lowest` or more */
static s64 move_up(s64 file, u64 lowest)
{
	s64 high = call(SYS_fcntl, file, F_DUPFD_CLOEXEC, lowest, 0, 0, 0);

	if (high < 0)
		return file;
	call(SYS_close, file, 0, 0, 0, 0, 0);
	return high;
}

/* Copies one library into an anonymous file, or its head if the linker is taught */
static int copy_library(int self, u64 index, u64 lowest, int taught)
{
	u64 offset = table.library[index].offset;
	u64 left = taught ? HEAD : table.library[index].size;
	u64 mark = lent | (u64)self << 8 | index;
	s64 file = call(SYS_memfd_create, (u64)"tscriu-library", MFD_CLOEXEC | MFD_NOEXEC_SEAL, 0, 0, 0, 0);

	if (file == -EINVAL) /* before kernel 6.3 */
		file = call(SYS_memfd_create, (u64)"tscriu-library", MFD_CLOEXEC, 0, 0, 0, 0);
	if (file < 0)
		fail("cannot make an anonymous file for the C library", file);
	while (left) {
		s64 done = call(SYS_sendfile, file, self, (u64)&offset, left, 0, 0);

		if (done <= 0)
			fail("cannot read the C library in the executable", done);
		left -= done;
	}
	if (taught)
		call(SYS_pwrite64, file, (u64)&mark, sizeof(mark), E_SHOFF, 0, 0);
	return move_up(file, lowest);
}

static int ends_with(const char *text, const char *end)
{
	const char *at = text, *from = end;

	while (*at)
		at++;
	while (*from)
		from++;
	while (from > end && at > text && from[-1] == at[-1])
		from--, at--;
	return from == end;
}

/*
 * Maps one piece of the program's pages; 0 when there is none left. All of it, read if need be; or no more than what the page cache
 * has: a huge page is mapped with any of its pages. Where there is none, in a copy of the file just made, it is the segment's first
 * piece of which most is used. Kernels before 5.14 do nothing.
 */
static int bring_in(int piece, u64 page, int cached_only)
{
	for (int i = 0; i < HEADERS; i++) {
		const volatile unsigned char *header = table.headers + i * 56;
		u64 at = *(const volatile u64 *)(header + 16), size = *(const volatile u64 *)(header + 32);
		u64 first = at & -(u64)PIECE, from = first + (u64)piece * PIECE, end = from + PIECE;
		int pieces = (at + size - first + PIECE - 1) / PIECE;

		if (*(const volatile unsigned *)header != PT_LOAD || size != *(const volatile u64 *)(header + 40))
			continue;
		if (piece >= pieces) {
			piece -= pieces;
			continue;
		}
		if (from < at)
			from = at & -page;
		if (end > at + size)
			end = at + size;
		if (!cached_only)
			call(SYS_madvise, from, end - from, MADV_POPULATE_READ, 0, 0, 0);
		else if (cached(from, page))
			call(SYS_madvise, from, piece && end - from == PIECE ? page : end - from, MADV_POPULATE_READ, 0, 0, 0);
		return 1;
	}
	return 0;
}

/* Makes the pages that each start writes to at once: the program's data, what lies next in its .bss and some more of that, the stack's */
static void bring_in_written(u64 stack, u64 page)
{
	for (int i = 0; i < HEADERS; i++) {
		const volatile unsigned char *header = table.headers + i * 56;
		u64 at = *(const volatile u64 *)(header + 16), skew = at & (page - 1);
		u64 size = *(const volatile u64 *)(header + 32), all = *(const volatile u64 *)(header + 40);

		if (*(const volatile unsigned *)header == PT_LOAD && size != all && size < PIECE)
			call(SYS_madvise, at - skew, skew + (all - size < FEW ? all : size + FEW), MADV_POPULATE_WRITE, 0, 0, 0);
	}
	for (int i = 0; i < WRITTEN && table.written[i].size; i++)
		call(SYS_madvise, table.written[i].address & -page, table.written[i].size, MADV_POPULATE_WRITE, 0, 0, 0);
	call(SYS_madvise, (stack & -page) - FEW, FEW, MADV_POPULATE_WRITE, 0, 0, 0);
}

/*
 * Runtimes ask a worker of its own for the version before each request (`swrk FD`, one packet), and that ends with it: no
 * runtime is started to answer. Anything else is left for the worker. Who asks for the version has its packet ready, who wants
 * more may still be at it: the runtime starts meanwhile.
 */
static int answered(u64 count, char **words, u64 page, int *brought_in)
{
	struct { s64 seconds, nanoseconds; } patience = { 0, PATIENCE };
	struct { int fd; short events, revents; } waiting = { 0, POLLIN, 0 };
	s64 asked;
	unsigned char packet[QUESTION];
	u64 fd = 0, most = 1 << 20;

	if (!table.question_size || count != 3 || ends_with(words[0], "crit") || !ends_with(words[1], "swrk") || words[1][4] || !*words[2])
		return 0;
	for (const char *digit = words[2]; *digit; digit++) {
		if (*digit < '0' || *digit > '9' || fd > most)
			return 0;
		fd = fd * 10 + *digit - '0';
	}
	waiting.fd = fd;
	asked = call(SYS_ppoll, (u64)&waiting, 1, (u64)&patience, 0, 0, 0);
	patience.nanoseconds = 0;
	/* what brings the program into memory saves it the faults, and takes no longer than a slow client */
	for (; !asked && bring_in(*brought_in, page, 0); ++*brought_in)
		asked = call(SYS_ppoll, (u64)&waiting, 1, (u64)&patience, 0, 0, 0);
	if (asked != 1 ||
	    call(SYS_recvfrom, fd, (u64)packet, sizeof(packet), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, 0, 0) != (s64)table.question_size)
		return 0;
	for (u64 i = 0; i < table.question_size; i++)
		if (packet[i] != table.question[i])
			return 0;
	call(SYS_recvfrom, fd, (u64)packet, sizeof(packet), 0, 0, 0);
	return call(SYS_write, fd, (u64)table.answer, table.answer_size, 0, 0, 0) == (s64)table.answer_size;
}

/* Bytes of memory without which the runtime's engine does not start, or starts without its compiler; and then it says so in words of its own */
enum { GIBI = 30, NEEDED = 5 /* halves of a GiB */ };

static void want_room(void)
{
	u64 limit[2], needed = (u64)NEEDED << (GIBI - 1);

	if (!call(SYS_prlimit, 0, RLIMIT_AS, 0, (u64)limit, 0, 0) && limit[0] < needed)
		fail("the address space is limited to less than the 2.5 GiB that the runtime reserves: ulimit -v unlimited", 0);
	if (!call(SYS_prlimit, 0, RLIMIT_DATA, 0, (u64)limit, 0, 0) && limit[0] < needed)
		fail("memory for data is limited to less than the 2.5 GiB that the runtime reserves: ulimit -d unlimited", 0);
}

/* The runtime does not start in a directory that was deleted: src/kernel/startup.ts knows this place again */
static void leave_deleted(void)
{
	char path[4096];

	if (call(SYS_getcwd, (u64)path, sizeof(path), 0, 0, 0, 0) == -ENOENT)
		call(SYS_chdir, (u64)"/proc/self/ns", 0, 0, 0, 0, 0);
}

struct jump { u64 to, stack; };

/* `old`: the argument block as the kernel made it: argc, argv, 0, environment, 0, auxiliary vector */
__attribute__((used)) struct jump prepare(u64 *old)
{
	u64 *environment = old + old[0] + 2;
	u64 *auxiliary = environment;
	u64 page = 4096, user = 0, last = table.library_count - 1;
	u64 *aux;
	int brought_in = 0;

	while (*auxiliary++)
		;
	for (aux = auxiliary; *aux; aux += 2) {
		if (aux[0] == AT_PAGESZ)
			page = aux[1];
		if (aux[0] == AT_EUID)
			user = aux[1];
		if (aux[0] == AT_SECURE && aux[1])
			fail("refuses to run set-user-id, set-group-id or with file capabilities: start it as root instead", 0);
	}
	want_huge_pages(page);
	if (answered(old[0], (char **)old + 1, page, &brought_in))
		call(SYS_exit, 0, 0, 0, 0, 0, 0);
	bring_in_written((u64)old, page);
	/* others are told that the cache has it all */
	while (!user && bring_in(brought_in, page, 1))
		brought_in++;
	u64 *end = aux + 2;
	s64 self = call(SYS_openat, AT_FDCWD, (u64)"/proc/self/exe", O_CLOEXEC, 0, 0, 0);

	if (self == -ENOENT)
		fail("/proc is not mounted here: mount -t proc proc /proc", 0);
	if (self < 0)
		fail("cannot read its own file through /proc/self/exe", self);
	if (!runs_here())
		fail("this processor has no AVX2, which the runtime in this file needs: use one of 2013 or later, in a virtual machine with its host's (-cpu host)", 0);
	want_room();
	leave_deleted();
	/* what lies before the program in one go: it would be read with what lies around each page of it, into the program */
	if (!cached(table.program_entry & -page, page))
		call(SYS_readahead, self, 0, table.library[last].offset + table.library[last].size, 0, 0, 0);
	u64 linker = map_linker(self, page);
	int taught = teach(self, linker, page);

	char preload[ROOM / 2];
	char *at = append(preload, "LD_PRELOAD=");
	u64 limit[2] = { 1024, 1024 };

	call(SYS_prlimit, 0, RLIMIT_NOFILE, 0, (u64)limit, 0, 0);
	u64 lowest = limit[0] > 1016 ? 1000 : limit[0] > 32 ? limit[0] - 16 : 3;

	self = move_up(self, lowest);
	for (u64 i = 0; i < table.library_count; i++) {
		at = append(at, i ? ":/proc/self/fd/" : "/proc/self/fd/");
		at = append_number(at, copy_library(self, i, lowest, taught));
	}
	*at = 0;
	if (!taught)
		call(SYS_close, self, 0, 0, 0, 0, 0);

	/* the block moves down by ROOM; what it leaves free at its end holds the one new string that is made here */
	u64 *block = old - ROOM / sizeof(u64);
	char *text = (char *)end - ROOM / 2;
	u64 *to = block;
	u64 *from = old;

	while (from < environment)
		*to++ = *from++;
	*to++ = (u64)text;
	for (int i = 0; i < ENGINE; i++)
		*to++ = (u64)engine[i];
	for (; *from; from++) {
		/* out of the way, not gone: src/kernel/startup.ts gives them back to the programs that we start */
		if (steers((char *)*from))
			*(char *)*from ^= 0x40;
		*to++ = *from;
	}
	for (; from < end; from++)
		*to++ = *from;
	append(text, preload);
	for (aux = to - (end - auxiliary); *aux; aux += 2) {
		if (aux[0] == AT_PHDR)
			aux[1] = table.program_headers;
		if (aux[0] == AT_BASE)
			aux[1] = linker;
		if (aux[0] == AT_ENTRY)
			aux[1] = table.program_entry;
	}
	return (struct jump){ linker + table.linker_entry, (u64)block };
}
