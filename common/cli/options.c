/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"
#include "common/cli/suggest.h"

/* How an option was written, for messages: "--output" or "-o". */
#define MAX_SPELLING 64

struct hvp_error *hvp_strings_add(struct hvp_strings *strings, const char *item)
{
	/* The array has room for the next power of two. */
	if ((strings->num & (strings->num - 1)) == 0) {
		size_t capacity = strings->num ? strings->num * 2 : 1;
		const char **items = realloc(strings->items, capacity * sizeof(*items));

		if (!items)
			return hvp_error_no_memory;
		strings->items = items;
	}
	strings->items[strings->num++] = item;
	return NULL;
}

void hvp_strings_deinit(struct hvp_strings *strings)
{
	free(strings->items);
	*strings = (struct hvp_strings){0};
}

static bool takes_value(const struct hvp_option *option)
{
	switch (option->type) {
	case HVP_OPTION_STRING:
	case HVP_OPTION_UINT:
	case HVP_OPTION_DOUBLE:
	case HVP_OPTION_LIST:
	case HVP_OPTION_CHOICE: return true;
	default: return false;
	}
}

static struct hvp_error *parse_uint(const char *spelling, const char *value, uint64_t *ret)
{
	static const struct {
		char letter;
		uint64_t factor;
	} suffixes[] = {{'\0', 1}, {'k', 1000}, {'K', 1000}, {'M', 1000000}, {'G', 1000000000}};
	int base = !strncmp(value, "0x", 2) || !strncmp(value, "0X", 2) ? 16 : 10;
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, base);
	/* strtoull() lets blanks and signs pass. */
	if (value[0] < '0' || value[0] > '9' || (end[0] && end[1]))
		goto wrong;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (end[0] != suffixes[i].letter)
			continue;
		if (errno == ERANGE || __builtin_mul_overflow(number, suffixes[i].factor, ret))
			return hvp_error_create(HVP_ERROR_USAGE,
						"%s: \"%s\" does not fit in 64 bits", spelling,
						value);
		return NULL;
	}
wrong:
	return hvp_error_create(
		HVP_ERROR_USAGE,
		"%s: \"%s\" is not a whole number such as 4000, 4k, 1M or 0x10 (k, M, G are "
		"1000s)",
		spelling, value);
}

static struct hvp_error *parse_uint_option(const struct hvp_option *option, const char *spelling,
					   const char *value, uint64_t *ret)
{
	hvp_try(parse_uint(spelling, value, ret));
	if (*ret < option->min)
		return hvp_error_create(HVP_ERROR_USAGE, "%s: %s is less than %" PRIu64, spelling,
					value, option->min);
	return NULL;
}

static struct hvp_error *parse_double(const struct hvp_option *option, const char *spelling,
				      const char *value, double *ret)
{
	bool is_percent = option->value && !strcmp(option->value, "PERCENT");
	char *end;

	*ret = strtod(value, &end);
	if (is_percent && end != value && *end == '%')
		end++;
	if (end == value || *end || !isfinite(*ret))
		return hvp_error_create(HVP_ERROR_USAGE, "%s: \"%s\" is not a number such as 0.5",
					spelling, value);
	return NULL;
}

static struct hvp_error *parse_choice(const char *spelling, const struct hvp_option *option,
				      const char *value, int *ret)
{
	struct hvp_suggestion suggestion;
	char list[256] = "";

	hvp_suggestion_init(&suggestion, value);
	for (int i = 0; option->choices[i]; i++) {
		size_t used = strlen(list);

		if (!strcmp(option->choices[i], value)) {
			*ret = i;
			return NULL;
		}
		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
			 option->choices[i]);
		hvp_suggestion_try(&suggestion, option->choices[i]);
	}
	if (suggestion.nearest)
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s: there is no \"%s\"; did you mean \"%s\"?", spelling,
					value, suggestion.nearest);
	return hvp_error_create(HVP_ERROR_USAGE, "%s: there is no \"%s\"; it is one of %s",
				spelling, value, list);
}

