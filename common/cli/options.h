/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Declarative command lines. A command owns one table of options; parsing, --help, shell
 * completion, the configuration file and the manual pages' option lists all come from it. An
 * option's value lands in a member of the command's own configuration struct, found by its offset.
 */
#ifndef HVP_COMMON_CLI_OPTIONS_H
#define HVP_COMMON_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

enum hvp_option_type {
	/* Ends a table. */
	HVP_OPTION_END = 0,
	/* A heading in --help, such as "Output:": only `help` is used. */
	HVP_OPTION_GROUP,
	/* bool; --no-NAME clears it. */
	HVP_OPTION_FLAG,
	/* unsigned int: how often it was given (-vv). */
	HVP_OPTION_COUNT,
	/* const char * (borrowed from argv or the configuration). */
	HVP_OPTION_STRING,
	/* uint64_t; accepts k, M, G suffixes (1000s) and 0x. */
	HVP_OPTION_UINT,
	/* double */
	HVP_OPTION_DOUBLE,
	/* struct hvp_strings: repeatable. */
	HVP_OPTION_LIST,
	/* int: the index in `choices`. */
	HVP_OPTION_CHOICE,
	/* const char *; the value is optional and only by '=': -g, -g=dwarf, --call-graph=dwarf. ""
	   when given without. */
	HVP_OPTION_OPTIONAL,
};

/* The values of a repeatable option. Zero-initialise; hvp_strings_deinit frees the array, not the
 * strings. */
struct hvp_strings {
	const char **items;
	size_t num;
};

struct hvp_error *hvp_strings_add(struct hvp_strings *strings, const char *item) hvp_must_use;
void hvp_strings_deinit(struct hvp_strings *strings);

struct hvp_option {
	enum hvp_option_type type;
	/* 0: none. */
	char letter;
	/* Without dashes; NULL: only the letter. */
	const char *name;
	size_t offset;
	/* The value's name in --help: "FILE". */
	const char *value;
	/* One sentence without a full stop. */
	const char *help;
	/* UINT: what is smaller is refused; 0 is no limit. */
	uint64_t min;
	/* No setting of a configuration file: it asks for something once. */
	bool is_only_typed;
	/*
	 * Names of options, NULL-terminated, that make no sense together with it: typed, it takes back what a
	 * configuration file says of them. What is typed too stays, for the command to refuse.
	 */
	const char *const *excludes;
	/* CHOICE: the words, NULL-terminated. */
	const char *const *choices;
	/* How a shell completes the value: "file", "dir", "guest", "event", "command", words with
	 * blanks between them, or NULL. */
	const char *completion;
};

#define HVP_END_OF_OPTIONS                                                                         \
	{                                                                                          \
		.type = HVP_OPTION_END                                                             \
	}

/* What a command is told beside its own options. */
struct hvp_context;

struct hvp_command {
	const char *name;
	/* One line for the list of commands. */
	const char *summary;
	/* "[OPTION...] [SESSION]" */
	const char *synopsis;
	/*
	 * How a shell completes arguments: "file", "command" (one of the commands), or the words
	 * that can stand there, with blanks between them. NULL: not at all.
	 */
	const char *arguments;
	const struct hvp_option *options;
	/* Pairs of command line and explanation, NULL-terminated. */
	const char *const *examples;
	/* Size of the configuration struct, and its values when nothing is given (NULL: zeroes). */
	size_t config_size;
	const void *defaults;
	/*
	 * `argv[0..argc)` are the positional arguments; everything behind "--" is among them and
	 * *index_of_command in the context says where it began. Returns an error (printed by main;
	 * exit 1, or 2 for HVP_ERROR_USAGE) or sets *ret_status to the exit status.
	 */
	struct hvp_error *(*run)(struct hvp_context *context, const void *config, int argc,
				 char **argv, int *ret_status);
};

/* The command called `name` in a NULL-terminated table, or NULL. */
const struct hvp_command *hvp_command_find(const struct hvp_command *const *commands,
					   const char *name);
/* HVP_ERROR_USAGE for a name that is none, with the nearest one that is. */
struct hvp_error *hvp_command_unknown(const struct hvp_command *const *commands,
				      const char *name) hvp_must_use hvp_returns_error;

/* What is left when the options are taken out of a command line. */
struct hvp_parse {
	/* The positional arguments in their order; everything behind "--" is among them. The caller
	 * frees the array alone. */
	int argc;
	char **argv;
	/* The index of the first argument that stood behind "--"; argc when none did. */
	int command;
	/* --help (or -h, unless a table has an -h of its own) was met; nothing behind it was looked
	 * at. */
	bool wants_help;
};

/* A table, and the struct that its values land in. */
struct hvp_option_table {
	const struct hvp_option *options;
	void *config;
};

/*
 * Parses `argv` (without the command's name) into `config`, which holds the defaults. Options and
 * positional arguments may be mixed until "--"; letters may be clustered (-abc), values follow as
 * -oFILE, -o FILE, --output=FILE or --output FILE. Unknown options are HVP_ERROR_USAGE and name the
 * nearest option that exists. `argv` is not changed and lends its strings to `config`.
 */
struct hvp_error *hvp_options_parse(const struct hvp_command *command, int argc, char **argv,
				    void *config, struct hvp_parse *ret) hvp_must_use;

/*
 * The same for several tables; the first one that knows an option gets it. With `stops_early` the
 * first positional argument ends the options as "--" does, but stays the first of what is left
 * (`hvprof -v VERB ...`).
 */
struct hvp_error *hvp_options_parse_tables(const struct hvp_option_table *tables, size_t num_tables,
					   bool stops_early, int argc, char **argv,
					   struct hvp_parse *ret) hvp_must_use;

/*
 * One setting from a configuration file, by the option's long name: same rules as the command line;
 * a flag takes yes, no, true, false, on, off, 1 or 0. A list gets one item more. `config` borrows
 * `value`.
 */
struct hvp_error *hvp_options_set(const struct hvp_command *command, const char *name,
				  const char *value, void *config) hvp_must_use;

/* Frees the lists in a configuration. */
void hvp_options_deinit(const struct hvp_command *command, void *config);

#endif
