/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording whose source fails, or whose CPUs come and go. */
#include "tests/unit/daemon/fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/scope.h"
#include "common/session/reader.h"
#include "daemon/perf/perf_event.h"
#include "daemon/perf/perf_source.h"
#include "daemon/record_session.h"

/* A source of a hundred samples and then an error. */
struct broken {
	struct hvp_source base;
	struct hvp_sink sink;
};

static struct hvp_error *broken_probe(const struct hvp_host_roots *roots)
{
	(void)roots;
	return NULL;
}

static const struct hvp_source_ops broken_ops;

static struct hvp_error *broken_open(const struct hvp_record_config *config,
				     const struct hvp_sink *sink, const struct hvp_log *log,
				     struct hvp_source **ret)
{
	struct broken *source = calloc(1, sizeof(*source));

	(void)config;
	(void)log;
	assert_non_null(source);
	source->base.ops = &broken_ops;
	source->sink = *sink;
	*ret = &source->base;
	return NULL;
}

static const struct hvp_event_info *broken_events(const struct hvp_source *source, size_t *ret_num)
{
	static const struct hvp_event_info event = {.name = "cpu-clock", .unit = "ns", .scope = ""};

	(void)source;
	*ret_num = 1;
	return &event;
}

static struct hvp_error *broken_start(struct hvp_source *source)
{
	(void)source;
	return NULL;
}

static int broken_poll_fd(const struct hvp_source *source)
{
	(void)source;
	return -1;
}

static struct hvp_error *broken_drain(struct hvp_source *base, bool *ret_more)
{
	struct broken *source = (struct broken *)base;

	*ret_more = true;
	for (uint64_t i = 1; i <= 100; i++) {
		struct hvp_sample sample = {.mode = HVP_MODE_HOST_USER,
					    .pid = 300,
					    .tid = 300,
					    .time = i,
					    .vcpu = HVP_VCPU_NONE};

		hvp_try(source->sink.sample(source->sink.arg, &sample));
	}
	return hvp_error_create(HVP_ERROR_OTHER, "the source broke");
}

static void broken_destroy(struct hvp_source *source)
{
	free((struct broken *)source);
}

static const struct hvp_source_ops broken_ops = {
	.name = "broken",
	.summary = "breaks",
	.probe = broken_probe,
	.open = broken_open,
	.events = broken_events,
	.start = broken_start,
	.poll_fd = broken_poll_fd,
	.drain = broken_drain,
	.stop = broken_start,
	.destroy = broken_destroy,
};

static void an_error_in_the_middle_keeps_what_was_read(void **state)
{
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	static volatile sig_atomic_t interrupted;
	struct hvp_context context = {
		.out = stdout, .err = stderr, .interrupted = &interrupted, .command_line = "test"};
	struct hvp_record_plan plan = {.source = &broken_ops,
				       .config = {.is_system_wide = true},
				       .target_text = "whole machine"};
	struct hvp_record_result result;
	struct fixture_tree tree;
	char path[128];
	bool is_said = false;

	(void)state;
	fixture_tree_init(&tree);
	snprintf(path, sizeof(path), "%s/session", tree.path);
	plan.config.roots = &tree.roots;
	plan.output = path;
	assert_error(hvp_record_run(&context, &plan, &result), HVP_ERROR_OTHER, "the source broke");
	assert_ok(hvp_session_open(path, &session));
	assert_null(hvp_session_damage(session));
	assert_int_equal(hvp_session_num_samples(session), 100);
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		is_said |= record->type == HVP_RECORD_NOTE &&
			   strstr(record->note.text, "ended the recording: the source broke");
	}
	assert_true(is_said);
	fixture_tree_deinit(&tree);
}

/* The real source, on CPU 0 and on others that the tree claims. */
struct machine {
	struct fixture_tree tree;
	struct fixture_log log;
	struct hvp_event_spec event;
	struct hvp_record_config config;
	struct hvp_source *source;
};

static void machine_init(struct machine *machine, const char *online, const char *possible)
{
	*machine = (struct machine){0};
	fixture_tree_init(&machine->tree);
	fixture_log_init(&machine->log);
	fixture_write(&machine->tree, "sys/devices/system/cpu/online", online);
	fixture_write(&machine->tree, "sys/devices/system/cpu/possible", possible);
	fixture_write(&machine->tree, "proc/self/status", "");
	assert_ok(hvp_event_parse("cpu-clock", &machine->tree.roots, &machine->event));
	machine->config = (struct hvp_record_config){.events = &machine->event,
						     .num_events = 1,
						     .frequency = 100,
						     .is_system_wide = true,
						     .ring_pages = 8,
						     .roots = &machine->tree.roots};
	assert_ok(hvp_perf_source_ops.open(&machine->config, &machine->log.sink, NULL,
					   &machine->source));
}

static void machine_deinit(struct machine *machine)
{
	hvp_source_destroy(machine->source);
	hvp_event_spec_deinit(&machine->event);
	fixture_log_deinit(&machine->log);
	fixture_tree_deinit(&machine->tree);
}

static bool is_permitted(void)
{
	const struct hvp_event_spec clock = {.type = PERF_TYPE_SOFTWARE,
					     .config = PERF_COUNT_SW_CPU_CLOCK};

	if (!geteuid() && !hvp_perf_event_probe(&clock))
		return true;
	print_message("skipped: the whole machine cannot be recorded here\n");
	return false;
}

static void cpus_beyond_the_possible_ones_are_left_alone(void **state)
{
	struct machine machine;

	(void)state;
	if (!is_permitted())
		return;
	machine_init(&machine, "0,700\n", "0\n");
	machine_deinit(&machine);
}

static void a_cpu_that_comes_and_cannot_be_had_is_said_once(void **state)
{
	struct rlimit old, limit;
	struct machine machine;
	bool has_more;

	(void)state;
	if (!is_permitted() || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	machine_init(&machine, "0\n", "0-3\n");
	assert_ok(machine.source->ops->start(machine.source));
	fixture_write(&machine.tree, "sys/devices/system/cpu/online", "0-1\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	/* Enough to read a file, not enough for two events. */
	limit.rlim_cur = (rlim_t)dup(0) + 1;
	close((int)limit.rlim_cur - 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 3; i++) {
		usleep(1100000);
		assert_ok(machine.source->ops->drain(machine.source, &has_more));
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	{
		const char *said = strstr(fixture_log_text(&machine.log),
					  "CPU 1 came on line and could not be sampled");

		assert_non_null(said);
		assert_non_null(strstr(said, "limit of open files"));
		assert_null(strstr(said + 20, "came on line"));
	}
	/* It goes, and comes again when there is room. */
	fixture_write(&machine.tree, "sys/devices/system/cpu/online", "0\n");
	usleep(1100000);
	assert_ok(machine.source->ops->drain(machine.source, &has_more));
	fixture_write(&machine.tree, "sys/devices/system/cpu/online", "0-1\n");
	usleep(1100000);
	assert_ok(machine.source->ops->drain(machine.source, &has_more));
	assert_non_null(strstr(fixture_log_text(&machine.log), "record 11"));
	machine_deinit(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_in_the_middle_keeps_what_was_read),
		cmocka_unit_test(cpus_beyond_the_possible_ones_are_left_alone),
		cmocka_unit_test(a_cpu_that_comes_and_cannot_be_had_is_said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
