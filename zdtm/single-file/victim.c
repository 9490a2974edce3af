/*
 * The victim of the machines that hold nothing: static, no descriptor but one. It counts in its own memory and writes the
 * count to the file it is given, so the count only goes on where it was when memory, descriptor and position came back.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec pause = { .tv_nsec = 5000000 };
	volatile unsigned long count = 0;

	if (argc != 2)
		return 2;
	for (int fd = 0; fd < 256; fd++)
		close(fd);
	int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (file < 0)
		return 3;
	for (;;) {
		unsigned long now = ++count;

		if (pwrite(file, &now, sizeof(now), 0) != sizeof(now))
			return 4;
		nanosleep(&pause, 0);
	}
}
