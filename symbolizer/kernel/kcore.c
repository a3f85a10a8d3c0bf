/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/kernel/kcore.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/base/scope.h"

/* One for each stretch of memory, of vmalloc and of modules. */
#define MAX_SEGMENTS 65535u
/* Offsets in an ELF64 header and in a program header. */
#define HEADER_TYPE 16
#define HEADER_PHOFF 32
#define HEADER_PHENTSIZE 54
#define SEGMENT_SIZE 56u

static struct hvp_error *read_at(const struct hvp_kcore *kcore, uint64_t offset, size_t size,
				 uint8_t *ret)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(kcore->fd, ret + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hvp_error_from_errno(errno, "cannot read %s at offset %" PRIu64,
						    kcore->path, offset + done);
		if (!n)
			return hvp_error_create(HVP_ERROR_TRUNCATED, "%s ends at offset %" PRIu64,
						kcore->path, offset + done);
		done += (size_t)n;
	}
	return NULL;
}

static struct hvp_error *read_segment(struct hvp_kcore *kcore, struct hvp_reader *reader)
{
	struct hvp_kcore_segment segment;
	uint64_t unused;
	uint32_t type, flags;

	hvp_try(hvp_read_u32(reader, &type));
	hvp_try(hvp_read_u32(reader, &flags));
	hvp_try(hvp_read_u64(reader, &segment.offset));
	hvp_try(hvp_read_u64(reader, &segment.address));
	hvp_try(hvp_read_u64(reader, &unused));
	hvp_try(hvp_read_u64(reader, &segment.size));
	hvp_try(hvp_read_u64(reader, &unused));
	hvp_try(hvp_read_u64(reader, &unused));
	if (type == PT_LOAD && segment.offset <= INT64_MAX &&
	    segment.size <= INT64_MAX - segment.offset)
		kcore->segments[kcore->num_segments++] = segment;
	return NULL;
}

static struct hvp_error *read_header(const struct hvp_kcore *kcore, uint64_t *ret_offset,
				     uint16_t *ret_num)
{
	uint8_t header[sizeof(Elf64_Ehdr)];
	struct hvp_reader reader;
	uint16_t type, entry_size;

	hvp_try(read_at(kcore, 0, sizeof(header), header));
	hvp_reader_init(&reader, kcore->path, header + HEADER_TYPE, sizeof(header) - HEADER_TYPE,
			HEADER_TYPE);
	hvp_try(hvp_read_u16(&reader, &type));
	reader.at = header + HEADER_PHOFF;
	hvp_try(hvp_read_u64(&reader, ret_offset));
	reader.at = header + HEADER_PHENTSIZE;
	hvp_try(hvp_read_u16(&reader, &entry_size));
	hvp_try(hvp_read_u16(&reader, ret_num));
	if (memcmp(header, ELFMAG, SELFMAG) || header[EI_CLASS] != ELFCLASS64 ||
	    header[EI_DATA] != ELFDATA2LSB || type != ET_CORE || entry_size != SEGMENT_SIZE ||
	    *ret_offset > INT64_MAX)
		return hvp_error_create(HVP_ERROR_FORMAT, "%s is no core file of 64 bits",
					kcore->path);
	return NULL;
}

static struct hvp_error *read_segments(struct hvp_kcore *kcore)
{
	hvp_scope(hvp_free_ptr) uint8_t *table = NULL;
	struct hvp_reader reader;
	uint64_t offset;
	uint16_t num;

	hvp_try(read_header(kcore, &offset, &num));
	table = malloc((size_t)num * SEGMENT_SIZE + 1);
	kcore->segments = calloc((size_t)num + 1, sizeof(*kcore->segments));
	if (!table || !kcore->segments)
		return hvp_error_no_memory;
	hvp_try(read_at(kcore, offset, (size_t)num * SEGMENT_SIZE, table));
	hvp_reader_init(&reader, kcore->path, table, (size_t)num * SEGMENT_SIZE, offset);
	for (uint16_t i = 0; i < num; i++)
		hvp_try(read_segment(kcore, &reader));
	return NULL;
}

struct hvp_error *hvp_kcore_open(const char *path, struct hvp_kcore *ret)
{
	struct hvp_error *err;

	*ret = (struct hvp_kcore){.fd = -1, .path = strdup(path)};
	if (!ret->path)
		return hvp_error_no_memory;
	err = hvp_open_below(NULL, path, &ret->fd);
	if (err && (hvp_error_errno(err) == EACCES || hvp_error_errno(err) == EPERM))
		err = hvp_error_wrap(err, "only root may read the running kernel's code");
	if (!err)
		err = read_segments(ret);
	if (err)
		hvp_kcore_close(ret);
	return err;
}

void hvp_kcore_close(struct hvp_kcore *kcore)
{
	if (kcore->fd >= 0)
		close(kcore->fd);
	free(kcore->segments);
	free(kcore->path);
	*kcore = (struct hvp_kcore){.fd = -1};
}

struct hvp_error *hvp_kcore_read(const struct hvp_kcore *kcore, uint64_t address, size_t size,
				 uint8_t *ret)
{
	for (size_t i = 0; i < kcore->num_segments; i++) {
		const struct hvp_kcore_segment *segment = &kcore->segments[i];
		uint64_t skip = address - segment->address;

		if (address < segment->address || skip >= segment->size ||
		    size > segment->size - skip)
			continue;
		return read_at(kcore, segment->offset + skip, size, ret);
	}
	return hvp_error_create(HVP_ERROR_NOT_FOUND, "%s has nothing at 0x%" PRIx64 "..0x%" PRIx64,
				kcore->path, address, address + size);
}
