/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host/elf_build_id.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

/* The headers of almost every file lie in its first page. */
#define HEAD_SIZE 4096
#define MAX_PROGRAM_HEADERS 128
#define MAX_NOTES 4096

static size_t align4(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

bool hvp_build_id_from_notes(const void *notes, size_t size, struct hvp_build_id *ret)
{
	const uint8_t *at = notes;

	/* Elf32_Nhdr and Elf64_Nhdr are the same three words. */
	while (size >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		size_t name_size, whole;

		memcpy(&note, at, sizeof(note));
		if (note.n_namesz > size || note.n_descsz > size)
			return false;
		name_size = align4(note.n_namesz);
		whole = sizeof(note) + name_size + align4(note.n_descsz);
		if (sizeof(note) + name_size + note.n_descsz > size)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
		    !memcmp(at + sizeof(note), "GNU", sizeof("GNU"))) {
			if (!note.n_descsz || note.n_descsz > HVP_BUILD_ID_MAX)
				return false;
			ret->size = (uint8_t)note.n_descsz;
			memcpy(ret->bytes, at + sizeof(note) + name_size, note.n_descsz);
			return true;
		}
		if (whole > size)
			return false;
		at += whole;
		size -= whole;
	}
	return false;
}

/* A program header of either class, in 64-bit terms. */
static Elf64_Phdr program_header(const uint8_t *at, bool is_64)
{
	Elf64_Phdr header;
	Elf32_Phdr small;

	if (is_64) {
		memcpy(&header, at, sizeof(header));
		return header;
	}
	memcpy(&small, at, sizeof(small));
	return (Elf64_Phdr){
		.p_type = small.p_type, .p_offset = small.p_offset, .p_filesz = small.p_filesz};
}

/* Where the program headers are: offset, size of one, number. */
static bool program_headers(const uint8_t *head, size_t size, bool *ret_is_64, uint64_t *ret_offset,
			    size_t *ret_num)
{
	if (size < sizeof(Elf64_Ehdr) || memcmp(head, ELFMAG, SELFMAG) ||
	    head[EI_DATA] != ELFDATA2LSB)
		return false;
	*ret_is_64 = head[EI_CLASS] == ELFCLASS64;
	if (*ret_is_64) {
		Elf64_Ehdr header;

		memcpy(&header, head, sizeof(header));
		*ret_offset = header.e_phoff;
		*ret_num = header.e_phnum;
		return header.e_phentsize == sizeof(Elf64_Phdr);
	}
	if (head[EI_CLASS] == ELFCLASS32) {
		Elf32_Ehdr header;

		memcpy(&header, head, sizeof(header));
		*ret_offset = header.e_phoff;
		*ret_num = header.e_phnum;
		return header.e_phentsize == sizeof(Elf32_Phdr);
	}
	return false;
}

static bool read_notes(int fd, const uint8_t *head, size_t head_size, const Elf64_Phdr *header,
		       struct hvp_build_id *ret)
{
	uint8_t notes[MAX_NOTES];
	size_t size = header->p_filesz < sizeof(notes) ? header->p_filesz : sizeof(notes);
	ssize_t n;

	if (header->p_offset <= head_size && size <= head_size - header->p_offset)
		return hvp_build_id_from_notes(head + header->p_offset, size, ret);
	n = pread(fd, notes, size, (off_t)header->p_offset);
	return n > 0 && hvp_build_id_from_notes(notes, (size_t)n, ret);
}

bool hvp_build_id_from_fd(int fd, struct hvp_build_id *ret)
{
	uint8_t head[HEAD_SIZE], table[MAX_PROGRAM_HEADERS * sizeof(Elf64_Phdr)];
	const uint8_t *headers = table;
	ssize_t n = pread(fd, head, sizeof(head), 0);
	size_t num, size, one;
	uint64_t offset;
	bool is_64;

	if (n <= 0 || !program_headers(head, (size_t)n, &is_64, &offset, &num) ||
	    num > MAX_PROGRAM_HEADERS)
		return false;
	one = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	size = num * one;
	if (offset <= (size_t)n && size <= (size_t)n - offset)
		headers = head + offset;
	else if (pread(fd, table, size, (off_t)offset) != (ssize_t)size)
		return false;
	for (size_t i = 0; i < num; i++) {
		Elf64_Phdr header = program_header(headers + i * one, is_64);

		if (header.p_type == PT_NOTE && read_notes(fd, head, (size_t)n, &header, ret))
			return true;
	}
	return false;
}
