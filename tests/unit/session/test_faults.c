/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pipes, full disks, killed writers, no memory: what was taken is in the file, what was not is
 * counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

static const struct hvp_session_end end = {.start_time = 1, .end_time = 2};

/*
 * Allocation number `fail_at` (from 0) and all after it fail; the linker puts these in the place of
 * malloc & co.
 */
static long num_allocations, fail_at = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t num, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t num, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool is_to_fail(void)
{
	return fail_at >= 0 && num_allocations++ == fail_at;
}

void *__wrap_malloc(size_t size)
{
	return is_to_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t num, size_t size)
{
	return is_to_fail() ? NULL : __real_calloc(num, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_to_fail() ? NULL : __real_realloc(old, size);
}

static void add_event(struct hvp_session_writer *writer)
{
	const struct hvp_event_info event = {.name = "cpu-clock", .unit = "ns", .scope = ""};
	uint16_t index;

	expect_success(hvp_session_writer_add_event(writer, &event, &index));
}

/* Samples and records that the session says were lost for want of room. */
static void sum_losses(const struct hvp_session *session, uint64_t *ret_samples,
		       uint64_t *ret_records)
{
	*ret_samples = 0;
	*ret_records = 0;
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type != HVP_RECORD_LOST)
			continue;
		assert_int_equal(record->lost.where, HVP_LOST_FILE);
		*ret_samples += record->lost.samples;
		*ret_records += record->lost.records;
	}
}

static void set_file_limit(rlim_t limit)
{
	struct rlimit rlimit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &rlimit), 0);
	rlimit.rlim_cur = limit;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rlimit), 0);
}

static int make_disk_file(void)
{
	char path[] = "hvprof-test.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

/*
 * The disk is full at any byte: after there is room again the file is whole, and kept + lost =
 * given.
 */
static void a_full_disk_tears_no_chunk_and_every_loss_is_counted(void **state)
{
	static const rlim_t limits[] = {33, 64, 100, 500, 1000, 1001, 4096, 20000, 200000};
	const uint64_t num = 300000, num_records = 100000;

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		uint64_t frames[HVP_MAX_CHAIN], lost_samples, lost_records, num_errors = 0;
		struct hvp_session_writer_options options = {.path = "test.hvp", .memory_limit = 1};
		struct hvp_session_writer_stats stats;
		struct hvp_session_writer *writer;
		struct hvp_session *session;
		int fd = make_disk_file();
		struct hvp_error *err;

		expect_success(hvp_session_writer_create(fd, &options, &writer));
		add_event(writer);
		set_file_limit(limits[i] + (rlim_t)lseek(fd, 0, SEEK_CUR));
		for (uint64_t n = 0; n < num; n++) {
			struct hvp_sample sample = make_sample(STYLE_REALISTIC, n, frames);

			err = hvp_session_writer_add_sample(writer, &sample);
			if (err)
				expect_error(err, "test.hvp: cannot write the session at offset");
			num_errors += err != NULL;
		}
		for (uint64_t n = 0; n < num_records; n++) {
			struct hvp_record record = {.type = HVP_RECORD_NAMESPACES,
						    .time = n,
						    .namespaces = {1, 2, n * 3333333333333, n}};

			err = hvp_session_writer_add_record(writer, &record);
			hvp_error_destroy(err);
		}
		assert_true(num_errors > 0 && num_errors < 200);
		hvp_session_writer_get_stats(writer, &stats);
		assert_true(stats.lost_samples > 0 && stats.peak_memory < 20u << 20);
		set_file_limit(RLIM_INFINITY);
		expect_success(hvp_session_writer_finish(writer, &end));
		hvp_session_writer_get_stats(writer, &stats);
		hvp_session_writer_destroy(writer);

		session = open_session(fd);
		if (hvp_session_damage(session))
			fail_msg("limit %llu: %s", (unsigned long long)limits[i],
				 hvp_session_damage(session));
		sum_losses(session, &lost_samples, &lost_records);
		assert_int_equal(lost_samples, stats.lost_samples);
		assert_int_equal(lost_records, stats.lost_records);
		assert_int_equal(hvp_session_num_samples(session) + lost_samples, num);
		expect_samples(session, STYLE_REALISTIC, num);
		hvp_session_destroy(session);
		close(fd);
	}
}

static void a_device_without_room_gives_the_error_at_once(void **state)
{
	struct hvp_session_writer_options options = {.path = "/dev/full"};
	struct hvp_session_writer *writer = NULL;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	expect_error(hvp_session_writer_create(fd, &options, &writer), "No space left on device");
	assert_null(writer);
	close(fd);
}

