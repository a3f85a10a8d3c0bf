/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"

#include "tests/unit/hv-pmu/msr_table.h"

/* One access that is checked. */
struct access {
	const struct msr_row *row;
	const struct msr_pmu *on;
	u32 msr;
	u64 value;
	bool from_host;
	bool is_loaded;
	bool faults;
};

static enum msr_access kind_of(const struct access *access)
{
	return access->from_host ? access->row->host : access->row->guest;
}

static void complain(const struct access *access, const char *what, u64 is, u64 expected)
{
	fail_msg("%s, MSR %#x, %s writes %#llx%s: %s %#llx, not %#llx (%s)", access->on->name,
		 access->msr, access->from_host ? "the host" : "the guest",
		 (unsigned long long)access->value,
		 access->is_loaded ? " with counters in hardware" : "", what,
		 (unsigned long long)is, (unsigned long long)expected, access->row->section);
}

static void expect(const struct access *access, const char *what, u64 is, u64 expected)
{
	if (is != expected)
		complain(access, what, is, expected);
}

static u64 read_as(struct pmu *pmu, const struct access *access, u32 msr, int result)
{
	u64 value = 0;

	expect(access, "RDMSR returns",
	       (u64)hvpmu_rdmsr(pmu->vcpu, &pmu->env, msr, &value, access->from_host), (u64)result);
	return value;
}

/* The result of the write, and what the register (for CLEARS and SETS the status) holds then. */
static int expected(const struct access *access, u64 before, u64 *ret_after)
{
	u64 bits = access->row->bits;
	u64 value = access->value & bits;
	bool is_refused = access->faults && (access->value & ~bits);

	*ret_after = before;
	switch (kind_of(access)) {
	case MSR_FAULTS: return HVPMU_GP;
	case MSR_RO: return access->faults ? HVPMU_GP : HVPMU_OK;
	case MSR_IGNORED: return HVPMU_OK;
	case MSR_SIGNED:
		*ret_after = (u64)(int64_t)(int32_t)(u32)access->value & bits;
		return HVPMU_OK;
	case MSR_RW: value = value & bits; break;
	case MSR_CLEARS: value = before & ~value; break;
	case MSR_SETS: value = before | value; break;
	}
	if (is_refused)
		return HVPMU_GP;
	*ret_after = value;
	return HVPMU_OK;
}

static void check_access(const struct access *access)
{
	enum msr_access kind = kind_of(access);
	bool shows_in_status = kind == MSR_CLEARS || kind == MSR_SETS;
	u32 shown = shows_in_status ? access->on->status : access->msr;
	int read_result = kind == MSR_FAULTS ? HVPMU_GP : HVPMU_OK;
	struct pmu pmu;
	u64 before, after;
	int result;

	pmu_set_up(&pmu, access->on->model, access->on->guest_gp, access->on->guest_fixed);
	if (access->is_loaded)
		pmu_load_all(&pmu);
	if (kind == MSR_CLEARS)
		assert_int_equal(hvpmu_wrmsr(pmu.vcpu, &pmu.env, access->on->status,
					     access->on->status_bits, true),
				 HVPMU_OK);
	before = read_as(&pmu, access, shown, read_result);
	if (kind == MSR_IGNORED)
		expect(access, "a register that is not there reads as", before, 0);
	if (kind == MSR_CLEARS)
		expect(access, "the status is", before, access->on->status_bits);

	result = expected(access, before, &after);
	expect(access, "WRMSR returns",
	       (u64)hvpmu_wrmsr(pmu.vcpu, &pmu.env, access->msr, access->value, access->from_host),
	       (u64)result);
	expect(access, shows_in_status ? "the status becomes" : "it reads as",
	       read_as(&pmu, access, shown, read_result), after);
	if (shows_in_status)
		expect(access, "it reads as", read_as(&pmu, access, access->msr, HVPMU_OK), 0);
	if (hvpmu_check(pmu.vcpu, pmu.env.cpu))
		fail_msg("%s, MSR %#x: %s", access->on->name, access->msr,
			 hvpmu_check(pmu.vcpu, pmu.env.cpu));
	rig_put(&pmu.rig, 0);
}

static void check_values(struct access access)
{
	const u64 together[] = {0, access.row->bits, ~0ULL, ~access.row->bits};

	for (unsigned int bit = 0; bit < 64; bit++) {
		access.value = 1ULL << bit;
		check_access(&access);
	}
	for (size_t i = 0; i < sizeof(together) / sizeof(together[0]); i++) {
		access.value = together[i];
		check_access(&access);
	}
}

void msr_table_check(const struct msr_row *rows, size_t num_rows, const struct msr_pmu *pmus,
		     size_t num_pmus, bool faults)
{
	for (size_t r = 0; r < num_rows; r++) {
		for (size_t at = 0; at < num_pmus * rows[r].count * 4; at++) {
			size_t p = at / 4 % num_pmus;
			u32 i = (u32)(at / 4 / num_pmus);

			if (rows[r].pmus >> p & 1)
				check_values((struct access){
					.row = &rows[r],
					.on = &pmus[p],
					.msr = rows[r].first + i * rows[r].stride,
					.from_host = at & 1,
					.is_loaded = at & 2,
					.faults = faults,
				});
		}
	}
}

static unsigned int num_rows_of(const struct msr_row *rows, size_t num_rows, size_t pmu, u32 msr)
{
	unsigned int found = 0;

	for (size_t r = 0; r < num_rows; r++) {
		u32 offset = msr - rows[r].first;

		found += (rows[r].pmus >> pmu & 1) && offset % rows[r].stride == 0 &&
			 offset / rows[r].stride < rows[r].count;
	}
	return found;
}

static void check_is_unknown(struct pmu *pmu, const char *name, u32 msr, bool is_unknown)
{
	for (int from_host = 0; from_host < 2; from_host++) {
		u64 value;
		int read = hvpmu_rdmsr(pmu->vcpu, &pmu->env, msr, &value, from_host);
		int write = hvpmu_wrmsr(pmu->vcpu, &pmu->env, msr, 0, from_host);

		if ((read == HVPMU_UNKNOWN) != is_unknown || (write == HVPMU_UNKNOWN) != is_unknown)
			fail_msg("%s, MSR %#x: RDMSR gives %d, WRMSR %d", name, msr, read, write);
	}
}

void msr_table_check_unknown(const struct msr_row *rows, size_t num_rows,
			     const struct msr_pmu *pmus, size_t num_pmus)
{
	/* SDM volume 4 and the APM's appendix A: all that architectures have ever used. */
	static const u32 blocks[] = {0, 0x40000000, 0xc0000000, 0xc0010000, 0xc0011000};
	struct pmu pmu;

	for (size_t p = 0; p < num_pmus; p++) {
		pmu_set_up(&pmu, pmus[p].model, pmus[p].guest_gp, pmus[p].guest_fixed);
		for (u32 at = 0; at < 0x2000 * (sizeof(blocks) / sizeof(blocks[0])); at++) {
			u32 msr = blocks[at / 0x2000] + at % 0x2000;
			unsigned int found = num_rows_of(rows, num_rows, p, msr);

			if (found > 1)
				fail_msg("%s, MSR %#x: two rows", pmus[p].name, msr);
			check_is_unknown(&pmu, pmus[p].name, msr, !found);
		}
	}
}
