/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hvprof program from outside: what each command line prints where, and its exit status. */
#include "tests/unit/check.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"

#define MAX_TEXT 65536

/* One run: both streams and the status as the shell would have it. */
struct run {
	char out[MAX_TEXT];
	int status;
};

/* `line` is for sh, with $hvprof as the program. */
static void run(struct run *ret, const char *line)
{
	FILE *pipe;
	size_t size;
	int status;

	setenv("hvprof", HVPROF_PROGRAM, 1);
	pipe = popen(line, "re");
	assert_non_null(pipe);
	size = fread(ret->out, 1, sizeof(ret->out) - 1, pipe);
	ret->out[size] = '\0';
	status = pclose(pipe);
	ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const struct {
	const char *line;
	int status;
	/* In what is printed. */
	const char *part;
} lines[] = {
	{"$hvprof 2>/dev/null", 0, "hvprof annotate"},
	{"$hvprof --help 2>/dev/null", 0, "usage: hvprof [OPTION...] COMMAND"},
	{"$hvprof help 2>/dev/null", 0, "Commands:"},
	{"$hvprof --version", 0, "hvprof " HVP_VERSION "\n"},
	{"$hvprof config --version", 0, "hvprof " HVP_VERSION "\n"},
	{"$hvprof help config 2>/dev/null", 0, "usage: hvprof config"},
	{"$hvprof config --help 2>/dev/null", 0, "usage: hvprof config"},
	{"$hvprof config -h 2>/dev/null", 0, "--changed"},
	{"$hvprof -v config", 0, "global.verbose"},
	{"$hvprof help --options-of config", 0, "--list\n--changed\n"},
	{"$hvprof help --manual-of config", 0,
	 "*--changed*\n\tOnly what a configuration file sets"},
	{"$hvprof help --options-of global", 0, "-v, --verbose\n"},
	{"COLUMNS=60 $hvprof help help", 0, "Examples:"},
	{"$hvprof --color=always", 0, "\033[1m"},
	{"NO_COLOR=1 $hvprof --color=auto", 0, "usage"},
	/* Wrong, and said on standard error alone. */
	{"$hvprof confg 2>&1 >/dev/null", 2, "there is no command \"confg\"; did you mean"},
	{"$hvprof config --lsit 2>&1 >/dev/null", 2, "hvprof config: unknown option --lsit; did"},
	{"$hvprof --colour=auto 2>&1 >/dev/null", 2, "hvprof: unknown option --colour; did you"},
	{"$hvprof --debug=nothing config 2>&1", 2, "there is no domain \"nothing\""},
	{"$hvprof config --debug=nothing 2>&1", 2, "hvprof config: --debug: there is no domain"},
	{"$hvprof help nothing 2>&1", 2, "there is no command \"nothing\""},
	{"$hvprof help --options-of nothing 2>&1", 2, "there is no command \"nothing\""},
	{"$hvprof config a b 2>&1", 2, "one command at a time"},
	{"$hvprof config nothing 2>&1", 2, "there is no command \"nothing\""},
	{"$hvprof completion 2>&1", 2, "for which shell"},
	{"$hvprof completion tcsh 2>&1", 2, "there is for bash, zsh and fish"},
	/* An argument's escape sequences do not reach the terminal. */
	{"$hvprof \"$(printf 'a\\033[2Jb')\" 2>&1", 2, "there is no command \"a\\x1b[2Jb\""},
	/* Output that cannot be written is a failure. */
	{"$hvprof help 2>&1 >/dev/full", 1, "cannot write to standard output: No space left"},
	{"{ $hvprof help; echo $? >&2; } 2>&1 >&- | cat", 0, "1\n"},
};

static void every_line_has_its_output_and_status(void **state)
{
	(void)state;
	setenv("HVPROF_CONFIG", "", 1);
	for (size_t i = 0; i < HVP_ARRAY_SIZE(lines); i++) {
		struct run result;

		run(&result, lines[i].line);
		if (result.status != lines[i].status || !strstr(result.out, lines[i].part))
			fail_msg("%s: status %d, not %d; printed:\n%s", lines[i].line,
				 result.status, lines[i].status, result.out);
	}
}

static void what_is_right_says_nothing_on_standard_error(void **state)
{
	static const char *const right[] = {"$hvprof", "$hvprof config --list",
					    "$hvprof completion bash", "$hvprof help help"};

	(void)state;
	setenv("HVPROF_CONFIG", "", 1);
	for (size_t i = 0; i < HVP_ARRAY_SIZE(right); i++) {
		struct run result;
		char line[128];

		snprintf(line, sizeof(line), "%s 2>&1 >/dev/null", right[i]);
		run(&result, line);
		assert_int_equal(result.status, 0);
		assert_string_equal(result.out, "");
	}
}

static void a_closed_pipe_ends_it_as_it_ends_any_filter(void **state)
{
	int fds[2];
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		execl(HVPROF_PROGRAM, "hvprof", "help", (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGPIPE);
}

static void settings_come_from_files_and_flags_win(void **state)
{
	static const char path[] = "program.conf";
	struct run result;
	FILE *file = fopen(path, "we");

	(void)state;
	assert_non_null(file);
	fputs("[global]\nverbose = 1\n[config]\nchanged = yes\n", file);
	fclose(file);
	setenv("HVPROF_CONFIG", path, 1);
	run(&result, "$hvprof config --list");
	assert_string_equal(result.out, "global.verbose = 1  (program.conf:2)\n"
					"config.changed = yes  (program.conf:4)\n");
	run(&result, "$hvprof config --no-changed config");
	assert_non_null(strstr(result.out, "config.changed = yes  (program.conf:4)\n"));
	/* What no file may set is not listed. */
	run(&result, "HVPROF_CONFIG= $hvprof config --list");
	assert_null(strstr(result.out, "global.version"));
	assert_null(strstr(result.out, "config.list"));
	assert_null(strstr(result.out, "18446744073709551615"));

	file = fopen(path, "we");
	fputs("[config]\nchagned = yes\n[nothing]\nx = 1\n", file);
	fclose(file);
	run(&result, "$hvprof config 2>&1");
	assert_int_equal(result.status, 2);
	assert_non_null(strstr(result.out, "program.conf:2: there is no setting \"chagned\""));
	run(&result, "$hvprof help 2>&1 >/dev/null");
	assert_int_equal(result.status, 0);
	assert_string_equal(result.out,
			    "hvprof: warning: program.conf:4: there is no command \"nothing\"\n");
	setenv("HVPROF_CONFIG", "not-there.conf", 1);
	run(&result, "$hvprof help 2>&1");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "not-there.conf: cannot be opened"));
	unlink(path);
}

