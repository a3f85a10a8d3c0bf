// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Per-vCPU totals, out of counters of the host that run in both modes. */
#include <hvpmu/hvpmu.h>

/* What the host's counters advanced since the last switch of mode goes to `sum`. */
static void switch_mode(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 sum[])
{
	u64 now[HVPMU_ACCOUNT_EVENTS];

	hvpmu_env_read_account(env, now);
	for (unsigned int i = 0; i < HVPMU_ACCOUNT_EVENTS; i++) {
		if (sum)
			sum[i] += now[i] - vcpu->account.since[i];
		vcpu->account.since[i] = now[i];
	}
}

void hvpmu_account_load(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	switch_mode(vcpu, env, NULL);
}

void hvpmu_account_enter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	switch_mode(vcpu, env, vcpu->account.hyp);
}

void hvpmu_account_exit(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	switch_mode(vcpu, env, vcpu->account.guest);
}

void hvpmu_account_put(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	switch_mode(vcpu, env, vcpu->account.hyp);
}

void hvpmu_account_add(struct hvpmu_account *sum, const struct hvpmu_account *account)
{
	for (unsigned int i = 0; i < HVPMU_ACCOUNT_EVENTS; i++) {
		sum->guest[i] += account->guest[i];
		sum->hyp[i] += account->hyp[i];
	}
	sum->loads += account->loads;
	sum->puts += account->puts;
	sum->pmis += account->pmis;
	sum->emulated += account->emulated;
}
