/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions in /proc/kallsyms. To print them costs the kernel some 50 ms of CPU time, half of
 * what a short recording needs; they change only with modules and BPF programs. So they are kept in
 * a file for the next recording of the same boot.
 */
#ifndef HVP_DAEMON_KALLSYMS_CACHE_H
#define HVP_DAEMON_KALLSYMS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"

/*
 * /run/hvprof/kallsyms for root, $XDG_RUNTIME_DIR/hvprof/kallsyms for others: places that end with
 * the boot. False when there is none. The caller frees.
 */
struct hvp_error *hvp_kallsyms_cache_path(char **ret) hvp_must_use;

struct hvp_kallsyms_text {
	/* Lines; no NUL behind them. */
	const char *text;
	size_t size;
	/* So many bytes at the front, whole lines, are in order of address. */
	size_t sorted_size;
	/* Where the text is: memory, or a mapping of the cache. */
	void *memory, *mapping;
	size_t mapping_size;
};

/*
 * Lines of kallsyms, of functions with an address alone and without the padding before them
 * (__pfx_...); none when the kernel hides the addresses. `cache` is the path of the file to keep
 * them in, or NULL; a file that is not ours alone, of another boot or of other modules is not used.
 * What goes wrong with the cache is no error. The caller calls hvp_kallsyms_text_deinit().
 */
struct hvp_error *hvp_kallsyms_read(const struct hvp_host_roots *roots, const char *cache,
				    struct hvp_kallsyms_text *ret) hvp_must_use;
void hvp_kallsyms_text_deinit(struct hvp_kallsyms_text *symbols);

/* The address at the front of a line. */
uint64_t hvp_kallsyms_text_address(const char *line);

#endif
