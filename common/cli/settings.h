/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration files: /etc/hvprof.conf, then $XDG_CONFIG_HOME/hvprof/config (~/.config without
 * it). $HVPROF_CONFIG names one file to read instead of both; empty, none is read.
 *
 *	# a comment; there are none behind a value
 *	[report]
 *	percent-limit = 0.5
 *
 * A section is a command, a name is one of its long options; [global] has those of `hvprof` itself.
 * What is given twice is set twice: a list grows, for the others the last one counts. (Not libinih:
 * as Debian builds it, it cuts lines at 200 bytes and tells no line numbers.)
 */
#ifndef HVP_COMMON_CLI_SETTINGS_H
#define HVP_COMMON_CLI_SETTINGS_H

#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/cli/options.h"

#define HVP_SETTINGS_GLOBAL "global"
/* A larger file is taken for something else. */
#define HVP_SETTINGS_MAX_FILE (1024u * 1024u)

struct hvp_setting {
	const char *section;
	const char *name;
	const char *value;
	/* Where it stands. */
	const char *file;
	unsigned int line;
};

/* Zero-initialise. */
struct hvp_settings {
	struct hvp_arena arena;
	/* In the order in which they apply. */
	struct hvp_setting *items;
	size_t num, capacity;
};

void hvp_settings_deinit(struct hvp_settings *settings);

/* Adds the files described above; one that does not exist is passed over. */
struct hvp_error *hvp_settings_load(struct hvp_settings *settings) hvp_must_use;
/* Adds one file, which must exist. */
struct hvp_error *hvp_settings_load_file(struct hvp_settings *settings,
					 const char *path) hvp_must_use;
/*
 * Adds a file's text. HVP_ERROR_USAGE is "FILE:LINE: ..."; nothing before that line is taken back.
 */
struct hvp_error *hvp_settings_parse(struct hvp_settings *settings, const char *file,
				     const char *text, size_t size) hvp_must_use;

/* Puts the settings of the section `section` into `config`, which borrows their values. */
struct hvp_error *hvp_settings_apply(const struct hvp_settings *settings, const char *section,
				     const struct hvp_command *command, void *config) hvp_must_use;

/* The last setting of a name in a section, or NULL. */
const struct hvp_setting *hvp_settings_find(const struct hvp_settings *settings,
					    const char *section, const char *name);

#endif
