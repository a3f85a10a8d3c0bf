/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"
#include "tests/unit/fault.h"

#include "common/base/array.h"
#include "common/base/scope.h"
#include "common/cli/options.h"
#include "common/cli/suggest.h"

struct config {
	bool all;
	bool is_quiet;
	unsigned int verbose;
	const char *output;
	uint64_t count;
	double limit;
	struct hvp_strings guests;
	int format;
	const char *chains;
};

static const char *const formats[] = {"text", "csv", "json", NULL};

static const struct hvp_option options[] = {
	{.type = HVP_OPTION_GROUP, .help = "Target:"},
	{.type = HVP_OPTION_FLAG,
	 .letter = 'a',
	 .name = "all",
	 .offset = offsetof(struct config, all)},
	{.type = HVP_OPTION_FLAG, .name = "quiet", .offset = offsetof(struct config, is_quiet)},
	{.type = HVP_OPTION_COUNT,
	 .letter = 'v',
	 .name = "verbose",
	 .offset = offsetof(struct config, verbose)},
	{.type = HVP_OPTION_STRING,
	 .letter = 'o',
	 .name = "output",
	 .value = "FILE",
	 .offset = offsetof(struct config, output)},
	{.type = HVP_OPTION_UINT, .letter = 'c', .offset = offsetof(struct config, count)},
	{.type = HVP_OPTION_DOUBLE,
	 .name = "percent-limit",
	 .value = "PERCENT",
	 .offset = offsetof(struct config, limit)},
	{.type = HVP_OPTION_LIST, .name = "guest", .offset = offsetof(struct config, guests)},
	{.type = HVP_OPTION_CHOICE,
	 .name = "format",
	 .choices = formats,
	 .offset = offsetof(struct config, format)},
	{.type = HVP_OPTION_OPTIONAL,
	 .letter = 'g',
	 .name = "call-graph",
	 .value = "MODE",
	 .offset = offsetof(struct config, chains)},
	HVP_END_OF_OPTIONS,
};

static const struct hvp_command command = {.name = "test", .options = options};

#define MAX_ARGUMENTS 16

/* Splits at blanks; the words live as long as `line`. */
static int split(char *line, char *argv[MAX_ARGUMENTS + 1])
{
	char *word, *rest = line;
	int argc = 0;

	while (argc < MAX_ARGUMENTS && (word = strsep(&rest, " ")))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static struct hvp_error *parse(char *line, struct config *config, struct hvp_parse *ret)
{
	char *argv[MAX_ARGUMENTS + 1];
	int argc = split(line, argv);

	return hvp_options_parse(&command, argc, argv, config, ret);
}

/* "all v1 output=FILE | ...": everything that was set, in the table's order. */
static void describe(const struct config *config, const struct hvp_parse *parsed, char *buf,
		     size_t size)
{
	FILE *out = fmemopen(buf, size, "w");

	if (config->all)
		fputs("all ", out);
	if (config->is_quiet)
		fputs("quiet ", out);
	if (config->verbose)
		fprintf(out, "v%u ", config->verbose);
	if (config->output)
		fprintf(out, "output=%s ", config->output);
	if (config->count)
		fprintf(out, "count=%llu ", (unsigned long long)config->count);
	if (config->limit != 0)
		fprintf(out, "limit=%g ", config->limit);
	for (size_t i = 0; i < config->guests.num; i++)
		fprintf(out, "guest=%s ", config->guests.items[i]);
	if (config->format)
		fprintf(out, "format=%d ", config->format);
	if (config->chains)
		fprintf(out, "chains=%s ", config->chains);
	fputs("|", out);
	for (int i = 0; i < parsed->argc; i++)
		fprintf(out, "%s%s", i == parsed->command ? " -- " : " ", parsed->argv[i]);
	fclose(out);
}

static const struct {
	const char *line, *result;
} lines[] = {
	{"-a", "all |"},
	{"--all --no-all", "|"},
	{"-av", "all v1 |"},
	{"-vvv --verbose", "v4 |"},
	{"-oFILE", "output=FILE |"},
	{"-o FILE", "output=FILE |"},
	{"-ao FILE x", "all output=FILE | x"},
	{"--output=FILE", "output=FILE |"},
	{"--output FILE", "output=FILE |"},
	{"--output=", "output= |"},
	{"--output=a=b", "output=a=b |"},
	/* A value may look like an option. */
	{"-o -a", "output=-a |"},
	{"--output --all", "output=--all |"},
	{"-o1 -o2", "output=2 |"},
	{"-c 4k", "count=4000 |"},
	{"-c0x10", "count=16 |"},
	{"-c 2M", "count=2000000 |"},
	{"-c 18446744073709551615", "count=18446744073709551615 |"},
	{"--percent-limit .5", "limit=0.5 |"},
	{"--percent-limit 5%", "limit=5 |"},
	{"--guest a --guest=b --guest c", "guest=a guest=b guest=c |"},
	{"--format json", "format=2 |"},
	{"-g", "chains= |"},
	{"-g=dwarf", "chains=dwarf |"},
	{"-ga", "all chains= |"},
	{"--call-graph", "chains= |"},
	{"--call-graph=fp", "chains=fp |"},
	{"-g fp", "chains= | fp"},
	/* Options and arguments in any order, until "--". */
	{"x -a y -v z", "all v1 | x y z"},
	{"x -- -a --quiet", "| x -- -a --quiet"},
	{"-a -- cmd -- -v", "all | -- cmd -- -v"},
	{"--", "|"},
	{"-", "| -"},
};

static void every_way_to_write_an_option_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(lines); i++) {
		hvp_scope(hvp_free_ptr) char *line = strdup(lines[i].line);
		struct config config = {0};
		struct hvp_parse parsed;
		char result[256];

		assert_ok(parse(line, &config, &parsed));
		assert_false(parsed.wants_help);
		assert_null(parsed.argv[parsed.argc]);
		describe(&config, &parsed, result, sizeof(result));
		assert_string_equal(result, lines[i].result);
		hvp_options_deinit(&command, &config);
		free(parsed.argv);
	}
}