/* An option that needs a value, or has one by '='. */
static struct hvp_error *store_value(const struct hvp_option *option, const char *spelling,
				     const char *value, void *config)
{
	void *place = (char *)config + option->offset;

	switch (option->type) {
	case HVP_OPTION_STRING:
	case HVP_OPTION_OPTIONAL: *(const char **)place = value; return NULL;
	case HVP_OPTION_UINT: return parse_uint_option(option, spelling, value, place);
	case HVP_OPTION_DOUBLE: return parse_double(option, spelling, value, place);
	case HVP_OPTION_LIST: return hvp_strings_add(place, value);
	case HVP_OPTION_CHOICE: return parse_choice(spelling, option, value, place);
	default:
		return hvp_error_create(HVP_ERROR_USAGE, "%s takes no value, but \"%s\" is given",
					spelling, value);
	}
}

/* An option that stands alone. */
static void store_presence(const struct hvp_option *option, bool is_set, void *config)
{
	void *place = (char *)config + option->offset;

	if (option->type == HVP_OPTION_FLAG)
		*(bool *)place = is_set;
	else if (option->type == HVP_OPTION_COUNT)
		++*(unsigned int *)place;
	else
		*(const char **)place = "";
}

static struct hvp_error *set_flag(const struct hvp_option *option, const char *value, void *config)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(value, words[i]))
			continue;
		store_presence(option, i % 2, config);
		return NULL;
	}
	return hvp_error_create(HVP_ERROR_USAGE, "%s: \"%s\" is neither yes nor no", option->name,
				value);
}

static struct hvp_error *set_count(const struct hvp_option *option, const char *value, void *config)
{
	uint64_t count;

	hvp_try(parse_uint(option->name, value, &count));
	if (count > 100)
		return hvp_error_create(HVP_ERROR_USAGE, "%s: %s is more than 100", option->name,
					value);
	*(unsigned int *)((char *)config + option->offset) = (unsigned int)count;
	return NULL;
}

/* NULL when there is none, or no table. */
static const struct hvp_option *find_option(const struct hvp_option *options, const char *name)
{
	for (; options && options->type != HVP_OPTION_END; options++) {
		if (options->type != HVP_OPTION_GROUP && options->name &&
		    !strcmp(options->name, name))
			return options;
	}
	return NULL;
}

static struct hvp_error *no_such_setting(const struct hvp_command *command, const char *name)
{
	struct hvp_suggestion suggestion;

	hvp_suggestion_init(&suggestion, name);
	for (const struct hvp_option *o = command->options; o && o->type != HVP_OPTION_END; o++)
		hvp_suggestion_try(&suggestion, o->name);
	if (suggestion.nearest)
		return hvp_error_create(HVP_ERROR_USAGE,
					"there is no setting \"%s\"; did you mean \"%s\"?", name,
					suggestion.nearest);
	return hvp_error_create(HVP_ERROR_USAGE, "there is no setting \"%s\"", name);
}

struct hvp_error *hvp_options_set(const struct hvp_command *command, const char *name,
				  const char *value, void *config)
{
	const struct hvp_option *option = find_option(command->options, name);

	if (!option)
		return no_such_setting(command, name);
	if (option->is_only_typed)
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s is an option of the command line, not a setting", name);
	if (option->type == HVP_OPTION_FLAG)
		return set_flag(option, value, config);
	if (option->type == HVP_OPTION_COUNT)
		return set_count(option, value, config);
	return store_value(option, option->name, value, config);
}

void hvp_options_deinit(const struct hvp_command *command, void *config)
{
	for (const struct hvp_option *o = command->options; o && o->type != HVP_OPTION_END; o++) {
		if (o->type == HVP_OPTION_LIST)
			hvp_strings_deinit((void *)((char *)config + o->offset));
	}
}

const struct hvp_command *hvp_command_find(const struct hvp_command *const *commands,
					   const char *name)
{
	for (; *commands; commands++) {
		if (!strcmp((*commands)->name, name))
			return *commands;
	}
	return NULL;
}

struct hvp_error *hvp_command_unknown(const struct hvp_command *const *commands, const char *name)
{
	struct hvp_suggestion suggestion;

	hvp_suggestion_init(&suggestion, name);
	for (; *commands; commands++)
		hvp_suggestion_try(&suggestion, (*commands)->name);
	if (suggestion.nearest)
		return hvp_error_create(HVP_ERROR_USAGE,
					"there is no command \"%s\"; did you mean \"%s\"?", name,
					suggestion.nearest);
	return hvp_error_create(HVP_ERROR_USAGE, "there is no command \"%s\"", name);
}

