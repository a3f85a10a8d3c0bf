/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvpmu_ring_check: invariant 11 at every place where something can come between. A task writes records
 * into a small ring; an interrupt that writes one arrives at each of the task's accesses in turn, an NMI
 * that writes one at each access of either, and the consumer looks at each access after that. Whatever
 * it sees must be whole records, in the order in which they were reserved, and those that are missing
 * must be counted as lost. Exit status: 0 it holds, 1 a violation, with the way to it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "hvpmu/hvpmu.h"
#include "hvpmu/ring.h"

#define RING_SIZE HVPMU_RING_DATA_MIN
#define NEVER UINT32_MAX

enum context {
	TASK,
	IRQ,
	NMI,
	CONSUMER,
	CONTEXTS,
};

struct payload {
	struct hvpmu_record header;
	u64 number; /* of the record, by context in the upper half */
	u64 check;
};

/* How full the ring is at the start, and how many records the task writes into it. */
struct setting {
	const char *name;
	u64 free;	 /* bytes that are free */
	u64 from_end;	 /* bytes from the next record to the end of the ring */
	u32 lost_before; /* losses that no record has told of */
};

static const struct setting settings[] = {
	{"empty", RING_SIZE, RING_SIZE, 0},
	{"losses to tell of", RING_SIZE, RING_SIZE, 3},
	{"the end is near", RING_SIZE, 40, 3},
	{"room for two", 64, RING_SIZE, 0},
	{"room for one and what was lost", 48, RING_SIZE, 2},
	{"full", 0, RING_SIZE, 1},
};

struct run {
	const struct setting *setting;
	u32 at[CONTEXTS]; /* accesses before each context comes */
	u32 accesses;
	u32 points;
	enum context context;
	u64 written[CONTEXTS]; /* records that each context has committed */
	u64 begun[CONTEXTS];
	u64 refused;
	u64 seen;
	u64 told;
	const char *violation;
	FILE *trace;
};

static struct run run;
static struct hvpmu_ring ring;
static struct hvpmu_ring_page page;
static u64 data[RING_SIZE / sizeof(u64)];
static struct hvpmu_ring_reader reader;

static void say(const char *what, u64 value)
{
	static const char *const names[] = {"task", "interrupt", "NMI", "consumer"};

	if (run.trace)
		fprintf(run.trace, "  access %2u  %s: %s %" PRIu64 "\n", run.accesses,
			names[run.context], what, value);
}

static void write_record(void)
{
	struct payload *record;
	u64 number = ++run.begun[run.context] | (u64)run.context << 32;

	say("reserves a record,", run.begun[run.context]);
	record = hvpmu_ring_reserve(&ring, sizeof(*record));
	if (!record) {
		run.refused++;
		say("finds the ring full,", run.refused);
		return;
	}
	record->header =
		(struct hvpmu_record){.size = sizeof(*record), .type = HVPMU_RECORD_SAMPLE};
	ring_check_point();
	record->number = number;
	ring_check_point();
	record->check = ~number;
	hvpmu_ring_commit(&ring);
	run.written[run.context]++;
	say("has committed a record,", run.begun[run.context]);
}

static void check_record(const struct hvpmu_record *header)
{
	const struct payload *record = (const struct payload *)header;

	if (header->type == HVPMU_RECORD_LOST) {
		run.told += ((const struct hvpmu_record_lost *)header)->count;
		say("reads of losses,", ((const struct hvpmu_record_lost *)header)->count);
		if (((const struct hvpmu_record_lost *)header)->count > page.lost)
			run.violation = "11: a record tells of more losses than there were";
		return;
	}
	run.seen++;
	say("reads a record,", record->number & UINT32_MAX);
	if (header->type != HVPMU_RECORD_SAMPLE || header->size != sizeof(*record) ||
	    record->check != ~record->number)
		run.violation = "11: a record that is not whole is visible";
}

