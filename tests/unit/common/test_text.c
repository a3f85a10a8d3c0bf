/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed for people and for programs: escaping, numbers, JSON, CSV, progress, colour. */
#include "tests/unit/check.h"

#include <float.h>
#include <math.h>
#include <pty.h>
#include <signal.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/scope.h"
#include "common/cli/csv_out.h"
#include "common/cli/json_out.h"
#include "common/cli/progress.h"
#include "common/cli/log.h"
#include "common/cli/term.h"
#include "common/cli/text.h"

static const struct {
	const char *text, *escaped;
} escapes[] = {
	{"", ""},
	{"qemu-system-x86", "qemu-system-x86"},
	/* Sets a terminal's title; and the 8-bit CSI as UTF-8. */
	{"\033]0;owned\007", "\\x1b]0;owned\\x07"},
	{"\xc2\x9b"
	 "2J",
	 "\\x9b2J"},
	{"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
	{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7",
	 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7"},
	/*
	 * Not UTF-8: a lone continuation, an overlong slash, a surrogate, beyond Unicode, cut
	 * short.
	 */
	{"\x80", "\\x80"},
	{"\xc0\xaf", "\\xc0\\xaf"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
	{"\xe2\x82", "\\xe2\\x82"},
	{"\xff\xfe", "\\xff\\xfe"},
	/* Right-to-left override: "exe.txt" would be shown for "txt.exe". */
	{"a\xe2\x80\xaetxt", "a\\u202etxt"},
};

static void control_characters_and_bad_utf8_become_visible(void **state)
{
	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(escapes); i++) {
		struct check_output output;
		char buf[128];

		assert_string_equal(hvp_text_escape(buf, sizeof(buf), escapes[i].text),
				    escapes[i].escaped);
		hvp_text_print(check_output_open(&output), escapes[i].text);
		check_output_is(&output, escapes[i].escaped);
	}
}

static void a_long_name_is_cut_between_characters(void **state)
{
	char buf[8], one[1] = {'x'};

	(void)state;
	assert_string_equal(hvp_text_escape(buf, sizeof(buf), "1234567"), "1234567");
	assert_string_equal(hvp_text_escape(buf, sizeof(buf), "12345678"), "1234...");
	assert_string_equal(hvp_text_escape(buf, sizeof(buf),
					    "123\xc3\xbc"
					    "5678"),
			    "123...");
	assert_string_equal(hvp_text_escape(buf, sizeof(buf), "\x01\x02\x03"), "\\x01...");
	assert_string_equal(hvp_text_escape(buf, 2, "abc"), ".");
	assert_string_equal(hvp_text_escape(one, 1, "abc"), "");
	one[0] = 'x';
	hvp_text_escape(one, 0, "abc");
	assert_int_equal(one[0], 'x');
}

static void columns_count_characters_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(hvp_text_columns(""), 0);
	assert_int_equal(hvp_text_columns("abc"), 3);
	assert_int_equal(hvp_text_columns("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(hvp_text_columns("\xff\xff"), 2);
}

static const struct {
	char *(*format)(char buf[HVP_TEXT_NUMBER], uint64_t number);
	uint64_t number;
	const char *text;
} numbers[] = {
	{hvp_text_number, 0, "0"},
	{hvp_text_number, 999, "999"},
	{hvp_text_number, 1000, "1,000"},
	{hvp_text_number, 1234567, "1,234,567"},
	{hvp_text_number, UINT64_MAX, "18,446,744,073,709,551,615"},
	{hvp_text_bytes, 0, "0 B"},
	{hvp_text_bytes, 1023, "1023 B"},
	{hvp_text_bytes, 1024, "1.0 KiB"},
	{hvp_text_bytes, 1048575, "1.0 MiB"},
	{hvp_text_bytes, 12897485, "12.3 MiB"},
	{hvp_text_bytes, UINT64_MAX, "16.0 EiB"},
	{hvp_text_duration, 0, "0 ns"},
	{hvp_text_duration, 999, "999 ns"},
	{hvp_text_duration, 12345, "12.3 us"},
	{hvp_text_duration, 999949, "999.9 us"},
	{hvp_text_duration, 999950, "1.0 ms"},
	{hvp_text_duration, 1500000000, "1.50 s"},
	{hvp_text_duration, 59994999999, "59.99 s"},
	{hvp_text_duration, 59995000000, "1 min 00 s"},
	{hvp_text_duration, 123000000000, "2 min 03 s"},
	{hvp_text_duration, 3599600000000, "1 h 00 min"},
	{hvp_text_duration, UINT64_MAX, "5124095 h 34 min"},
};

static void numbers_are_readable_at_every_size(void **state)
{
	char buf[HVP_TEXT_NUMBER];

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(numbers); i++)
		assert_string_equal(numbers[i].format(buf, numbers[i].number), numbers[i].text);
	assert_string_equal(hvp_text_percent(buf, 1, 3), "33.33%");
	assert_string_equal(hvp_text_percent(buf, 1, 0), "-");
}

static void json_nests_and_separates(void **state)
{
	struct check_output output;
	struct hvp_json json;

	(void)state;
	hvp_json_init(&json, check_output_open(&output), false);
	hvp_json_begin_object(&json, NULL);
	hvp_json_begin_array(&json, "a");
	hvp_json_uint(&json, NULL, UINT64_MAX);
	hvp_json_begin_object(&json, NULL);
	hvp_json_end_object(&json);
	hvp_json_end_array(&json);
	hvp_json_hex(&json, "h", 0xffffffff81000000ULL);
	hvp_json_bool(&json, "b", true);
	hvp_json_null(&json, "n");
	hvp_json_string(&json, "s", NULL);
	hvp_json_end_object(&json);
	hvp_json_finish(&json);
	check_output_is(&output,
			"{\"a\":[18446744073709551615,{}],"
			"\"h\":\"0xffffffff81000000\",\"b\":true,\"n\":null,\"s\":null}\n");
}

static void indented_json_has_a_member_a_line(void **state)
{
	struct check_output output;
	struct hvp_json json;

	(void)state;
	hvp_json_init(&json, check_output_open(&output), true);
	hvp_json_begin_array(&json, NULL);
	hvp_json_begin_object(&json, NULL);
	hvp_json_uint(&json, "x", 1);
	hvp_json_uint(&json, "y", 2);
	hvp_json_end_object(&json);
	hvp_json_begin_array(&json, NULL);
	hvp_json_end_array(&json);
	hvp_json_end_array(&json);
	hvp_json_finish(&json);
	check_output_is(&output, "[\n  {\n    \"x\": 1,\n    \"y\": 2\n  },\n  []\n]\n");
}

static void json_strings_are_escaped_and_always_utf8(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"a\"b\\c/", "\"a\\\"b\\\\c/\"\n"},
		{"\n\t\r\x01\x7f", "\"\\n\\t\\u000d\\u0001\\u007f\"\n"},
		{"\xc3\xbc", "\"\xc3\xbc\"\n"},
		{"\xff"
		 "a\xe2\x82",
		 "\"\xef\xbf\xbd"
		 "a\xef\xbf\xbd\xef\xbf\xbd\"\n"},
		{"\xc2\x9b", "\"\\u009b\"\n"},
	};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		struct check_output output;
		struct hvp_json json;

		hvp_json_init(&json, check_output_open(&output), false);
		hvp_json_string(&json, NULL, cases[i].text);
		hvp_json_finish(&json);
		check_output_is(&output, cases[i].json);
	}
}

