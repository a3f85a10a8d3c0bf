/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOSTILE_TESTS_H
#define HOSTILE_TESTS_H

void test_isolation(void);
void test_migration(void);
void test_filters(void);
void test_cpuid(void);
void test_emulated(void);
void test_stepped(void);
void test_strings(void);
void test_pmi(void);
void test_apic(void);
void test_nmi(void);
void test_host(void);
void test_lifetime(void);
void test_nested(void);
void test_skid(void);
void test_totals(void);
void test_direct(void);

#endif
