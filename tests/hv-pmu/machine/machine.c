/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting, overflows, PMIs. */
#include "machine_internal.h"

#include <string.h>

void machine_init(struct machine_cpu *cpu, const struct machine_model *model)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->model = model;
	cpu->lvtpc = MACHINE_LVT_MASKED;
	if (model->version >= 2)
		cpu->global_ctrl = machine_ones(model->num_gp);
}

bool machine_has_status(const struct machine_cpu *cpu)
{
	return cpu->model->version >= 2;
}

/* Table "Architectural Performance Events"; APM/PPR for AMD's. */
static uint64_t event_code(const struct machine_model *model, enum machine_event event)
{
	static const uint16_t codes[2][3] = {
		[MACHINE_INTEL] = {0x003c, 0x00c0, 0x00c4},
		[MACHINE_AMD] = {0x0076, 0x00c0, 0x00c2},
	};

	return codes[model->vendor][event];
}

static bool is_cpl_selected(bool user, bool kernel, unsigned int cpl)
{
	return cpl ? user : kernel;
}

/* APM volume 2, 13.2.1: both or neither of HostOnly and GuestOnly count in both modes. */
static bool is_mode_selected(const struct machine_cpu *cpu, uint64_t select)
{
	bool guest_only = select & MACHINE_SEL_GUEST;
	bool host_only = select & MACHINE_SEL_HOST;

	if (cpu->model->vendor != MACHINE_AMD || guest_only == host_only)
		return true;
	return cpu->in_guest ? guest_only : host_only;
}

static bool is_gp_counting(const struct machine_cpu *cpu, unsigned int i, uint64_t code,
			   unsigned int cpl)
{
	uint64_t select = cpu->gp_select[i];
	uint64_t event = select & 0xffff;

	if (cpu->model->vendor == MACHINE_AMD)
		event |= select >> 16 & 0xf0000; /* EventSelect[11:8] */
	/* A threshold above 0 is met by no single event; its inversion is not modelled either. */
	return (select & MACHINE_SEL_EN) && event == code && !(select & MACHINE_SEL_CMASK) &&
	       is_cpl_selected(select & MACHINE_SEL_USR, select & MACHINE_SEL_OS, cpl) &&
	       is_mode_selected(cpu, select);
}

static bool is_fixed_counting(const struct machine_cpu *cpu, unsigned int i,
			      enum machine_event event, unsigned int cpl)
{
	uint64_t field = cpu->fixed_ctrl >> (4 * i);

	return (i == 0 ? event == MACHINE_INSTRUCTIONS : i <= 2 && event == MACHINE_CYCLES) &&
	       is_cpl_selected(field & 2, field & 1, cpl);
}

uint64_t machine_counting(const struct machine_cpu *cpu, enum machine_event event, unsigned int cpl)
{
	const struct machine_model *model = cpu->model;
	uint64_t code = event_code(model, event);
	uint64_t set = 0;

	for (unsigned int i = 0; i < model->num_gp; i++) {
		if (is_gp_counting(cpu, i, code, cpl))
			set |= 1ULL << i;
	}
	for (unsigned int i = 0; i < model->num_fixed; i++) {
		if (is_fixed_counting(cpu, i, event, cpl))
			set |= 1ULL << (32 + i);
	}
	if (model->version >= 2)
		set &= cpu->global_ctrl;
	if (model->vendor == MACHINE_INTEL && (cpu->status & MACHINE_STATUS_CTR_FRZ))
		set = 0;
	return set;
}

/* SDM volume 3, "Local Vector Table": on delivery of a PMI the mask bit sets itself. */
static void raise_pmi(struct machine_cpu *cpu)
{
	bool is_intel = cpu->model->vendor == MACHINE_INTEL;

	if (is_intel && (cpu->debugctl & MACHINE_DEBUGCTL_FREEZE)) {
		if (cpu->model->version >= 4)
			cpu->status |= MACHINE_STATUS_CTR_FRZ;
		else
			cpu->global_ctrl = 0;
	}
	if (cpu->lvtpc & MACHINE_LVT_MASKED)
		return;
	if ((cpu->lvtpc & MACHINE_LVT_MODE) == MACHINE_LVT_NMI)
		cpu->nmi_pending = true;
	if (is_intel)
		cpu->lvtpc |= MACHINE_LVT_MASKED;
}

static bool wants_pmi(const struct machine_cpu *cpu, unsigned int counter)
{
	return counter >= 32 ? cpu->fixed_ctrl >> (4 * (counter - 32)) & 8
			     : cpu->gp_select[counter] & MACHINE_SEL_INT;
}

void machine_count(struct machine_cpu *cpu, enum machine_event event, unsigned int cpl,
		   uint64_t count)
{
	uint64_t set = machine_counting(cpu, event, cpl);
	bool has_pmi = false;

	for (unsigned int counter = 0; counter < 64; counter++) {
		uint64_t *value, mask, before;

		if (!(set >> counter & 1))
			continue;
		value = counter >= 32 ? &cpu->fixed_counter[counter - 32]
				      : &cpu->gp_counter[counter];
		mask = machine_ones(counter >= 32 ? cpu->model->fixed_width : cpu->model->gp_width);
		before = *value;
		*value = (before + count) & mask;
		if (before + count <= mask)
			continue;
		if (machine_has_status(cpu))
			cpu->status |= 1ULL << counter;
		has_pmi |= wants_pmi(cpu, counter);
	}
	if (has_pmi)
		raise_pmi(cpu);
}

bool machine_take_nmi(struct machine_cpu *cpu)
{
	if (!cpu->nmi_pending || cpu->nmi_blocked)
		return false;
	cpu->nmi_pending = false;
	cpu->nmi_blocked = true;
	return true;
}

void machine_iret(struct machine_cpu *cpu)
{
	cpu->nmi_blocked = false;
}
