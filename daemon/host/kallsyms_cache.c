/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host/kallsyms_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "common/base/bytes.h"
#include "common/base/scope.h"

/* Bytes of /proc/kallsyms for one read; a line is far shorter. */
#define PIECE 65536
#define MAX_CACHE (64u << 20)
#define MAX_MODULES_FILE (4u << 20)
/* The first line: the key "hvprof-kallsyms 2 BOOT-ID HASH ", and the bytes in order of address. */
#define KEY_SIZE 128
#define SORTED_FORMAT "%010zu\n"
#define SORTED_SIZE 11
/* "ffffffff81000000 T x\n" is the shortest line. */
#define MIN_LINE 21

struct hvp_error *hvp_kallsyms_cache_path(char **ret)
{
	const char *folder = geteuid() ? getenv("XDG_RUNTIME_DIR") : "/run";

	*ret = NULL;
	if (!folder || *folder != '/')
		return NULL;
	return asprintf(ret, "%s/hvprof/kallsyms", folder) < 0 ? hvp_error_no_memory : NULL;
}

/* FNV-1a: collisions would need somebody who loads modules for the purpose. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash;
}

/* The modules by name, size and address; how often each is used changes all the time. */
static uint64_t hash_modules(const struct hvp_host_roots *roots, uint64_t hash)
{
	hvp_scope(hvp_free_ptr) char *text = NULL;
	char path[512], *line, *save, name[64], address[32];
	unsigned long long size;

	snprintf(path, sizeof(path), "%s/modules", roots->proc);
	hvp_error_destroy(hvp_file_read(path, MAX_MODULES_FILE, &text, NULL));
	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%63s %llu %*s %*s %*s %31s", name, &size, address) != 3)
			continue;
		hash = hash_bytes(hash, name, strlen(name));
		hash = hash_bytes(hash, &size, sizeof(size));
		hash = hash_bytes(hash, address, strlen(address));
	}
	return hash;
}

/* BPF programs and their links have symbols, too. Ids are never used again. */
static uint64_t hash_bpf_ids(uint64_t hash, int command)
{
	union bpf_attr attr = {.start_id = 0};

	while (!syscall(SYS_bpf, command, &attr, sizeof(attr))) {
		hash = hash_bytes(hash, &attr.next_id, sizeof(attr.next_id));
		attr = (union bpf_attr){.start_id = attr.next_id};
	}
	return hash;
}

/* False when the boot has no id: then nothing is kept. */
static bool make_key(const struct hvp_host_roots *roots, char *key)
{
	char path[512], boot[64];
	uint64_t hash = 0xcbf29ce484222325ull;

	snprintf(path, sizeof(path), "%s/sys/kernel/random/boot_id", roots->proc);
	if (hvp_file_read_small(AT_FDCWD, path, boot, sizeof(boot)) <= 0)
		return false;
	hash = hash_modules(roots, hash);
	hash = hash_bpf_ids(hash, BPF_PROG_GET_NEXT_ID);
	hash = hash_bpf_ids(hash, BPF_LINK_GET_NEXT_ID);
	snprintf(key, KEY_SIZE, "hvprof-kallsyms 2 %s %016" PRIx64 " ", boot, hash);
	return true;
}

/* The size of the sorted part in the first line; false when that is not as we write it. */
static bool parse_sorted_size(const char *text, size_t size, size_t *ret)
{
	char digits[SORTED_SIZE];
	uint64_t value;

	memcpy(digits, text, SORTED_SIZE - 1);
	digits[SORTED_SIZE - 1] = 0;
	if (text[SORTED_SIZE - 1] != '\n' || !hvp_parse_u64(digits, size - SORTED_SIZE, &value))
		return false;
	*ret = (size_t)value;
	/* Whole lines. */
	return !value || text[SORTED_SIZE + value - 1] == '\n';
}

/*
 * Maps the kept text: of its megabytes few are looked at. A file that others can write, or that is
 * not ours, is not trusted; ours is replaced and never shortened.
 */
