/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"

#include "hvpmu/hvpmu.h"
#include "hvpmu/ring.h"

#define SIZE 4096u

struct fixture {
	struct hvpmu_ring_page page;
	uint64_t data[SIZE / 8];
	struct hvpmu_ring ring;
	struct hvpmu_ring_reader reader;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(hvpmu_ring_init(&f->ring, &f->page, f->data, SIZE, sizeof(f->page), 3), 0);
	assert_int_equal(hvpmu_ring_reader_init(&f->reader, &f->page, f->data, SIZE), 0);
}

static bool put(struct fixture *f, uint32_t size, uint16_t type)
{
	struct hvpmu_record *record = hvpmu_ring_reserve(&f->ring, size);

	if (!record)
		return false;
	memset(record, type, size);
	*record = (struct hvpmu_record){.size = size, .type = type};
	hvpmu_ring_commit(&f->ring);
	return true;
}

static const struct hvpmu_record *get(struct fixture *f)
{
	const struct hvpmu_record *record;

	assert_int_equal(hvpmu_ring_next(&f->reader, &record), 0);
	return record;
}

static void a_ring_of_a_bad_size_is_refused(void **state)
{
	static const uint64_t bad[] = {0, 8, 2048, 4097, 3 * 4096, (1ULL << 30) * 2};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			hvpmu_ring_init(&f.ring, &f.page, f.data, bad[i], sizeof(f.page), 0),
			HVPMU_INVALID);
	assert_int_equal(hvpmu_ring_init(&f.ring, &f.page, f.data, SIZE, sizeof(f.page) - 8, 0),
			 HVPMU_INVALID);
}

static void a_reader_refuses_what_is_no_ring_of_its_version(void **state)
{
	struct hvpmu_ring_reader reader;
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(hvpmu_ring_reader_init(&reader, &f.page, f.data, 2 * SIZE), HVPMU_INVALID);
	f.page.version++;
	assert_int_equal(hvpmu_ring_reader_init(&reader, &f.page, f.data, SIZE), HVPMU_INVALID);
	f.page.version--;
	f.page.magic ^= 1;
	assert_int_equal(hvpmu_ring_reader_init(&reader, &f.page, f.data, SIZE), HVPMU_INVALID);
	f.page.magic ^= 1;
	f.page.tail = 4;
	assert_int_equal(hvpmu_ring_reader_init(&reader, &f.page, f.data, SIZE), HVPMU_INVALID);
}

static void records_come_out_as_they_went_in(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	/* Far beyond the size: every offset is wrapped around, also by records that do not fit. */
	for (unsigned int i = 0; i < 2000; i++) {
		uint32_t size = 8 + 8 * (i % 40);
		const struct hvpmu_record *record;

		assert_true(put(&f, size, (uint16_t)(2 + i % 5)));
		record = get(&f);
		assert_non_null(record);
		assert_int_equal(record->size, size);
		assert_int_equal(record->type, 2 + i % 5);
		for (uint32_t at = sizeof(*record); at < size; at++)
			assert_int_equal(((const uint8_t *)record)[at], 2 + i % 5);
		assert_null(get(&f));
		hvpmu_ring_release(&f.reader);
	}
	assert_int_equal(f.page.lost, 0);
}

static void what_does_not_fit_is_counted_and_told(void **state)
{
	const struct hvpmu_record_lost *lost;
	unsigned int kept = 0;
	struct fixture f;

	(void)state;
	set_up(&f);
	while (put(&f, 64, HVPMU_RECORD_SAMPLE))
		kept++;
	assert_int_equal(kept, SIZE / 64);
	assert_false(put(&f, 64, HVPMU_RECORD_SAMPLE));
	assert_int_equal(f.page.lost, 2);
	for (unsigned int i = 0; i < kept; i++)
		assert_int_equal(get(&f)->type, HVPMU_RECORD_SAMPLE);
	assert_null(get(&f));
	hvpmu_ring_release(&f.reader);

	assert_true(put(&f, 64, HVPMU_RECORD_SAMPLE));
	lost = (const struct hvpmu_record_lost *)get(&f);
	assert_int_equal(lost->header.type, HVPMU_RECORD_LOST);
	assert_int_equal(lost->count, 2);
	assert_int_equal(get(&f)->type, HVPMU_RECORD_SAMPLE);
	assert_null(get(&f));
}

