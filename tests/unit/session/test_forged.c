/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that somebody made up: claims behind right checksums, chunks and columns of the future. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/session/chunk.h"
#include "damage_fixture.h"

/* Gives the changed chunk right checksums again. */
static void forge(uint8_t *chunk)
{
	struct hvp_chunk_header header = {
		.type = (uint16_t)(chunk[4] | chunk[5] << 8),
		.codec = chunk[6],
		.flags = chunk[7],
		.stored_size = damage_stored_size(chunk),
		.raw_size = (uint32_t)chunk[12] | (uint32_t)chunk[13] << 8 |
			    (uint32_t)chunk[14] << 16 | (uint32_t)chunk[15] << 24,
		.sequence = chunk[16],
	};

	header.checksum = hvp_checksum(chunk + HVP_CHUNK_HEADER_SIZE, header.stored_size);
	hvp_chunk_header_put(chunk, &header);
}

static void a_forged_byte_behind_a_right_checksum_does_no_harm(void **state)
{
	size_t size;
	uint8_t *data = damage_session(&size);
	uint8_t *original = malloc(size);

	(void)state;
	assert_non_null(original);
	memcpy(original, data, size);
	for (size_t at = HVP_FILE_HEADER_SIZE; at + HVP_TRAILER_SIZE < size;) {
		size_t stored = damage_stored_size(data + at);

		for (size_t i = 0; i < stored; i++) {
			for (unsigned int change = 0; change < 3; change++) {
				static const uint8_t changes[] = {0xff, 0x01, 0x80};
				struct hvp_session *session;
				int fd;

				data[at + HVP_CHUNK_HEADER_SIZE + i] ^= changes[change];
				forge(data + at);
				fd = make_file_of(data, size);
				memcpy(data + at, original + at, HVP_CHUNK_HEADER_SIZE + stored);
				session = open_session(fd);
				damage_read_all(session);
				hvp_session_destroy(session);
				close(fd);
			}
		}
		at += HVP_CHUNK_HEADER_SIZE + stored;
	}
	free(original);
	free(data);
}

struct forged_case {
	const char *name;
	uint16_t type;
	/* In the chunk's header. */
	size_t offset;
	uint8_t value;
	/* What the damage says. */
	const char *text;
};

static const struct forged_case forged_cases[] = {
	{"an unknown codec is said", HVP_CHUNK_SAMPLES, 6, 99, "packed by the unknown method 99"},
	{"plain bytes that claim to be zstd are said", HVP_CHUNK_SAMPLES, 6, HVP_CODEC_ZSTD,
	 "does not decompress"},
	{"a payload of 16 MB in 2 kB is not even tried", HVP_CHUNK_STRINGS, 15, 0x01,
	 "header is damaged"},
	{"a stored size beyond the limit is no chunk", HVP_CHUNK_STRINGS, 11, 0x7f,
	 "header is damaged"},
	{"samples that are called stacks are said", HVP_CHUNK_SAMPLES, 4, HVP_CHUNK_STACKS, "0x"},
	{"stacks that are called samples are said", HVP_CHUNK_STACKS, 4, HVP_CHUNK_SAMPLES, "0x"},
};

static void a_forged_header_is_said(void **state)
{
	const struct forged_case *test = *state;
	struct hvp_session *session;
	size_t size;
	uint8_t *data = damage_session(&size), *chunk = damage_find_chunk(data, test->type);
	struct hvp_chunk_header header;
	int fd;

	assert_true(hvp_chunk_header_get(chunk, &header));
	chunk[test->offset] = test->value;
	/* The header's own checksum only: the payload is as it was. */
	header.type = (uint16_t)(chunk[4] | chunk[5] << 8);
	header.codec = chunk[6];
	header.stored_size = damage_stored_size(chunk);
	header.raw_size |= (uint32_t)chunk[15] << 24;
	hvp_chunk_header_put(chunk, &header);
	fd = make_file_of(data, size);
	session = open_session(fd);
	assert_non_null(hvp_session_damage(session));
	if (!strstr(hvp_session_damage(session), test->text))
		fail_msg("\"%s\" is not in \"%s\"", test->text, hvp_session_damage(session));
	damage_read_all(session);
	hvp_session_destroy(session);
	close(fd);
	free(data);
}

/*
 * The session with `chunk` put in before the first of `type`; the numbers of chunks stay without a
 * gap.
 */
