/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include "console.h"

static u32 num_checks, num_failed;
static u64 num_steps;

/* The first wrong step. */
static struct {
	const char *what; /* NULL: none */
	u64 of, got, want;
} wrong;

void check_begin(void)
{
	wrong.what = NULL;
}

void check_step(u64 got, u64 want, const char *what, u64 of)
{
	num_steps++;
	if (got == want || wrong.what)
		return;
	wrong.what = what;
	wrong.of = of;
	wrong.got = got;
	wrong.want = want;
}

static void report(bool is_ok, const char *name, va_list arguments)
{
	console_print("%s %u ", is_ok ? "ok" : "not ok", ++num_checks);
	console_vprint(name, arguments);
	num_failed += !is_ok;
}

void check_end(const char *name, ...)
{
	va_list arguments;

	va_start(arguments, name);
	report(!wrong.what, name, arguments);
	va_end(arguments);
	if (wrong.what)
		console_print(": %s %#lx: want %#lx got %#lx", wrong.what, wrong.of, wrong.want,
			      wrong.got);
	console_print("\n");
}

void check_u64(u64 got, u64 want, const char *name, ...)
{
	va_list arguments;

	num_steps++;
	va_start(arguments, name);
	report(got == want, name, arguments);
	va_end(arguments);
	if (got != want)
		console_print(": want %#lx got %#lx", want, got);
	console_print("\n");
}

bool check_summary(void)
{
	console_print("1..%u\n", num_checks);
	console_print("# %u checks of %lu steps, %u failed\n", num_checks, num_steps, num_failed);
	return num_checks > 0 && num_failed == 0;
}