static void consume(void)
{
	const struct hvpmu_record *record;

	do {
		if (hvpmu_ring_next(&reader, &record))
			run.violation = "11: the ring is damaged";
		if (record)
			check_record(record);
	} while (record && !run.violation);
	hvpmu_ring_release(&reader);
}

static void switch_to(enum context context)
{
	enum context before = run.context;

	run.context = context;
	if (context == CONSUMER)
		consume();
	else
		write_record();
	run.context = before;
}

/* An interrupt does not preempt an interrupt; the consumer has a CPU of its own. */
void ring_check_point(void)
{
	u32 now = run.accesses;

	if (run.context == CONSUMER || run.violation)
		return;
	run.accesses++;
	for (enum context next = IRQ; next < CONTEXTS; next++) {
		if (run.at[next] == now && run.context < next)
			switch_to(next);
	}
}

/* The ring as it is after much has passed through it. */
static void set_up(const struct setting *setting)
{
	u64 head = 4 * RING_SIZE - setting->from_end;

	memset(data, 0, sizeof(data));
	memset(&page, 0, sizeof(page));
	hvpmu_ring_init(&ring, &page, data, RING_SIZE, sizeof(page), 0);
	hvpmu_ring_reader_init(&reader, &page, data, RING_SIZE);
	ring.reserved = head;
	ring.lost = setting->lost_before;
	page.lost = setting->lost_before;
	page.head = head;
	page.tail = head - (RING_SIZE - setting->free);
	/* What fills the ring has been read, but not released. */
	reader.head = head;
	reader.tail = head;
}

/* One run. The records of all contexts are seen or counted, once each, when all is quiet. */
static void do_run(const struct setting *setting, const u32 at[], FILE *trace)
{
	u64 begun;

	memset(&run, 0, sizeof(run));
	for (int i = 0; i < CONTEXTS; i++)
		run.at[i] = NEVER;
	run.context = CONSUMER;
	set_up(setting);
	run.context = TASK;
	run.setting = setting;
	run.trace = trace;
	run.accesses = 0;
	memcpy(run.at, at, sizeof(run.at));
	for (int i = 0; i < 2 && !run.violation; i++)
		write_record();
	run.points = run.accesses;
	run.context = CONSUMER;
	if (!run.violation)
		consume();
	begun = run.begun[TASK] + run.begun[IRQ] + run.begun[NMI];
	if (run.violation)
		return;
	if (run.seen + run.refused != begun)
		run.violation = "11: a record is neither there nor lost";
	else if (page.lost != run.refused + setting->lost_before)
		run.violation = "11: the page's count of losses is wrong";
	else if (run.told + ring.lost != page.lost)
		run.violation = "11: losses are told of twice or never";
	else if (ring.nesting)
		run.violation = "11: a context is still writing when all have ended";
}

static bool check(const struct setting *setting, u64 *ret_runs)
{
	u32 at[CONTEXTS] = {0, NEVER, NEVER, NEVER};

	/* The last value of each: it does not come. */
	for (at[IRQ] = 0;; at[IRQ]++) {
		u32 points;

		for (at[NMI] = at[CONSUMER] = 0;;) {
			do_run(setting, at, NULL);
			points = run.points;
			(*ret_runs)++;
			if (run.violation) {
				printf("%s: after %u steps: %s\n", setting->name, run.accesses,
				       run.violation);
				do_run(setting, at, stdout);
				return false;
			}
			if (at[CONSUMER]++ < points)
				continue;
			at[CONSUMER] = 0;
			if (at[NMI]++ >= points)
				break;
		}
		if (at[IRQ] >= points)
			return true;
	}
}

int main(void)
{
	for (size_t i = 0; i < HVP_ARRAY_SIZE(settings); i++) {
		u64 runs = 0;

		if (!check(&settings[i], &runs))
			return 1;
		printf("%-32s %8" PRIu64 " runs: invariant 11 holds\n", settings[i].name, runs);
	}
	return 0;
}
