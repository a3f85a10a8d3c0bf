/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pmu_designs            one line a measurement: scenario column in-use design, then RDMSRs, WRMSRs, RDPMCs and
 *                        MSR-area entries. Each measured step is one call of pmu_designs_measure().
 * pmu_designs check FILE what must hold of them; FILE has our recorded counts, which they may not exceed
 * pmu_designs record     prints such a file
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

static const struct design *const designs[] = {&design_partitioned, &design_emulated,
					       &design_mediated};
#define NUM_DESIGNS (sizeof(designs) / sizeof(designs[0]))
#define OURS 0

struct accesses {
	u64 rdmsr;
	u64 wrmsr;
	u64 rdpmc;
	u64 area;
};

static u64 total(const struct accesses *accesses)
{
	return accesses->rdmsr + accesses->wrmsr + accesses->rdpmc + accesses->area;
}

static struct accesses accesses_of(const struct machine_cpu *cpu)
{
	return (struct accesses){cpu->num_rdmsr, cpu->num_wrmsr, cpu->num_rdpmc, cpu->num_area};
}

/* Callgrind counts in here, and writes out what it counted at the end: tests/bench/benchkit/pmu.py. */
void pmu_designs_measure(const struct column *column, const struct workload *workload);

__attribute__((noinline)) void pmu_designs_measure(const struct column *column,
						   const struct workload *workload)
{
	column->step(workload);
}

static void fail(const char *what, const struct column *column, const struct workload *workload)
{
	fprintf(stderr, "pmu_designs: %s %s with %u counters, %s: %s\n", workload->scenario->name,
		column->name, workload->in_use, workload->design->name, what);
}

static bool is_away_after(const struct column *column)
{
	return !strncmp(column->name, "put", 3) || !strcmp(column->name, "switch");
}

/* *ret_fingerprint: what the guest sees afterwards. */
static struct accesses measure(const struct column *column, const struct workload *workload,
			       u64 *ret_fingerprint)
{
	const struct machine_cpu *cpu = workload_begin(workload);
	struct accesses before, after;

	if (!cpu) {
		fail("no such partition", column, workload);
		exit(EXIT_FAILURE);
	}
	column->prepare(workload);
	before = accesses_of(cpu);
	pmu_designs_measure(column, workload);
	after = accesses_of(cpu);
	if (is_away_after(column)) {
		workload->design->come();
		workload->design->enter();
	}
	workload->design->guest_count(MACHINE_INSTRUCTIONS, 300);
	*ret_fingerprint = workload_fingerprint(workload);
	return (struct accesses){after.rdmsr - before.rdmsr, after.wrmsr - before.wrmsr,
				 after.rdpmc - before.rdpmc, after.area - before.area};
}

/* One column with so many counters in use, under each design. */
struct row {
	const struct scenario *scenario;
	const struct column *column;
	unsigned int in_use;
	struct accesses accesses[NUM_DESIGNS];
	u64 fingerprint[NUM_DESIGNS];
};

/* Calls `visit` for every row; false: one of them was false. */
static bool for_each_row(bool (*visit)(const struct row *row, void *context), void *context)
{
	unsigned int per_scenario = workload_num_columns * (WORKLOAD_MAX_COUNTERS + 1);
	bool ok = true;

	for (unsigned int i = 0; i < workload_num_scenarios * per_scenario; i++) {
		struct row row = {
			.scenario = &workload_scenarios[i / per_scenario],
			.column = &workload_columns[i % per_scenario / (WORKLOAD_MAX_COUNTERS + 1)],
			.in_use = i % (WORKLOAD_MAX_COUNTERS + 1),
		};

		if (row.in_use < row.column->min_in_use)
			continue;
		for (size_t d = 0; d < NUM_DESIGNS; d++) {
			struct workload workload = {designs[d], row.scenario, row.in_use};

			row.accesses[d] = measure(row.column, &workload, &row.fingerprint[d]);
		}
		ok &= visit(&row, context);
	}
	return ok;
}

static bool print_row(const struct row *row, void *context)
{
	(void)context;
	for (size_t d = 0; d < NUM_DESIGNS; d++) {
		const struct accesses *accesses = &row->accesses[d];

		printf("%s %s %u %s %llu %llu %llu %llu\n", row->scenario->name, row->column->name,
		       row->in_use, designs[d]->name, (unsigned long long)accesses->rdmsr,
		       (unsigned long long)accesses->wrmsr, (unsigned long long)accesses->rdpmc,
		       (unsigned long long)accesses->area);
	}
	return true;
}

static bool record_row(const struct row *row, void *context)
{
	(void)context;
	printf("%s %s %u %llu\n", row->scenario->name, row->column->name, row->in_use,
	       (unsigned long long)total(&row->accesses[OURS]));
	return true;
}

/* The next line of the record, which must be of this row. */
static bool read_recorded(FILE *file, const struct row *row, unsigned long long *ret_total)
{
	char scenario[16], column[32];
	unsigned int in_use;

	return fscanf(file, "%15s %31s %u %llu", scenario, column, &in_use, ret_total) == 4 &&
	       !strcmp(scenario, row->scenario->name) && !strcmp(column, row->column->name) &&
	       in_use == row->in_use;
}

static bool check_row(const struct row *row, void *context)
{
	struct workload workload = {designs[OURS], row->scenario, row->in_use};
	u64 ours = total(&row->accesses[OURS]);
	unsigned long long recorded;
	bool ok = true;

	if (!read_recorded(context, row, &recorded)) {
		fail("the record has another line here; \"pmu_designs record\" makes one",
		     row->column, &workload);
		exit(EXIT_FAILURE);
	}
	if (ours > recorded) {
		fprintf(stderr, "pmu_designs: %llu accesses, recorded are %llu\n",
			(unsigned long long)ours, recorded);
		fail("more accesses than recorded", row->column, &workload);
		ok = false;
	}
	if (!strcmp(row->column->name, "entry") && ours) {
		fail("an entry and exit with nothing changed touch the PMU", row->column,
		     &workload);
		ok = false;
	}
	for (size_t d = 0; d < NUM_DESIGNS; d++) {
		workload.design = designs[d];
		if (row->column->is_goal && total(&row->accesses[d]) < ours) {
			fail("fewer accesses than ours", row->column, &workload);
			ok = false;
		}
		if (row->fingerprint[d] != row->fingerprint[OURS]) {
			fail("the guest does not see the same", row->column, &workload);
			ok = false;
		}
	}
	return ok;
}

static int check(const char *path)
{
	FILE *file = fopen(path, "r");
	bool ok;

	if (!file) {
		perror(path);
		return EXIT_FAILURE;
	}
	ok = for_each_row(check_row, file);
	fclose(file);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "check"))
		return check(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "record"))
		return for_each_row(record_row, NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
	if (argc == 1)
		return for_each_row(print_row, NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
	fprintf(stderr, "usage: pmu_designs [check FILE | record]\n");
	return 2;
}