static void a_record_that_cannot_be_is_lost(void **state)
{
	static const uint32_t bad[] = {0, 4, 12, HVPMU_RECORD_SIZE_MAX + 8};
	struct fixture f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(hvpmu_ring_reserve(&f.ring, bad[i]));
	assert_int_equal(f.page.lost, sizeof(bad) / sizeof(bad[0]));
	assert_int_equal(f.ring.nesting, 0);
}

static void a_preempted_record_is_not_seen_before_it_is_whole(void **state)
{
	struct hvpmu_record *outer, *inner;
	struct fixture f;

	(void)state;
	set_up(&f);
	outer = hvpmu_ring_reserve(&f.ring, 16);
	inner = hvpmu_ring_reserve(&f.ring, 24);
	assert_non_null(outer);
	assert_non_null(inner);
	*inner = (struct hvpmu_record){.size = 24, .type = HVPMU_RECORD_EVENT};
	hvpmu_ring_commit(&f.ring);
	assert_null(get(&f));
	*outer = (struct hvpmu_record){.size = 16, .type = HVPMU_RECORD_VCPU};
	hvpmu_ring_commit(&f.ring);
	assert_int_equal(get(&f)->type, HVPMU_RECORD_VCPU);
	assert_int_equal(get(&f)->type, HVPMU_RECORD_EVENT);
	assert_null(get(&f));
}

static void a_consumer_that_lies_makes_the_ring_full_and_no_worse(void **state)
{
	static const uint64_t lies[] = {1ULL << 40, SIZE, 64 + 8};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		set_up(&f);
		assert_true(put(&f, 64, HVPMU_RECORD_SAMPLE));
		f.page.tail = lies[i];
		assert_false(put(&f, 64, HVPMU_RECORD_SAMPLE));
		assert_int_equal(f.page.lost, 1);
	}
}

static void a_damaged_ring_is_said_and_left_behind(void **state)
{
	static const uint32_t sizes[] = {0, 4, 12, 72, SIZE + 8};
	const struct hvpmu_record *record;
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		set_up(&f);
		assert_true(put(&f, 64, HVPMU_RECORD_SAMPLE));
		((struct hvpmu_record *)f.data)->size = sizes[i];
		assert_int_equal(hvpmu_ring_next(&f.reader, &record), HVPMU_INVALID);
		assert_null(get(&f));
		hvpmu_ring_release(&f.reader);
		assert_true(put(&f, 64, HVPMU_RECORD_SAMPLE));
		assert_non_null(get(&f));
	}
}

/* No record can end there: what follows it would not be aligned. */
static void a_head_between_two_multiples_of_8_is_damage(void **state)
{
	const struct hvpmu_record *record;
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_true(put(&f, 64, HVPMU_RECORD_SAMPLE));
	f.page.head += 5;
	assert_int_equal(hvpmu_ring_next(&f.reader, &record), HVPMU_INVALID);
	assert_int_equal(hvpmu_ring_next(&f.reader, &record), HVPMU_INVALID);
	assert_int_equal(f.reader.tail, 64);
	hvpmu_ring_release(&f.reader);
	assert_true(put(&f, 64, HVPMU_RECORD_SAMPLE));
	assert_non_null(get(&f));
	assert_null(get(&f));
}

static void the_layout_is_what_the_header_promises(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct hvpmu_ring_page, tail), 64);
	assert_int_equal(sizeof(struct hvpmu_ring_page), 128);
	assert_int_equal(sizeof(struct hvpmu_record), 8);
	assert_int_equal(sizeof(struct hvpmu_record_sample), 64);
	assert_int_equal(offsetof(struct hvpmu_record_sample, tsc), 32);
	assert_int_equal(sizeof(struct hvpmu_record_lost), 16);
	assert_int_equal(sizeof(struct hvpmu_record_domain), 24);
	assert_int_equal(sizeof(struct hvpmu_record_vcpu), 32);
	assert_int_equal(sizeof(struct hvpmu_record_event), 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_of_a_bad_size_is_refused),
		cmocka_unit_test(a_reader_refuses_what_is_no_ring_of_its_version),
		cmocka_unit_test(records_come_out_as_they_went_in),
		cmocka_unit_test(what_does_not_fit_is_counted_and_told),
		cmocka_unit_test(a_record_that_cannot_be_is_lost),
		cmocka_unit_test(a_preempted_record_is_not_seen_before_it_is_whole),
		cmocka_unit_test(a_consumer_that_lies_makes_the_ring_full_and_no_worse),
		cmocka_unit_test(a_damaged_ring_is_said_and_left_behind),
		cmocka_unit_test(a_head_between_two_multiples_of_8_is_damage),
		cmocka_unit_test(the_layout_is_what_the_header_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
