/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"

#include <unistd.h>

#include "daemon/perf/perf_times.h"

#define MAX_EVENTS 3
#define MAX_CPUS 2

/* What the kernel would say of one event on one CPU. */
struct counted {
	uint32_t cpu, event;
	uint64_t enabled, running;
};

struct world {
	struct hvp_event_spec events[MAX_EVENTS];
	struct hvp_perf_features features;
	struct hvp_sink sink;
	struct hvp_perf_set set;
	struct hvp_perf_fd fds[MAX_CPUS][MAX_EVENTS + 1];
	struct hvp_perf_cpu cpus[MAX_CPUS];
	size_t num_notes;
	char notes[MAX_EVENTS][400];
};

static struct hvp_error *take_note(void *arg, const struct hvp_record *record)
{
	struct world *world = arg;

	assert_int_equal(record->type, HVP_RECORD_NOTE);
	assert_true(world->num_notes < MAX_EVENTS);
	snprintf(world->notes[world->num_notes++], sizeof(world->notes[0]), "%s",
		 record->note.text);
	return NULL;
}

static void world_init(struct world *world, bool has_read_lost)
{
	*world = (struct world){
		.events = {{.name = (char *)"cycles"},
			   {.name = (char *)"instructions"},
			   {.name = (char *)"branches"}},
		.features.has_read_lost = has_read_lost,
		.sink = {.record = take_note, .arg = world},
		.set = {.events = world->events,
			.num_events = MAX_EVENTS,
			.options.features = &world->features,
			.sink = &world->sink},
	};
	for (uint32_t i = 0; i < MAX_CPUS; i++)
		world->cpus[i] = (struct hvp_perf_cpu){.cpu = i, .fds = world->fds[i]};
}

/* A pipe stands for the descriptor: it says its count once. */
static void add(struct world *world, const struct counted *counted)
{
	struct hvp_perf_cpu *cpu = &world->cpus[counted->cpu];
	const struct hvp_perf_count count = {.value = 1000,
					     .time_enabled = counted->enabled,
					     .time_running = counted->running,
					     .lost = 5};
	const size_t size = world->features.has_read_lost ? sizeof(count)
							  : offsetof(struct hvp_perf_count, lost);
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], &count, size), size);
	close(fds[1]);
	cpu->fds[cpu->num_fds++] = (struct hvp_perf_fd){.fd = fds[0], .event = counted->event};
}

static void deliver(struct world *world)
{
	assert_ok(hvp_perf_times_deliver(&world->set, world->cpus, MAX_CPUS));
	for (size_t i = 0; i < MAX_CPUS; i++)
		for (size_t k = 0; k < world->cpus[i].num_fds; k++)
			close(world->cpus[i].fds[k].fd);
}

static void events_that_always_had_a_counter_are_not_told_of(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, true);
	add(&world, &(struct counted){0, 0, 1000, 1000});
	add(&world, &(struct counted){1, 0, 1000, 981});
	add(&world, &(struct counted){0, 1, 1000, 990});
	add(&world, &(struct counted){0, 2, 0, 0});
	deliver(&world);
	assert_int_equal(world.num_notes, 0);
}

static void an_event_that_waited_is_told_of_with_all_cpus_together(void **state)
{
	for (int has_read_lost = 0; has_read_lost < 2; has_read_lost++) {
		struct world world;

		world_init(&world, has_read_lost);
		add(&world, &(struct counted){0, HVP_PERF_TRACKING, 1000, 1});
		add(&world, &(struct counted){0, 0, 1000, 1000});
		add(&world, &(struct counted){0, 1, 1000, 1000});
		add(&world, &(struct counted){1, 1, 3000, 500});
		deliver(&world);
		assert_int_equal(world.num_notes, 1);
		assert_non_null(
			strstr(world.notes[0], "instructions had a counter for 37.5% of the time"));
	}
	(void)state;
}

static void an_event_in_error_says_nothing(void **state)
{
	struct world world;
	int fds[2];

	(void)state;
	world_init(&world, true);
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	world.fds[0][0] = (struct hvp_perf_fd){.fd = fds[0], .event = 0};
	world.cpus[0].num_fds = 1;
	add(&world, &(struct counted){1, 0, 1000, 1000});
	deliver(&world);
	assert_int_equal(world.num_notes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_that_always_had_a_counter_are_not_told_of),
		cmocka_unit_test(an_event_that_waited_is_told_of_with_all_cpus_together),
		cmocka_unit_test(an_event_in_error_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
