/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/base/library.h"

#include <dlfcn.h>

struct hvp_error *hvp_library_load(const char *file, const struct hvp_library_function *functions,
				   size_t num)
{
	void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);

	if (!library)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"%s cannot be loaded: %s: install its package", file,
					dlerror());
	for (size_t i = 0; i < num; i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function)
			return hvp_error_create(HVP_ERROR_UNSUPPORTED,
						"%s has no %s(): install the version that hvprof "
						"was built with",
						file, functions[i].name);
		*(void **)functions[i].place = function;
	}
	return NULL;
}
