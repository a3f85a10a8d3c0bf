// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "layout.h"

const struct hvpmu_layout *const hvpmu_layouts[HVPMU_VENDORS * HVPMU_LAYOUT_VERSIONS] = {
	/* HVPMU_INTEL */
	&hvpmu_layout_intel,
	&hvpmu_layout_intel,
	&hvpmu_layout_intel,
	/* HVPMU_AMD */
	&hvpmu_layout_amd_k7,
	&hvpmu_layout_amd_core,
	&hvpmu_layout_amd_v2,
};

u8 hvpmu_layout_index(const struct hvpmu_caps *caps)
{
	u8 version = caps->version;

	if (version >= HVPMU_LAYOUT_VERSIONS)
		version = HVPMU_LAYOUT_VERSIONS - 1;
	return caps->vendor * HVPMU_LAYOUT_VERSIONS + version;
}
