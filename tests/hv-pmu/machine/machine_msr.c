/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RDMSR, WRMSR, RDPMC: which registers there are and what they refuse. */
#include "machine_internal.h"

uint64_t machine_ctrl_bits(const struct machine_model *model)
{
	return machine_ones(model->num_gp) | machine_ones(model->num_fixed) << 32;
}

static bool assign(uint64_t *reg, uint64_t value, uint64_t writable)
{
	if (value & ~writable)
		return false;
	*reg = value;
	return true;
}

/* SDM volume 3, figures of IA32_PERF_GLOBAL_OVF_CTRL and its successors, by version. */
static uint64_t status_bits(const struct machine_model *model)
{
	uint64_t bits = machine_ctrl_bits(model) | 3ULL << 62;

	if (model->version >= 3)
		bits |= 1ULL << 61;
	if (model->version >= 4)
		bits |= 7ULL << 58;
	return bits;
}

static uint64_t fixed_ctrl_bits(const struct machine_model *model)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < model->num_fixed; i++)
		bits |= (model->has_any_thread ? 0xfULL : 0xbULL) << (4 * i);
	return bits;
}

static uint64_t select_bits(const struct machine_model *model)
{
	uint64_t bits = 0xffffffffULL;

	if (!model->has_any_thread)
		bits &= ~(1ULL << 21);
	return bits;
}

static bool write_intel_counter(struct machine_cpu *cpu, uint32_t i, uint64_t value, bool is_full)
{
	uint64_t mask = machine_ones(cpu->model->gp_width);

	if (i >= cpu->model->num_gp)
		return false;
	if (is_full)
		return cpu->model->has_full_width && assign(&cpu->gp_counter[i], value, mask);
	cpu->gp_counter[i] = (uint64_t)(int64_t)(int32_t)(uint32_t)value & mask;
	return true;
}

static bool write_intel_global(struct machine_cpu *cpu, uint32_t msr, uint64_t value)
{
	const struct machine_model *model = cpu->model;

	switch (msr) {
	case 0x1d9: return assign(&cpu->debugctl, value, 1ULL << 12);
	case 0x38d:
		return model->version >= 2 &&
		       assign(&cpu->fixed_ctrl, value, fixed_ctrl_bits(model));
	case 0x38f:
		return model->version >= 2 &&
		       assign(&cpu->global_ctrl, value, machine_ctrl_bits(model));
	case 0x390:
		if (model->version < 2 || value & ~status_bits(model))
			return false;
		cpu->status &= ~value;
		return true;
	case 0x391:
		if (model->version < 4 || value & ~status_bits(model) || value >> 63)
			return false;
		cpu->status |= value;
		return true;
	default: return false; /* read-only: 345H, 38EH, 392H; or none of ours */
	}
}

static bool write_intel(struct machine_cpu *cpu, uint32_t msr, uint64_t value)
{
	const struct machine_model *model = cpu->model;

	if (msr >= 0xc1 && msr <= 0xc8)
		return write_intel_counter(cpu, msr - 0xc1, value, false);
	if (msr >= 0x4c1 && msr <= 0x4c8)
		return write_intel_counter(cpu, msr - 0x4c1, value, true);
	if (msr >= 0x186 && msr <= 0x18d)
		return msr - 0x186 < model->num_gp &&
		       assign(&cpu->gp_select[msr - 0x186], value, select_bits(model));
	if (msr >= 0x309 && msr <= 0x310)
		return msr - 0x309 < model->num_fixed &&
		       assign(&cpu->fixed_counter[msr - 0x309], value,
			      machine_ones(model->fixed_width));
	return write_intel_global(cpu, msr, value);
}

/* Where AMD's counter i and selector i are; false: not a counter's MSR. */
static bool decode_amd(const struct machine_model *model, uint32_t msr, uint32_t *ret_i,
		       bool *ret_is_select)
{
	if (msr >= 0xc0010000 && msr <= 0xc0010007) {
		*ret_i = msr & 3;
		*ret_is_select = msr <= 0xc0010003;
		return true;
	}
	/* PerfCtrExtCore promises six; what no CPUID bit promises is unimplemented: #GP (WRMSR). */
	if (msr >= 0xc0010200 && msr < 0xc0010200 + 2 * (model->num_gp > 6 ? model->num_gp : 6) &&
	    model->version >= 1) {
		*ret_i = (msr - 0xc0010200) / 2;
		*ret_is_select = !(msr & 1);
		return true;
	}
	return false;
}

