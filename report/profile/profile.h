/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile model: a session's samples by place, and what each place is - owner, domain, image,
 * symbol, line. Reports group places into entries (entries.h); annotate picks the places of one
 * function. Everything here is computed once and printed by whatever output.
 */
#ifndef HVP_REPORT_PROFILE_H
#define HVP_REPORT_PROFILE_H

#include "common/base/error.h"
#include "common/base/map.h"
#include "common/base/scope.h"
#include "common/base/strpool.h"
#include "report/profile/dims.h"
#include "report/profile/domains.h"
#include "report/profile/scan.h"
#include "report/profile/tasks.h"
#include "symbolizer/symbolizer.h"

/* What is known of one address of one image; made when the address is first met. */
struct hvp_described {
	/* NULL: none, and `why` says why. */
	const struct hvp_symbol *symbol;
	uint64_t address;
	uint32_t image;
	/* String number of the symbol's name. */
	uint32_t name;
	/* String number of "file:line"; valid when has_line. */
	uint32_t line;
	bool has_line;
	uint8_t why;
};

/* What an image index stands for, kept beside the symbolizer's images. */
struct hvp_profile_image {
	/* Index of the first image with the same path: the value of HVP_DIM_IMAGE. */
	uint32_t canonical;
	/* Address -> index in `described`. */
	struct hvp_map addresses;
};

struct hvp_profile {
	const struct hvp_session *session;
	struct hvp_symbolizer *symbolizer;
	struct hvp_domains domains;
	struct hvp_tasks tasks;
	struct hvp_scan scan;
	/* Symbol names, paths and lines. */
	struct hvp_strpool strings;
	struct hvp_profile_image *images;
	size_t num_images, capacity_images;
	/* Symbol -> index in `described`, for places that are functions. */
	struct hvp_map by_symbol;
	/* Path -> image index. */
	struct hvp_map image_of_path;
	struct hvp_described *described;
	size_t num_described, capacity_described;
	/* Which dimensions the places were told apart by; others are HVP_VALUE_MIXED. */
	hvp_dim_set dims;
};

/* A place, or a frame of its chain, in words. */
struct hvp_spot {
	uint64_t values[HVP_NUM_DIMS];
	/* Index in `described`. */
	uint32_t described;
};

struct hvp_profile_options {
	struct hvp_scan_options scan;
	/* What will be asked: sort keys, fields and filters. */
	hvp_dim_set dims;
	/* For these owners the thread's name, although not in `dims`: a bit each. */
	uint32_t comm_owners;
};

/*
 * Reads the session. Borrows session and symbolizer. The caller sets event, slice, by_stack,
 * by_address, threads and progress in `options->scan`; the rest of it follows from `dims`. `ret` is
 * to be deinitialised also after an error.
 */
struct hvp_error *hvp_profile_init(struct hvp_profile *ret, const struct hvp_session *session,
				   struct hvp_symbolizer *symbolizer,
				   const struct hvp_profile_options *options) hvp_must_use;
void hvp_profile_deinit(struct hvp_profile *profile);

/* The same without reading samples: for those who bring rows of their own. */
struct hvp_error *hvp_profile_init_empty(struct hvp_profile *ret, const struct hvp_session *session,
					 struct hvp_symbolizer *symbolizer,
					 hvp_dim_set dims) hvp_must_use;

/* What a row is; `comm` is hvp_tasks_comm() of its thread, or 0. */
struct hvp_error *hvp_profile_resolve_row(struct hvp_profile *profile, const struct hvp_row *row,
					  uint32_t comm, struct hvp_spot *ret) hvp_must_use;

/* What place number `index` of the scan is. */
struct hvp_error *hvp_profile_resolve(struct hvp_profile *profile, size_t index,
				      struct hvp_spot *ret) hvp_must_use;

/* The call chain of a place, spelled out in `frames`. */
struct hvp_chain hvp_profile_chain(const struct hvp_profile *profile, size_t index,
				   uint64_t frames[HVP_MAX_CHAIN]);

/*
 * A frame of the place's chain: as the place's spot but for image, symbol, line and address. A
 * frame's address is a return address; what is looked up is the call before it.
 */
struct hvp_error *hvp_profile_resolve_frame(struct hvp_profile *profile, size_t index,
					    const struct hvp_spot *spot, uint64_t address,
					    bool is_kernel, struct hvp_spot *ret) hvp_must_use;
/* The same for a row's chain. */
struct hvp_error *hvp_profile_resolve_call(struct hvp_profile *profile, const struct hvp_row *row,
					   const struct hvp_spot *spot, uint64_t address,
					   bool is_kernel, struct hvp_spot *ret) hvp_must_use;

/* The location that a description stands for, to ask the symbolizer more. */
void hvp_profile_location(const struct hvp_profile *profile, uint32_t described,
			  struct hvp_location *ret);

/*
 * The value of HVP_DIM_SYMBOL: a string number above HVP_FIRST_NAME_VALUE, equal for equal names;
 * below it the reason why there is no symbol.
 */
#define HVP_FIRST_NAME_VALUE 64u
uint64_t hvp_symbol_value(const struct hvp_described *described);

/*
 * A value in words. Numbers are formatted into `buf`; names are as the session or the image has
 * them, unescaped, and live as long as the profile. MIXED is "*", NONE is "-".
 */
#define HVP_VALUE_TEXT 32
const char *hvp_profile_text(const struct hvp_profile *profile, enum hvp_dim dim, uint64_t value,
			     char buf[HVP_VALUE_TEXT]);

/*
 * "[no symbol]", "[guest user]": what stands for a symbol; and the word for it in JSON,
 * "no_symbol".
 */
const char *hvp_unresolved_label(enum hvp_unresolved why);
const char *hvp_unresolved_word(enum hvp_unresolved why);
/* False when `value` of HVP_DIM_SYMBOL is a symbol. */
bool hvp_symbol_value_is_unresolved(uint64_t value, enum hvp_unresolved *ret_why);

#endif
