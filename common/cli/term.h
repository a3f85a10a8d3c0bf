/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the terminal can do: its width, whether to colour, and a pager in front of it. */
#ifndef HVP_COMMON_CLI_TERM_H
#define HVP_COMMON_CLI_TERM_H

#include <stdbool.h>
#include <stdio.h>

#include "common/base/error.h"
#include "common/cli/log.h"

/* The indices of --color's words. */
enum hvp_color_mode {
	HVP_COLOR_AUTO,
	HVP_COLOR_ALWAYS,
	HVP_COLOR_NEVER,
};
/* "auto", "always", "never", NULL: the `choices` of an option. */
extern const char *const hvp_color_modes[];

/* auto: `out` is a terminal, TERM is neither missing nor "dumb", and NO_COLOR is not set
 * (no-color.org: or is empty). */
bool hvp_term_has_color(enum hvp_color_mode mode, FILE *out);

/* Columns of a stream's terminal; $COLUMNS where that is set; 80 when there is no terminal. Between
 * 40 and 1000. */
unsigned int hvp_term_width(FILE *stream);

/*
 * What text is, rather than which colour it has. No two styles differ by red and green alone, and
 * every one that carries meaning stands beside a number or a word that says the same.
 */
enum hvp_style {
	HVP_STYLE_PLAIN,
	HVP_STYLE_HEADING,
	/* A large, a middling and a small share. */
	HVP_STYLE_HOT,
	HVP_STYLE_WARM,
	HVP_STYLE_DIM,
	/* A domain's or a file's name. */
	HVP_STYLE_NAME,
	HVP_STYLE_WARNING,
	HVP_STYLE_ERROR,
};

/* The escape sequence that begins a style; "" without colour. */
const char *hvp_style_begin(bool has_color, enum hvp_style style);
/* And the one that ends every style. */
const char *hvp_style_end(bool has_color);

/* A pager that reads what is printed. */
struct hvp_pager;

/*
 * When `*out` is a terminal: starts $HVPROF_PAGER, otherwise $PAGER, otherwise "less -RFX", and
 * replaces `*out` by a stream to it. An empty variable or "cat" means none. `*ret` is NULL when
 * there is none: not a terminal, or nothing to run; a variable that names no program is warned of.
 */
struct hvp_error *hvp_pager_start(const struct hvp_log *log, FILE **out,
				  struct hvp_pager **ret) hvp_must_use;
/* Closes the stream, waits until the user leaves the pager, and puts `*out` back. Accepts NULL. */
void hvp_pager_finish(struct hvp_pager *pager, FILE **out);

#endif
