/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which address space of its guest a sample was taken. */
#ifndef HVP_REPORT_ASPACE_H
#define HVP_REPORT_ASPACE_H

#include "common/session/reader.h"

/*
 * Bits of CR3 that say where the page tables are (Intel SDM 3 2.5, AMD APM 2 5.3): below them is
 * the PCID, which differs from one CPU to the next and from one turn to the next, above them are
 * flags. Of a guest with PAE paging bits 5 to 11 are the address's too: its address spaces are one
 * here when their tables of 32 bytes lie in one page.
 */
#define HVP_ASPACE_MASK UINT64_C(0x000ffffffffff000)

/* 0: not known, or not in a guest. */
static inline uint64_t hvp_aspace_of_row(const struct hvp_row *row)
{
	return hvp_mode_is_guest(row->mode) ? row->guest_cr3 & HVP_ASPACE_MASK : 0;
}

#endif
