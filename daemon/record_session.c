/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/record_session.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/host/kallsyms_cache.h"
#include "daemon/host/process_files.h"
#include "daemon/record_output.h"
#include "daemon/record_summary.h"
#include "daemon/session_info.h"

/*
 * Rings wake us when they are half full; so often we look although they are not: for new VMs, CPUs,
 * and the progress line.
 */
#define WAKE_INTERVAL_MS 250
/*
 * What a kill -9 can cost at most; sooner at first, or a recording killed in its first seconds would
 * be empty.
 */
#define FLUSH_INTERVAL_NS UINT64_C(10000000000)
#define FIRST_FLUSH_NS UINT64_C(1000000000)

struct run {
	struct hvp_context *context;
	struct hvp_record_plan *plan;
	struct hvp_record_output output;
	struct hvp_session_writer *writer;
	struct hvp_collector *collector;
	struct hvp_source *source;
	struct hvp_child child;
	char *kallsyms_cache;
	/* Of the processes of -p; -1 for one that has ended. */
	int *pidfds;
	struct pollfd *polls;
	uint64_t start, next_flush, flush_interval;
	bool is_over;
};

static void run_deinit(struct run *run)
{
	hvp_source_destroy(run->source);
	hvp_collector_destroy(run->collector);
	hvp_session_writer_destroy(run->writer);
	hvp_record_output_deinit(&run->output);
	for (size_t i = 0; run->pidfds && i < run->plan->config.num_pids; i++)
		hvp_close_fd(&run->pidfds[i]);
	free(run->pidfds);
	free(run->polls);
	free(run->kallsyms_cache);
	hvp_child_deinit(&run->child);
}

/*
 * One descriptor for each process of -p, and one for each event and CPU: more than the usual 1024
 * on a large machine.
 */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * Before anything is opened: the program must be there to be opened, and what cannot be opened must
 * not cost the old session.
 */
static struct hvp_error *prepare_processes(struct run *run, uint32_t *child_pid)
{
	struct hvp_record_plan *plan = run->plan;

	if (plan->command) {
		hvp_try(hvp_child_prepare(&run->child, plan->command));
		*child_pid = (uint32_t)run->child.pid;
		if (!plan->config.is_system_wide) {
			plan->config.pids = child_pid;
			plan->config.num_pids = 1;
			plan->config.starts_on_exec = true;
		}
	}
	/* Behind the fork: the program keeps the limit that it is used to. */
	raise_file_limit();
	run->pidfds = calloc(plan->config.num_pids + 1, sizeof(*run->pidfds));
	run->polls = calloc(plan->config.num_pids + 3, sizeof(*run->polls));
	if (!run->pidfds || !run->polls)
		return hvp_error_no_memory;
	memset(run->pidfds, 0xff, (plan->config.num_pids + 1) * sizeof(*run->pidfds));
	for (size_t i = 0; i < plan->config.num_pids; i++) {
		run->pidfds[i] = (int)syscall(SYS_pidfd_open, plan->config.pids[i], 0);
		if (run->pidfds[i] < 0 && errno != ESRCH)
			return hvp_error_from_errno(
				errno,
				"process %u: watching it, which takes one open file of `ulimit -n`",
				plan->config.pids[i]);
	}
	return NULL;
}

static struct hvp_error *open_session(struct run *run)
{
	const struct hvp_record_plan *plan = run->plan;
	const struct hvp_session_writer_options writer = {.path = plan->output,
							  .level = plan->level};
	const struct hvp_collector_options collector = {
		.roots = plan->config.roots,
		.log = &run->context->log,
		.target = &plan->target,
		.guest_files = plan->guest_files,
		.kallsyms_cache = run->kallsyms_cache,
		.discovers = true,
		.qmp = plan->qmp,
	};
	const struct hvp_session_facts facts = {.command_line = run->context->command_line,
						.source = plan->source->name,
						.target = plan->target_text};

	hvp_try(hvp_session_writer_create(run->output.fd, &writer, &run->writer));
	hvp_try(hvp_session_info_add(run->writer, plan->config.roots, &facts));
	if (plan->guest_files)
		hvp_try(hvp_guest_files_add_info(plan->guest_files, run->writer));
	return hvp_collector_create(&collector, run->writer, &run->collector);
}

static struct hvp_error *open_source(struct run *run)
{
	const struct hvp_record_plan *plan = run->plan;
	struct hvp_sink sink;

