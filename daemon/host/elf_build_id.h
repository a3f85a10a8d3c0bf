/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Build ids (GNU property NT_GNU_BUILD_ID, elf(5)) read with two small reads per file: what the
 * collector needs of a process that was there before it. Everything more about ELF is the
 * symbolizer's.
 */
#ifndef HVP_DAEMON_ELF_BUILD_ID_H
#define HVP_DAEMON_ELF_BUILD_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/model/record.h"

struct hvp_build_id {
	uint8_t bytes[HVP_BUILD_ID_MAX];
	uint8_t size;
};

/* Of a note section or segment (/sys/kernel/notes). False when there is none. */
bool hvp_build_id_from_notes(const void *notes, size_t size, struct hvp_build_id *ret);
/* Of an open ELF file; false for everything else, too. */
bool hvp_build_id_from_fd(int fd, struct hvp_build_id *ret);

#endif