static const struct {
	const char *line, *message;
} wrong_lines[] = {
	{"--al", "unknown option --al; did you mean --all?"},
	{"--ouptut=x", "unknown option --ouptut; did you mean --output?"},
	{"--perc 1", "did you mean --percent-limit?"},
	{"--hepl", "did you mean --help?"},
	{"--entirely-different", "unknown option --entirely-different"},
	{"--no-output", "unknown option --no-output"},
	{"--no-all=1", "unknown option --no-all"},
	{"-x", "unknown option -x"},
	{"-ax", "unknown option -x"},
	{"-a=1", "-a takes no value, but \"1\" is given"},
	{"--all=yes", "--all takes no value"},
	{"--verbose=2", "--verbose takes no value"},
	{"-o", "-o needs a value: -o FILE"},
	{"--output", "--output needs a value: --output FILE"},
	{"-c", "-c needs a value: -c VALUE"},
	{"-c -1", "-c: \"-1\" is not a whole number"},
	{"-c +1", "is not a whole number"},
	{"-c 1kk", "is not a whole number"},
	{"-c 1x", "is not a whole number"},
	{"-c=5", "\"=5\" is not a whole number"},
	{"-c 18446744073709551616", "does not fit in 64 bits"},
	{"-c 18446744073709551615k", "does not fit in 64 bits"},
	{"--percent-limit x", "--percent-limit: \"x\" is not a number"},
	{"--percent-limit 1x", "is not a number"},
	{"--percent-limit nan", "is not a number"},
	{"--percent-limit 1e999", "is not a number"},
	{"--percent-limit=", "is not a number"},
	{"--format jsn", "--format: there is no \"jsn\"; did you mean \"json\"?"},
	{"--format yaml", "it is one of text, csv, json"},
	{"---all", "unknown option ---all"},
};

static void every_wrong_line_is_a_usage_error_that_helps(void **state)
{
	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(wrong_lines); i++) {
		hvp_scope(hvp_free_ptr) char *line = strdup(wrong_lines[i].line);
		struct config config = {0};
		struct hvp_parse parsed;

		assert_error(parse(line, &config, &parsed), HVP_ERROR_USAGE,
			     wrong_lines[i].message);
		hvp_options_deinit(&command, &config);
	}
}

static void help_is_wanted_and_ends_the_parsing(void **state)
{
	static const char *const asked[] = {"--help", "-h", "-ah", "x --help --nonsense"};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(asked); i++) {
		hvp_scope(hvp_free_ptr) char *line = strdup(asked[i]);
		struct config config = {0};
		struct hvp_parse parsed;

		assert_ok(parse(line, &config, &parsed));
		assert_true(parsed.wants_help);
		free(parsed.argv);
	}
}

