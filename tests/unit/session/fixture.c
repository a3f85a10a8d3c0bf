/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void expect_success(struct hvp_error *err)
{
	if (err)
		fail_msg("%s", hvp_error_message(err));
}

void expect_error(struct hvp_error *err, const char *text)
{
	assert_non_null(err);
	if (!strstr(hvp_error_message(err), text))
		fail_msg("\"%s\" is not in \"%s\"", text, hvp_error_message(err));
	hvp_error_destroy(err);
}

int make_file(void)
{
	int fd = memfd_create("session", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

int make_file_of(const void *data, size_t size)
{
	int fd = make_file();

	assert_int_equal(write(fd, data, size), size);
	return fd;
}

uint8_t *read_file(int fd, size_t *ret_size)
{
	struct stat stat;
	uint8_t *data;

	assert_int_equal(fstat(fd, &stat), 0);
	data = malloc((size_t)stat.st_size + 1);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, (size_t)stat.st_size, 0), stat.st_size);
	*ret_size = (size_t)stat.st_size;
	return data;
}

struct hvp_session_writer *open_writer(int fd)
{
	const struct hvp_session_writer_options options = {.path = "test.hvp"};
	struct hvp_session_writer *writer = NULL;

	expect_success(hvp_session_writer_create(fd, &options, &writer));
	return writer;
}

struct hvp_session *open_session(int fd)
{
	struct hvp_session *session = NULL;

	expect_success(hvp_session_open_fd(fd, "test.hvp", &session));
	return session;
}

uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static struct hvp_sample random_sample(uint64_t *state, uint64_t frames[HVP_MAX_CHAIN])
{
	struct hvp_sample sample = {
		.time = next_random(state),
		.ip = next_random(state),
		.period = next_random(state),
		.guest_cr3 = next_random(state),
		.pid = (uint32_t)next_random(state),
		.tid = (uint32_t)next_random(state),
		.cpu = (uint32_t)next_random(state),
		.domain = (uint32_t)next_random(state),
		.vcpu = (uint32_t)next_random(state),
		.event = (uint16_t)(next_random(state) % 2),
		.mode = (uint8_t)(next_random(state) % HVP_NUM_MODES),
		.chain = {.frames = frames, .num_frames = (uint32_t)(next_random(state) % 5)},
	};

	for (uint32_t i = 0; i < sample.chain.num_frames; i++)
		frames[i] = next_random(state);
	sample.chain.num_kernel =
		sample.chain.num_frames
			? (uint32_t)(next_random(state) % (sample.chain.num_frames + 1))
			: 0;
	return sample;
}

/* A function out of `num` of which the first are hot. */
static uint64_t pick_hot(uint64_t *state, uint64_t num)
{
	uint64_t bits = next_random(state);

	return (bits & 3) ? (bits >> 8) % (1 + num / 32) : (bits >> 8) % num;
}

static struct hvp_sample realistic_sample(uint64_t index, uint64_t *state,
					  uint64_t frames[HVP_MAX_CHAIN])
{
	uint32_t cpu = (uint32_t)(index / 32 % 4), domain = (uint32_t)(index / 97 % 3);
	uint64_t tick = index / 128 * 32 + index % 32, function = pick_hot(state, 400);
	bool in_kernel = function & 1;
	struct hvp_sample sample = {
		.time = 1000000000 + tick * 250000 + cpu * 61000 + next_random(state) % 2500,
		.ip = (in_kernel ? 0xffffffff81000000ull : 0x7f2fd5000000ull) + function * 1136 +
		      next_random(state) % 40 * 4,
		.period = 250000,
		.pid = 4000 + domain,
		.tid = 4000 + domain * 10 + (uint32_t)(index / 200 % 3),
		.cpu = cpu,
		.domain = domain,
		.vcpu = domain ? (uint32_t)(index / 200 % 3) : HVP_VCPU_NONE,
		.chain = {.frames = frames},
	};

	sample.mode = domain && index % 8 ? HVP_MODE_GUEST_USER : HVP_MODE_HOST_USER;
	if (in_kernel)
		sample.mode--;
	sample.chain.num_frames = (uint32_t)(4 + function % 7);
	sample.chain.num_kernel = in_kernel ? sample.chain.num_frames / 2 : 0;
	for (uint32_t i = 0; i < sample.chain.num_frames; i++)
		frames[i] =
			(i < sample.chain.num_kernel ? 0xffffffff81000000ull : 0x7f2fd5000000ull) +
			(function * 7 + i * i * 13) * 16;
	return sample;
}