static void json_doubles_are_short_and_exact_and_never_nan(void **state)
{
	static const struct {
		double value;
		const char *json;
	} cases[] = {
		{100, "100\n"},	     {123456789e5, "12345678900000\n"},
		{0.1, "0.1\n"},	     {1.0 / 3, "0.3333333333333333\n"},
		{1e300, "1e+300\n"}, {-0.0, "-0\n"},
		{NAN, "null\n"},     {INFINITY, "null\n"},
		{12.5, "12.5\n"},    {DBL_MAX, "1.7976931348623157e+308\n"},
	};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		struct check_output output;
		struct hvp_json json;

		hvp_json_init(&json, check_output_open(&output), false);
		hvp_json_double(&json, NULL, cases[i].value);
		hvp_json_finish(&json);
		check_output_is(&output, cases[i].json);
	}
}

static void csv_quotes_where_it_must(void **state)
{
	struct check_output output;
	struct hvp_csv csv;

	(void)state;
	hvp_csv_init(&csv, check_output_open(&output));
	hvp_csv_string(&csv, "plain");
	hvp_csv_string(&csv, "a,b");
	hvp_csv_string(&csv, "say \"x\"");
	hvp_csv_string(&csv, "two\nlines");
	hvp_csv_string(&csv, NULL);
	hvp_csv_end_row(&csv);
	hvp_csv_uint(&csv, 12);
	hvp_csv_hex(&csv, 0xfff);
	hvp_csv_double(&csv, 0.5);
	hvp_csv_double(&csv, NAN);
	hvp_csv_end_row(&csv);
	check_output_is(&output, "plain,\"a,b\",\"say \"\"x\"\"\",\"two\\x0alines\",\n"
				 "12,0xfff,0.5000,\n");
}

