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

/* What is kept of kallsyms while it streams past. */
struct filter {
	const struct hvp_kernel_seen *seen;
	struct hvp_buf out;
	/*
	 * The last function's line, which is kept or dropped when the next one tells where it ends.
	 */
	char line[512];
	size_t line_size;
	uint64_t address;
	bool is_module;
	/* The last line was kept: this one bounds it. */
	bool keeps_next;
};

static void filter_deinit(struct filter *filter)
{
	hvp_buf_deinit(&filter->out);
}

static bool is_anchor(const char *name)
{
	return !strncmp(name, "_text\n", 6) || !strncmp(name, "_stext\n", 7) ||
	       !strncmp(name, "_etext\n", 7);
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

	if (!filter->line_size)
		return;
	if (end <= filter->address || end - filter->address > 1 << 20 ||
	    next_is_module != filter->is_module)
		end = filter->address + 4096;
	is_seen = hvp_kernel_seen_any(filter->seen, filter->address, end) ||
		  is_anchor(filter->line + 19);
	if (is_seen || filter->keeps_next)
		hvp_buf_add_bytes(&filter->out, filter->line, filter->line_size);
	filter->keeps_next = is_seen;
	filter->line_size = 0;
}

static uint64_t parse_address(const char *text)
{
	uint64_t value = 0;

	for (int i = 0; i < 16; i++) {
		unsigned char c = (unsigned char)text[i];

		value = value << 4 | (uint64_t)((c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10) & 15);
	}
	return value;
}

/* "ffffffff81000000 T _text\n" of a function. Aliases of one address stand or fall together. */
static void take_line(struct filter *filter, const char *line, size_t size)
{
	uint64_t address = parse_address(line);
	bool is_module = line[size - 2] == ']';

	if (size > sizeof(filter->line))
		return;
	if (address == filter->address && filter->line_size) {
		/* The same place under another name: both, if any. */
		if (hvp_kernel_seen_any(filter->seen, address, address + 64))
			hvp_buf_add_bytes(&filter->out, line, size);
		return;
	}
	decide(filter, address, is_module);
	memcpy(filter->line, line, size);
	filter->line_size = size;
	filter->address = address;
	filter->is_module = is_module;
}

static struct hvp_error *keep_seen(const char *text, struct filter *filter)
{
	const char *newline;

	for (; (newline = strchr(text, '\n')); text = newline + 1)
		take_line(filter, text, (size_t)(newline + 1 - text));
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
	hvp_scope(hvp_free_ptr) char *text = NULL;
	struct hvp_record blob = {.type = HVP_RECORD_BLOB,
				  .time = hvp_clock_now(),
				  .blob = {.kind = HVP_BLOB_KALLSYMS, .path = "/proc/kallsyms"}};
	struct hvp_error *err;

	err = hvp_kallsyms_read(roots, cache, &text, &blob.blob.size);
	if (err)
		return note_no_symbols(err, sink);
	blob.blob.data = (const uint8_t *)text;
	/* All addresses hidden: hvp_kernel_maps_emit() has said so. */
	if (!blob.blob.size)
		return NULL;
	if (seen) {
		hvp_try(keep_seen(text, &filter));
		blob.blob.data = filter.out.data;
		blob.blob.size = filter.out.size;
	}
	return blob.blob.size ? sink->record(sink->arg, &blob) : NULL;
}