static void a_reader_that_goes_away_gives_an_error_and_no_signal(void **state)
{
	struct hvp_session_writer *writer;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	writer = open_writer(ends[1]);
	close(ends[0]);
	add_samples(writer, STYLE_REALISTIC, 10);
	expect_error(hvp_session_writer_flush(writer), "Broken pipe");
	expect_error(hvp_session_writer_finish(writer, &end), "Broken pipe");
	hvp_session_writer_destroy(writer);
	close(ends[1]);
}

/* Writes into a pipe from a process of its own. */
static pid_t fork_writer(int fd, uint64_t num)
{
	struct hvp_session_writer *writer;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	writer = open_writer(fd);
	add_event(writer);
	add_samples(writer, STYLE_REALISTIC, num);
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);
	_exit(0);
}

static void a_session_goes_through_a_pipe(void **state)
{
	static const int flags[] = {O_CLOEXEC, O_CLOEXEC | O_NONBLOCK};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct hvp_session *session;
		int ends[2], status;
		pid_t pid;

		assert_int_equal(pipe2(ends, flags[i]), 0);
		pid = fork_writer(ends[1], 100000);
		close(ends[1]);
		assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
		session = open_session(ends[0]);
		close(ends[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_null(hvp_session_damage(session));
		assert_int_equal(expect_samples(session, STYLE_REALISTIC, 100000), 100000);
		hvp_session_destroy(session);
	}
}

/* On a busy machine the other process may not have begun yet. */
static void wait_for_size(int fd, off_t size)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct stat stat = {0};

	for (unsigned int i = 0; i < 60000 && stat.st_size < size; i++) {
		nanosleep(&pause, NULL);
		assert_int_equal(fstat(fd, &stat), 0);
	}
	assert_true(stat.st_size >= size);
}

static void a_killed_writer_leaves_all_that_it_flushed(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 8; round++) {
		const struct timespec pause = {.tv_nsec = round * 7000000};
		struct hvp_session_writer *writer;
		struct hvp_session *session;
		int fd = make_file(), status;
		pid_t pid = fork();
		uint64_t num;

		assert_true(pid >= 0);
		if (!pid) {
			uint64_t frames[HVP_MAX_CHAIN];

			writer = open_writer(fd);
			add_event(writer);
			for (uint64_t i = 0;; i++) {
				struct hvp_sample sample = make_sample(STYLE_REALISTIC, i, frames);

				expect_success(hvp_session_writer_add_sample(writer, &sample));
				if (i % 1000 == 999)
					expect_success(hvp_session_writer_flush(writer));
			}
		}
		wait_for_size(fd, 8192);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		session = open_session(fd);
		assert_non_null(strstr(hvp_session_damage(session), "has no end"));
		num = hvp_session_num_samples(session);
		/* Whole chunks of 1000, and exactly the first samples. */
		assert_int_equal(num % 1000, 0);
		assert_int_equal(expect_samples(session, STYLE_REALISTIC, num), num);
		hvp_session_destroy(session);
		close(fd);
	}
}

/* The worst that can come: nothing in two samples or records is alike. */
static void memory_stays_below_the_limit_whatever_comes(void **state)
{
	const struct hvp_session_writer_options options = {.path = "test.hvp", .memory_limit = 1};
	uint64_t frames[HVP_MAX_CHAIN], random = 1, num = 0;
	struct hvp_session_writer_stats stats;
	struct hvp_session_writer *writer;
	struct hvp_session *session;
	int fd = make_file();

	(void)state;
	expect_success(hvp_session_writer_create(fd, &options, &writer));
	add_event(writer);
	for (; num < 20000; num++) {
		struct hvp_sample sample = make_sample(STYLE_RANDOM, num, frames);
		char path[200];
		struct hvp_record record = {
			.type = HVP_RECORD_MMAP,
			.time = num,
			.mmap = {.address = next_random(&random), .path = path}};

		for (uint32_t i = 0; i < 100; i++)
			frames[i] = next_random(&random);
		sample.event = 0;
		sample.chain.num_frames = 100;
		expect_success(hvp_session_writer_add_sample(writer, &sample));
		for (size_t i = 0; i < sizeof(path); i++)
			path[i] = (char)(33 + next_random(&random) % 90);
		path[sizeof(path) - 1] = 0;
		expect_success(hvp_session_writer_add_record(writer, &record));
	}
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_get_stats(writer, &stats);
	if (stats.peak_memory > 20u << 20)
		fail_msg("%zu bytes", stats.peak_memory);
	hvp_session_writer_destroy(writer);
	session = open_session(fd);
	assert_null(hvp_session_damage(session));
	assert_int_equal(hvp_session_num_samples(session), num);
	assert_int_equal(hvp_session_num_records(session), num);
	hvp_session_destroy(session);
	close(fd);
}

