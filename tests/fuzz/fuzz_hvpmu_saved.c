/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU's saved PMU from a stream that somebody else wrote: refused, or a state that can be. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hvpmu/saved.h"
#include "tests/hv-pmu/sequence/sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rig rig;
	struct hvpmu_saved saved = {0}, again;
	const struct scope *scope;
	struct rig_place place;
	struct hvpmu_env env;

	if (!size)
		return 0;
	scope = &sequence_scopes[data[0] % NUM_SEQUENCE_SCOPES];
	if (!rig_init(&rig, &scope->machine, scope->guest_gp, scope->guest_fixed, 1, 1))
		abort();
	rig_load(&rig, 0, 0);
	env = rig_env(&rig, 0, &place);
	size--;
	memcpy(&saved, data + 1, size < sizeof(saved) ? size : sizeof(saved));
	if (hvpmu_restore(&rig.vcpu[0].core, &env, &saved, size))
		return 0;
	if (hvpmu_check(&rig.vcpu[0].core, &rig.cpu[0].core) || !rig_enter(&rig, 0))
		abort();
	rig_exit(&rig, 0);
	hvpmu_save(&rig.vcpu[0].core, &env, &again);
	/* A pending PMI was taken by the entry, and whatever a later version appended is gone. */
	again.flags |= saved.flags & HVPMU_SAVED_PMI_PENDING;
	again.version = saved.version;
	again.size = saved.size;
	if (memcmp(&saved, &again, sizeof(saved)) != 0)
		abort();
	return 0;
}