static int insert_chunk(uint16_t type, struct hvp_chunk_header header, const void *payload)
{
	size_t size, at;
	uint8_t *data = damage_session(&size), *place = damage_find_chunk(data, type);
	uint8_t bytes[HVP_CHUNK_HEADER_SIZE];
	int fd = make_file();

	at = (size_t)(place - data);
	header.sequence = place[16];
	header.checksum = hvp_checksum(payload, header.stored_size);
	hvp_chunk_header_put(bytes, &header);
	assert_int_equal(write(fd, data, at), at);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(write(fd, payload, header.stored_size), header.stored_size);
	/* Without the trailer: its size of the file is not right any more. */
	size -= HVP_TRAILER_SIZE;
	assert_int_equal(write(fd, place, size - at), size - at);
	free(data);
	return fd;
}

static void an_unknown_chunk_is_skipped_unless_it_must_be_understood(void **state)
{
	struct hvp_chunk_header header = {.type = 4711, .stored_size = 5, .raw_size = 5};
	struct hvp_session *session;
	int fd = insert_chunk(HVP_CHUNK_SAMPLES, header, "later");

	(void)state;
	session = open_session(fd);
	assert_string_equal(hvp_session_damage(session), "the trailer is damaged");
	assert_int_equal(expect_samples(session, STYLE_REALISTIC, DAMAGE_SAMPLES), DAMAGE_SAMPLES);
	hvp_session_destroy(session);
	close(fd);
	header.flags = HVP_CHUNK_CRITICAL;
	fd = insert_chunk(HVP_CHUNK_SAMPLES, header, "later");
	expect_error(hvp_session_open_fd(fd, "test.hvp", &session), "chunk type 4711");
	close(fd);
}

static void an_unknown_column_is_skipped(void **state)
{
	/*
	 * Numbers 31 (known to nobody) and 200 (beyond the limit), each with two bytes of contents.
	 */
	static const uint8_t columns[] = {31, 2, 0, 0, 0, 77, 78, 200, 2, 0, 0, 0, 79, 80};
	size_t size, stored;
	uint8_t *data = damage_session(&size), *chunk = damage_find_chunk(data, HVP_CHUNK_SAMPLES),
		*payload;
	struct hvp_chunk_header header;
	struct hvp_session *session;
	int fd;

	(void)state;
	/* One chunk twice is no harm here: its samples are counted twice. */
	assert_true(hvp_chunk_header_get(chunk, &header));
	stored = header.stored_size;
	payload = malloc(stored + sizeof(columns));
	assert_non_null(payload);
	memcpy(payload, chunk + HVP_CHUNK_HEADER_SIZE, stored);
	memcpy(payload + stored, columns, sizeof(columns));
	header.stored_size += (uint32_t)sizeof(columns);
	header.raw_size = header.stored_size;
	fd = insert_chunk(HVP_CHUNK_SAMPLES, header, payload);
	session = open_session(fd);
	assert_int_equal(hvp_session_num_samples(session), DAMAGE_SAMPLES + DAMAGE_CHUNK_SAMPLES);
	assert_int_equal(damage_read_all(session), DAMAGE_SAMPLES + DAMAGE_CHUNK_SAMPLES);
	hvp_session_destroy(session);
	close(fd);
	free(payload);
	free(data);
}

/* Chunks of 131072 rows that are all the same, which need no more bytes than this. */
static void expect_refusal_of_claims(enum hvp_chunk_type type, uint8_t column, off_t hole)
{
	const uint32_t num_chunks = 200;
	uint8_t bytes[HVP_CHUNK_HEADER_SIZE], *file;
	struct hvp_session *session;
	struct hvp_buf payload;
	size_t size;
	int fd;

	file = damage_session(&size);
	fd = make_file_of(file, HVP_FILE_HEADER_SIZE);
	hvp_buf_init(&payload);
	for (uint32_t i = 0; i < num_chunks; i++) {
		struct hvp_chunk_header header = {.type = (uint16_t)type, .sequence = i};

		hvp_buf_clear(&payload);
		if (type == HVP_CHUNK_STACKS)
			hvp_buf_add_varint(&payload, HVP_SIDE_USER);
		hvp_buf_add_varint(&payload, 1 + (uint64_t)i * HVP_MAX_ROWS);
		hvp_buf_add_varint(&payload, HVP_MAX_ROWS);
		hvp_buf_add_u8(&payload, column);
		hvp_buf_add_u32(&payload, 3);
		hvp_buf_add_bytes(&payload, "\0\0\7", 3);
		header.stored_size = header.raw_size = (uint32_t)payload.size;
		header.checksum = hvp_checksum(payload.data, payload.size);
		hvp_chunk_header_put(bytes, &header);
		assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
		assert_int_equal(write(fd, payload.data, payload.size), payload.size);
	}
	if (hole)
		assert_int_equal(ftruncate(fd, hole), 0);
	session = open_session(fd);
	assert_non_null(strstr(hvp_session_damage(session), "claims more than a file of"));
	if (type == HVP_CHUNK_CHAINS)
		assert_in_range(hvp_session_num_stacks(session), HVP_MAX_ROWS, 17 * HVP_MAX_ROWS);
	hvp_session_destroy(session);
	hvp_buf_deinit(&payload);
	free(file);
	close(fd);
}

