/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/bytes.h"
#include "daemon/host/kallsyms_cache.h"
#include "daemon/host/kernel_maps.h"

struct hvp_error *hvp_kernel_seen_init(struct hvp_kernel_seen *seen)
{
	size_t size = HVP_KERNEL_SEEN_PAGES * sizeof(*seen->pages);
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED)
		return hvp_error_from_errno(errno, "mapping %zu bytes", size);
	seen->pages = pages;
	return NULL;
}

void hvp_kernel_seen_deinit(struct hvp_kernel_seen *seen)
{
	if (seen->pages)
		munmap(seen->pages, HVP_KERNEL_SEEN_PAGES * sizeof(*seen->pages));
	seen->pages = NULL;
}

bool hvp_kernel_seen_any(const struct hvp_kernel_seen *seen, uint64_t begin, uint64_t end)
{
	if (begin < HVP_KERNEL_SEEN_BASE || begin >= end)
		return false;
	/* In pieces of 64 bytes: the last is the one that the last byte is in. */
	begin = (begin - HVP_KERNEL_SEEN_BASE) >> 6;
	end = (end - 1 - HVP_KERNEL_SEEN_BASE) >> 6;
	while (begin <= end) {
		uint64_t page = begin >> 6, first = begin & 63;
		uint64_t last = end >> 6 == page ? end & 63 : 63;
		uint64_t mask = (UINT64_MAX >> (63 - (last - first))) << first;

		if (seen->pages[page] & mask)
			return true;
		begin = (page + 1) << 6;
	}
	return false;
}

uint64_t hvp_kernel_seen_next(const struct hvp_kernel_seen *seen, uint64_t begin, uint64_t end)
{
	uint64_t mask;

	if (begin < HVP_KERNEL_SEEN_BASE)
		begin = HVP_KERNEL_SEEN_BASE;
	mask = UINT64_MAX << (begin >> 6 & 63);
	for (uint64_t at = begin & ~4095ull; at >= HVP_KERNEL_SEEN_BASE && at < end; at += 4096) {
		uint64_t pieces = seen->pages[(at - HVP_KERNEL_SEEN_BASE) >> 12] & mask;

		if (pieces) {
			at += (uint64_t)__builtin_ctzll(pieces) << 6;
			return at < end ? at : end;
		}
		mask = UINT64_MAX;
	}
	return end;
}

/* What is kept of kallsyms while it streams past. */
struct filter {
	const struct hvp_kernel_seen *seen;
	struct hvp_buf out;
	/*
	 * The lines of the last function, one for each of its names, which are kept or dropped when
	 * the next one tells where it ends.
	 */
	char lines[4096];
	size_t lines_size;
	uint64_t address;
	bool is_module;
	/* The last line was kept: this one bounds it. */
	bool keeps_next;
};

static void filter_deinit(struct filter *filter)
{
	hvp_buf_deinit(&filter->out);
}

/* Where the kernel's text begins and ends, and that of its start: idle tasks were called there. */
static bool is_anchor(const char *name)
{
	static const char *const anchors[] = {"_text\n", "_stext\n", "_etext\n", "_sinittext\n",
					      "_einittext\n"};

	if (name[0] != '_')
		return false;
	for (size_t i = 0; i < sizeof(anchors) / sizeof(anchors[0]); i++) {
		if (!strncmp(name, anchors[i], strlen(anchors[i])))
			return true;
	}
	return false;
}

/* Decides on the line that waits, now that the next function's address is known. */
static void decide(struct filter *filter, uint64_t next_address, bool next_is_module)
{
	/*
	 * Modules are not in the order of their addresses: one that goes back ends somewhere in its
	 * page.
	 */
	uint64_t end = next_address;
	bool is_seen;

	if (!filter->lines_size)
		return;
	if (end <= filter->address || end - filter->address > 1 << 20 ||
	    next_is_module != filter->is_module)
		end = filter->address + 4096;
	is_seen = hvp_kernel_seen_any(filter->seen, filter->address, end) ||
		  is_anchor(filter->lines + 19);
	if (is_seen || filter->keeps_next)
		hvp_buf_add_bytes(&filter->out, filter->lines, filter->lines_size);
	filter->keeps_next = is_seen;
	filter->lines_size = 0;
}

/* "ffffffff81000000 T _text\n" of a function. Aliases of one address stand or fall together. */
static void take_line(struct filter *filter, const char *line, size_t size)
{
	uint64_t address = hvp_kallsyms_text_address(line);
	bool is_module = line[size - 2] == ']';

	if (filter->lines_size && address == filter->address) {
		if (size > sizeof(filter->lines) - filter->lines_size)
			return;
		memcpy(filter->lines + filter->lines_size, line, size);
		filter->lines_size += size;
		return;
	}
	if (size > sizeof(filter->lines))
		return;
	decide(filter, address, is_module);
	memcpy(filter->lines, line, size);
	filter->lines_size = size;
	filter->address = address;
	filter->is_module = is_module;
}