static bool load(const char *cache, const char *key, struct hvp_kallsyms_text *ret)
{
	hvp_scope(hvp_close_fd) int fd = open(cache, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t size, key_size = strlen(key);
	struct stat info;
	char *text;

	if (fd < 0 || fstat(fd, &info) || !S_ISREG(info.st_mode) || info.st_uid != geteuid() ||
	    (info.st_mode & 022) || info.st_size > MAX_CACHE ||
	    (size_t)info.st_size < key_size + SORTED_SIZE)
		return false;
	size = (size_t)info.st_size;
	text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return false;
	if (memcmp(text, key, key_size) ||
	    !parse_sorted_size(text + key_size, size - key_size, &ret->sorted_size)) {
		munmap(text, size);
		return false;
	}
	ret->mapping = text;
	ret->mapping_size = size;
	ret->text = text + key_size + SORTED_SIZE;
	ret->size = size - key_size - SORTED_SIZE;
	return true;
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* Under a name of its own first: who reads sees all or nothing. */
static void store(const char *cache, const char *key, const struct hvp_kallsyms_text *symbols)
{
	hvp_scope(hvp_free_ptr) char *temporary = NULL;
	hvp_scope(hvp_close_fd) int fd = -1;
	char *slash, sorted[SORTED_SIZE + 1];

	if (asprintf(&temporary, "%s.XXXXXX", cache) < 0) {
		temporary = NULL;
		return;
	}
	slash = strrchr(temporary, '/');
	*slash = 0;
	mkdir(temporary, 0700);
	*slash = '/';
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return;
	snprintf(sorted, sizeof(sorted), SORTED_FORMAT, symbols->sorted_size);
	if (!write_all(fd, key, strlen(key)) || !write_all(fd, sorted, SORTED_SIZE) ||
	    !write_all(fd, symbols->text, symbols->size) || rename(temporary, cache))
		unlink(temporary);
}

/* "ffffffff81000000 T _text": a function, with an address. */
static bool is_function(const char *line, size_t size)
{
	char type;

	if (size < MIN_LINE || line[16] != ' ' || line[18] != ' ')
		return false;
	type = line[17] | 0x20;
	if ((type != 't' && type != 'w') || !memcmp(line, "0000000000000000", 16))
		return false;
	/* Padding (CONFIG_FUNCTION_PADDING_BYTES) is never run. */
	return strncmp(line + 19, "__pfx_", 6) != 0;
}

static struct hvp_error *read_functions(const char *path, struct hvp_buf *out)
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
			if (is_function(at, (size_t)(newline + 1 - at)))
				hvp_buf_add_bytes(out, at, (size_t)(newline + 1 - at));
			at = newline + 1;
		}
		kept = (size_t)(end - at);
		/* No line is as long as a piece: such a file is none of the kernel's. */
		if (kept == PIECE)
			kept = 0;
		memmove(piece, at, kept);
	}
	return hvp_buf_check(out);
}

uint64_t hvp_kallsyms_text_address(const char *line)
{
	uint64_t value = 0;

	for (int i = 0; i < 16; i++) {
		unsigned char c = (unsigned char)line[i];

		value = value << 4 | (uint64_t)((c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10) & 15);
	}
	return value;
}

/* The lines up to _etext, behind which are modules, when they are in order of address. */
static size_t find_sorted_size(const char *text, size_t size)
{
	static const char etext[] = " T _etext\n";
	const char *limit = memmem(text, size, etext, sizeof(etext) - 1), *at, *newline;
	uint64_t last = 0;

	for (at = text; limit && at < limit; at = newline + 1) {
		uint64_t address = hvp_kallsyms_text_address(at);

		newline = memchr(at, '\n', (size_t)(text + size - at));
		if (address < last)
			return 0;
		last = address;
		/* The line of _etext itself is not among them. */
		if (newline > limit)
			return (size_t)(at - text);
	}
	return 0;
}

struct hvp_error *hvp_kallsyms_read(const struct hvp_host_roots *roots, const char *cache,
				    struct hvp_kallsyms_text *ret)
{
	hvp_scope(hvp_buf_deinit) struct hvp_buf out = {0};
	char path[512], key[KEY_SIZE];
	bool has_key = cache && make_key(roots, key);

	*ret = (struct hvp_kallsyms_text){0};
	if (has_key && load(cache, key, ret))
		return NULL;
	snprintf(path, sizeof(path), "%s/kallsyms", roots->proc);
	hvp_try(read_functions(path, &out));
	ret->size = out.size;
	ret->memory = hvp_take(out.data);
	ret->text = ret->memory;
	if (ret->size)
		ret->sorted_size = find_sorted_size(ret->text, ret->size);
	/* Hidden from this user, not from the next. */
	if (has_key && ret->size)
		store(cache, key, ret);
	return NULL;
}

void hvp_kallsyms_text_deinit(struct hvp_kallsyms_text *symbols)
{
	if (symbols->mapping)
		munmap(symbols->mapping, symbols->mapping_size);
	free(symbols->memory);
	*symbols = (struct hvp_kallsyms_text){0};
}