static void chunks_that_claim_far_more_than_they_hold_are_refused(void **state)
{
	(void)state;
	expect_refusal_of_claims(HVP_CHUNK_STACKS, HVP_STACK_FRAME, 0);
	expect_refusal_of_claims(HVP_CHUNK_CHAINS, HVP_CHAIN_USER, 0);
}

/* Appends a chunk with right checksums. */
static void append_chunk(int fd, enum hvp_chunk_type type, uint32_t sequence,
			 const struct hvp_buf *payload)
{
	struct hvp_chunk_header header = {.type = (uint16_t)type,
					  .sequence = sequence,
					  .stored_size = (uint32_t)payload->size,
					  .raw_size = (uint32_t)payload->size,
					  .checksum = hvp_checksum(payload->data, payload->size)};
	uint8_t bytes[HVP_CHUNK_HEADER_SIZE];

	hvp_chunk_header_put(bytes, &header);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(write(fd, payload->data, payload->size), payload->size);
}

static void a_fact_that_comes_without_end_is_refused(void **state)
{
	struct hvp_session *session;
	struct hvp_buf payload;
	uint8_t *file;
	size_t size;
	int fd;

	(void)state;
	file = damage_session(&size);
	fd = make_file_of(file, HVP_FILE_HEADER_SIZE);
	hvp_buf_init(&payload);
	hvp_buf_add_varint(&payload, 0);
	hvp_buf_add_varint(&payload, 5000);
	for (size_t i = 0; i < 5000; i++) {
		hvp_buf_add_string(&payload, "key");
		hvp_buf_add_string(&payload, "value");
	}
	append_chunk(fd, HVP_CHUNK_INFO, 0, &payload);
	session = open_session(fd);
	assert_non_null(strstr(hvp_session_damage(session), "more than 4096 facts"));
	assert_string_equal(hvp_session_info(session, "key"), "value");
	hvp_session_destroy(session);
	hvp_buf_deinit(&payload);
	free(file);
	close(fd);
}

/* A hole of a terabyte is neither read nor a reason to believe larger claims. */
static void a_hole_in_a_file_is_no_data(void **state)
{
	(void)state;
	expect_refusal_of_claims(HVP_CHUNK_CHAINS, HVP_CHAIN_USER, 1ll << 40);
}

/* A chunk of samples that are all 0, in a few bytes. */
static void put_empty_samples(struct hvp_buf *payload)
{
	hvp_buf_clear(payload);
	hvp_buf_add_varint(payload, HVP_MAX_ROWS);
	/* First time, span, one domain: the host. */
	hvp_buf_add_varint(payload, 0);
	hvp_buf_add_varint(payload, 0);
	hvp_buf_add_varint(payload, 1);
	hvp_buf_add_varint(payload, 0);
	hvp_buf_add_varint(payload, HVP_MAX_ROWS);
}

static void more_samples_of_one_time_than_a_file_holds_are_refused(void **state)
{
	struct hvp_session_cursor *cursor;
	const struct hvp_row *row = NULL;
	struct hvp_session *session;
	struct hvp_error *err = NULL;
	struct hvp_buf payload;
	uint8_t *file;
	size_t size;
	int fd;

	(void)state;
	file = damage_session(&size);
	fd = make_file_of(file, size);
	assert_int_equal(lseek(fd, 0, SEEK_END), size);
	hvp_buf_init(&payload);
	put_empty_samples(&payload);
	for (uint32_t i = 0; i < 40; i++)
		append_chunk(fd, HVP_CHUNK_SAMPLES, 100 + i, &payload);
	session = open_session(fd);
	assert_int_equal(hvp_session_num_samples(session), 40 * HVP_MAX_ROWS + DAMAGE_SAMPLES);
	expect_success(hvp_session_cursor_create(session, &cursor));
	do
		err = hvp_session_cursor_next(cursor, &row);
	while (!err && row);
	expect_error(err, "overlap in time");
	hvp_session_cursor_destroy(cursor);
	hvp_session_destroy(session);
	hvp_buf_deinit(&payload);
	free(file);
	close(fd);
}

