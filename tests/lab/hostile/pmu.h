/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers of both vendors' PMUs by one set of names, and what the host's own has in it. */
#ifndef HOSTILE_PMU_H
#define HOSTILE_PMU_H

#include <stdint.h>

#include "vm.h"

/* General counter i is i, fixed counter i is PMU_FIXED + i: the bits of the global registers. */
#define PMU_GUEST_COUNTERS 4
#define PMU_FIXED 32u
#define PMU_USR (1u << 16)
#define PMU_OS (1u << 17)
#define PMU_INT (1u << 20)
#define PMU_EN (1u << 22)
#define PMU_WIDTH_MASK ((1ull << 48) - 1)

struct pmu {
	bool is_intel;
	/* A guest's own, one after the other. An AMD guest with four counters has K7's, and no global registers. */
	uint32_t counter, select;
	uint32_t ctrl, status, clear;
	unsigned int fixed; /* how many of the fixed ones guests have, says CPUID to them */
	/* The processor's. */
	uint32_t hw_counter, hw_select, hw_step;
	uint32_t instructions, branches, cycles;
	unsigned int host_first, host_count; /* the counters that are left to the host */
};

extern struct pmu pmu;

void pmu_find(void);
/* The names of a counter and of the register that says what it counts, which fixed ones share. */
uint32_t pmu_counter(unsigned int i);
uint32_t pmu_select(unsigned int i);
/* All counters of a guest, one after the other; how many there are. */
unsigned int pmu_nth(unsigned int n);
unsigned int pmu_count(void);
uint64_t pmu_all_bits(void);

/* As the VMM: the counter with this event, of which a fixed one takes the rings and PMU_INT alone, from this value on. */
void pmu_program(struct vm *vm, unsigned int i, uint64_t select, uint64_t value);
uint64_t pmu_value(struct vm *vm, unsigned int i);
/* Nothing where there is no status register. */
void pmu_expect_status(const char *what, uint64_t want, struct vm *vm);

/* The sum of the host's selectors on a CPU that are on: perf may move an event, and leaves others behind that are off. */
uint64_t pmu_host_selectors(unsigned int cpu);
/* What guests have left in the hardware of all CPUs: 0. */
uint64_t pmu_left(void);

/* A counter of the host's perf, or -1 with errno. */
int pmu_open(uint64_t event, int pid, int cpu, int group, uint64_t flags);
#define PMU_PINNED 1u
#define PMU_USER_ONLY 2u
#define PMU_GUEST_ONLY 4u
#define PMU_HOST_ONLY 8u
uint64_t pmu_read(int fd);
/* What the event has of this thread while it runs a loop, which is always the same. */
uint64_t pmu_count_here(int fd);

#endif
