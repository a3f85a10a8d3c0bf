/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared libraries that few runs need. One with large tables costs every start of the program
 * milliseconds for their relocation: it is loaded by who needs it.
 */
#ifndef HVP_COMMON_BASE_LIBRARY_H
#define HVP_COMMON_BASE_LIBRARY_H

#include <stddef.h>

#include "common/base/error.h"

struct hvp_library_function {
	const char *name;
	/* Of a pointer to such a function. */
	void *place;
};

/*
 * Loads the library with the soname `file` and finds its functions. It stays until the program ends;
 * to load it again is cheap. HVP_ERROR_UNSUPPORTED when it or one of the functions is not there.
 */
struct hvp_error *hvp_library_load(const char *file, const struct hvp_library_function *functions,
				   size_t num) hvp_must_use;

#endif
