/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DEVICE_TESTS_H
#define DEVICE_TESTS_H

void test_access(void);
void test_setup(void);
void test_sample(void);
void test_filter(void);
void test_lost(void);
void test_times(void);
void test_chain(void);
void test_end(void);
void test_hotplug(void);
void test_unload(void);

#endif
