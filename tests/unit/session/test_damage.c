/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are cut, flipped, of another version, or no sessions at all. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/session/chunk.h"
#include "damage_fixture.h"

/* Samples in the chunks that are whole within the first `size` bytes. */
static uint64_t whole_samples(const uint8_t *data, size_t size)
{
	size_t at = HVP_FILE_HEADER_SIZE;
	struct hvp_chunk_header header;
	uint64_t num = 0;

	while (size - at >= HVP_CHUNK_HEADER_SIZE && hvp_chunk_header_get(data + at, &header) &&
	       header.stored_size <= size - at - HVP_CHUNK_HEADER_SIZE) {
		num += header.type == HVP_CHUNK_SAMPLES ? DAMAGE_CHUNK_SAMPLES : 0;
		at += HVP_CHUNK_HEADER_SIZE + header.stored_size;
	}
	return num;
}

static void a_file_cut_anywhere_gives_all_whole_chunks_and_says_what_is_missing(void **state)
{
	size_t size;
	uint8_t *data = damage_session(&size);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		struct hvp_session *session = NULL;
		int fd = make_file_of(data, cut);

		if (cut < HVP_FILE_HEADER_SIZE) {
			expect_error(hvp_session_open_fd(fd, "test.hvp", &session), "test.hvp: ");
			close(fd);
			continue;
		}
		session = open_session(fd);
		assert_non_null(hvp_session_damage(session));
		assert_int_equal(hvp_session_num_samples(session), whole_samples(data, cut));
		assert_true(hvp_session_num_events(session) <= 1);
		expect_samples(session, STYLE_REALISTIC, DAMAGE_SAMPLES);
		hvp_session_destroy(session);
		close(fd);
	}
	free(data);
}

static void a_flipped_bit_anywhere_is_noticed_and_costs_one_chunk_at_most(void **state)
{
	size_t size;
	uint8_t *data = damage_session(&size);

	(void)state;
	for (size_t at = 0; at < size; at++) {
		struct hvp_session *session = NULL;
		struct hvp_error *err;
		int fd;

		data[at] ^= (uint8_t)(1u << at % 8);
		fd = make_file_of(data, size);
		data[at] ^= (uint8_t)(1u << at % 8);
		err = hvp_session_open_fd(fd, "test.hvp", &session);
		if (err) {
			/* Only the magic makes a file a session. */
			assert_true(at < HVP_FILE_MAGIC_SIZE);
			expect_error(err, "not an hvprof session");
			close(fd);
			continue;
		}
		assert_non_null(hvp_session_damage(session));
		assert_true(hvp_session_num_samples(session) >=
			    DAMAGE_SAMPLES - DAMAGE_CHUNK_SAMPLES);
		assert_int_equal(damage_read_all(session), hvp_session_num_samples(session));
		hvp_session_destroy(session);
		close(fd);
	}
	free(data);
}

static void
a_file_of_another_major_version_is_refused_and_of_a_newer_minor_one_is_read(void **state)
{
	struct hvp_session *session;
	uint8_t header[HVP_FILE_HEADER_SIZE + 8] = {0};
	uint64_t checksum;
	size_t size;
	uint8_t *data = damage_session(&size);
	int fd;

	(void)state;
	/* Minor 9, whose header is 8 bytes longer. */
	memcpy(header, data, HVP_FILE_HEADER_SIZE);
	header[10] = 9;
	header[12] += 8;
	checksum = hvp_checksum(header, 24);
	memcpy(header + 24, &checksum, sizeof(checksum));
	fd = make_file_of(header, sizeof(header));
	assert_true(write(fd, data + HVP_FILE_HEADER_SIZE, size - HVP_FILE_HEADER_SIZE) > 0);
	session = open_session(fd);
	assert_int_equal(expect_samples(session, STYLE_REALISTIC, DAMAGE_SAMPLES), DAMAGE_SAMPLES);
	hvp_session_destroy(session);
	close(fd);
	data[8] = HVP_FORMAT_MAJOR + 1;
	checksum = hvp_checksum(data, 24);
	memcpy(data + 24, &checksum, sizeof(checksum));
	fd = make_file_of(data, size);
	expect_error(hvp_session_open_fd(fd, "test.hvp", &session), "newer hvprof");
	close(fd);
	data[8] = HVP_FORMAT_MAJOR - 1;
	checksum = hvp_checksum(data, 24);
	memcpy(data + 24, &checksum, sizeof(checksum));
	fd = make_file_of(data, size);
	expect_error(hvp_session_open_fd(fd, "test.hvp", &session), "record it again");
	close(fd);
	free(data);
}

