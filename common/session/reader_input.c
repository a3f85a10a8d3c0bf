/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all loaders stand on: the file's bytes, what they may cost, and numbers without a gap. */
#include <errno.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/session/reader_internal.h"

struct hvp_error *hvp_session_pread(const struct hvp_session *session, uint64_t offset, void *data,
				    size_t size)
{
	uint8_t *at = data;

	while (size) {
		ssize_t n = pread(session->fd, at, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hvp_error_from_errno(errno, "%s: cannot read at offset 0x%llx",
						    session->path, (unsigned long long)offset);
		if (!n)
			return hvp_error_at(HVP_ERROR_TRUNCATED, session->path, offset,
					    "%zu more bytes expected: the file is cut short", size);
		at += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return NULL;
}

struct hvp_error *hvp_session_charge(struct hvp_session *session, const struct hvp_reader *reader,
				     uint64_t size)
{
	if (size > session->memory_left)
		return hvp_reader_error(reader,
					"this chunk claims more than a file of %llu bytes "
					"can hold",
					(unsigned long long)session->num_bytes);
	session->memory_left -= size;
	return NULL;
}

struct hvp_error *hvp_ranges_add(struct hvp_ranges *ranges, uint64_t first, uint64_t num,
				 size_t base, bool *ret_is_above)
{
	struct hvp_range *last = ranges->num ? &ranges->ranges[ranges->num - 1] : NULL;

	*ret_is_above = !last || first - last->first >= last->num;
	*ret_is_above =
		*ret_is_above && (!last || first > last->first) && first <= UINT64_MAX - num;
	if (!*ret_is_above)
		return NULL;
	if (last && first == last->first + last->num && base == last->base + last->num) {
		last->num += num;
		return NULL;
	}
	hvp_try(hvp_array_reserve(&ranges->ranges, &ranges->capacity, ranges->num + 1,
				  sizeof(*ranges->ranges)));
	ranges->ranges[ranges->num++] =
		(struct hvp_range){.first = first, .num = num, .base = base};
	return NULL;
}

void hvp_ranges_cut(struct hvp_ranges *ranges, uint64_t num)
{
	struct hvp_range *last = &ranges->ranges[ranges->num - 1];

	last->num -= num;
	if (!last->num)
		ranges->num--;
}

size_t hvp_ranges_find(const struct hvp_ranges *ranges, uint64_t number)
{
	size_t begin = 0, end = ranges->num;

	/* The last range that begins at or before the number. */
	while (begin < end) {
		size_t middle = begin + (end - begin) / 2;

		if (ranges->ranges[middle].first <= number)
			begin = middle + 1;
		else
			end = middle;
	}
	if (!begin || number - ranges->ranges[begin - 1].first >= ranges->ranges[begin - 1].num)
		return SIZE_MAX;
	return ranges->ranges[begin - 1].base + (size_t)(number - ranges->ranges[begin - 1].first);
}
