/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof record` on this very machine, by its timer: whole programs, whole sessions. */
#include "tests/unit/daemon/fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/scope.h"
#include "common/session/format.h"
#include "common/session/reader.h"
#include "daemon/perf/perf_event.h"

static struct fixture_tree tree;

/* `line` is for sh, with $hvprof as the program and $dir as a folder of its own. */
static int shell(const char *line)
{
	int status;

	setenv("hvprof", HVPROF_PROGRAM, 1);
	setenv("dir", tree.path, 1);
	setenv("HVPROF_CONFIG", "", 1);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static struct hvp_session *open_session(const char *name)
{
	struct hvp_session *session;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", tree.path, name);
	assert_ok(hvp_session_open(path, &session));
	return session;
}

static bool exists(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", tree.path, name);
	return !access(path, F_OK);
}

/* Burns for 0.3 s of CPU time, then ends with 7. */
#define BURN "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 7'"

static void a_program_is_profiled_and_its_status_handed_on(void **state)
{
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	struct hvp_session_end end;
	bool has_exec = false, has_mapping = false;

	(void)state;
	assert_int_equal(shell("$hvprof record -F 2000 -g -o $dir/a -- " BURN " 2>$dir/log"), 7);
	session = open_session("a");
	assert_null(hvp_session_damage(session));
	assert_true(hvp_session_num_samples(session) > 20);
	assert_true(hvp_session_end(session, &end));
	assert_true(end.end_time > end.start_time);
	assert_true(end.collector_cpu_ns > 0);
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type == HVP_RECORD_COMM && record->comm.is_exec)
			has_exec |= !strcmp(record->comm.name, "sh");
		if (record->type == HVP_RECORD_MMAP && record->mmap.pid != HVP_PID_KERNEL)
			has_mapping |= record->mmap.build_id_size == 20;
	}
	assert_true(has_exec);
	assert_true(has_mapping);
	assert_non_null(strstr(hvp_session_info(session, HVP_INFO_COMMAND), "record -F 2000"));
}

static void the_whole_machine_is_recorded_and_the_last_session_kept(void **state)
{
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	const struct hvp_event_info *event;

	(void)state;
	if (geteuid()) {
		print_message("skipped: only root may record the whole machine\n");
		return;
	}
	assert_int_equal(shell("$hvprof record -a -e cpu-clock -o $dir/b -- true 2>$dir/log"), 0);
	assert_int_equal(shell("test -s $dir/log"), 0);
	assert_false(exists("b.old"));
	assert_int_equal(shell("$hvprof record -q -a -e cpu-clock -o $dir/b -- true 2>$dir/log"),
			 0);
	assert_int_equal(shell("test ! -s $dir/log"), 0);
	assert_int_equal(shell("$hvprof record -a -e cpu-clock,page-faults:u -c 1000000 -o $dir/b "
			       "--duration 0.3 2>$dir/log"),
			 0);
	assert_true(exists("b.old"));
	session = open_session("b");
	assert_int_equal(hvp_session_num_events(session), 2);
	event = hvp_session_event(session, 0);
	assert_string_equal(event->name, "cpu-clock");
	assert_int_equal(event->period, 1000000);
	event = hvp_session_event(session, 1);
	assert_string_equal(event->scope, "host and guest, user");
	assert_string_equal(hvp_session_info(session, HVP_INFO_TARGET), "whole machine");
}

static void a_session_goes_through_a_pipe_and_signals_end_it_whole(void **state)
{
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;

	(void)state;
	/*
	 * A background job of a plain shell ignores SIGINT: it must end a recording all the same.
	 */
	assert_int_equal(shell("$hvprof record -F 1000 -o - -- " BURN " 2>$dir/log | cat >$dir/c"),
			 0);
	session = open_session("c");
	assert_null(hvp_session_damage(session));
	assert_true(hvp_session_num_samples(session) > 5);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			shell(i ? "sh -c 'sleep 9 & p=$!; $hvprof record -p $p -o $dir/d "
				  "2>$dir/log & "
				  "sleep 1; kill -INT $!; wait $!; s=$?; kill $p; exit $s'"
				: "sh -c 'sleep 9 & p=$!; $hvprof record -p $p -o $dir/d "
				  "2>$dir/log & "
				  "sleep 1; kill -TERM $!; wait $!; s=$?; kill $p; exit $s'"),
			0);
		hvp_session_destroy(session);
		session = open_session("d");
		assert_null(hvp_session_damage(session));
	}
}

/* A command line that is wrong, what is said on standard error, and that nothing is written. */
static const struct {
	const char *line;
	int status;
	const char *part;
} wrong[] = {
	{"$hvprof record -o $dir/e -- /nonexistent/x", 1, "/nonexistent/x: cannot run it"},
	{"$hvprof record -o $dir/none/e -- true", 1, "cannot create a file there"},
	{"$hvprof record -o $dir -- true", 2, "is a folder"},
	{"$hvprof record -o /dev/full -- true", 1, "No space left"},
	{"$hvprof record --call-graph dwarf -o $dir/e -- true", 2, "write --call-graph=dwarf"},
	{"$hvprof record -p 1,x -o $dir/e", 2, "not \"1,x\""},
	{"$hvprof record -p 1,2147483647 -o $dir/e", 1, "there is no process 2147483647"},
	{"$hvprof record -p 1 -o $dir/e -- true", 2, "--duration"},
	{"$hvprof record -e nosuch -o $dir/e -- true", 2, "not known here"},
	{"$hvprof record -F 1 -c 1 -o $dir/e -- true", 2, "exclude each other"},
	{"$hvprof record -c 0 -o $dir/e -- true", 2, "0 is less than 1"},
	{"$hvprof record -F fast -o $dir/e -- true", 2, "-F takes"},
	{"$hvprof record -g=dwarf -o $dir/e -- true", 1, "not offered"},
	{"$hvprof record -m 3 -o $dir/e -- true", 2, "power of two"},
	{"$hvprof record -C 0-x -o $dir/e -- true", 2, "no list of numbers"},
	{"$hvprof record -C 60000 -o $dir/e -- true", 1, "none of the CPUs"},
	{"$hvprof record -p x -o $dir/e", 2, "-p takes"},
	{"$hvprof record -p 1 -a -o $dir/e", 2, "-p does not go with"},
	{"$hvprof record -p 2147483647 -o $dir/e", 1, "there is no process"},
	{"$hvprof record --source nosuch -o $dir/e -- true", 2, "there is no source"},
	{"$hvprof record --guest web=nosuch:x -o $dir/e -- true", 2, "web=nosuch"},
	{"$hvprof list nosuch", 2, "list takes"},
	{"$hvprof check nosuch", 2, "check takes no"},
};

static void what_cannot_be_done_is_said_and_leaves_nothing_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		hvp_scope(hvp_free_ptr) char *text = NULL;
		char line[512], path[128];
		int status;

		snprintf(line, sizeof(line), "%s 2>$dir/log", wrong[i].line);
		status = shell(line);
		snprintf(path, sizeof(path), "%s/log", tree.path);
		assert_ok(hvp_file_read(path, 65536, &text, NULL));
		if (status != wrong[i].status || !strstr(text, wrong[i].part) || exists("e"))
			fail_msg("%s: status %d, said:\n%s", wrong[i].line, status, text);
	}
	/* No temporary names either. */
	assert_int_equal(shell("ls $dir | grep -q '\\.[A-Za-z0-9]\\{6\\}$'"), 1);
}

/* In /tmp anybody can make what root takes for its own. */
static void what_others_put_in_the_way_is_not_written_to(void **state)
{
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;

	(void)state;
	if (geteuid()) {
		print_message("skipped: only root can give files away\n");
		return;
	}
	assert_int_equal(shell("mkfifo $dir/pipe && chown 12345 $dir/pipe && "
			       "ln -s /dev/null $dir/link && chown -h 12345 $dir/link"),
			 0);
	assert_int_equal(shell("timeout 60 $hvprof record -o $dir/pipe -- true 2>&1 | "
			       "grep -q 'another user put a pipe there'"),
			 0);
	assert_int_equal(shell("$hvprof record -o $dir/link -- true 2>&1 | "
			       "grep -q 'another user put a link there'"),
			 0);
	/* Our own, and what the shell made. */
	assert_int_equal(shell("chown -h 0 $dir/link; chown 0 $dir/pipe; "
			       "$hvprof record -o $dir/link -- true 2>$dir/log"),
			 0);
	assert_int_equal(shell("cat $dir/pipe >$dir/f & "
			       "$hvprof record -o $dir/pipe -- true 2>$dir/log; wait"),
			 0);
	session = open_session("f");
	assert_null(hvp_session_damage(session));
	assert_int_equal(shell("$hvprof record -o /dev/stdout -- true 2>$dir/log | cat >$dir/f"),
			 0);
}

/* `ulimit -f` counts in pieces of 512 bytes. */
static void a_limit_of_file_sizes_is_a_full_disk(void **state)
{
	(void)state;
	assert_int_equal(
		shell("(ulimit -f 8; $hvprof record -F 2000 -o $dir/g -- " BURN ") 2>$dir/log"), 1);
	assert_int_equal(shell("grep -q 'File too large' $dir/log"), 0);
	/* The program ends by the signal, as it would without us. */
	assert_int_equal(shell("$hvprof record -o $dir/g -- sh -c 'ulimit -f 8; "
			       "exec head -c 100000 /dev/zero >$dir/h' 2>$dir/log"),
			 128 + SIGXFSZ);
}

static void more_processes_than_files_may_be_open_are_recorded(void **state)
{
	(void)state;
	assert_int_equal(shell("sleep 5 & p=$!; ulimit -Sn 12; a=; "
			       "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do a=\"$a -p $p\"; done; "
			       "$hvprof record $a -o $dir/i --duration 0.1 2>$dir/log; s=$?; "
			       "kill $p; exit $s"),
			 0);
}

static void a_recording_that_is_killed_early_has_its_first_samples(void **state)
{
	struct hvp_session *session;

	(void)state;
	/* Ends when the file has samples, or in failure before the interval of a long recording. */
	assert_int_equal(
		shell("$hvprof record -a -o $dir/killed 2>$dir/log & p=$!; n=0; "
		      "while sleep 0.2; n=$((n + 1)); [ $n -lt 40 ]; do "
		      "$hvprof script $dir/killed 2>$dir/log | grep -q cpu-clock && break; "
		      "done; kill -9 $p; wait $p; [ $n -lt 40 ]"),
		0);
	session = open_session("killed");
	assert_non_null(hvp_session_damage(session));
	assert_true(hvp_session_num_samples(session) > 0);
	hvp_session_destroy(session);
}

static void a_file_that_stays_too_small_says_what_it_lacks(void **state)
{
	hvp_scope(hvp_free_ptr) char *text = NULL;
	char path[128];

	(void)state;
	assert_int_equal(shell("trap '' XFSZ; ulimit -f 8; $hvprof record -a -o $dir/small -- true "
			       "2>$dir/log"),
			 1);
	snprintf(path, sizeof(path), "%s/log", tree.path);
	assert_ok(hvp_file_read(path, 65536, &text, NULL));
	assert_non_null(strstr(text, " taken"));
	assert_non_null(strstr(text, "are not in the file: `hvprof info "));
	assert_non_null(strstr(text, "File too large"));
	assert_null(strstr(text, "larger ring"));
}

