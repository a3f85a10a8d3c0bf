/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/elf/elf_image.h"

#include <stdlib.h>
#include <string.h>

#include "symbolizer/elf/elf_internal.h"

/* More program headers than any linker makes. */
#define MAX_SEGMENTS 1024
#define PAGE_SIZE_MIN 4096u

struct hvp_error *hvp_elf_error(const struct hvp_elf *elf, const char *what)
{
	const char *why = elf_errmsg(-1);

	return hvp_error_create(HVP_ERROR_FORMAT, "%s: %s: %s", elf->file.path, what,
				why ? why : "damaged");
}

/* The bytes of a segment that lie in the file at all. */
static uint64_t clip_to_file(const struct hvp_elf *elf, uint64_t offset, uint64_t size)
{
	if (offset > elf->file.size)
		return 0;
	return size < elf->file.size - offset ? size : elf->file.size - offset;
}

static struct hvp_error *read_segments(struct hvp_elf *elf)
{
	size_t num;

	if (elf_getphdrnum(elf->elf, &num))
		return hvp_elf_error(elf, "program headers");
	if (num > MAX_SEGMENTS)
		return hvp_error_create(HVP_ERROR_FORMAT, "%s: %zu program headers are too many",
					elf->file.path, num);
	elf->segments = calloc(num ? num : 1, sizeof(*elf->segments));
	if (!elf->segments)
		return hvp_error_no_memory;
	for (size_t i = 0; i < num; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf->elf, (int)i, &phdr))
			return hvp_elf_error(elf, "program headers");
		if (phdr.p_type != PT_LOAD || phdr.p_memsz > UINT64_MAX - phdr.p_vaddr)
			continue;
		elf->segments[elf->num_segments++] = (struct hvp_segment){
			.offset = phdr.p_offset,
			.file_size = phdr.p_filesz < phdr.p_memsz ? phdr.p_filesz : phdr.p_memsz,
			.address = phdr.p_vaddr,
			.size = phdr.p_memsz,
			.is_exec = phdr.p_flags & PF_X,
		};
	}
	return NULL;
}

/* Looks for NT_GNU_BUILD_ID in a block of notes. */
static bool find_build_id(struct hvp_elf *elf, Elf_Data *data)
{
	size_t offset = 0, next, name_offset, desc_offset;
	GElf_Nhdr note;

	if (!data || !data->d_buf)
		return false;
	for (; (next = gelf_getnote(data, offset, &note, &name_offset, &desc_offset)) > 0;
	     offset = next) {
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU") ||
		    memcmp((char *)data->d_buf + name_offset, "GNU", sizeof("GNU")))
			continue;
		if (!note.n_descsz || note.n_descsz > HVP_BUILD_ID_MAX)
			continue;
		memcpy(elf->build_id, (char *)data->d_buf + desc_offset, note.n_descsz);
		elf->build_id_size = (uint8_t)note.n_descsz;
		return true;
	}
	return false;
}

/*
 * By sections first: the segments of a separate debug file say where the notes were in the stripped
 * one.
 */
static void read_build_id(struct hvp_elf *elf)
{
	Elf_Scn *section = NULL;
	size_t num;

	while ((section = elf_nextscn(elf->elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE &&
		    find_build_id(elf, elf_getdata(section, NULL)))
			return;
	}
	if (elf->header.e_shnum || elf_getphdrnum(elf->elf, &num))
		return;
	for (size_t i = 0; i < num; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf->elf, (int)i, &phdr) || phdr.p_type != PT_NOTE)
			continue;
		if (phdr.p_filesz != clip_to_file(elf, phdr.p_offset, phdr.p_filesz))
			continue;
		if (find_build_id(elf, elf_getdata_rawchunk(elf->elf, (int64_t)phdr.p_offset,
							    phdr.p_filesz, ELF_T_NHDR)))
			return;
	}
}

struct hvp_error *hvp_elf_create(struct hvp_file *file, struct hvp_elf **ret)
{
	hvp_scope(hvp_elf_destroy_scope) struct hvp_elf *elf = calloc(1, sizeof(*elf));

	if (!elf) {
		hvp_file_deinit(file);
		return hvp_error_no_memory;
	}
	elf->file = *file;
	*file = (struct hvp_file){0};
	elf_version(EV_CURRENT);
	if (!elf->file.size)
		return hvp_error_create(HVP_ERROR_FORMAT, "%s is empty", elf->file.path);
	elf->elf = elf_memory((char *)elf->file.data, elf->file.size);
	if (!elf->elf)
		return hvp_elf_error(elf, "not an ELF file");
	if (elf_kind(elf->elf) != ELF_K_ELF || !gelf_getehdr(elf->elf, &elf->header))
		return hvp_error_create(HVP_ERROR_FORMAT, "%s: not an ELF file", elf->file.path);
	if (elf->header.e_ident[EI_DATA] != ELFDATA2LSB)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED, "%s: big-endian ELF",
					elf->file.path);
	hvp_try(read_segments(elf));
	read_build_id(elf);
	*ret = hvp_take(elf);
	return NULL;
}

