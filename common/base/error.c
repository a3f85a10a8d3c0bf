/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hvp_error {
	enum hvp_error_code code;
	int os_errno;
	char *message;
};

static struct hvp_error no_memory = {
	.code = HVP_ERROR_NO_MEMORY,
	.os_errno = ENOMEM,
	.message = (char *)"out of memory",
};

struct hvp_error *const hvp_error_no_memory = &no_memory;

/* Takes the message over, also when it fails. */
static struct hvp_error *error_from_message(enum hvp_error_code code, int os_errno, char *message)
{
	struct hvp_error *err;

	if (!message)
		return hvp_error_no_memory;
	err = malloc(sizeof(*err));
	if (!err) {
		free(message);
		return hvp_error_no_memory;
	}
	*err = (struct hvp_error){.code = code, .os_errno = os_errno, .message = message};
	return err;
}

/* NULL when there is no memory. */
static char *format_message(const char *format, va_list args)
{
	char *message;

	return vasprintf(&message, format, args) < 0 ? NULL : message;
}

struct hvp_error *hvp_error_create(enum hvp_error_code code, const char *format, ...)
{
	va_list args;
	char *message;

	va_start(args, format);
	message = format_message(format, args);
	va_end(args);
	return error_from_message(code, 0, message);
}

struct hvp_error *hvp_error_from_errno(int os_errno, const char *format, ...)
{
	char *text, *message = NULL;
	va_list args;

	if (os_errno == ENOMEM)
		return hvp_error_no_memory;
	va_start(args, format);
	text = format_message(format, args);
	va_end(args);
	if (text && asprintf(&message, "%s: %s", text, strerror(os_errno)) < 0)
		message = NULL;
	free(text);
	return error_from_message(HVP_ERROR_OS, os_errno, message);
}

struct hvp_error *hvp_error_at(enum hvp_error_code code, const char *path, uint64_t offset,
			       const char *format, ...)
{
	char *text, *message = NULL;
	va_list args;

	va_start(args, format);
	text = format_message(format, args);
	va_end(args);
	if (text &&
	    asprintf(&message, "%s: offset 0x%llx: %s", path, (unsigned long long)offset, text) < 0)
		message = NULL;
	free(text);
	return error_from_message(code, 0, message);
}

struct hvp_error *hvp_error_wrap(struct hvp_error *err, const char *format, ...)
{
	char *text, *message;
	va_list args;
	int n;

	if (err == hvp_error_no_memory)
		return err;
	va_start(args, format);
	text = format_message(format, args);
	va_end(args);
	if (!text)
		return err;
	n = asprintf(&message, "%s: %s", text, err->message);
	free(text);
	if (n < 0)
		return err;
	free(err->message);
	err->message = message;
	return err;
}

void hvp_error_destroy(struct hvp_error *err)
{
	if (!err || err == hvp_error_no_memory)
		return;
	free(err->message);
	free(err);
}

const char *hvp_error_message(const struct hvp_error *err)
{
	return err->message;
}

enum hvp_error_code hvp_error_code(const struct hvp_error *err)
{
	return err->code;
}

int hvp_error_errno(const struct hvp_error *err)
{
	return err->os_errno;
}