static void the_first_table_that_knows_an_option_gets_it(void **state)
{
	static const struct hvp_option first[] = {
		{.type = HVP_OPTION_FLAG, .letter = 'v', .name = "all"}, HVP_END_OF_OPTIONS};
	char line[] = "-v --quiet verb -v --all", *argv[MAX_ARGUMENTS + 1];
	struct config config = {0};
	bool flag = false;
	const struct hvp_option_table tables[] = {{first, &flag}, {options, &config}, {NULL, NULL}};
	struct hvp_parse parsed;

	(void)state;
	assert_ok(hvp_options_parse_tables(tables, 3, true, split(line, argv), argv, &parsed));
	assert_true(flag);
	assert_int_equal(config.verbose, 0);
	assert_true(config.is_quiet);
	/* It stopped at the verb. */
	assert_false(config.all);
	assert_int_equal(parsed.argc, 3);
	assert_string_equal(parsed.argv[0], "verb");
	assert_string_equal(parsed.argv[2], "--all");
	free(parsed.argv);
}

static const struct {
	const char *name, *value;
	/* NULL: it is taken. */
	const char *message;
} settings[] = {
	{"all", "yes", NULL},
	{"quiet", "off", NULL},
	{"verbose", "2", NULL},
	{"output", "a b", NULL},
	{"percent-limit", "0.5", NULL},
	{"guest", "web1", NULL},
	{"format", "csv", NULL},
	{"call-graph", "fp", NULL},
	{"all", "maybe", "all: \"maybe\" is neither yes nor no"},
	{"verbose", "many", "is not a whole number"},
	{"verbose", "101", "more than 100"},
	{"format", "cvs", "did you mean \"csv\"?"},
	{"percent-limits", "1", "did you mean \"percent-limit\"?"},
	{"zzz", "1", "there is no setting \"zzz\""},
	{"Target:", "1", "there is no setting"},
	{"", "1", "there is no setting"},
};

static void a_configuration_file_sets_by_long_name(void **state)
{
	struct config config = {.is_quiet = true};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(settings); i++) {
		struct hvp_error *err =
			hvp_options_set(&command, settings[i].name, settings[i].value, &config);

		if (settings[i].message)
			assert_error(err, HVP_ERROR_USAGE, settings[i].message);
		else
			assert_ok(err);
	}
	assert_true(config.all);
	assert_false(config.is_quiet);
	assert_int_equal(config.verbose, 2);
	assert_string_equal(config.output, "a b");
	assert_true(config.limit == 0.5);
	assert_int_equal(config.guests.num, 1);
	assert_int_equal(config.format, 1);
	hvp_options_deinit(&command, &config);
	assert_int_equal(config.guests.num, 0);
}

static void commands_are_found_or_the_nearest_is_named(void **state)
{
	static const struct hvp_command record = {.name = "record"}, report = {.name = "report"};
	const struct hvp_command *const commands[] = {&record, &report, NULL};

	(void)state;
	assert_ptr_equal(hvp_command_find(commands, "report"), &report);
	assert_null(hvp_command_find(commands, "rep"));
	assert_error(hvp_command_unknown(commands, "recrod"), HVP_ERROR_USAGE,
		     "there is no command \"recrod\"; did you mean \"record\"?");
	assert_error(hvp_command_unknown(commands, "zebra"), HVP_ERROR_USAGE, "no command");
}

static void the_edit_distance_counts_slips(void **state)
{
	static const struct {
		const char *left, *right;
		unsigned int distance;
	} cases[] = {
		{"", "", 0},
		{"abc", "abc", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abd", 1},
		{"abc", "acb", 1},
		{"abc", "ab", 1},
		{"abc", "abcd", 1},
		{"ouptut", "output", 1},
		{"kitten", "sitting", 3},
	};
	char huge[1000];

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++)
		assert_int_equal(hvp_edit_distance(cases[i].left, cases[i].right),
				 cases[i].distance);
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(hvp_edit_distance(huge, ""), 63);
	assert_int_equal(hvp_edit_distance(huge, huge), 0);
}

static struct hvp_error *parse_much(void *arg)
{
	char line[] = "--guest a --guest b --guest c -o x --format json y -- z";
	struct config config = {0};
	struct hvp_parse parsed = {0};
	struct hvp_error *err = parse(line, &config, &parsed);

	(void)arg;
	hvp_options_deinit(&command, &config);
	free(parsed.argv);
	return err;
}

static void running_out_of_memory_ends_the_parsing_cleanly(void **state)
{
	(void)state;
	hvp_fault_every_allocation(parse_much, NULL);
}

struct rates {
	uint64_t frequency, count;
	struct hvp_strings pids;
	bool all, asks;
};

