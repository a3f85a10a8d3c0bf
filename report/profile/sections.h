/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of a report in sections by owner: one for each domain, then hypervisor, host, idle, unknown; each
 * ordered by share, and only so many rows shown as the options say.
 */
#ifndef HVP_REPORT_SECTIONS_H
#define HVP_REPORT_SECTIONS_H

#include "report/profile/entries.h"

/* Fills entries->sections, once. */
struct hvp_error *hvp_sections_make(struct hvp_entries *entries) hvp_must_use;

#endif
