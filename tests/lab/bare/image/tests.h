/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HVP_BARE_TESTS_H
#define HVP_BARE_TESTS_H

#include "cpu.h"

void test_msrs(void);
void test_counting(void);
void test_rdpmc(void);
void test_overflow(void);
void test_random(u64 seed);
void test_second(void);
void test_guests(void);
void test_vmx(void);
void test_vmx_entry(void);
void test_vmx_operands(void);
void test_svm(void);
void test_svm_next_rip(void);

#endif
