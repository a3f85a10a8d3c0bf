/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/scan.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"
#include "report/profile/aspace.h"

#define MAX_THREADS 16u
/*
 * Places by address that a thread gathers before it folds them: the table stays in a CPU's cache.
 */
#define MAX_RECENT 24576u

/* What all workers share. */
struct scan_job {
	const struct hvp_scan_options *options;
	size_t num_chunks;
	atomic_size_t next_chunk;
	atomic_uint_fast64_t done_samples;
	/* A worker failed for good (memory): the others need not go on. */
	atomic_bool has_failed;
};

struct scan_worker {
	struct scan_job *job;
	bool is_caller;
	pthread_t thread;
	struct hvp_scan scan;
	/* By address; empty at the end. */
	struct hvp_place_table recent;
	struct hvp_batch batch;
	struct hvp_task_cache process, kernel, comm;
	struct hvp_error *err;
};

/* What is needed to locate the frames of a chain: a kernel sample's goes on into its process. */
static void key_of_chain(struct scan_worker *worker, const struct hvp_row *row,
			 struct hvp_place_key *key)
{
	const struct hvp_tasks *tasks = worker->job->options->tasks;

	key->stack = row->stack;
	if (hvp_mode_is_guest(row->mode))
		return;
	key->pid = row->pid;
	key->epoch = hvp_tasks_epoch(tasks, &worker->process, row->pid, row->time);
	if (row->mode == HVP_MODE_HOST_KERNEL)
		key->kernel_epoch =
			hvp_tasks_epoch(tasks, &worker->kernel, HVP_PID_KERNEL, row->time);
}

static void key_of_row(struct scan_worker *worker, const struct hvp_row *row,
		       struct hvp_place_key *key)
{
	const struct hvp_scan_options *options = worker->job->options;
	enum hvp_owner owner = hvp_owner_of_row(row);
	struct hvp_location location;

	hvp_symbolizer_locate(options->symbolizer, row, row->ip, hvp_mode_is_kernel(row->mode),
			      &location);
	*key = (struct hvp_place_key){
		.code = location.address,
		.aspace = options->by_aspace ? hvp_aspace_of_row(row) : 0,
		.image = hvp_image_index(location.image),
		.pid = options->by_pid ? row->pid : 0,
		.tid = options->by_tid ? row->tid : 0,
		.domain = row->domain,
		.vcpu = options->by_vcpu ? row->vcpu : 0,
		.cpu = options->by_cpu ? row->cpu : 0,
		.event = row->event,
		.mode = row->mode,
		.owner = (uint8_t)owner,
		.why = (uint8_t)location.why,
	};
	if (location.why && !options->by_raw_address) {
		key->kind = HVP_CODE_UNRESOLVED;
		key->code = 0;
	}
	if (options->by_stack && row->stack != HVP_STACK_NONE)
		key_of_chain(worker, row, key);
	if (options->by_comm_of_owners & 1u << owner)
		key->comm = hvp_tasks_comm(options->tasks, &worker->comm, row->tid, row->time);
}

/* From a place by address to one by function. */
static void fold_key(struct hvp_symbolizer *symbolizer, struct hvp_place_key *key)
{
	struct hvp_location location = {.address = key->code};
	enum hvp_unresolved why = HVP_UNRESOLVED_NO_SYMBOL;
	const struct hvp_symbol *symbol;

	if (key->kind != HVP_CODE_ADDRESS)
		return;
	location.image = hvp_symbolizer_image(symbolizer, key->image);
	symbol = hvp_symbolizer_symbol(symbolizer, &location, &why);
	key->kind = symbol ? HVP_CODE_SYMBOL : HVP_CODE_UNRESOLVED;
	key->code = (uintptr_t)symbol;
	key->why = (uint8_t)(symbol ? HVP_RESOLVED : why ? why : HVP_UNRESOLVED_NO_SYMBOL);
}

/* Empties the table by address into the one by function. */
static struct hvp_error *fold(struct scan_worker *worker)
{
	struct hvp_place_table *recent = &worker->recent;

	for (size_t i = 0; i < recent->num; i++) {
		fold_key(worker->job->options->symbolizer, &recent->places[i].key);
		hvp_try(hvp_place_table_add(&worker->scan.places, &recent->places[i]));
	}
	hvp_place_table_clear(recent);
	return NULL;
}

static struct hvp_error *add_place(struct scan_worker *worker, const struct hvp_place *place)
{
	if (worker->job->options->by_address)
		return hvp_place_table_add(&worker->scan.places, place);
	if (worker->recent.num >= MAX_RECENT)
		hvp_try(fold(worker));
	return hvp_place_table_add(&worker->recent, place);
}

static bool is_inside(const struct hvp_scan_options *options, const struct hvp_row *row)
{
	return row->time >= options->time_from && row->time <= options->time_until &&
	       (options->event == HVP_EVENT_ALL || options->event == row->event);
}

static struct hvp_error *add_rows(struct scan_worker *worker)
{
	const struct hvp_scan_options *options = worker->job->options;
	struct hvp_place place = {0};

	for (size_t i = 0; i < worker->batch.num_rows; i++) {
		const struct hvp_row *row = &worker->batch.rows[i];

		if (!is_inside(options, row)) {
			worker->scan.outside++;
			continue;
		}
		key_of_row(worker, row, &place.key);
		place.time = row->time;
		place.pid = row->pid;
		place.tid = row->tid;
		place.samples = 1;
		place.period = row->period;
		hvp_try(add_place(worker, &place));
		worker->scan.samples++;
	}
	return NULL;
}

