/* Sets of images as a CRIU reads them that is older than the one whose images we write. */
#ifndef OLD_CRIU_H
#define OLD_CRIU_H
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t varint(unsigned char **at)
{
	uint64_t value = 0;

	for (int shift = 0;; shift += 7) {
		unsigned char byte = *(*at)++;

		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return value;
	}
}

static unsigned char *put(unsigned char *at, int key, uint64_t value)
{
	*at++ = key << 3;
	for (; value > 127; value >>= 7)
		*at++ = value | 128;
	*at++ = value;
	return at;
}

/* CRIU before 4.1 knows the number of pages of a pagemap's entry by its old field alone */
static void for_old_criu(const char *images, const char *name)
{
	static unsigned char old[1 << 20], fresh[1 << 20];
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", images, name);
	int fd = open(path, O_RDWR);
	ssize_t size = read(fd, old, sizeof(old));
	uint32_t length;

	/* two magic numbers, and the head */
	memcpy(&length, old + 8, 4);
	size_t head = 8 + 4 + length;
	unsigned char *from = old + head, *to = fresh + head;

	memcpy(fresh, old, head);
	while (from < old + size) {
		uint64_t field[6] = { 0 };

		memcpy(&length, from, 4);
		from += 4;
		for (unsigned char *end = from + length; from < end;) {
			uint64_t key = varint(&from);

			field[(key >> 3) % 6] = varint(&from);
		}
		unsigned char *start = to + 4;

		to = put(put(put(start, 1, field[1]), 2, field[5]), 4, field[4]);
		length = to - start;
		memcpy(start - 4, &length, 4);
	}
	if (ftruncate(fd, 0) || pwrite(fd, fresh, to - fresh, 0) != to - fresh)
		printf("cannot rewrite %s\n", path);
	close(fd);
}

/* All of a set */
static void each_pagemap(const char *images)
{
	DIR *dir = opendir(images);

	for (struct dirent *one; dir && (one = readdir(dir));)
		if (!strncmp(one->d_name, "pagemap-", 8))
			for_old_criu(images, one->d_name);
	if (dir)
		closedir(dir);
}
#endif