static void csv_has_no_formulas(void **state)
{
	struct check_output output;
	struct hvp_csv csv;

	(void)state;
	hvp_csv_init(&csv, check_output_open(&output));
	hvp_csv_string(&csv, "=1+1");
	hvp_csv_string(&csv, "@SUM(A1,B1)");
	hvp_csv_string(&csv, "+\"x");
	hvp_csv_string(&csv, "-[NSView draw]");
	hvp_csv_string(&csv, "-");
	hvp_csv_string(&csv, "a=b");
	hvp_csv_end_row(&csv);
	check_output_is(&output, "\\x3d1+1,\"\\x40SUM(A1,B1)\",\"\\x2b\"\"x\","
				 "\"\\x2d[NSView draw]\",-,a=b\n");
}

static void progress_says_share_rate_and_time_left(void **state)
{
	struct hvp_progress progress = {.stage = "Reading", .unit = "samples", .total = 10000};
	char line[200];

	(void)state;
	hvp_progress_format(&progress, 4200, 3000000000, line, sizeof(line));
	assert_string_equal(line, "Reading   42%  4,200 of 10,000 samples, 1,400/s, 4.14 s left");
	progress.total = 0;
	progress.unit = NULL;
	hvp_progress_format(&progress, 5, 0, line, sizeof(line));
	assert_string_equal(line, "Reading  5, 0/s");
}

static void disabled_or_quick_progress_prints_nothing(void **state)
{
	struct check_output output;
	struct hvp_progress progress;

	(void)state;
	check_output_open(&output);
	hvp_progress_init(&progress, output.stream, false);
	hvp_progress_stage(&progress, "Reading", "samples", 10);
	hvp_progress_update(&progress, 5);
	hvp_progress_clear(&progress);
	hvp_progress_init(&progress, output.stream, true);
	hvp_progress_update(&progress, 1);
	hvp_progress_stage(&progress, "Reading", "samples", 10);
	hvp_progress_update(&progress, 5);
	hvp_progress_clear(&progress);
	check_output_is(&output, "");
}

