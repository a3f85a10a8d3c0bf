/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One function under the lens: its samples by instruction and by source line. A function is a
 * symbol of an image; the samples of all domains and processes that run the image are counted
 * together unless the selection says otherwise.
 */
#ifndef HVP_REPORT_ANNOTATE_H
#define HVP_REPORT_ANNOTATE_H

#include "report/annotate/disasm.h"
#include "report/profile/filter.h"
#include "report/profile/profile.h"
#include "report/annotate/source.h"

/* A function that has samples. */
struct hvp_hot_function {
	uint32_t image;
	const struct hvp_symbol *symbol;
	uint64_t samples, period;
};

struct hvp_hot_functions {
	/* Ordered by samples, descending. */
	struct hvp_hot_function *items;
	size_t num, capacity;
	/* All samples of the selection, those outside of functions included. */
	uint64_t total;
	/* In files whose build id is not that of the recorded ones: these cannot be annotated. */
	uint64_t wrong_build;
};

/*
 * All functions of a profile, or those called `name` (with or without parameters) in images called
 * `image`; NULL is any.
 */
struct hvp_error *hvp_hot_functions_init(struct hvp_hot_functions *ret, struct hvp_profile *profile,
					 struct hvp_filter *filter, const char *name,
					 const char *image) hvp_must_use;
void hvp_hot_functions_deinit(struct hvp_hot_functions *functions);

/* A source line that the function's code comes from. */
struct hvp_annotated_line {
	/* NULL: no line information. Borrowed from the symbolizer. */
	const char *file;
	uint32_t line;
	/* The function inlined here, or NULL for the function itself. */
	const char *inlined;
	/* The line's text, or NULL when the file is not here. Borrowed from the sources. */
	const char *text;
	uint64_t samples, period;
};

struct hvp_annotated_instruction {
	const struct hvp_instruction *code;
	uint64_t samples, period;
	/* Index of its line. */
	uint32_t line;
	/* Jumped to from within the function: a number for the label, from 1; 0 is none. */
	uint32_t label;
	/*
	 * Where a jump or call goes: an index of an instruction of the function, or UINT32_MAX and
	 * a symbol.
	 */
	uint32_t target;
	const struct hvp_symbol *target_symbol;
	uint64_t target_offset;
};

struct hvp_annotation {
	const struct hvp_hot_function *function;
	const struct hvp_image *image;
	/* In the selection; 100 % of the shares of the total. */
	uint64_t total;
	struct hvp_arena arena;
	uint8_t *code;
	/* The code was read from the running kernel: no file has it. */
	bool is_live;
	/*
	 * How many bytes; the symbol's size, or what the samples show when the symbol table does
	 * not tell.
	 */
	uint64_t size;
	struct hvp_annotated_instruction *instructions;
	size_t num_instructions;
	/* In the order in which the code first comes to them. */
	struct hvp_annotated_line *lines;
	size_t num_lines, capacity_lines;
	bool has_lines;
	/* Samples between instructions: the code that ran is not the code of the file. */
	uint64_t misplaced;
	/* Samples that the symbol has and that are behind its end. */
	uint64_t outside;
};

struct hvp_annotate_options {
	struct hvp_filter *filter;
	enum hvp_asm_syntax syntax;
	struct hvp_sources *sources;
};

/*
 * HVP_ERROR_NOT_FOUND when there is no code; the message says what to give. `ret` is to be
 * deinitialised also after an error.
 */
struct hvp_error *hvp_annotation_init(struct hvp_annotation *ret, struct hvp_profile *profile,
				      const struct hvp_hot_functions *functions,
				      const struct hvp_hot_function *function,
				      const struct hvp_annotate_options *options) hvp_must_use;
void hvp_annotation_deinit(struct hvp_annotation *annotation);

/* Indices of lines by samples, descending; caller frees. */
struct hvp_error *hvp_annotation_hot_lines(const struct hvp_annotation *annotation,
					   uint32_t **ret) hvp_must_use;

/* "call   tcp_v4_rcv+0x10", "jne    .L3": the instruction with its target in words. */
const char *hvp_annotation_text(const struct hvp_annotation *annotation,
				const struct hvp_annotated_instruction *instruction, char *buf,
				size_t size);

#endif
