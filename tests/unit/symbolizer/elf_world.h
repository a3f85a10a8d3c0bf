/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs mapped into a process of a session made by code, and what other tools say about them. */
#ifndef HVP_TESTS_SYMBOLIZER_ELF_WORLD_H
#define HVP_TESTS_SYMBOLIZER_ELF_WORLD_H

#include "world.h"

/*
 * Maps the executable segments of a 64-bit ELF file so that an ELF address is at itself plus
 * `base`.
 */
void world_map_file(struct world *world, uint32_t pid, const char *path, uint64_t base);
/* With the build id in the record, as a collector gives it. */
void world_map_file_with_id(struct world *world, uint32_t pid, const char *path, uint64_t base);
/* The absolute path of a fixture; valid until the next call. */
const char *fixture(const char *name);
/* The build id in hexadecimal, by readelf. */
void build_id_of(const char *path, char hex[64]);

/* A function as nm lists it. */
struct known_symbol {
	char name[256];
	uint64_t address, size;
	char type;
};
/* Text symbols by `nm`; the number of them, at most `max`. */
size_t nm_symbols(const char *options, const char *path, struct known_symbol *symbols, size_t max);

#endif