/* One run over a command line. */
struct parser {
	const struct hvp_option_table *tables;
	size_t num_tables;
	int argc;
	char **argv;
	/* The next argument. */
	int at;
	struct hvp_parse *out;
	/* The options that were typed. */
	const struct hvp_option **typed;
	size_t num_typed;
};

static bool is_typed(const struct parser *parser, const struct hvp_option *option)
{
	for (size_t i = 0; i < parser->num_typed; i++) {
		if (parser->typed[i] == option)
			return true;
	}
	return false;
}

/* As if nothing had ever been said of it. */
static void take_back(const struct hvp_option *option, void *config)
{
	void *place = (char *)config + option->offset;

	switch (option->type) {
	case HVP_OPTION_FLAG: *(bool *)place = false; break;
	case HVP_OPTION_COUNT: *(unsigned int *)place = 0; break;
	case HVP_OPTION_UINT: *(uint64_t *)place = 0; break;
	case HVP_OPTION_DOUBLE: *(double *)place = 0; break;
	case HVP_OPTION_LIST: hvp_strings_deinit(place); break;
	case HVP_OPTION_CHOICE: *(int *)place = 0; break;
	default: *(const char **)place = NULL; break;
	}
}

/* An option of `config` was typed: settings that contradict it give way. */
static void note_typed(struct parser *parser, const struct hvp_option *option, void *config)
{
	const struct hvp_option *options = NULL;

	if (is_typed(parser, option))
		return;
	parser->typed[parser->num_typed++] = option;
	for (size_t i = 0; i < parser->num_tables; i++) {
		if (parser->tables[i].config == config)
			options = parser->tables[i].options;
	}
	for (const char *const *name = option->excludes; name && *name; name++) {
		const struct hvp_option *other = find_option(options, *name);

		if (other && !is_typed(parser, other))
			take_back(other, config);
	}
}

/* An option of some table, by its name or (NULL) its letter. */
static const struct hvp_option *find(const struct parser *parser, const char *name, char letter,
				     void **ret_config)
{
	for (size_t i = 0; i < parser->num_tables; i++) {
		const struct hvp_option *option = parser->tables[i].options;

		*ret_config = parser->tables[i].config;
		if (name) {
			option = find_option(option, name);
			if (option)
				return option;
			continue;
		}
		for (; option && option->type != HVP_OPTION_END; option++) {
			if (option->type != HVP_OPTION_GROUP && option->letter == letter)
				return option;
		}
	}
	return NULL;
}

static struct hvp_error *unknown_option(const struct parser *parser, const char *name)
{
	struct hvp_suggestion suggestion;

	hvp_suggestion_init(&suggestion, name);
	for (size_t i = 0; i < parser->num_tables; i++) {
		const struct hvp_option *o = parser->tables[i].options;

		for (; o && o->type != HVP_OPTION_END; o++)
			hvp_suggestion_try(&suggestion, o->name);
	}
	hvp_suggestion_try(&suggestion, "help");
	if (suggestion.nearest)
		return hvp_error_create(HVP_ERROR_USAGE, "unknown option --%s; did you mean --%s?",
					name, suggestion.nearest);
	return hvp_error_create(HVP_ERROR_USAGE, "unknown option --%s", name);
}

/* The value in the next argument. */
static struct hvp_error *take_value(struct parser *parser, const struct hvp_option *option,
				    const char *spelling, void *config)
{
	if (parser->at >= parser->argc)
		return hvp_error_create(HVP_ERROR_USAGE, "%s needs a value: %s %s", spelling,
					spelling, option->value ? option->value : "VALUE");
	return store_value(option, spelling, parser->argv[parser->at++], config);
}

/* `--no-NAME` of a flag called NAME. */
static const struct hvp_option *find_negated(const struct parser *parser, const char *name,
					     void **ret_config)
{
	const struct hvp_option *option;

	if (strncmp(name, "no-", 3))
		return NULL;
	option = find(parser, name + 3, 0, ret_config);
	return option && option->type == HVP_OPTION_FLAG ? option : NULL;
}