static const char *begin_of_line(const char *floor, const char *at)
{
	const char *newline = memrchr(floor, '\n', (size_t)(at - floor));

	return newline ? newline + 1 : floor;
}

/*
 * The first line of the function that `address` is in, from the line `at` on, which is not above
 * it. All lines up to `end` are in order of address.
 */
static const char *find_function(const char *at, const char *end, uint64_t address)
{
	const char *floor = at;
	uint64_t begin;

	/* The next one that is wanted is mostly near. */
	for (size_t step = 1024; step < (size_t)(end - at); step *= 2) {
		const char *probe = begin_of_line(at, at + step);

		if (hvp_kallsyms_text_address(probe) > address) {
			end = probe;
			break;
		}
		at = probe;
	}
	/* The last line that is not above the address is in [at, end). */
	for (;;) {
		const char *middle = begin_of_line(at, at + (end - at) / 2);

		if (middle == at)
			middle = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		if (middle == end)
			break;
		if (hvp_kallsyms_text_address(middle) > address)
			end = middle;
		else
			at = middle;
	}
	begin = hvp_kallsyms_text_address(at);
	while (at > floor) {
		const char *before = begin_of_line(floor, at - 1);

		if (hvp_kallsyms_text_address(before) != begin)
			break;
		at = before;
	}
	return at;
}

/*
 * From the line `at` on to the next one that may be kept: there are many, and few were seen. Behind
 * one that is kept the next is kept, too.
 */
static const char *skip_unseen(const struct filter *filter, const char *at, const char *end)
{
	uint64_t last = hvp_kallsyms_text_address(begin_of_line(at, end - 1));
	uint64_t address = hvp_kallsyms_text_address(at), next;

	if (!filter->lines_size || filter->address == address || is_anchor(filter->lines + 19))
		return at;
	next = hvp_kernel_seen_next(filter->seen, filter->address & ~63ull, last);
	return next >= address ? find_function(at, end, next) : at;
}

static struct hvp_error *keep_seen(const struct hvp_kallsyms_text *symbols, struct filter *filter)
{
	const char *at = symbols->text, *end = at + symbols->size, *newline;
	const char *sorted_end = at + symbols->sorted_size;

	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		take_line(filter, at, (size_t)(newline + 1 - at));
		at = newline + 1;
		if (at < sorted_end)
			at = skip_unseen(filter, at, sorted_end);
	}
	decide(filter, UINT64_MAX, false);
	return hvp_buf_check(&filter->out);
}

/* A kernel without kallsyms (CONFIG_KALLSYMS) is sampled all the same. Consumes `why`. */
static struct hvp_error *note_no_symbols(struct hvp_error *why, const struct hvp_sink *sink)
{
	const struct hvp_record note = {
		.type = HVP_RECORD_NOTE, .time = hvp_clock_now(), .note = {hvp_error_message(why)}};
	struct hvp_error *err;

	if (hvp_error_code(why) != HVP_ERROR_OS)
		return why;
	err = sink->record(sink->arg, &note);
	hvp_error_destroy(why);
	return err;
}

struct hvp_error *hvp_kernel_symbols_emit(const struct hvp_host_roots *roots, const char *cache,
					  const struct hvp_kernel_seen *seen,
					  const struct hvp_sink *sink)
{
	hvp_scope(filter_deinit) struct filter filter = {.seen = seen};
	hvp_scope(hvp_kallsyms_text_deinit) struct hvp_kallsyms_text symbols = {0};
	struct hvp_record blob = {.type = HVP_RECORD_BLOB,
				  .time = hvp_clock_now(),
				  .blob = {.kind = HVP_BLOB_KALLSYMS, .path = "/proc/kallsyms"}};
	struct hvp_error *err;

	err = hvp_kallsyms_read(roots, cache, &symbols);
	if (err)
		return note_no_symbols(err, sink);
	blob.blob.data = (const uint8_t *)symbols.text;
	blob.blob.size = symbols.size;
	/* All addresses hidden: hvp_kernel_maps_emit() has said so. */
	if (!blob.blob.size)
		return NULL;
	if (seen) {
		hvp_try(keep_seen(&symbols, &filter));
		blob.blob.data = filter.out.data;
		blob.blob.size = filter.out.size;
	}
	return blob.blob.size ? sink->record(sink->arg, &blob) : NULL;
}
