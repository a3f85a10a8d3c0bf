/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel code that came and went while recording: BPF programs, ftrace trampolines, kprobe slots
 * (PERF_RECORD_KSYMBOL). An address can be one program's now and another's later; as a symbol table
 * has no time, programs that overlap are put into different images of the same name.
 */
#ifndef HVP_SYMBOLIZER_KSYMBOLS_H
#define HVP_SYMBOLIZER_KSYMBOLS_H

#include "common/session/reader.h"
#include "symbolizer/images.h"
#include "symbolizer/spaces.h"

struct hvp_ksymbols {
	/* One address space, by time. */
	struct hvp_spaces space;
	bool has_any;
};

void hvp_ksymbols_init(struct hvp_ksymbols *ksymbols);
void hvp_ksymbols_deinit(struct hvp_ksymbols *ksymbols);
/* Reads the session's records once; names are borrowed from the session. */
struct hvp_error *hvp_ksymbols_read(struct hvp_ksymbols *ksymbols,
				    const struct hvp_session *session,
				    struct hvp_images *images) hvp_must_use;
/*
 * The image at that time, whose addresses are the run-time ones; NULL when there is none.
 * Thread-safe.
 */
struct hvp_image *hvp_ksymbols_find(const struct hvp_ksymbols *ksymbols, uint64_t time,
				    uint64_t address);

#endif
