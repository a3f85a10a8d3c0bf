/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help, log and configuration files. */
#include "tests/unit/check.h"
#include "tests/unit/fault.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/cli/help.h"
#include "common/cli/log.h"
#include "common/cli/settings.h"

struct config {
	const char *output;
	struct hvp_strings guests;
	double limit;
};

static const char *const colors[] = {"auto", "never", NULL};
static const char *const examples[] = {"hvprof test -o x", "writes to x", NULL};

static const struct hvp_option options[] = {
	{.type = HVP_OPTION_STRING,
	 .letter = 'o',
	 .name = "output",
	 .value = "FILE",
	 .offset = offsetof(struct config, output),
	 .help = "write the session to FILE, and keep the previous one beside it"},
	{.type = HVP_OPTION_GROUP, .help = "Target:"},
	{.type = HVP_OPTION_LIST,
	 .name = "guest",
	 .offset = offsetof(struct config, guests),
	 .help = "only this one"},
	{.type = HVP_OPTION_DOUBLE,
	 .name = "a-name-that-is-wider-than-its-column",
	 .offset = offsetof(struct config, limit),
	 .help = "wide"},
	HVP_END_OF_OPTIONS,
};

static const struct hvp_command command = {
	.name = "test",
	.summary = "Test things",
	.synopsis = "[OPTION...]",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct config),
};

static void help_has_usage_groups_wrapped_options_and_examples(void **state)
{
	struct check_output output;
	struct hvp_help help = {.width = 60};

	(void)state;
	help.out = check_output_open(&output);
	hvp_help_print_command(&help, &command, NULL);
	check_output_is(&output, "usage: hvprof test [OPTION...]\n"
				 "\n"
				 "Test things\n"
				 "\n"
				 "Options:\n"
				 "  -o, --output=FILE             write the session to FILE,\n"
				 "                                and keep the previous one\n"
				 "                                beside it\n"
				 "\n"
				 "Target:\n"
				 "      --guest=VALUE             only this one\n"
				 "      --a-name-that-is-wider-than-its-column=VALUE\n"
				 "                                wide\n"
				 "\n"
				 "Examples:\n"
				 "  hvprof test -o x\n"
				 "      writes to x\n");
}

static void options_are_spelled_as_manuals_do(void **state)
{
	static const struct {
		struct hvp_option option;
		const char *spelled;
	} cases[] = {
		{{.type = HVP_OPTION_FLAG, .letter = 'a', .name = "all"}, "-a, --all"},
		{{.type = HVP_OPTION_FLAG, .letter = 'a'}, "-a"},
		{{.type = HVP_OPTION_COUNT, .name = "verbose"}, "--verbose"},
		{{.type = HVP_OPTION_UINT, .letter = 'c', .value = "N"}, "-c N"},
		{{.type = HVP_OPTION_UINT, .letter = 'F', .name = "freq", .value = "HZ"},
		 "-F, --freq=HZ"},
		{{.type = HVP_OPTION_CHOICE, .name = "color", .choices = colors},
		 "--color=auto|never"},
		{{.type = HVP_OPTION_CHOICE, .name = "color", .choices = colors, .value = "WHEN"},
		 "--color=WHEN"},
		{{.type = HVP_OPTION_OPTIONAL, .letter = 'g', .name = "chains", .value = "MODE"},
		 "-g, --chains[=MODE]"},
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++)
		assert_string_equal(hvp_help_spell_option(&cases[i].option, buf, sizeof(buf)),
				    cases[i].spelled);
	hvp_help_spell_option(&cases[4].option, buf, 8);
	assert_string_equal(buf, "-F, --f");
}

static void remember_line(void *arg, enum hvp_log_level level, enum hvp_log_domain domain,
			  const char *line)
{
	snprintf(arg, 2000, "%d %s %s", level, hvp_log_domain_name(domain), line);
}