/* One step of XXH64 for eight bytes. */
static uint64_t xxh64_round(uint64_t sum, uint64_t word)
{
	sum += word * 0xc2b2ae3d27d4eb4full;
	return (sum << 31 | sum >> 33) * 0x9e3779b185ebca87ull;
}

/*
 * Changes the payload's first word, and its fifth so that the checksum stays the same: both go into
 * one sum, one after the other.
 */
static void forge_first_word(uint8_t *payload, uint64_t first)
{
	const uint64_t begin = 0x9e3779b185ebca87ull + 0xc2b2ae3d27d4eb4full;
	uint64_t old, fifth, inverse = 0xc2b2ae3d27d4eb4full;

	/* Newton: each step doubles the bits that are right. */
	for (int i = 0; i < 6; i++)
		inverse *= 2 - 0xc2b2ae3d27d4eb4full * inverse;
	memcpy(&old, payload, sizeof(old));
	memcpy(&fifth, payload + 32, sizeof(fifth));
	fifth += (xxh64_round(begin, old) - xxh64_round(begin, first)) * inverse;
	memcpy(payload, &first, sizeof(first));
	memcpy(payload + 32, &fifth, sizeof(fifth));
}

/* A file that somebody changes while it is read, so that the checksums stay right. */
static void a_chunk_that_shrinks_behind_its_checksum_is_refused(void **state)
{
	struct hvp_session *session;
	struct hvp_batch batch;
	struct hvp_buf payload;
	uint8_t *file;
	uint64_t first;
	size_t size;
	int fd;

	(void)state;
	file = damage_session(&size);
	fd = make_file_of(file, size);
	assert_int_equal(lseek(fd, 0, SEEK_END), size);
	hvp_buf_init(&payload);
	put_empty_samples(&payload);
	/* A column of a later format, of which the fifth word is a part, and one of values. */
	hvp_buf_add_u8(&payload, 99);
	hvp_buf_add_u32(&payload, 49);
	hvp_buf_add_bytes(&payload, (const char[49]){0}, 49);
	hvp_buf_add_u8(&payload, HVP_SAMPLE_TIME);
	hvp_buf_add_u32(&payload, 6);
	hvp_buf_add_bytes(&payload, "\2\1\0\2\0\0", 6);
	append_chunk(fd, HVP_CHUNK_SAMPLES, 100, &payload);
	session = open_session(fd);
	hvp_batch_init(&batch);
	expect_success(
		hvp_session_read_chunk(session, DAMAGE_SAMPLES / DAMAGE_CHUNK_SAMPLES, &batch));
	hvp_batch_deinit(&batch);
	/* 64 rows, in as many bytes as the number had. */
	memcpy(&first, payload.data, sizeof(first));
	memcpy(&first, "\xc0\x80\0", 3);
	forge_first_word(payload.data, first);
	assert_int_equal(
		pwrite(fd, payload.data, payload.size, (off_t)(size + HVP_CHUNK_HEADER_SIZE)),
		payload.size);
	hvp_batch_init(&batch);
	expect_error(hvp_session_read_chunk(session, DAMAGE_SAMPLES / DAMAGE_CHUNK_SAMPLES, &batch),
		     "has changed while it was read");
	hvp_batch_deinit(&batch);
	hvp_session_destroy(session);
	hvp_buf_deinit(&payload);
	free(file);
	close(fd);
}

int main(void)
{
	struct CMUnitTest tests[32] = {
		cmocka_unit_test(a_forged_byte_behind_a_right_checksum_does_no_harm),
		cmocka_unit_test(an_unknown_chunk_is_skipped_unless_it_must_be_understood),
		cmocka_unit_test(an_unknown_column_is_skipped),
		cmocka_unit_test(chunks_that_claim_far_more_than_they_hold_are_refused),
		cmocka_unit_test(a_fact_that_comes_without_end_is_refused),
		cmocka_unit_test(a_hole_in_a_file_is_no_data),
		cmocka_unit_test(more_samples_of_one_time_than_a_file_holds_are_refused),
		cmocka_unit_test(a_chunk_that_shrinks_behind_its_checksum_is_refused),
	};
	size_t num = 8;

	for (size_t i = 0; i < sizeof(forged_cases) / sizeof(forged_cases[0]); i++)
		tests[num++] = (struct CMUnitTest){.name = forged_cases[i].name,
						   .test_func = a_forged_header_is_said,
						   .initial_state = (void *)&forged_cases[i]};
	return _cmocka_run_group_tests("forged", tests, num, NULL, NULL);
}
