/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host/host_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/bytes.h"
#include "common/base/scope.h"

const struct hvp_host_roots hvp_host_roots_default = {
	.proc = "/proc",
	.sys = "/sys",
	.debugfs = "/sys/kernel/debug",
	.tracefs = "/sys/kernel/tracing",
	.run = "/run",
	.dev = "/dev",
};

/* Files of /proc have no size beforehand: reads until the end. */
static struct hvp_error *read_all(int fd, const char *path, size_t max, struct hvp_buf *buf)
{
	for (;;) {
		ssize_t n;

		if (!hvp_buf_reserve(buf, 16384))
			return hvp_error_no_memory;
		n = read(fd, buf->data + buf->size, buf->capacity - buf->size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hvp_error_from_errno(errno, "%s: cannot read", path);
		if (n == 0)
			return NULL;
		buf->size += (size_t)n;
		if (buf->size > max)
			return hvp_error_create(HVP_ERROR_UNSUPPORTED,
						"%s: larger than the limit of %zu bytes", path,
						max);
	}
}

struct hvp_error *hvp_file_read_fd(int fd, const char *path, size_t max, char **ret,
				   size_t *ret_size)
{
	hvp_scope(hvp_buf_deinit) struct hvp_buf buf = {0};

	hvp_try(read_all(fd, path, max, &buf));
	buf.data[buf.size] = 0;
	if (ret_size)
		*ret_size = buf.size;
	*ret = (char *)hvp_take(buf.data);
	return NULL;
}

struct hvp_error *hvp_file_read(const char *path, size_t max, char **ret, size_t *ret_size)
{
	hvp_scope(hvp_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return hvp_error_from_errno(errno, "%s: cannot open", path);
	return hvp_file_read_fd(fd, path, max, ret, ret_size);
}

int hvp_file_open_regular(int dir_fd, const char *path, int flags, struct stat *ret)
{
	hvp_scope(hvp_close_fd) int place = openat(dir_fd, path, O_PATH | O_CLOEXEC | flags);
	char again[64];

	if (place < 0 || fstat(place, ret) || !S_ISREG(ret->st_mode))
		return -1;
	/* The very file that was looked at, whatever has its name by now. */
	snprintf(again, sizeof(again), "/proc/self/fd/%d", place);
	return open(again, O_RDONLY | O_CLOEXEC);
}

long hvp_file_read_small(int dir_fd, const char *path, char *buf, size_t size)
{
	hvp_scope(hvp_close_fd) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -1;
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = 0;
	return n;
}

bool hvp_file_read_i64(const char *path, int64_t *ret)
{
	char text[32], *end;
	long long value;

	if (hvp_file_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text)
		return false;
	*ret = value;
	return true;
}

bool hvp_file_read_u64(const char *path, uint64_t *ret)
{
	int64_t value;

	if (!hvp_file_read_i64(path, &value) || value < 0)
		return false;
	*ret = (uint64_t)value;
	return true;
}

bool hvp_parse_u64(const char *text, uint64_t max, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value > max)
		return false;
	*ret = value;
	return true;
}

static int compare_cpus(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void sort_cpus(struct hvp_cpu_list *list)
{
	size_t kept = 0;

	if (!list->num)
		return;
	qsort(list->cpus, list->num, sizeof(*list->cpus), compare_cpus);
	for (size_t i = 0; i < list->num; i++)
		if (!kept || list->cpus[kept - 1] != list->cpus[i])
			list->cpus[kept++] = list->cpus[i];
	list->num = kept;
}

/* One "N" or "N-M" at *at, which moves behind it. */
static bool parse_range(const char **at, uint32_t *ret_first, uint32_t *ret_last)
{
	unsigned long first, last;
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	first = last = strtoul(*at, &end, 10);
	if (*end == '-') {
		*at = end + 1;
		if (**at < '0' || **at > '9')
			return false;
		last = strtoul(*at, &end, 10);
	}
	if (first > last || last >= HVP_MAX_CPUS)
		return false;
	*at = end;
	*ret_first = (uint32_t)first;
	*ret_last = (uint32_t)last;
	return true;
}

struct hvp_error *hvp_cpu_list_parse(const char *text, struct hvp_cpu_list *ret)
{
	hvp_scope(hvp_cpu_list_deinit) struct hvp_cpu_list list = {0};
	const char *at = text;
	uint32_t first, last;

	while (*at) {
		uint32_t *more;

		if (!parse_range(&at, &first, &last) || (*at && *at != ','))
			return hvp_error_create(HVP_ERROR_USAGE,
						"\"%s\" is no list of numbers such as 0-3,7", text);
		/* "0-65535,0-65535,...": the list may be longer than the set it describes. */
		if (list.num > HVP_MAX_CPUS)
			sort_cpus(&list);
		more = realloc(list.cpus, (list.num + last - first + 1) * sizeof(*more));
		if (!more)
			return hvp_error_no_memory;
		list.cpus = more;
		for (uint32_t cpu = first; cpu <= last; cpu++)
			list.cpus[list.num++] = cpu;
		if (*at)
			at++;
	}
	sort_cpus(&list);
	*ret = list;
	list.cpus = NULL;
	return NULL;
}

struct hvp_error *hvp_cpu_list_read(const struct hvp_host_roots *roots, const char *name,
				    struct hvp_cpu_list *ret)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	char text[4096];

	if (asprintf(&path, "%s/devices/system/cpu/%s", roots->sys, name) < 0)
		return hvp_error_no_memory;
	if (hvp_file_read_small(AT_FDCWD, path, text, sizeof(text)) < 0)
		return hvp_error_from_errno(errno, "%s: cannot read", path);
	return hvp_cpu_list_parse(text, ret);
}

bool hvp_cpu_list_has(const struct hvp_cpu_list *list, uint32_t cpu)
{
	return list->num && bsearch(&cpu, list->cpus, list->num, sizeof(cpu), compare_cpus) != NULL;
}

void hvp_cpu_list_deinit(struct hvp_cpu_list *list)
{
	free(list->cpus);
	*list = (struct hvp_cpu_list){0};
}

uint64_t hvp_clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
