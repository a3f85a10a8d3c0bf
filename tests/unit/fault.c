/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/fault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the linker makes of `malloc` in the code under test, and what it was. */
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t num, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_vasprintf(char **ret, const char *format, va_list args) hvp_printf(2, 0);
int __wrap_asprintf(char **ret, const char *format, ...) hvp_printf(2, 3);
void *__real_malloc(size_t size);
void *__real_calloc(size_t num, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
int __real_vasprintf(char **ret, const char *format, va_list args) hvp_printf(2, 0);

#define MAX_RUNS 1000000ul

/* Per thread, so that a scenario's helpers in other threads are left alone. */
static _Thread_local struct {
	bool is_active;
	bool has_failed;
	unsigned long left;
} fault;

void hvp_fault_start(unsigned long num)
{
	fault.is_active = true;
	fault.has_failed = false;
	fault.left = num;
}

bool hvp_fault_stop(void)
{
	fault.is_active = false;
	return fault.has_failed;
}

/* Whether this allocation is to fail. */
static bool fails(void)
{
	if (!fault.is_active)
		return false;
	if (fault.left) {
		fault.left--;
		return false;
	}
	fault.has_failed = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t num, size_t size)
{
	return fails() ? NULL : __real_calloc(num, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fails() ? NULL : __real_strndup(text, size);
}

int __wrap_vasprintf(char **ret, const char *format, va_list args)
{
	return fails() ? -1 : __real_vasprintf(ret, format, args);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = __wrap_vasprintf(ret, format, args);
	va_end(args);
	return n;
}

unsigned long hvp_fault_every_allocation(struct hvp_error *(*scenario)(void *arg), void *arg)
{
	for (unsigned long num = 0; num < MAX_RUNS; num++) {
		struct hvp_error *err;
		bool has_failed;

		hvp_fault_start(num);
		err = scenario(arg);
		has_failed = hvp_fault_stop();
		if (err && err != hvp_error_no_memory)
			fail_msg("allocation %lu failed: %s", num, hvp_error_message(err));
		if (has_failed)
			continue;
		assert_null(err);
		assert_true(num > 0);
		return num + 1;
	}
	fail_msg("the scenario wants more than %lu allocations", MAX_RUNS);
	return 0;
}