static void a_line_is_written_when_its_domains_level_lets_it(void **state)
{
	char last[2000] = "", wide[1500];
	struct hvp_log log = {.write = remember_line, .arg = last};

	(void)state;
	hvp_log(NULL, HVP_LOG_ERROR, HVP_LOG_CLI, "nobody");
	hvp_log_raise(&log, HVP_LOG_WARNING);
	hvp_log(&log, HVP_LOG_INFO, HVP_LOG_CLI, "quiet");
	assert_string_equal(last, "");
	hvp_log(&log, HVP_LOG_WARNING, HVP_LOG_SOURCE, "cpu %d", 3);
	assert_string_equal(last, "1 source cpu 3");
	assert_ok(hvp_log_parse(&log, "symbols:2,source"));
	hvp_log_raise(&log, HVP_LOG_INFO);
	hvp_log(&log, HVP_LOG_TRACE, HVP_LOG_SYMBOLS, "deep");
	assert_string_equal(last, "4 symbols deep");
	hvp_log(&log, HVP_LOG_TRACE, HVP_LOG_SOURCE, "too deep");
	hvp_log(&log, HVP_LOG_DEBUG, HVP_LOG_CLI, "too deep");
	assert_string_equal(last, "4 symbols deep");
	assert_ok(hvp_log_parse(&log, "all:2"));
	assert_true(hvp_log_passes(&log, HVP_LOG_TRACE, HVP_LOG_REPORT));
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	hvp_log(&log, HVP_LOG_ERROR, HVP_LOG_CLI, "%s", wide);
	assert_int_equal(strlen(last), strlen("0 cli ") + 1023);
}

static void a_wrong_debug_domain_lists_those_there_are(void **state)
{
	static const struct {
		const char *spec, *message;
	} cases[] = {
		{"symbol", "did you mean \"symbols\"?"},
		{"zzz", "there are: all, cli, source, domains, session, symbols, report"},
		{"", "there is no domain \"\""},
		{"cli,", "there is no domain \"\""},
		{"cli:3", "the level of \"cli:3\" is 1 (debug) or 2 (trace)"},
		{"cli:", "the level of"},
		{"cli:11", "the level of"},
	};
	struct hvp_log log = {0};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++)
		assert_error(hvp_log_parse(&log, cases[i].spec), HVP_ERROR_USAGE, cases[i].message);
}

static struct hvp_error *parse_text(struct hvp_settings *settings, const char *text)
{
	return hvp_settings_parse(settings, "f.conf", text, strlen(text));
}

static void settings_apply_in_their_order_to_their_section(void **state)
{
	struct hvp_settings settings = {0};
	struct config config = {0};

	(void)state;
	assert_ok(parse_text(&settings, "# comment\n\n; another\r\n"
					"[test]\n"
					"  output =  first name \t\r\n"
					"guest=a=b\n"
					"[ other ]\n"
					"output = not this\n"
					"[test]\n"
					"output = last # no comment\n"
					"guest = c"));
	assert_int_equal(settings.num, 5);
	assert_ok(hvp_settings_apply(&settings, "test", &command, &config));
	assert_string_equal(config.output, "last # no comment");
	assert_int_equal(config.guests.num, 2);
	assert_string_equal(config.guests.items[0], "a=b");
	assert_string_equal(config.guests.items[1], "c");
	assert_int_equal(hvp_settings_find(&settings, "test", "output")->line, 10);
	assert_string_equal(hvp_settings_find(&settings, "other", "output")->value, "not this");
	assert_null(hvp_settings_find(&settings, "other", "guest"));
	hvp_options_deinit(&command, &config);
	hvp_settings_deinit(&settings);
}

static void a_wrong_line_is_named_by_file_and_number(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *message;
	} cases[] = {
		{"output = x\n", 0, "f.conf:1: a setting stands in a section"},
		{"[test]\n\nnonsense\n", 0, "f.conf:3: neither a [section] nor \"name = value\""},
		{"[test]\n= x\n", 0, "f.conf:2: neither"},
		{"[test\n", 0, "f.conf:1: a section is written [NAME]"},
		{"[]\n", 0, "f.conf:1: a section is written [NAME]"},
		{"[", 0, "f.conf:1: a section is written [NAME]"},
		{"[test]\nout\0put = x\n", 20, "f.conf:2: a NUL byte"},
	};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		struct hvp_settings settings = {0};
		size_t size = cases[i].size ? cases[i].size : strlen(cases[i].text);

		assert_error(hvp_settings_parse(&settings, "f.conf", cases[i].text, size),
			     HVP_ERROR_USAGE, cases[i].message);
		hvp_settings_deinit(&settings);
	}
}

static void a_wrong_value_is_named_by_file_and_number_when_applied(void **state)
{
	struct hvp_settings settings = {0};
	struct config config = {0};

	(void)state;
	assert_ok(parse_text(&settings, "[test]\noutptu = x\n"));
	assert_error(hvp_settings_apply(&settings, "test", &command, &config), HVP_ERROR_USAGE,
		     "f.conf:2: there is no setting \"outptu\"; did you mean \"output\"?");
	hvp_settings_deinit(&settings);
}

