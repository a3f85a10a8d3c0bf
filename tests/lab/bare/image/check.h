/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The results, in the Test Anything Protocol. */
#ifndef HVP_BARE_CHECK_H
#define HVP_BARE_CHECK_H

#include "cpu.h"

/* "ok N name" if both are the same, else "not ok N name: want .. got ..". */
void check_u64(u64 got, u64 want, const char *name, ...) __attribute__((format(printf, 3, 4)));

/* For what takes many steps: the first that is wrong decides. */
void check_begin(void);
void check_step(u64 got, u64 want, const char *what, u64 of);
void check_end(const char *name, ...) __attribute__((format(printf, 1, 2)));

/* The plan and the summary; whether all was well. */
bool check_summary(void);

#endif
