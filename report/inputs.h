/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every verb that reads a session takes: the session, and where symbols come from. A verb
 * embeds the configuration and puts HVP_INPUT_OPTIONS or HVP_SESSION_OPTIONS into its option table.
 */
#ifndef HVP_REPORT_INPUTS_H
#define HVP_REPORT_INPUTS_H

#include "common/cli/context.h"
#include "common/cli/options.h"
#include "common/cli/progress.h"
#include "common/session/reader.h"
#include "symbolizer/symbolizer.h"

#define HVP_DEFAULT_SESSION "hvprof.data"

struct hvp_input_config {
	const char *input;
	const char *symfs, *vmlinux, *kallsyms;
	struct hvp_strings guests, domains, debug_dirs;
	bool use_debuginfod, demangles, has_full_names;
};

#define HVP_INPUT_DEFAULTS                                                                         \
	{                                                                                          \
		.demangles = true                                                                  \
	}

/* Rows of an option table; `type` is the verb's configuration, `member` its hvp_input_config. */
#define HVP_SESSION_OPTIONS(config_type, member)                                                   \
	{.type = HVP_OPTION_GROUP, .help = "Session:"},                                            \
	{                                                                                          \
		.type = HVP_OPTION_STRING, .letter = 'i', .name = "input", .value = "FILE",        \
		.offset = offsetof(config_type, member.input), .completion = "file",               \
		.help = "the session, \"-\" for standard input (default hvprof.data)"              \
	}

#define HVP_SYMBOL_OPTIONS(config_type, member)                                                    \
	{.type = HVP_OPTION_GROUP, .help = "Symbols:"},                                            \
		{.type = HVP_OPTION_LIST,                                                          \
		 .name = "guest",                                                                  \
		 .value = "NAME=...",                                                              \
		 .offset = offsetof(config_type, member.guests),                                   \
		 .completion = "guest",                                                            \
		 .help = "images of a guest: "                                                     \
			 "NAME=kallsyms:FILE,modules:FILE,vmlinux:FILE,root:DIR; "                 \
			 "NAME alone is --domain NAME"},                                           \
		{.type = HVP_OPTION_STRING,                                                        \
		 .name = "symfs",                                                                  \
		 .value = "DIR",                                                                   \
		 .offset = offsetof(config_type, member.symfs),                                    \
		 .completion = "dir",                                                              \
		 .help = "look for the host's files below DIR"},                                   \
		{.type = HVP_OPTION_STRING,                                                        \
		 .name = "vmlinux",                                                                \
		 .value = "FILE",                                                                  \
		 .offset = offsetof(config_type, member.vmlinux),                                  \
		 .completion = "file",                                                             \
		 .help = "the host kernel with symbols and lines"},                                \
		{.type = HVP_OPTION_STRING,                                                        \
		 .name = "kallsyms",                                                               \
		 .value = "FILE",                                                                  \
		 .offset = offsetof(config_type, member.kallsyms),                                 \
		 .completion = "file",                                                             \
		 .help = "the host kernel's kallsyms"},                                            \
		{.type = HVP_OPTION_LIST,                                                          \
		 .name = "debug-dir",                                                              \
		 .value = "DIR",                                                                   \
		 .offset = offsetof(config_type, member.debug_dirs),                               \
		 .completion = "dir",                                                              \
		 .help = "like /usr/lib/debug: separate debug files, unpacked packages; or with "  \
			 "PROGRAM.debug"},                                                         \
		{.type = HVP_OPTION_FLAG,                                                          \
		 .name = "debuginfod",                                                             \
		 .offset = offsetof(config_type, member.use_debuginfod),                           \
		 .help = "ask the servers in $DEBUGINFOD_URLS for what is not here"},              \
		{.type = HVP_OPTION_FLAG,                                                          \
		 .name = "demangle",                                                               \
		 .offset = offsetof(config_type, member.demangles),                                \
		 .help = "write C++ and Rust names as in the source (default yes)"},               \
	{                                                                                          \
		.type = HVP_OPTION_FLAG, .name = "full-names",                                     \
		.offset = offsetof(config_type, member.has_full_names),                            \
		.help = "C++ names with their parameters and results"                              \
	}

#define HVP_INPUT_OPTIONS(config_type, member)                                                     \
	HVP_SESSION_OPTIONS(config_type, member), HVP_SYMBOL_OPTIONS(config_type, member)

/* The open session and its symbolizer. */
struct hvp_inputs {
	struct hvp_session *session;
	struct hvp_symbolizer *symbolizer;
	struct hvp_guest_images *guests;
	size_t num_guests;
	/* NULL-terminated. */
	const char **debug_dirs;
	/* Domains that --domain and --guest NAME ask for. */
	struct hvp_strings domains;
	struct hvp_progress progress;
};

/*
 * The session that -i or the positional argument names; both, or more than one, is HVP_ERROR_USAGE.
 */
struct hvp_error *hvp_inputs_path(const struct hvp_input_config *config, int argc, char **argv,
				  const char **ret) hvp_must_use;

/* Opens both. `ret` is to be deinitialised also after an error. */
struct hvp_error *hvp_inputs_open(struct hvp_inputs *ret, const struct hvp_context *context,
				  const struct hvp_input_config *config,
				  const char *path) hvp_must_use;
void hvp_inputs_deinit(struct hvp_inputs *inputs);

#endif