struct hvp_sample make_sample(enum sample_style style, uint64_t index,
			      uint64_t frames[HVP_MAX_CHAIN])
{
	uint64_t state = index;

	if (style == STYLE_RANDOM)
		return random_sample(&state, frames);
	return realistic_sample(index, &state, frames);
}

void add_samples(struct hvp_session_writer *writer, enum sample_style style, uint64_t num)
{
	uint64_t frames[HVP_MAX_CHAIN];

	for (uint64_t i = 0; i < num; i++) {
		struct hvp_sample sample = make_sample(style, i, frames);

		expect_success(hvp_session_writer_add_sample(writer, &sample));
	}
}

static uint64_t mix(uint64_t sum, uint64_t value)
{
	sum = (sum ^ value) * 0x9e3779b97f4a7c15ull;
	return sum ^ (sum >> 29);
}

/* One number for all that a sample says; two samples with the same one are the same. */
static uint64_t digest(const struct hvp_row *row, const struct hvp_chain *chain)
{
	const uint64_t fields[] = {row->time,	     row->ip,	 row->period, row->guest_cr3,
				   row->pid,	     row->tid,	 row->cpu,    row->domain,
				   row->vcpu,	     row->event, row->mode,   chain->num_frames,
				   chain->num_kernel};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		sum = mix(sum, fields[i]);
	for (uint32_t i = 0; i < chain->num_frames; i++)
		sum = mix(sum, chain->frames[i]);
	return sum;
}

static uint64_t digest_of_sample(enum sample_style style, uint64_t index)
{
	uint64_t frames[HVP_MAX_CHAIN];
	struct hvp_sample sample = make_sample(style, index, frames);
	struct hvp_row row = {
		.time = sample.time,
		.ip = sample.ip,
		.period = sample.period,
		.guest_cr3 = sample.guest_cr3,
		.pid = sample.pid,
		.tid = sample.tid,
		.cpu = sample.cpu,
		.domain = sample.domain,
		.vcpu = sample.vcpu,
		.event = sample.event,
		.mode = sample.mode,
	};

	return digest(&row, &sample.chain);
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static void expect_order(const struct hvp_batch *batch)
{
	for (size_t i = 1; i < batch->num_rows; i++)
		if (batch->rows[i].cpu == batch->rows[i - 1].cpu)
			assert_true(batch->rows[i].time >= batch->rows[i - 1].time);
		else
			assert_true(batch->rows[i].cpu > batch->rows[i - 1].cpu);
}

uint64_t expect_samples(const struct hvp_session *session, enum sample_style style, uint64_t num)
{
	uint64_t frames[HVP_MAX_CHAIN], *expected, *found, num_found = 0, num_rows;
	struct hvp_batch batch;
	uint64_t at = 0;

	num_rows = hvp_session_num_samples(session);
	assert_true(num_rows <= num);
	expected = malloc((num + 1) * sizeof(*expected));
	found = malloc((num_rows + 1) * sizeof(*found));
	assert_true(expected && found);
	hvp_batch_init(&batch);
	for (size_t chunk = 0; chunk < hvp_session_num_chunks(session); chunk++) {
		expect_success(hvp_session_read_chunk(session, chunk, &batch));
		assert_int_equal(batch.num_rows, hvp_session_chunk(session, chunk)->num_samples);
		expect_order(&batch);
		for (size_t row = 0; row < batch.num_rows; row++) {
			struct hvp_chain chain =
				hvp_session_stack(session, batch.rows[row].stack, frames);

			assert_true(hvp_session_chunk_has_domain(session, chunk,
								 batch.rows[row].domain));
			found[num_found++] = digest(&batch.rows[row], &chain);
		}
	}
	hvp_batch_deinit(&batch);
	assert_int_equal(num_found, num_rows);
	for (uint64_t i = 0; i < num; i++)
		expected[i] = digest_of_sample(style, i);
	qsort(expected, num, sizeof(*expected), compare_numbers);
	qsort(found, num_found, sizeof(*found), compare_numbers);
	for (uint64_t i = 0; i < num_found; i++) {
		while (at < num && expected[at] < found[i])
			at++;
		assert_true(at < num && expected[at] == found[i]);
		at++;
	}
	free(expected);
	free(found);
	return num_found;
}
