/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .gnu_debugdata: a symbol table compressed with xz (GDB manual, "MiniDebugInfo"). */
#include <lzma.h>
#include <string.h>

#include "symbolizer/elf/elf_internal.h"

/* A bomb of zeros must not take the machine's memory. */
#define MAX_UNPACKED ((size_t)256 << 20)
#define MAX_DECODER_MEMORY ((uint64_t)128 << 20)

struct hvp_error *hvp_xz_unpack(const char *name, const uint8_t *data, size_t size,
				struct hvp_file *file)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t capacity = size < MAX_UNPACKED / 8 ? size * 8 + 4096 : MAX_UNPACKED;
	lzma_ret status = lzma_stream_decoder(&stream, MAX_DECODER_MEMORY, 0);

	stream.next_in = data;
	stream.avail_in = size;
	while (status == LZMA_OK) {
		uint8_t *grown = realloc(file->data, capacity);

		if (!grown) {
			lzma_end(&stream);
			return hvp_error_no_memory;
		}
		file->data = grown;
		stream.next_out = grown + stream.total_out;
		stream.avail_out = capacity - (size_t)stream.total_out;
		status = lzma_code(&stream, LZMA_FINISH);
		if (stream.avail_out)
			continue;
		if (capacity >= MAX_UNPACKED)
			break;
		capacity = capacity * 2 < MAX_UNPACKED ? capacity * 2 : MAX_UNPACKED;
	}
	file->size = (size_t)stream.total_out;
	lzma_end(&stream);
	if (status != LZMA_STREAM_END)
		return hvp_error_create(HVP_ERROR_FORMAT,
					"%s: xz data cannot be unpacked (status %d)", name,
					(int)status);
	return NULL;
}

struct hvp_error *hvp_elf_open_mini(struct hvp_elf *elf)
{
	struct hvp_file file = {0};
	struct hvp_error *err;
	const uint8_t *data;
	size_t size;

	if (elf->mini || !hvp_elf_section(elf, ".gnu_debugdata", &data, &size))
		return NULL;
	err = hvp_xz_unpack(elf->file.path, data, size, &file);
	if (!err && asprintf(&file.path, "%s (.gnu_debugdata)", elf->file.path) < 0) {
		file.path = NULL;
		err = hvp_error_no_memory;
	}
	if (err) {
		hvp_file_deinit(&file);
		return err;
	}
	return hvp_elf_create(&file, &elf->mini);
}