/* A scratch folder of its own for each test that needs files. */
static int make_folder(void **state)
{
	static char path[] = "settings.XXXXXX";

	strcpy(path, "settings.XXXXXX");
	*state = mkdtemp(path);
	return *state ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command_line[64];

	snprintf(command_line, sizeof(command_line), "rm -rf -- %s", (char *)*state);
	return system(command_line);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void the_users_file_is_found_where_xdg_says(void **state)
{
	char cwd[512], folder[600], path[700];
	struct hvp_settings settings = {0};

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(folder, sizeof(folder), "%s/%s", cwd, (char *)*state);
	unsetenv("HVPROF_CONFIG");
	setenv("HOME", folder, 1);
	setenv("XDG_CONFIG_HOME", folder, 1);
	snprintf(path, sizeof(path), "%s/hvprof", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/hvprof/config", folder);
	write_file(path, "[test]\nxdg-test = 1\n");
	assert_ok(hvp_settings_load(&settings));
	assert_non_null(hvp_settings_find(&settings, "test", "xdg-test"));
	assert_string_equal(hvp_settings_find(&settings, "test", "xdg-test")->file, path);
	hvp_settings_deinit(&settings);

	/* A relative XDG_CONFIG_HOME does not count, and ~/.config is not there. */
	setenv("XDG_CONFIG_HOME", *state, 1);
	assert_ok(hvp_settings_load(&settings));
	assert_null(hvp_settings_find(&settings, "test", "xdg-test"));
	hvp_settings_deinit(&settings);
}

static void a_named_file_must_be_there_and_no_name_means_none(void **state)
{
	struct hvp_settings settings = {0};
	char path[64];

	snprintf(path, sizeof(path), "%s/one", (char *)*state);
	setenv("HVPROF_CONFIG", path, 1);
	assert_error(hvp_settings_load(&settings), HVP_ERROR_OS, "cannot be opened: No such file");
	write_file(path, "[test]\noutput = x\n");
	assert_ok(hvp_settings_load(&settings));
	assert_int_equal(settings.num, 1);
	setenv("HVPROF_CONFIG", "", 1);
	assert_ok(hvp_settings_load(&settings));
	assert_int_equal(settings.num, 1);
	assert_error(hvp_settings_load_file(&settings, *state), HVP_ERROR_OS, "cannot be read");
	assert_error(hvp_settings_load_file(&settings, "/dev/zero"), HVP_ERROR_USAGE,
		     "larger than 1 MiB");
	hvp_settings_deinit(&settings);
}

static struct hvp_error *load_and_apply(void *arg)
{
	struct hvp_settings settings = {0};
	struct config config = {0};
	struct hvp_error *err = parse_text(&settings, "[test]\noutput = x\nguest = a\nguest = b\n");

	(void)arg;
	if (!err)
		err = hvp_settings_apply(&settings, "test", &command, &config);
	hvp_options_deinit(&command, &config);
	hvp_settings_deinit(&settings);
	return err;
}

static struct hvp_error *parse_debug(void *arg)
{
	struct hvp_log log = {0};

	(void)arg;
	return hvp_log_parse(&log, "cli,report:2");
}

static void running_out_of_memory_is_an_error_everywhere(void **state)
{
	(void)state;
	hvp_fault_every_allocation(load_and_apply, NULL);
	hvp_fault_every_allocation(parse_debug, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_has_usage_groups_wrapped_options_and_examples),
		cmocka_unit_test(options_are_spelled_as_manuals_do),
		cmocka_unit_test(a_line_is_written_when_its_domains_level_lets_it),
		cmocka_unit_test(a_wrong_debug_domain_lists_those_there_are),
		cmocka_unit_test(settings_apply_in_their_order_to_their_section),
		cmocka_unit_test(a_wrong_line_is_named_by_file_and_number),
		cmocka_unit_test(a_wrong_value_is_named_by_file_and_number_when_applied),
		cmocka_unit_test_setup_teardown(the_users_file_is_found_where_xdg_says, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_named_file_must_be_there_and_no_name_means_none,
						make_folder, remove_folder),
		cmocka_unit_test(running_out_of_memory_is_an_error_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
