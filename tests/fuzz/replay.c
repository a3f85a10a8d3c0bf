/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target over the files of its kept corpus, as an ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *folder, const char *name)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	hvp_scope(hvp_free_ptr) uint8_t *data = NULL;
	hvp_scope(hvp_close_file) FILE *file = NULL;
	size_t size;
	long end;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return 1;
	file = fopen(path, "rbe");
	if (!file || fseek(file, 0, SEEK_END) || (end = ftell(file)) < 0) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	rewind(file);
	/* Exactly as large as the input, so that a sanitizer sees a read behind its end. */
	data = malloc(end ? (size_t)end : 1);
	if (!data)
		return 1;
	size = fread(data, 1, (size_t)end, file);
	LLVMFuzzerTestOneInput(data, size);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	unsigned int num = 0;
	DIR *dir;

	if (argc != 2 || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (replay_file(argv[1], entry->d_name))
			return 1;
		num++;
	}
	closedir(dir);
	printf("%u inputs replayed\n", num);
	return num ? 0 : 1;
}