/* A chunk that cannot be decoded is counted, and the first one's reason kept. */
static struct hvp_error *note_unreadable(struct hvp_scan *scan, struct hvp_error *err,
					 uint32_t num_samples)
{
	if (err == hvp_error_no_memory)
		return err;
	scan->unreadable += num_samples;
	if (!scan->unreadable_why)
		scan->unreadable_why = strdup(hvp_error_message(err));
	hvp_error_destroy(err);
	return NULL;
}

static struct hvp_error *scan_chunk(struct scan_worker *worker, size_t index)
{
	const struct hvp_scan_options *options = worker->job->options;
	const struct hvp_chunk_info *chunk = hvp_session_chunk(options->session, index);
	struct hvp_error *err;
	bool has_times;

	if (options->interrupted && *options->interrupted) {
		worker->scan.interrupted += chunk->num_samples;
		return NULL;
	}
	if (chunk->last_time < options->time_from || chunk->first_time > options->time_until) {
		worker->scan.outside += chunk->num_samples;
		return NULL;
	}
	has_times = chunk->first_time < options->time_from ||
		    chunk->last_time > options->time_until ||
		    !hvp_tasks_are_constant(options->tasks, chunk->first_time, chunk->last_time);
	worker->batch.columns = HVP_COLUMN_ALL & ~(has_times ? 0u : HVP_COLUMN_TIME);
	err = hvp_session_read_chunk(options->session, index, &worker->batch);
	if (err)
		return note_unreadable(&worker->scan, err, chunk->num_samples);
	for (size_t i = 0; !has_times && i < worker->batch.num_rows; i++)
		worker->batch.rows[i].time = chunk->first_time;
	return add_rows(worker);
}

static void *work(void *arg)
{
	struct scan_worker *worker = arg;
	struct scan_job *job = worker->job;
	const struct hvp_scan_options *options = job->options;

	while (!worker->err && !atomic_load(&job->has_failed)) {
		size_t index = atomic_fetch_add(&job->next_chunk, 1);
		uint64_t done;

		if (index >= job->num_chunks)
			break;
		worker->err = scan_chunk(worker, index);
		done = hvp_session_chunk(options->session, index)->num_samples;
		done += atomic_fetch_add(&job->done_samples, done);
		if (worker->is_caller && options->progress)
			options->progress(options->progress_arg, done);
	}
	if (!worker->err)
		worker->err = fold(worker);
	if (worker->err)
		atomic_store(&job->has_failed, true);
	return NULL;
}

static unsigned int choose_num_threads(const struct hvp_scan_options *options, size_t num_chunks)
{
	unsigned int num = options->num_threads;
	cpu_set_t cpus;

	if (!num && sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		num = (unsigned int)CPU_COUNT(&cpus);
	if (num > MAX_THREADS)
		num = MAX_THREADS;
	if (num > num_chunks)
		num = (unsigned int)num_chunks;
	return num ? num : 1;
}

/* Adds a finished worker's sums to the result. */
static struct hvp_error *merge_worker(struct hvp_scan *scan, struct scan_worker *worker)
{
	scan->samples += worker->scan.samples;
	scan->outside += worker->scan.outside;
	scan->unreadable += worker->scan.unreadable;
	scan->interrupted += worker->scan.interrupted;
	if (!scan->unreadable_why)
		scan->unreadable_why = hvp_take(worker->scan.unreadable_why);
	return hvp_place_table_merge(&scan->places, &worker->scan.places);
}

struct hvp_error *hvp_scan_run(const struct hvp_scan_options *options, struct hvp_scan *ret)
{
	struct scan_job job = {.options = options,
			       .num_chunks = hvp_session_num_chunks(options->session)};
	struct scan_worker workers[MAX_THREADS] = {0};
	unsigned int num = choose_num_threads(options, job.num_chunks), num_started = 1;
	struct hvp_error *err = NULL;

	*ret = (struct hvp_scan){0};
	for (unsigned int i = 0; i < num; i++) {
		workers[i].job = &job;
		workers[i].is_caller = i == 0;
		hvp_batch_init(&workers[i].batch);
	}
	/* With fewer threads than wished the others take their chunks. */
	while (num_started < num &&
	       pthread_create(&workers[num_started].thread, NULL, work, &workers[num_started]) == 0)
		num_started++;
	work(&workers[0]);
	for (unsigned int i = 1; i < num_started; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int i = 0; i < num; i++) {
		hvp_batch_deinit(&workers[i].batch);
		hvp_place_table_deinit(&workers[i].recent);
	}
	for (unsigned int i = 0; i < num; i++) {
		struct hvp_error *worker_err = workers[i].err;

		if (!worker_err && !err)
			worker_err = merge_worker(ret, &workers[i]);
		hvp_scan_deinit(&workers[i].scan);
		if (err)
			hvp_error_destroy(worker_err);
		else
			err = worker_err;
	}
	return err;
}

void hvp_scan_deinit(struct hvp_scan *scan)
{
	hvp_place_table_deinit(&scan->places);
	free(scan->unreadable_why);
	*scan = (struct hvp_scan){0};
}
