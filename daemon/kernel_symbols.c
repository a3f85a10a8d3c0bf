/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/bytes.h"
#include "daemon/kernel_maps.h"

/* Bytes of /proc/kallsyms for one read; a line is far shorter. */
#define PIECE 65536

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
	/* The last function's line, which is kept or dropped when the next one tells where it ends. */
	char line[512];
	size_t line_size;
	uint64_t address;
	bool is_module;
	/* The last line was kept: this one bounds it. */
	bool keeps_next;
	bool has_addresses;
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
	/* Modules are not in the order of their addresses: one that goes back ends somewhere in its page. */
	uint64_t end = next_address;
	bool is_seen;

	if (!filter->line_size)
		return;
	if (end <= filter->address || end - filter->address > 1 << 20 ||
	    next_is_module != filter->is_module)
		end = filter->address + 4096;
	is_seen = !filter->seen || hvp_kernel_seen_any(filter->seen, filter->address, end) ||
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

/* "ffffffff81000000 T _text\n"; functions only. Aliases of one address stand or fall together with the last. */
static void take_line(struct filter *filter, const char *line, size_t size)
{
	uint64_t address;
	bool is_module;
	char type;

	if (size < 20 || size > sizeof(filter->line) || line[16] != ' ' || line[18] != ' ')
		return;
	type = line[17] | 0x20;
	if (type != 't' && type != 'w')
		return;
	/* The padding before a function (CONFIG_FUNCTION_PADDING_BYTES) is never run. */
	if (!strncmp(line + 19, "__pfx_", 6))
		return;
	address = parse_address(line);
	if (!address)
		return;
	filter->has_addresses = true;
	is_module = line[size - 2] == ']';
	if (address == filter->address && filter->line_size) {
		/* The same place under another name: both, if any. */
		if (!filter->seen || is_anchor(line + 19) ||
		    hvp_kernel_seen_any(filter->seen, address, address + 64))
			hvp_buf_add_bytes(&filter->out, line, size);
		return;
	}
	decide(filter, address, is_module);
	memcpy(filter->line, line, size);
	filter->line_size = size;
	filter->address = address;
	filter->is_module = is_module;
}

static struct hvp_error *read_symbols(const char *path, struct filter *filter)
{
	hvp_scope(hvp_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	hvp_scope(hvp_free_ptr) char *piece = malloc(PIECE);
	size_t kept = 0;

	if (!piece)
		return hvp_error_no_memory;
	if (fd < 0)
		return hvp_error_from_errno(errno, "%s: cannot open", path);
	for (;;) {
		ssize_t n = read(fd, piece + kept, PIECE - kept);
		char *at = piece, *end, *newline;

		if (n < 0)
			return hvp_error_from_errno(errno, "%s: cannot read", path);
		if (n == 0)
			break;
		end = piece + kept + n;
		while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
			take_line(filter, at, (size_t)(newline + 1 - at));
			at = newline + 1;
		}
		kept = (size_t)(end - at);
		/* No line is as long as a piece: such a file is none of the kernel's. */
		if (kept == PIECE)
			kept = 0;
		memmove(piece, at, kept);
	}
	decide(filter, UINT64_MAX, false);
	return hvp_buf_check(&filter->out);
}

struct hvp_error *hvp_kernel_symbols_emit(const struct hvp_host_roots *roots,
					  const struct hvp_kernel_seen *seen,
					  const struct hvp_sink *sink)
{
	hvp_scope(filter_deinit) struct filter filter = {.seen = seen};
	hvp_scope(hvp_free_ptr) char *path = NULL;
	struct hvp_record blob = {.type = HVP_RECORD_BLOB,
				  .time = hvp_clock_now(),
				  .blob = {.kind = HVP_BLOB_KALLSYMS, .path = "/proc/kallsyms"}};

	if (asprintf(&path, "%s/kallsyms", roots->proc) < 0)
		return hvp_error_no_memory;
	hvp_try(read_symbols(path, &filter));
	/* All addresses hidden: hvp_kernel_maps_emit() has said so. */
	if (!filter.has_addresses)
		return NULL;
	blob.blob.data = filter.out.data;
	blob.blob.size = filter.out.size;
	return filter.out.size ? sink->record(sink->arg, &blob) : NULL;
}
