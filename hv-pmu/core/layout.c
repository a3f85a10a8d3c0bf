/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "layout.h"

/* By vendor and version of the hardware; the last version of a vendor stands for later ones. */
#define LAYOUT_VERSIONS 3
static const struct hvpmu_layout *const layouts[HVPMU_VENDORS][LAYOUT_VERSIONS] = {
	[HVPMU_INTEL] = {&hvpmu_layout_intel, &hvpmu_layout_intel, &hvpmu_layout_intel},
	[HVPMU_AMD] = {&hvpmu_layout_amd_k7, &hvpmu_layout_amd_core, &hvpmu_layout_amd_v2},
};

const struct hvpmu_layout *hvpmu_layout(const struct hvpmu_part *part)
{
	unsigned int version = part->hw_version;

	if (version >= LAYOUT_VERSIONS)
		version = LAYOUT_VERSIONS - 1;
	return layouts[part->vendor][version];
}
