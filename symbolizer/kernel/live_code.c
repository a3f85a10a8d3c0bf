/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code of the kernel that is running, for a session of this very boot. What a session says of
 * addresses is not believed: only a function that the kernel itself has there now is read, so that
 * neither a module that was loaded again nor a session of somebody else shows other memory.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "symbolizer/kernel/kcore.h"

#define MAX_KALLSYMS ((size_t)256 << 20)

struct live_symbols {
	struct hvp_file text;
	struct hvp_kallsyms kallsyms;
};

static void live_symbols_deinit(struct live_symbols *live)
{
	hvp_kallsyms_deinit(&live->kallsyms);
	hvp_file_deinit(&live->text);
}

static struct hvp_error *read_symbols(const struct hvp_kernel *kernel, struct live_symbols *ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/kallsyms", hvp_kernel_proc(&kernel->sources));
	hvp_try(hvp_file_read_below(NULL, path, MAX_KALLSYMS, &ret->text));
	hvp_try(hvp_kallsyms_parse((char *)ret->text.data, ret->text.size, path, &ret->kallsyms));
	if (ret->kallsyms.is_restricted)
		return hvp_error_create(HVP_ERROR_NOT_FOUND,
					"%s hides addresses: annotate as root, with "
					"kernel.kptr_restrict=0 or 1",
					path);
	return NULL;
}

static bool has_function(const struct hvp_kallsyms *kallsyms, const char *name, uint64_t address)
{
	for (size_t i = 0; i < kallsyms->num; i++) {
		const struct hvp_kallsyms_symbol *symbol = &kallsyms->symbols[i];

		if (symbol->address == address && hvp_kallsyms_is_text(symbol->type) &&
		    !strcmp(symbol->name, name))
			return true;
	}
	return false;
}

/* Where it runs: an image may have link-time addresses. */
static bool to_run_time(const struct hvp_kernel *kernel, const struct hvp_image *image,
			uint64_t address, size_t size, uint64_t *ret)
{
	for (size_t i = 0; i < kernel->num_ranges; i++) {
		const struct hvp_kernel_range *range = &kernel->ranges[i];
		uint64_t at = address + range->delta;

		if (range->image != image || at < range->begin || at >= range->end ||
		    size > range->end - at)
			continue;
		*ret = at;
		return true;
	}
	return false;
}

static struct hvp_error *check(const struct hvp_kernel *kernel, const struct hvp_image *image,
			       const char *name, uint64_t address, size_t size, uint64_t *ret)
{
	hvp_scope(live_symbols_deinit) struct live_symbols live = {0};

	if (!kernel->sources.is_live)
		return hvp_error_create(HVP_ERROR_NOT_FOUND,
					"the session is of another machine or of another boot");
	if (!to_run_time(kernel, image, address, size, ret))
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "%s is not within the code of %s",
					name, image->name);
	hvp_try(read_symbols(kernel, &live));
	if (!has_function(&live.kallsyms, name, *ret))
		return hvp_error_create(HVP_ERROR_NOT_FOUND,
					"%s is no longer at 0x%" PRIx64
					": its module was removed or loaded again",
					name, *ret);
	return NULL;
}

struct hvp_error *hvp_kernel_live_code(const struct hvp_kernel *kernel,
				       const struct hvp_image *image, const char *name,
				       uint64_t address, size_t size, uint8_t *ret)
{
	hvp_scope(hvp_kcore_close) struct hvp_kcore kcore = {.fd = -1};
	char path[PATH_MAX];
	uint64_t at;

	hvp_try(check(kernel, image, name, address, size, &at));
	snprintf(path, sizeof(path), "%s/kcore", hvp_kernel_proc(&kernel->sources));
	hvp_try(hvp_kcore_open(path, &kcore));
	return hvp_kcore_read(&kcore, at, size, ret);
}