static const char *const no_frequency[] = {"frequency", NULL};
static const char *const no_count[] = {"count", NULL};
static const char *const no_pid[] = {"pid", NULL};
static const char *const no_all[] = {"all", NULL};

static const struct hvp_option rate_options[] = {
	{.type = HVP_OPTION_UINT,
	 .letter = 'F',
	 .name = "frequency",
	 .excludes = no_count,
	 .offset = offsetof(struct rates, frequency)},
	{.type = HVP_OPTION_UINT,
	 .letter = 'c',
	 .name = "count",
	 .min = 1,
	 .excludes = no_frequency,
	 .offset = offsetof(struct rates, count)},
	{.type = HVP_OPTION_LIST,
	 .letter = 'p',
	 .name = "pid",
	 .excludes = no_all,
	 .offset = offsetof(struct rates, pids)},
	{.type = HVP_OPTION_FLAG,
	 .letter = 'a',
	 .name = "all",
	 .excludes = no_pid,
	 .offset = offsetof(struct rates, all)},
	{.type = HVP_OPTION_FLAG,
	 .name = "version",
	 .is_only_typed = true,
	 .offset = offsetof(struct rates, asks)},
	HVP_END_OF_OPTIONS,
};
static const struct hvp_command rate_command = {.name = "rate", .options = rate_options};

static void what_is_typed_takes_back_settings_that_contradict_it(void **state)
{
	static const struct {
		const char *setting, *value, *line;
		uint64_t frequency, count;
		size_t num_pids;
		bool all;
	} table[] = {
		{"frequency", "99", "x", 99, 0, 0, false},
		{"frequency", "99", "-c 5", 0, 5, 0, false},
		{"frequency", "99", "--count=5", 0, 5, 0, false},
		{"count", "5", "-F 99", 99, 0, 0, false},
		/* Both typed: for the command to refuse. */
		{"count", "5", "-F 99 -c 6", 99, 6, 0, false},
		{"frequency", "9", "-c 6 -F 99", 99, 6, 0, false},
		{"all", "yes", "-p 1 -p 2", 0, 0, 2, false},
		{"pid", "7", "-a", 0, 0, 0, true},
		{"pid", "7", "-p 8", 0, 0, 2, false},
	};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(table); i++) {
		struct rates rates = {0};
		struct hvp_parse parsed;
		char line[64], *argv[MAX_ARGUMENTS + 1];

		snprintf(line, sizeof(line), "%s", table[i].line);
		assert_ok(hvp_options_set(&rate_command, table[i].setting, table[i].value, &rates));
		assert_ok(
			hvp_options_parse(&rate_command, split(line, argv), argv, &rates, &parsed));
		if (rates.frequency != table[i].frequency || rates.count != table[i].count ||
		    rates.pids.num != table[i].num_pids || rates.all != table[i].all)
			fail_msg("%s = %s, then %s: other values than expected", table[i].setting,
				 table[i].value, table[i].line);
		free(parsed.argv);
		hvp_options_deinit(&rate_command, &rates);
	}
}

static void what_is_too_small_or_no_setting_is_refused(void **state)
{
	char line[] = "-c 0", *argv[MAX_ARGUMENTS + 1];
	struct rates rates = {0};
	struct hvp_parse parsed;

	(void)state;
	assert_error(hvp_options_parse(&rate_command, split(line, argv), argv, &rates, &parsed),
		     HVP_ERROR_USAGE, "-c: 0 is less than 1");
	assert_error(hvp_options_set(&rate_command, "count", "0", &rates), HVP_ERROR_USAGE,
		     "count: 0 is less than 1");
	assert_error(hvp_options_set(&rate_command, "version", "yes", &rates), HVP_ERROR_USAGE,
		     "not a setting");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_write_an_option_is_understood),
		cmocka_unit_test(every_wrong_line_is_a_usage_error_that_helps),
		cmocka_unit_test(what_is_typed_takes_back_settings_that_contradict_it),
		cmocka_unit_test(what_is_too_small_or_no_setting_is_refused),
		cmocka_unit_test(help_is_wanted_and_ends_the_parsing),
		cmocka_unit_test(the_first_table_that_knows_an_option_gets_it),
		cmocka_unit_test(a_configuration_file_sets_by_long_name),
		cmocka_unit_test(commands_are_found_or_the_nearest_is_named),
		cmocka_unit_test(the_edit_distance_counts_slips),
		cmocka_unit_test(running_out_of_memory_ends_the_parsing_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