static void lists_and_checks_are_json_on_request(void **state)
{
	(void)state;
	assert_int_equal(shell("$hvprof list events sources domains --format=json 2>$dir/log | "
			       "python3 -c 'import json,sys; d=json.load(sys.stdin); "
			       "sys.exit(not (d[\"events\"] and d[\"sources\"][0][\"name\"] and "
			       "\"domains\" in d))'"),
			 0);
	assert_int_equal(shell("$hvprof check --format=json | python3 -c 'import json,sys; "
			       "sys.exit(len(json.load(sys.stdin)) < 20)'"),
			 0);
	assert_int_equal(shell("$hvprof list >$dir/log 2>&1 && $hvprof check >>$dir/log"), 0);
}

static int make_tree(void **state)
{
	(void)state;
	fixture_tree_init(&tree);
	return 0;
}

static int remove_tree(void **state)
{
	(void)state;
	fixture_tree_deinit(&tree);
	return 0;
}

int main(void)
{
	const struct hvp_event_spec clock = {.type = PERF_TYPE_SOFTWARE,
					     .config = PERF_COUNT_SW_CPU_CLOCK};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_profiled_and_its_status_handed_on),
		cmocka_unit_test(the_whole_machine_is_recorded_and_the_last_session_kept),
		cmocka_unit_test(a_session_goes_through_a_pipe_and_signals_end_it_whole),
		cmocka_unit_test(what_cannot_be_done_is_said_and_leaves_nothing_behind),
		cmocka_unit_test(what_others_put_in_the_way_is_not_written_to),
		cmocka_unit_test(a_limit_of_file_sizes_is_a_full_disk),
		cmocka_unit_test(more_processes_than_files_may_be_open_are_recorded),
		cmocka_unit_test(a_recording_that_is_killed_early_has_its_first_samples),
		cmocka_unit_test(a_file_that_stays_too_small_says_what_it_lacks),
		cmocka_unit_test(lists_and_checks_are_json_on_request),
	};
	int status = hvp_perf_event_probe(&clock);

	if (status) {
		printf("skipped: perf_event_open is not permitted here: %s\n", strerror(status));
		return 77;
	}
	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
