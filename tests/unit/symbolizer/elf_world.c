/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf_world.h"

#include <elf.h>
#include <inttypes.h>

#include "tests/unit/check.h"

#define PAGE 4096u

const char *fixture(const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/%s", FIXTURES, name);
	return path;
}

void build_id_of(const char *path, char hex[64])
{
	char command[2048];
	FILE *output;

	snprintf(command, sizeof(command), "readelf -n %s 2>/dev/null | sed -n 's/.*Build ID: //p'",
		 path);
	output = popen(command, "re");
	assert_non_null(output);
	assert_non_null(fgets(hex, 64, output));
	pclose(output);
	hex[strcspn(hex, "\n")] = '\0';
}

static void map_file(struct world *world, uint32_t pid, const char *path, uint64_t base,
		     const char *hex)
{
	struct hvp_record record = {
		.type = HVP_RECORD_MMAP,
		.mmap = {.pid = pid, .tid = pid, .path = path, .is_exec = true},
	};
	FILE *file = fopen(path, "re");
	Elf64_Ehdr header;
	Elf64_Phdr phdr;

	assert_non_null(file);
	for (; hex[0] && hex[1]; hex += 2) {
		unsigned int byte;

		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		record.mmap.build_id[record.mmap.build_id_size++] = (uint8_t)byte;
	}
	assert_int_equal(fread(&header, sizeof(header), 1, file), 1);
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		assert_int_equal(fseek(file, (long)(header.e_phoff + i * sizeof(phdr)), SEEK_SET),
				 0);
		assert_int_equal(fread(&phdr, sizeof(phdr), 1, file), 1);
		if (phdr.p_type != PT_LOAD || !(phdr.p_flags & PF_X))
			continue;
		record.mmap.address = (phdr.p_vaddr + base) & ~(uint64_t)(PAGE - 1);
		record.mmap.file_offset = phdr.p_offset & ~(uint64_t)(PAGE - 1);
		record.mmap.size =
			(phdr.p_vaddr + base + phdr.p_memsz - record.mmap.address + PAGE - 1) &
			~(uint64_t)(PAGE - 1);
		world_record(world, &record);
	}
	fclose(file);
}

void world_map_file(struct world *world, uint32_t pid, const char *path, uint64_t base)
{
	map_file(world, pid, path, base, "");
}

void world_map_file_with_id(struct world *world, uint32_t pid, const char *path, uint64_t base)
{
	char hex[64];

	build_id_of(path, hex);
	map_file(world, pid, path, base, hex);
}

size_t nm_symbols(const char *options, const char *path, struct known_symbol *symbols, size_t max)
{
	char command[2048], line[1024];
	FILE *output;
	size_t num = 0;

	snprintf(command, sizeof(command), "nm --defined-only --format=posix %s %s", options, path);
	output = popen(command, "re");
	assert_non_null(output);
	while (num < max && fgets(line, sizeof(line), output)) {
		struct known_symbol *symbol = &symbols[num];

		symbol->size = 0;
		if (sscanf(line, "%255s %c %" SCNx64 " %" SCNx64, symbol->name, &symbol->type,
			   &symbol->address, &symbol->size) >= 3 &&
		    strchr("TtWwi", symbol->type))
			num++;
	}
	pclose(output);
	return num;
}
