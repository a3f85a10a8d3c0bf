/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call chains: of guests that have frames, of the host, of guests that lay traps. */
#include "check.h"
#include "guests.h"
#include "tests.h"
#include "traps.h"

static unsigned int count(const struct session *s, bool is_guest, bool is_whole)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < s->num_kinds; i++) {
		const struct session_kind *kind = &s->kinds[i];

		if (kind->is_guest == is_guest)
			sum += is_whole ? kind->chains : kind->samples;
	}
	return sum;
}

static void follow(void)
{
	struct session s;
	pid_t guests;

	check_begin("a chain of a guest has its frames, at either CPL");
	guests = guests_start(2, NULL);
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, HVPMU_DEV_CHAIN);
	session_run(&s, 400, guests_look);
	for (int vcpu = 0; vcpu < 2; vcpu++)
		check_is("whether a vCPU has enough samples", 1, session_in_guests(&s, vcpu) > 50);
	/* One of two events that overflow at once is left without. */
	check_is("whether most samples of guests have chains", 1,
		 count(&s, true, true) * 2 > count(&s, true, false));
	check_is("whether samples of the host have chains", 1, count(&s, false, true) > 0);
	check_is("records that were lost", 0, session_lost(&s));
	guests_stop(guests);
	session_end(&s);
	check_end();
}

static void look_at_trap(const struct session *s, const struct hvpmu_record_sample *sample)
{
	(void)s;
	if (!(sample->header.flags & HVPMU_SAMPLE_GUEST) || sample->vcpu >= TRAPS_COUNT)
		return;
	check_is("whether a chain into a trap is cut", 1,
		 !!(sample->header.flags & HVPMU_SAMPLE_CHAIN_CUT));
	check_is("whether it was followed no further", 1,
		 sample->num_chain <= traps[sample->vcpu].most);
}

/* One vCPU each, all at the same time. */
static void fall_into_traps(void)
{
	uint64_t frame_pointers[TRAPS_COUNT];
	struct session s;
	pid_t guests;

	check_begin("a guest that lays traps with frame pointers and page tables has samples");
	for (unsigned int i = 0; i < TRAPS_COUNT; i++)
		frame_pointers[i] = traps[i].frame_pointer;
	guests = guests_start(TRAPS_COUNT, frame_pointers);
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, HVPMU_DEV_CHAIN);
	session_run(&s, 1000, look_at_trap);
	for (int i = 0; i < TRAPS_COUNT; i++)
		check_is(traps[i].name, 1, session_in_guests(&s, i) > 0);
	guests_stop(guests);
	session_end(&s);
	check_end();
}

void test_chain(void)
{
	follow();
	fall_into_traps();
}