/* What bash offers for a command line whose last word is being typed. */
static const struct {
	const char *words, *offered;
} completions[] = {
	{"hvprof conf", "config"},
	{"hvprof config --ch", "--changed"},
	{"hvprof --col", "--color"},
	{"hvprof config --color = al", "always"},
	{"hvprof help --options-of conf", "config"},
	{"hvprof help comp", "completion"},
	{"hvprof completion z", "zsh"},
	{"hvprof list ev", "events"},
	{"hvprof record -e cpu-cl", "cpu-clock"},
	{"hvprof record -- -", ""},
	{"hvprof record --outp", "--output"},
	{"hvprof config --nothing", ""},
	{"hvprof report --sort sym", "symbol"},
	{"hvprof report -s domain,im", "domain,image"},
	{"hvprof report --fields samp", "samples"},
	{"hvprof script -F time,offs", "time,offset"},
};

static void bash_completes_from_the_tables(void **state)
{
	struct run result;

	(void)state;
	setenv("HVPROF_CONFIG", "", 1);
	run(&result, "bash -c true");
	if (result.status) {
		print_message("skipped: bash is not installed\n");
		skip();
	}
	for (size_t i = 0; i < HVP_ARRAY_SIZE(completions); i++) {
		char line[512];

		snprintf(line, sizeof(line),
			 "bash -c 'hvprof() { $hvprof \"$@\"; }; source <(hvprof completion bash); "
			 "COMP_WORDS=(%s); "
			 "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _hvprof; "
			 "printf %%s \"${COMPREPLY[*]}\"' 2>&1",
			 completions[i].words);
		run(&result, line);
		assert_int_equal(result.status, 0);
		assert_string_equal(result.out, completions[i].offered);
	}
}

static void zsh_and_fish_accept_their_scripts(void **state)
{
	static const char *const shells[] = {"zsh", "fish"};
	struct run result;
	bool is_any = false;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(shells); i++) {
		char line[256];

		snprintf(line, sizeof(line), "%s -c true 2>/dev/null", shells[i]);
		run(&result, line);
		if (result.status)
			continue;
		is_any = true;
		snprintf(line, sizeof(line),
			 "$hvprof completion %s > completion.tmp && %s -n completion.tmp 2>&1; "
			 "status=$?; rm -f completion.tmp; exit $status",
			 shells[i], shells[i]);
		run(&result, line);
		assert_string_equal(result.out, "");
		assert_int_equal(result.status, 0);
	}
	if (!is_any) {
		print_message("skipped: neither zsh nor fish is installed\n");
		skip();
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_has_its_output_and_status),
		cmocka_unit_test(what_is_right_says_nothing_on_standard_error),
		cmocka_unit_test(a_closed_pipe_ends_it_as_it_ends_any_filter),
		cmocka_unit_test(settings_come_from_files_and_flags_win),
		cmocka_unit_test(bash_completes_from_the_tables),
		cmocka_unit_test(zsh_and_fish_accept_their_scripts),
	};

	unsetenv("COLUMNS");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