	hvp_collector_get_sink(run->collector, &sink);
	hvp_try(plan->source->open(&plan->config, &sink, &run->context->log, &run->source));
	return hvp_collector_add_events(run->collector, run->source);
}

/*
 * On a machine where every CPU is wanted by many, who drains the rings must not wait until they are
 * full. A nice value is not enough: where the scheduler groups by session (autogroup, cgroups) it
 * counts within the group only. It takes a few percent of one CPU; the program that is run keeps its
 * priority, for it was forked before. Only root may.
 */
static void raise_priority(void)
{
	const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_RR)};

	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) &&
	    setpriority(PRIO_PROCESS, 0, -20))
		return;
}

/*
 * The first poll slots are the source, discovery and the program; the others the processes of -p.
 */
static void wait_for_something(struct run *run)
{
	const struct hvp_record_plan *plan = run->plan;
	uint64_t now = hvp_clock_now();
	int timeout = WAKE_INTERVAL_MS;
	size_t num = 0;

	run->polls[num++].fd = run->source->ops->poll_fd(run->source);
	run->polls[num++].fd = hvp_collector_poll_fd(run->collector);
	run->polls[num++].fd = plan->command ? run->child.pidfd : -1;
	for (size_t i = 0; i < plan->config.num_pids; i++)
		run->polls[num++].fd = run->pidfds[i];
	for (size_t i = 0; i < num; i++)
		run->polls[i].events = POLLIN;
	if (plan->duration_ns) {
		uint64_t end = run->start + plan->duration_ns;
		uint64_t left_ms = end > now ? (end - now + 999999) / 1000000 : 0;

		timeout = left_ms < WAKE_INTERVAL_MS ? (int)left_ms : WAKE_INTERVAL_MS;
	}
	/* A signal ends the wait, and the loop sees its mark. */
	poll(run->polls, num, timeout);
}

/* The processes of -p have all ended. */
static bool have_targets_ended(struct run *run)
{
	const struct hvp_record_plan *plan = run->plan;
	bool has_ended = plan->config.num_pids != 0;

	for (size_t i = 0; i < plan->config.num_pids; i++) {
		struct pollfd wait = {.fd = run->pidfds[i], .events = POLLIN};

		if (run->pidfds[i] < 0)
			continue;
		if (poll(&wait, 1, 0) > 0)
			hvp_close_fd(&run->pidfds[i]), run->pidfds[i] = -1;
		else
			has_ended = false;
	}
	return has_ended;
}

static bool is_over(struct run *run)
{
	const struct hvp_record_plan *plan = run->plan;

	if (*run->context->interrupted)
		return true;
	if (plan->duration_ns && hvp_clock_now() >= run->start + plan->duration_ns)
		return true;
	if (plan->command)
		return hvp_child_check(&run->child);
	return have_targets_ended(run);
}

static struct hvp_error *flush_now_and_then(struct run *run)
{
	uint64_t now = hvp_clock_now();
	struct hvp_error *err;

	if (now < run->next_flush)
		return NULL;
	run->flush_interval = 4 * run->flush_interval < FLUSH_INTERVAL_NS ? 4 * run->flush_interval
									  : FLUSH_INTERVAL_NS;
	run->next_flush = now + run->flush_interval;
	err = hvp_session_writer_flush(run->writer);
	return hvp_collector_survive(run->collector, err);
}

static struct hvp_error *drain_until_over(struct run *run)
{
	bool has_more = true;

	while (!is_over(run) && has_more) {
		wait_for_something(run);
		hvp_try(run->source->ops->drain(run->source, &has_more));
		hvp_try(hvp_collector_update(run->collector));
		hvp_try(flush_now_and_then(run));
		hvp_record_progress(run->context, run->collector, run->writer,
				    hvp_clock_now() - run->start);
	}
	return NULL;
}

/* A reader that went away wants no more: that ends a session as Ctrl-C does. */
static bool has_lost_reader(const struct hvp_error *err)
{
	return hvp_error_code(err) == HVP_ERROR_OS && hvp_error_errno(err) == EPIPE;
}

static struct hvp_error *record_samples(struct run *run)
{
	const struct hvp_record_plan *plan = run->plan;

