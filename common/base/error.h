/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors as values.
 *
 * A function that can fail returns `struct hvp_error *`: NULL is success, anything else is owned by
 * the caller, who hands it on (`hvp_try`), adds to it (`hvp_error_wrap`) or destroys it. A message
 * says what was tried, on what, why it failed and what to do next; it is one line without a
 * trailing newline. Out of memory is a static instance, so reporting it needs no memory.
 */
#ifndef HVP_COMMON_BASE_ERROR_H
#define HVP_COMMON_BASE_ERROR_H

#include <stdarg.h>
#include <stdint.h>

#define hvp_must_use __attribute__((warn_unused_result))
/* Lets the compiler see that a failure is never mistaken for success. */
#define hvp_returns_error __attribute__((returns_nonnull))
#define hvp_printf(fmt, args) __attribute__((format(printf, fmt, args)))

enum hvp_error_code {
	HVP_ERROR_OTHER,
	HVP_ERROR_NO_MEMORY,
	/* A system call failed; hvp_error_errno() says how. */
	HVP_ERROR_OS,
	/* Input does not have the form that its format prescribes. */
	HVP_ERROR_FORMAT,
	/* Input ends too early. */
	HVP_ERROR_TRUNCATED,
	/* The thing asked for does not exist (a symbol, a domain, debug information). */
	HVP_ERROR_NOT_FOUND,
	/* The command line or configuration is wrong: exit status 2. */
	HVP_ERROR_USAGE,
	/* This kernel, machine or build cannot do it. */
	HVP_ERROR_UNSUPPORTED,
	/* A privilege is lacking; the message names it and the command that grants it. */
	HVP_ERROR_PERMISSION,
	/* The user asked to stop waiting. */
	HVP_ERROR_CANCELLED,
};

struct hvp_error;

/* The shared out-of-memory error; destroying it does nothing. Never NULL. */
extern struct hvp_error *const hvp_error_no_memory;

struct hvp_error *hvp_error_create(enum hvp_error_code code, const char *format,
				   ...) hvp_must_use hvp_returns_error hvp_printf(2, 3);

/*
 * HVP_ERROR_OS (HVP_ERROR_NO_MEMORY for ENOMEM) with strerror(os_errno) behind the formatted text.
 */
struct hvp_error *hvp_error_from_errno(int os_errno, const char *format,
				       ...) hvp_must_use hvp_returns_error hvp_printf(2, 3);

/* HVP_ERROR_FORMAT or _TRUNCATED at a byte of a named input: "PATH: offset 0x1f0: text". */
struct hvp_error *hvp_error_at(enum hvp_error_code code, const char *path, uint64_t offset,
			       const char *format, ...) hvp_must_use hvp_returns_error
	hvp_printf(4, 5);

/*
 * Puts "formatted text: " before the message of `err`, which it consumes. Returns the error to hand
 * on; with no memory left, `err` as it was.
 */
struct hvp_error *hvp_error_wrap(struct hvp_error *err, const char *format,
				 ...) hvp_must_use hvp_returns_error hvp_printf(2, 3);

/* Accepts NULL. */
void hvp_error_destroy(struct hvp_error *err);

/* The text lives as long as `err`. */
const char *hvp_error_message(const struct hvp_error *err);
enum hvp_error_code hvp_error_code(const struct hvp_error *err);
/* The errno value of an HVP_ERROR_OS, otherwise 0. */
int hvp_error_errno(const struct hvp_error *err);

/* Hands an error on to the caller of the current function. */
#define hvp_try(expression)                                                                        \
	do {                                                                                       \
		struct hvp_error *hvp_try_err = (expression);                                      \
		if (hvp_try_err)                                                                   \
			return hvp_try_err;                                                        \
	} while (0)

#endif