static void slow_progress_draws_a_line_and_clears_it(void **state)
{
	hvp_scope(hvp_close_file) FILE *file = tmpfile();
	struct hvp_progress progress;
	char text[300];
	size_t size;

	(void)state;
	assert_non_null(file);
	hvp_progress_init(&progress, file, true);
	hvp_progress_stage(&progress, "Reading", NULL, 4);
	progress.next_ns = 0;
	hvp_progress_update(&progress, 1);
	hvp_progress_update(&progress, 2);
	hvp_progress_clear(&progress);
	hvp_progress_clear(&progress);
	rewind(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	assert_non_null(strstr(text, "\r\033[KReading   25%  1 of 4"));
	/* The second update came too soon, and only the first clear had a line to clear. */
	assert_null(strstr(text, "50%"));
	assert_string_equal(text + size - 4, "\r\033[K");
	assert_null(strstr(text, "\r\033[K\r"));
}

static void colour_follows_the_flag_then_the_environment(void **state)
{
	hvp_scope(hvp_close_file) FILE *file = tmpfile();

	(void)state;
	assert_true(hvp_term_has_color(HVP_COLOR_ALWAYS, file));
	assert_false(hvp_term_has_color(HVP_COLOR_NEVER, file));
	setenv("TERM", "xterm", 1);
	assert_false(hvp_term_has_color(HVP_COLOR_AUTO, file));
	assert_string_equal(hvp_style_begin(false, HVP_STYLE_HOT), "");
	assert_string_equal(hvp_style_begin(true, HVP_STYLE_PLAIN), "");
	assert_string_equal(hvp_style_end(true), "\033[0m");
}

static void the_width_is_columns_or_80_within_reason(void **state)
{
	static const struct {
		const char *columns;
		unsigned int width;
	} cases[] = {{"120", 120}, {"5", 40}, {"999999", 1000}, {"wide", 80}, {"", 80}, {NULL, 80}};
	hvp_scope(hvp_close_file) FILE *file = tmpfile();

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		if (cases[i].columns)
			setenv("COLUMNS", cases[i].columns, 1);
		else
			unsetenv("COLUMNS");
		assert_int_equal(hvp_term_width(file), cases[i].width);
	}
}

static void a_file_gets_no_pager(void **state)
{
	hvp_scope(hvp_close_file) FILE *file = tmpfile();
	FILE *out = file;
	struct hvp_pager *pager = (struct hvp_pager *)&out;

	(void)state;
	setenv("HVPROF_PAGER", "false", 1);
	assert_ok(hvp_pager_start(NULL, &out, &pager));
	assert_null(pager);
	assert_ptr_equal(out, file);
	hvp_pager_finish(NULL, &out);
}

/* A terminal of 100 columns. Its other end stays open until the test program ends. */
static FILE *open_terminal(void)
{
	struct winsize size = {.ws_row = 25, .ws_col = 100};
	int other_end, fd;
	FILE *stream;

	assert_int_equal(openpty(&other_end, &fd, NULL, NULL, &size), 0);
	stream = fdopen(fd, "w");
	assert_non_null(stream);
	return stream;
}

static void a_terminal_has_its_own_width_and_colour_unless_told_otherwise(void **state)
{
	hvp_scope(hvp_close_file) FILE *terminal = open_terminal();

	(void)state;
	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	assert_int_equal(hvp_term_width(terminal), 100);
	setenv("TERM", "xterm", 1);
	assert_true(hvp_term_has_color(HVP_COLOR_AUTO, terminal));
	setenv("NO_COLOR", "1", 1);
	assert_false(hvp_term_has_color(HVP_COLOR_AUTO, terminal));
	setenv("NO_COLOR", "", 1);
	assert_true(hvp_term_has_color(HVP_COLOR_AUTO, terminal));
	setenv("TERM", "dumb", 1);
	assert_false(hvp_term_has_color(HVP_COLOR_AUTO, terminal));
	unsetenv("TERM");
	assert_false(hvp_term_has_color(HVP_COLOR_AUTO, terminal));
}

static void a_terminal_gets_a_pager_that_reads_all_that_is_printed(void **state)
{
	hvp_scope(hvp_close_file) FILE *terminal = open_terminal();
	hvp_scope(hvp_close_file) FILE *paged = NULL;
	struct hvp_pager *pager;
	FILE *out = terminal;
	char text[100];

	(void)state;
	setenv("HVPROF_PAGER", "sleep 0.1; tr a-z A-Z > paged.txt", 1);
	assert_ok(hvp_pager_start(NULL, &out, &pager));
	assert_non_null(pager);
	assert_ptr_not_equal(out, terminal);
	fputs("report\n", out);
	hvp_pager_finish(pager, &out);
	assert_ptr_equal(out, terminal);
	/* It was waited for. */
	paged = fopen("paged.txt", "re");
	assert_non_null(paged);
	assert_non_null(fgets(text, sizeof(text), paged));
	assert_string_equal(text, "REPORT\n");
	unlink("paged.txt");
}