	hvp_try(hvp_collector_begin(run->collector));
	hvp_try(run->source->ops->start(run->source));
	if (plan->command)
		hvp_try(hvp_child_go(&run->child, plan->command[0]));
	/*
	 * Only now is it certain that there will be something to put in place of the old session.
	 */
	hvp_try(hvp_record_output_commit(&run->output));
	run->start = hvp_clock_now();
	run->flush_interval = FIRST_FLUSH_NS;
	run->next_flush = run->start + run->flush_interval;
	hvp_try(drain_until_over(run));
	return run->source->ops->stop(run->source);
}

static struct hvp_error *write_end(struct run *run, uint64_t session_start)
{
	struct hvp_session_end end = {.start_time = session_start};
	struct rusage usage;
	struct hvp_sink sink;

	end.end_time = hvp_clock_now();
	hvp_try(hvp_collector_end(run->collector, run->plan->symbols));
	hvp_collector_get_sink(run->collector, &sink);
	hvp_try(hvp_process_files_emit_vdso(run->plan->config.roots, &sink));
	if (run->plan->wants_jit_maps)
		hvp_try(hvp_process_files_emit_jit_maps(run->plan->config.roots,
							hvp_collector_domain_table(run->collector),
							&sink));
	hvp_try(hvp_collector_survive(run->collector, hvp_session_writer_flush(run->writer)));
	if (!getrusage(RUSAGE_SELF, &usage)) {
		end.collector_cpu_ns =
			((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) *
				1000000000u +
			((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) *
				1000u;
		end.collector_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
	}
	return hvp_session_writer_finish(run->writer, &end);
}

/* What was read until an error ended it all is kept, and why it ended is said. */
static void keep_what_was_read(struct run *run, uint64_t session_start, const struct hvp_error *why)
{
	struct hvp_record note = {.type = HVP_RECORD_NOTE, .time = hvp_clock_now()};
	hvp_scope(hvp_free_ptr) char *text = NULL;
	struct hvp_sink sink;

	if (asprintf(&text, "an error ended the recording: %s", hvp_error_message(why)) < 0)
		text = NULL;
	note.note.text = text ? text : "an error ended the recording";
	hvp_collector_get_sink(run->collector, &sink);
	hvp_error_destroy(run->source->ops->stop(run->source));
	hvp_error_destroy(sink.record(sink.arg, &note));
	hvp_error_destroy(write_end(run, session_start));
}

static void fill_result(struct run *run, struct hvp_record_result *ret)
{
	struct hvp_session_writer_stats written;
	struct hvp_collector_stats stats;

	hvp_session_writer_get_stats(run->writer, &written);
	hvp_collector_get_stats(run->collector, &stats);
	ret->bytes = written.bytes_written;
	ret->duration_ns = hvp_clock_now() - run->start;
	ret->exit_status = run->plan->command ? run->child.exit_status : 0;
	ret->is_degraded = stats.lost_samples || stats.lost_records || stats.throttled ||
			   stats.notes || stats.file_error;
}

struct hvp_error *hvp_record_run(struct hvp_context *context, struct hvp_record_plan *plan,
				 struct hvp_record_result *ret)
{
	hvp_scope(run_deinit) struct run run = {.context = context,
						.plan = plan,
						.child = {.pidfd = -1, .go_fd = -1},
						.output = {.fd = -1}};
	uint64_t session_start = hvp_clock_now();
	struct hvp_error *err;
	uint32_t child_pid;

	hvp_try(hvp_kallsyms_cache_path(&run.kallsyms_cache));
	hvp_try(prepare_processes(&run, &child_pid));
	hvp_try(hvp_record_output_open(&run.output, plan->output));
	hvp_try(open_session(&run));
	hvp_try(open_source(&run));
	raise_priority();
	err = record_samples(&run);
	hvp_record_progress_clear(context);
	if (err && !has_lost_reader(err)) {
		if (run.start)
			keep_what_was_read(&run, session_start, err);
		return err;
	}
	if (err) {
		hvp_error_destroy(err);
		fill_result(&run, ret);
		return NULL;
	}
	/*
	 * A disk that is full to the end: what was recorded and what was lost is said all the same.
	 */
	err = write_end(&run, session_start);
	if (plan->command)
		hvp_child_check(&run.child);
	fill_result(&run, ret);
	ret->is_cut = err != NULL;
	hvp_record_summarize(context, plan, run.collector, ret);
	return err;
}