/* Reserved bits, and read-only registers, ignore what is written. */
static bool write_amd(struct machine_cpu *cpu, uint32_t msr, uint64_t value)
{
	const struct machine_model *model = cpu->model;
	uint64_t counters = machine_ones(model->num_gp);
	bool is_select;
	uint32_t i;

	if (decode_amd(model, msr, &i, &is_select)) {
		if (i >= model->num_gp)
			return true;
		if (is_select)
			cpu->gp_select[i] =
				value & (model->has_svm ? 0x30fffd7ffffULL : 0xfffd7ffffULL);
		else
			cpu->gp_counter[i] = value & machine_ones(model->gp_width);
		return true;
	}
	if (model->version < 2 || msr < 0xc0000300 || msr > 0xc0000303)
		return false;
	if (msr == 0xc0000301)
		cpu->global_ctrl = value & counters;
	else if (msr == 0xc0000302)
		cpu->status &= ~(value & counters);
	else if (msr == 0xc0000303)
		cpu->status |= value & counters;
	return true;
}

bool machine_wrmsr(struct machine_cpu *cpu, uint32_t msr, uint64_t value)
{
	cpu->num_wrmsr++;
	return cpu->model->vendor == MACHINE_INTEL ? write_intel(cpu, msr, value)
						   : write_amd(cpu, msr, value);
}

/* SDM volume 3, "IA32_PERF_GLOBAL_INUSE": bit 63 is any counter with its PMI enabled. */
static uint64_t in_use(const struct machine_cpu *cpu)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < cpu->model->num_gp; i++) {
		bits |= (uint64_t) !!(cpu->gp_select[i] & 0xff) << i;
		bits |= (cpu->gp_select[i] >> 20 & 1) << 63;
	}
	for (unsigned int i = 0; i < cpu->model->num_fixed; i++) {
		bits |= (uint64_t) !!(cpu->fixed_ctrl >> (4 * i) & 3) << (32 + i);
		bits |= (cpu->fixed_ctrl >> (4 * i + 3) & 1) << 63;
	}
	return bits;
}

static bool read_intel_global(struct machine_cpu *cpu, uint32_t msr, uint64_t *ret_value)
{
	const struct machine_model *model = cpu->model;

	switch (msr) {
	case 0x1d9: *ret_value = cpu->debugctl; return true;
	case 0x345: *ret_value = (uint64_t)model->has_full_width << 13; return true;
	case 0x38d: *ret_value = cpu->fixed_ctrl; return model->version >= 2;
	case 0x38e: *ret_value = cpu->status; return model->version >= 2;
	case 0x38f: *ret_value = cpu->global_ctrl; return model->version >= 2;
	case 0x390: *ret_value = 0; return model->version >= 2;
	case 0x391: *ret_value = 0; return model->version >= 4;
	case 0x392: *ret_value = in_use(cpu); return model->version >= 4;
	default: return false;
	}
}

static bool read_intel(struct machine_cpu *cpu, uint32_t msr, uint64_t *ret_value)
{
	const struct machine_model *model = cpu->model;
	uint32_t i;

	if ((msr >= 0xc1 && msr <= 0xc8) || (msr >= 0x4c1 && msr <= 0x4c8)) {
		i = msr >= 0x4c1 ? msr - 0x4c1 : msr - 0xc1;
		*ret_value = cpu->gp_counter[i];
		return i < model->num_gp && (msr < 0x4c1 || model->has_full_width);
	}
	if (msr >= 0x186 && msr <= 0x18d) {
		*ret_value = cpu->gp_select[msr - 0x186];
		return msr - 0x186 < model->num_gp;
	}
	if (msr >= 0x309 && msr <= 0x310) {
		*ret_value = cpu->fixed_counter[msr - 0x309];
		return msr - 0x309 < model->num_fixed;
	}
	return read_intel_global(cpu, msr, ret_value);
}

static bool read_amd(struct machine_cpu *cpu, uint32_t msr, uint64_t *ret_value)
{
	const struct machine_model *model = cpu->model;
	bool is_select;
	uint32_t i;

	*ret_value = 0;
	if (decode_amd(model, msr, &i, &is_select)) {
		if (i < model->num_gp)
			*ret_value = is_select ? cpu->gp_select[i] : cpu->gp_counter[i];
		return true;
	}
	if (model->version < 2 || msr < 0xc0000300 || msr > 0xc0000303)
		return false;
	if (msr == 0xc0000300)
		*ret_value = cpu->status;
	else if (msr == 0xc0000301)
		*ret_value = cpu->global_ctrl;
	return true;
}

bool machine_rdmsr(struct machine_cpu *cpu, uint32_t msr, uint64_t *ret_value)
{
	cpu->num_rdmsr++;
	return cpu->model->vendor == MACHINE_INTEL ? read_intel(cpu, msr, ret_value)
						   : read_amd(cpu, msr, ret_value);
}

bool machine_rdpmc(struct machine_cpu *cpu, uint32_t index, uint64_t *ret_value)
{
	const struct machine_model *model = cpu->model;

	cpu->num_rdpmc++;
	if (model->vendor == MACHINE_INTEL && index >> 30 == 1) {
		index &= 0x3fffffff;
		if (index >= model->num_fixed)
			return false;
		*ret_value = cpu->fixed_counter[index];
		return true;
	}
	if (index >= model->num_gp)
		return false;
	*ret_value = cpu->gp_counter[index];
	return true;
}
