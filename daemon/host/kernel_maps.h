/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's kernel for the offline reader: where its text and its modules are, and the names in
 * them. The names (/proc/kallsyms, megabytes) are read at the end, and only those are kept whose
 * code was seen in a sample.
 */
#ifndef HVP_DAEMON_KERNEL_MAPS_H
#define HVP_DAEMON_KERNEL_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "daemon/host/elf_build_id.h"
#include "daemon/host/host_files.h"
#include "daemon/source.h"

/*
 * MMAP records of pid HVP_PID_KERNEL: "[kernel.kallsyms]_text" as perf names it, and "[MODULE]" for
 * each module; and /proc/modules as a BLOB. Hidden addresses (kernel.kptr_restrict) become a NOTE.
 */
struct hvp_error *hvp_kernel_maps_emit(const struct hvp_host_roots *roots,
				       const struct hvp_sink *sink) hvp_must_use;

/*
 * The address of _text (or _stext) in /proc/kallsyms, which stands behind the per-CPU symbols; 0
 * when the kernel hides it from this user. False when there is no such symbol.
 */
bool hvp_kernel_text_address(const struct hvp_host_roots *roots, uint64_t *ret);

/* Of the running kernel, from /sys/kernel/notes. */
bool hvp_kernel_build_id(const struct hvp_host_roots *roots, struct hvp_build_id *ret);

/*
 * Which 64-byte pieces of kernel code were seen: one word for each page of the highest 2 GiB, where
 * x86-64 has its kernel, its modules and its BPF programs (Documentation/arch/x86/x86_64/mm.rst). 4
 * MiB of address space, of which only touched pages become memory.
 */
struct hvp_kernel_seen {
	uint64_t *pages;
};

#define HVP_KERNEL_SEEN_BASE 0xffffffff80000000ull
#define HVP_KERNEL_SEEN_PAGES (1u << 19)

struct hvp_error *hvp_kernel_seen_init(struct hvp_kernel_seen *seen) hvp_must_use;
void hvp_kernel_seen_deinit(struct hvp_kernel_seen *seen);

static inline void hvp_kernel_seen_mark(struct hvp_kernel_seen *seen, uint64_t address)
{
	if (address >= HVP_KERNEL_SEEN_BASE)
		seen->pages[(address - HVP_KERNEL_SEEN_BASE) >> 12] |= 1ull
								       << ((address >> 6) & 63);
}

/* Whether any piece of [begin, end) was seen. */
bool hvp_kernel_seen_any(const struct hvp_kernel_seen *seen, uint64_t begin, uint64_t end);
/* The first piece that was seen in [begin, end), by its address; `end` when there is none. */
uint64_t hvp_kernel_seen_next(const struct hvp_kernel_seen *seen, uint64_t begin, uint64_t end);

/*
 * A KALLSYMS BLOB of the host: `seen` NULL keeps all functions, otherwise those that were seen
 * (each with the one behind it, which says where it ends) and the anchors _text, _stext, _etext.
 * `cache` as for hvp_kallsyms_read().
 */
struct hvp_error *hvp_kernel_symbols_emit(const struct hvp_host_roots *roots, const char *cache,
					  const struct hvp_kernel_seen *seen,
					  const struct hvp_sink *sink) hvp_must_use;

#endif