/* `word` is what stands behind the two dashes. */
static struct hvp_error *parse_long(struct parser *parser, const char *word)
{
	const char *equals = strchrnul(word, '=');
	char name[MAX_SPELLING - 2], spelling[MAX_SPELLING];
	const struct hvp_option *option;
	void *config;

	snprintf(name, sizeof(name), "%.*s", (int)(equals - word), word);
	snprintf(spelling, sizeof(spelling), "--%s", name);
	option = find(parser, name, 0, &config);
	if (option)
		note_typed(parser, option, config);
	if (option && *equals)
		return store_value(option, spelling, equals + 1, config);
	if (option && takes_value(option))
		return take_value(parser, option, spelling, config);
	if (option) {
		store_presence(option, true, config);
		return NULL;
	}
	if (!strcmp(word, "help")) {
		parser->out->wants_help = true;
		return NULL;
	}
	option = *equals ? NULL : find_negated(parser, name, &config);
	if (!option)
		return unknown_option(parser, name);
	store_presence(option, false, config);
	return NULL;
}

/* `letters` is what stands behind one dash: letters without values, and at most one with a value as
 * the last. */
static struct hvp_error *parse_letters(struct parser *parser, const char *letters)
{
	for (; *letters; letters++) {
		const char spelling[] = {'-', *letters, '\0'};
		const struct hvp_option *option;
		void *config;

		option = find(parser, NULL, *letters, &config);
		if (!option && *letters == 'h') {
			parser->out->wants_help = true;
			return NULL;
		}
		if (!option)
			return hvp_error_create(HVP_ERROR_USAGE, "unknown option %s", spelling);
		note_typed(parser, option, config);
		if (takes_value(option)) {
			if (letters[1])
				return store_value(option, spelling, letters + 1, config);
			return take_value(parser, option, spelling, config);
		}
		if (letters[1] == '=')
			return store_value(option, spelling, letters + 2, config);
		store_presence(option, true, config);
	}
	return NULL;
}

static void take_rest(struct parser *parser)
{
	while (parser->at < parser->argc)
		parser->out->argv[parser->out->argc++] = parser->argv[parser->at++];
}

static struct hvp_error *parse_arguments(struct parser *parser, bool stops_early)
{
	struct hvp_parse *out = parser->out;

	while (parser->at < parser->argc && !out->wants_help) {
		char *word = parser->argv[parser->at++];

		if (!strcmp(word, "--")) {
			out->command = out->argc;
			take_rest(parser);
			return NULL;
		}
		if (!strncmp(word, "--", 2)) {
			hvp_try(parse_long(parser, word + 2));
		} else if (word[0] == '-' && word[1]) {
			hvp_try(parse_letters(parser, word + 1));
		} else {
			out->argv[out->argc++] = word;
			if (stops_early)
				take_rest(parser);
		}
	}
	out->command = out->argc;
	return NULL;
}

static size_t count_options(const struct hvp_option *options)
{
	size_t num = 0;

	while (options && options[num].type != HVP_OPTION_END)
		num++;
	return num;
}

struct hvp_error *hvp_options_parse_tables(const struct hvp_option_table *tables, size_t num_tables,
					   bool stops_early, int argc, char **argv,
					   struct hvp_parse *ret)
{
	hvp_scope(hvp_free_ptr) char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	hvp_scope(hvp_free_ptr) const struct hvp_option **typed = NULL;
	size_t num_options = 1;
	struct hvp_parse out = {.argv = rest};
	struct parser parser = {
		.tables = tables,
		.num_tables = num_tables,
		.argc = argc,
		.argv = argv,
		.out = &out,
	};

	for (size_t i = 0; i < num_tables; i++)
		num_options += count_options(tables[i].options);
	typed = calloc(num_options, sizeof(*typed));
	parser.typed = typed;
	if (!rest || !typed)
		return hvp_error_no_memory;
	hvp_try(parse_arguments(&parser, stops_early));
	*ret = out;
	rest = NULL;
	return NULL;
}

struct hvp_error *hvp_options_parse(const struct hvp_command *command, int argc, char **argv,
				    void *config, struct hvp_parse *ret)
{
	const struct hvp_option_table table = {.options = command->options, .config = config};

	return hvp_options_parse_tables(&table, 1, false, argc, argv, ret);
}