static void bytes_behind_the_end_are_said(void **state)
{
	struct hvp_session *session;
	size_t size;
	uint8_t *data = damage_session(&size);
	int fd = make_file_of(data, size);

	(void)state;
	assert_int_equal(write(fd, "junk", 4), 4);
	session = open_session(fd);
	assert_non_null(hvp_session_damage(session));
	assert_non_null(strstr(hvp_session_damage(session), "36 bytes"));
	assert_int_equal(expect_samples(session, STYLE_REALISTIC, DAMAGE_SAMPLES), DAMAGE_SAMPLES);
	hvp_session_destroy(session);
	close(fd);
	free(data);
}

static void a_chunk_that_was_cut_out_is_missed(void **state)
{
	struct hvp_session *session;
	size_t size, at, cut;
	uint8_t *data = damage_session(&size), *chunk = damage_find_chunk(data, HVP_CHUNK_SAMPLES);
	int fd;

	(void)state;
	at = (size_t)(chunk - data);
	cut = HVP_CHUNK_HEADER_SIZE + damage_stored_size(chunk);
	memmove(chunk, chunk + cut, size - at - cut);
	fd = make_file_of(data, size - cut);
	session = open_session(fd);
	assert_non_null(strstr(hvp_session_damage(session), "1 chunks are missing"));
	assert_non_null(strstr(hvp_session_damage(session), "20 of 60 samples are lost"));
	hvp_session_destroy(session);
	close(fd);
	free(data);
}

/* So many chunks that the index has several parts. */
static void without_an_end_the_index_tells_how_many_samples_are_missing(void **state)
{
	const uint64_t num = 9001;
	uint64_t frames[HVP_MAX_CHAIN];
	struct hvp_session_writer *writer;
	struct hvp_session *session;
	int fd = make_file();
	size_t size;
	uint8_t *data;

	(void)state;
	writer = open_writer(fd);
	for (uint64_t i = 0; i < num; i++) {
		struct hvp_sample sample = make_sample(STYLE_REALISTIC, i, frames);

		expect_success(hvp_session_writer_add_sample(writer, &sample));
		expect_success(hvp_session_writer_flush(writer));
	}
	expect_success(hvp_session_writer_finish(writer, &damage_end));
	hvp_session_writer_destroy(writer);
	data = read_file(fd, &size);
	close(fd);
	damage_find_chunk(data, HVP_CHUNK_END)[HVP_CHUNK_HEADER_SIZE] ^= 1;
	damage_find_chunk(data, HVP_CHUNK_SAMPLES)[HVP_CHUNK_HEADER_SIZE] ^= 1;
	fd = make_file_of(data, size);
	free(data);
	session = open_session(fd);
	assert_int_equal(hvp_session_num_samples(session), num - 1);
	assert_non_null(strstr(hvp_session_damage(session), "1 of 9001 samples are lost"));
	hvp_session_destroy(session);
	close(fd);
}

static void what_is_no_session_is_refused_by_name(void **state)
{
	struct hvp_session *session;

	(void)state;
	expect_error(hvp_session_open("/", &session), "/: is a folder");
	expect_error(hvp_session_open("/dev/null", &session),
		     "/dev/null: 0 bytes are not a session");
	expect_error(hvp_session_open("/dev/zero", &session), "not an hvprof session");
	expect_error(hvp_session_open("/nonexistent/x", &session), "No such file");
	expect_error(hvp_session_open("/proc/self/exe", &session), "not an hvprof session");
}

static void a_recording_of_perf_names_the_verb_that_reads_it(void **state)
{
	static const char perf[64] = "PERFILE2";
	char path[] = "/tmp/hvprof-damage-XXXXXX";
	struct hvp_session *session;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, perf, sizeof(perf)), sizeof(perf));
	close(fd);
	expect_error(hvp_session_open(path, &session), "`hvprof import` makes one of it");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_file_cut_anywhere_gives_all_whole_chunks_and_says_what_is_missing),
		cmocka_unit_test(a_flipped_bit_anywhere_is_noticed_and_costs_one_chunk_at_most),
		cmocka_unit_test(
			a_file_of_another_major_version_is_refused_and_of_a_newer_minor_one_is_read),
		cmocka_unit_test(bytes_behind_the_end_are_said),
		cmocka_unit_test(a_chunk_that_was_cut_out_is_missed),
		cmocka_unit_test(without_an_end_the_index_tells_how_many_samples_are_missing),
		cmocka_unit_test(what_is_no_session_is_refused_by_name),
		cmocka_unit_test(a_recording_of_perf_names_the_verb_that_reads_it),
	};

	return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
