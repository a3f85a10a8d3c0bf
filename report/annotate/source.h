/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source files as DWARF names them, found on this machine: as named, with a prefix replaced
 * (--source-prefix OLD=NEW), or below a folder (--source DIR), where leading folders of the name
 * are left out until it fits. Each is read once.
 */
#ifndef HVP_REPORT_SOURCE_H
#define HVP_REPORT_SOURCE_H

#include "common/base/error.h"
#include "common/cli/options.h"

struct hvp_source_file;

struct hvp_sources {
	/* "OLD=NEW" and folders; borrowed. */
	const struct hvp_strings *prefixes, *folders;
	struct hvp_source_file *files;
	size_t num, capacity;
};

/* HVP_ERROR_USAGE for a prefix without '='. */
struct hvp_error *hvp_sources_init(struct hvp_sources *ret, const struct hvp_strings *prefixes,
				   const struct hvp_strings *folders) hvp_must_use;
void hvp_sources_deinit(struct hvp_sources *sources);

/*
 * The text of a line (from 1) without its newline, or NULL: the file is not here or has no such
 * line.
 */
const char *hvp_sources_line(struct hvp_sources *sources, const char *path, uint32_t line);
/* False when the file is not here. */
bool hvp_sources_has(struct hvp_sources *sources, const char *path);

#endif