void hvp_elf_destroy(struct hvp_elf *elf)
{
	if (!elf)
		return;
	hvp_elf_destroy(elf->mini);
	if (elf->elf)
		elf_end(elf->elf);
	free(elf->segments);
	hvp_file_deinit(&elf->file);
	free(elf);
}

/*
 * Mappings are made of whole pages, so that one begins a little before its segment and ends a
 * little behind.
 */
static bool is_in_pages(const struct hvp_segment *segment, uint64_t offset)
{
	uint64_t begin = segment->offset & ~(uint64_t)(PAGE_SIZE_MIN - 1);
	uint64_t end = segment->offset + segment->file_size;

	if (end < segment->offset || end > UINT64_MAX - PAGE_SIZE_MIN)
		return false;
	end = (end + PAGE_SIZE_MIN - 1) & ~(uint64_t)(PAGE_SIZE_MIN - 1);
	return offset >= begin && offset < end;
}

bool hvp_elf_offset_to_address(const struct hvp_elf *elf, uint64_t offset, uint64_t *ret)
{
	const struct hvp_segment *found = NULL;

	for (size_t i = 0; i < elf->num_segments; i++) {
		const struct hvp_segment *segment = &elf->segments[i];

		if (!is_in_pages(segment, offset))
			continue;
		if (!found || (segment->is_exec && !found->is_exec))
			found = segment;
		if (segment->is_exec && offset - segment->offset < segment->file_size)
			break;
	}
	if (!found)
		return false;
	*ret = offset - found->offset + found->address;
	return true;
}

Elf_Scn *hvp_elf_find_section(const struct hvp_elf *elf, const char *name, GElf_Shdr *ret)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf->elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf->elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, ret))
			continue;
		found = elf_strptr(elf->elf, names, ret->sh_name);
		if (found && !strcmp(found, name))
			return section;
	}
	return NULL;
}

bool hvp_elf_section(const struct hvp_elf *elf, const char *name, const uint8_t **ret_data,
		     size_t *ret_size)
{
	GElf_Shdr header;
	Elf_Scn *section = hvp_elf_find_section(elf, name, &header);
	Elf_Data *data;

	if (!section || header.sh_type == SHT_NOBITS)
		return false;
	if ((header.sh_flags & SHF_COMPRESSED) && elf_compress(section, 0, 0) < 0)
		return false;
	data = elf_rawdata(section, NULL);
	if (!data || !data->d_buf || !data->d_size)
		return false;
	*ret_data = data->d_buf;
	*ret_size = data->d_size;
	return true;
}

/* Debug files keep headers of sections that they do not have. */
static bool has_contents(const struct hvp_elf *elf, const char *name)
{
	GElf_Shdr header;

	return hvp_elf_find_section(elf, name, &header) && header.sh_type != SHT_NOBITS &&
	       header.sh_size;
}

bool hvp_elf_has_dwarf(const struct hvp_elf *elf)
{
	return has_contents(elf, ".debug_line") || has_contents(elf, ".zdebug_line");
}

bool hvp_elf_debuglink(const struct hvp_elf *elf, const char **ret_name, uint32_t *ret_crc)
{
	const uint8_t *data;
	size_t size, length, crc_at;

	if (!hvp_elf_section(elf, ".gnu_debuglink", &data, &size))
		return false;
	/*
	 * The name, its NUL, padding to four bytes, the CRC (GDB manual, "Separate Debug Files").
	 */
	length = strnlen((const char *)data, size);
	crc_at = (length + 1 + 3) & ~(size_t)3;
	if (!length || length == size || size < 4 || crc_at > size - 4)
		return false;
	*ret_name = (const char *)data;
	memcpy(ret_crc, data + crc_at, sizeof(*ret_crc));
	return true;
}

struct hvp_error *hvp_elf_code(const struct hvp_elf *elf, uint64_t address, size_t size,
			       uint8_t *ret)
{
	for (size_t i = 0; i < elf->num_segments; i++) {
		const struct hvp_segment *segment = &elf->segments[i];
		uint64_t skip = address - segment->address;
		uint64_t have = clip_to_file(elf, segment->offset, segment->file_size);

		if (address < segment->address || skip >= have || size > have - skip)
			continue;
		memcpy(ret, elf->file.data + segment->offset + skip, size);
		return NULL;
	}
	return hvp_error_create(HVP_ERROR_NOT_FOUND, "%s has no code at 0x%llx..0x%llx",
				elf->file.path, (unsigned long long)address,
				(unsigned long long)(address + size));
}