static void count_line(void *arg, enum hvp_log_level level, enum hvp_log_domain domain,
		       const char *line)
{
	(void)level;
	(void)domain;
	assert_non_null(strstr(line, "there is no pager"));
	++*(int *)arg;
}

/* What is printed must not go where nobody reads it. */
static void a_pager_that_cannot_run_is_said_and_left_out(void **state)
{
	static const struct {
		const char *command;
		bool can_run;
	} table[] = {
		{"no-such-pager", false},
		{"no-such-pager -R", false},
		{"/nonexistent/less", false},
		{"A=b no-such-pager", false},
		{"A=b true", true},
		{"/bin/sh -c true", true},
		/* For the shell to know. */
		{"\"no-such-pager\"", true},
	};
	hvp_scope(hvp_close_file) FILE *terminal = open_terminal();

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(table); i++) {
		int num_lines = 0;
		struct hvp_log log = {.write = count_line, .arg = &num_lines};
		struct hvp_pager *pager;
		FILE *out = terminal;

		hvp_log_raise(&log, HVP_LOG_WARNING);
		setenv("HVPROF_PAGER", table[i].command, 1);
		assert_ok(hvp_pager_start(&log, &out, &pager));
		assert_int_equal(pager != NULL, table[i].can_run);
		assert_int_equal(num_lines, !table[i].can_run);
		hvp_pager_finish(pager, &out);
		assert_ptr_equal(out, terminal);
	}
}

static void cat_and_nothing_are_no_pagers(void **state)
{
	hvp_scope(hvp_close_file) FILE *terminal = open_terminal();
	struct hvp_pager *pager;
	FILE *out = terminal;

	(void)state;
	setenv("PAGER", "false", 1);
	setenv("HVPROF_PAGER", "", 1);
	assert_ok(hvp_pager_start(NULL, &out, &pager));
	assert_null(pager);
	setenv("HVPROF_PAGER", "cat", 1);
	assert_ok(hvp_pager_start(NULL, &out, &pager));
	assert_null(pager);
}

static void a_pager_that_ends_early_is_no_failure(void **state)
{
	hvp_scope(hvp_close_file) FILE *terminal = open_terminal();
	struct hvp_pager *pager;
	FILE *out = terminal;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	setenv("HVPROF_PAGER", "true", 1);
	assert_ok(hvp_pager_start(NULL, &out, &pager));
	for (int i = 0; i < 100000; i++)
		fputs("more than a pipe holds\n", out);
	hvp_pager_finish(pager, &out);
	assert_ptr_equal(out, terminal);
	assert_false(ferror(out));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_and_bad_utf8_become_visible),
		cmocka_unit_test(a_long_name_is_cut_between_characters),
		cmocka_unit_test(columns_count_characters_not_bytes),
		cmocka_unit_test(numbers_are_readable_at_every_size),
		cmocka_unit_test(json_nests_and_separates),
		cmocka_unit_test(indented_json_has_a_member_a_line),
		cmocka_unit_test(json_strings_are_escaped_and_always_utf8),
		cmocka_unit_test(json_doubles_are_short_and_exact_and_never_nan),
		cmocka_unit_test(csv_quotes_where_it_must),
		cmocka_unit_test(csv_has_no_formulas),
		cmocka_unit_test(progress_says_share_rate_and_time_left),
		cmocka_unit_test(disabled_or_quick_progress_prints_nothing),
		cmocka_unit_test(slow_progress_draws_a_line_and_clears_it),
		cmocka_unit_test(colour_follows_the_flag_then_the_environment),
		cmocka_unit_test(the_width_is_columns_or_80_within_reason),
		cmocka_unit_test(a_file_gets_no_pager),
		cmocka_unit_test(a_terminal_has_its_own_width_and_colour_unless_told_otherwise),
		cmocka_unit_test(a_terminal_gets_a_pager_that_reads_all_that_is_printed),
		cmocka_unit_test(a_pager_that_cannot_run_is_said_and_left_out),
		cmocka_unit_test(cat_and_nothing_are_no_pagers),
		cmocka_unit_test(a_pager_that_ends_early_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
