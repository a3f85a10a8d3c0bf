/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions in /proc/kallsyms. To print them costs the kernel some 50 ms of CPU time, half of
 * what a short recording needs; they change only with modules and BPF programs. So they are kept in
 * a file for the next recording of the same boot.
 */
#ifndef HVP_DAEMON_KALLSYMS_CACHE_H
#define HVP_DAEMON_KALLSYMS_CACHE_H

#include <stddef.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"

/*
 * /run/hvprof/kallsyms for root, $XDG_RUNTIME_DIR/hvprof/kallsyms for others: places that end with
 * the boot. False when there is none. The caller frees.
 */
struct hvp_error *hvp_kallsyms_cache_path(char **ret) hvp_must_use;

/*
 * Lines of kallsyms, of functions with an address alone and without the padding before them
 * (__pfx_...); "" when the kernel hides the addresses. `cache` is the path of the file to keep them
 * in, or NULL; a file that is not ours alone, of another boot or of other modules is not used. What
 * goes wrong with the cache is no error. The caller frees `*ret`, which ends in NUL.
 */
struct hvp_error *hvp_kallsyms_read(const struct hvp_host_roots *roots, const char *cache,
				    char **ret, size_t *ret_size) hvp_must_use;

#endif