/* Writes and reads a session; the first error ends it. */
static struct hvp_error *write_and_read(int fd)
{
	const struct hvp_session_writer_options options = {.path = "test.hvp", .memory_limit = 1};
	const struct hvp_event_info event = {.name = "cpu-clock", .unit = "ns", .scope = ""};
	const struct hvp_record records[] = {
		{.type = HVP_RECORD_COMM, .time = 9, .comm = {.name = "worker"}},
		{.type = HVP_RECORD_BLOB,
		 .time = 4,
		 .blob = {.kind = HVP_BLOB_MODULES,
			  .path = "m",
			  .data = (const uint8_t *)"x",
			  .size = 1}},
	};
	hvp_scope(hvp_session_writer_destroy_scope) struct hvp_session_writer *writer = NULL;
	hvp_scope(hvp_session_cursor_destroy_scope) struct hvp_session_cursor *cursor = NULL;
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	hvp_scope(hvp_batch_deinit) struct hvp_batch batch;
	uint64_t frames[HVP_MAX_CHAIN];
	uint16_t index;

	hvp_batch_init(&batch);
	hvp_try(hvp_session_writer_create(fd, &options, &writer));
	hvp_try(hvp_session_writer_add_info(writer, "key", "value"));
	hvp_try(hvp_session_writer_add_event(writer, &event, &index));
	for (size_t i = 0; i < 2; i++)
		hvp_try(hvp_session_writer_add_record(writer, &records[i]));
	for (uint64_t i = 0; i < 3000; i++) {
		struct hvp_sample sample = make_sample(STYLE_REALISTIC, i, frames);

		hvp_try(hvp_session_writer_add_sample(writer, &sample));
	}
	hvp_try(hvp_session_writer_finish(writer, &end));
	hvp_try(hvp_session_open_fd(fd, "test.hvp", &session));
	for (size_t i = 0; i < hvp_session_num_chunks(session); i++)
		hvp_try(hvp_session_read_chunk(session, i, &batch));
	hvp_try(hvp_session_cursor_create(session, &cursor));
	for (const struct hvp_row *row = NULL;;) {
		hvp_try(hvp_session_cursor_next(cursor, &row));
		if (!row)
			return NULL;
	}
}

static void out_of_memory_at_any_allocation_is_an_error_and_leaks_nothing(void **state)
{
	struct hvp_error *err;
	long last = 0;

	(void)state;
	do {
		int fd = make_file();

		num_allocations = 0;
		fail_at = last++;
		err = write_and_read(fd);
		fail_at = -1;
		if (err)
			assert_int_equal(hvp_error_code(err), HVP_ERROR_NO_MEMORY);
		hvp_error_destroy(err);
		close(fd);
	} while (err);
	/* It was not over at once. */
	assert_true(last > 40);
}

/* After a failed allocation the writer goes on, and what it had is not lost. */
static void out_of_memory_in_a_flush_loses_no_sample(void **state)
{
	(void)state;
	for (long at = 0; at < 30; at++) {
		struct hvp_session_writer *writer;
		struct hvp_session *session;
		int fd = make_file();

		writer = open_writer(fd);
		add_event(writer);
		add_samples(writer, STYLE_REALISTIC, 20000);
		num_allocations = 0;
		fail_at = at;
		hvp_error_destroy(hvp_session_writer_flush(writer));
		fail_at = -1;
		expect_success(hvp_session_writer_finish(writer, &end));
		hvp_session_writer_destroy(writer);
		session = open_session(fd);
		if (hvp_session_damage(session))
			fail_msg("%s", hvp_session_damage(session));
		assert_int_equal(expect_samples(session, STYLE_REALISTIC, 20000), 20000);
		hvp_session_destroy(session);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_tears_no_chunk_and_every_loss_is_counted),
		cmocka_unit_test(a_device_without_room_gives_the_error_at_once),
		cmocka_unit_test(a_reader_that_goes_away_gives_an_error_and_no_signal),
		cmocka_unit_test(a_session_goes_through_a_pipe),
		cmocka_unit_test(a_killed_writer_leaves_all_that_it_flushed),
		cmocka_unit_test(memory_stays_below_the_limit_whatever_comes),
		cmocka_unit_test(out_of_memory_at_any_allocation_is_an_error_and_leaks_nothing),
		cmocka_unit_test(out_of_memory_in_a_flush_loses_no_sample),
	};

	/* A write behind the limit is an error, not the end. */
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
