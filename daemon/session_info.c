/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/session_info.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "common/base/scope.h"
#include "common/session/format.h"
#include "daemon/host/kernel_maps.h"

static struct hvp_error *add_file(struct hvp_session_writer *writer, const char *key,
				  const char *root, const char *name)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	char text[4096];

	if (asprintf(&path, "%s/%s", root, name) < 0)
		return hvp_error_no_memory;
	if (hvp_file_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return NULL;
	return hvp_session_writer_add_info(writer, key, text);
}

/* "model name : AMD EPYC" of the first processor. */
static struct hvp_error *add_cpu_model(struct hvp_session_writer *writer,
				       const struct hvp_host_roots *roots)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	char text[4096];
	char *value;

	if (asprintf(&path, "%s/cpuinfo", roots->proc) < 0)
		return hvp_error_no_memory;
	if (hvp_file_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return NULL;
	value = strstr(text, "model name");
	value = value ? strchr(value, ':') : NULL;
	if (!value)
		return NULL;
	value += strspn(value, ": \t");
	value[strcspn(value, "\n")] = 0;
	return hvp_session_writer_add_info(writer, HVP_INFO_CPU_MODEL, value);
}

static struct hvp_error *add_kernel(struct hvp_session_writer *writer,
				    const struct hvp_host_roots *roots)
{
	char hex[2 * HVP_BUILD_ID_MAX + 1];
	struct hvp_build_id id;
	struct utsname host;

	if (!uname(&host)) {
		hvp_try(hvp_session_writer_add_info(writer, HVP_INFO_HOSTNAME, host.nodename));
		hvp_try(hvp_session_writer_add_info(writer, HVP_INFO_KERNEL, host.release));
		hvp_try(hvp_session_writer_add_info(writer, HVP_INFO_ARCH, host.machine));
	}
	if (!hvp_kernel_build_id(roots, &id))
		return NULL;
	for (int i = 0; i < id.size; i++)
		snprintf(hex + 2 * i, 3, "%02x", id.bytes[i]);
	return hvp_session_writer_add_info(writer, HVP_INFO_KERNEL_BUILD_ID, hex);
}

static struct hvp_error *add_clock(struct hvp_session_writer *writer)
{
	struct timespec now;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(text, sizeof(text), "%" PRIu64,
		 (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	hvp_try(hvp_session_writer_add_info(writer, HVP_INFO_CLOCK, "monotonic"));
	return hvp_session_writer_add_info(writer, HVP_INFO_START_REALTIME, text);
}

struct hvp_error *hvp_session_info_add(struct hvp_session_writer *writer,
				       const struct hvp_host_roots *roots,
				       const struct hvp_session_facts *facts)
{
	hvp_try(hvp_session_writer_add_info(writer, HVP_INFO_VERSION, HVP_VERSION));
	if (facts->command_line)
		hvp_try(hvp_session_writer_add_info(writer, HVP_INFO_COMMAND, facts->command_line));
	hvp_try(hvp_session_writer_add_info(writer, HVP_INFO_SOURCE, facts->source));
	hvp_try(hvp_session_writer_add_info(writer, HVP_INFO_TARGET, facts->target));
	hvp_try(add_clock(writer));
	hvp_try(add_kernel(writer, roots));
	hvp_try(add_cpu_model(writer, roots));
	hvp_try(add_file(writer, HVP_INFO_BOOT_ID, roots->proc, "sys/kernel/random/boot_id"));
	hvp_try(add_file(writer, HVP_INFO_CPUS_ONLINE, roots->sys, "devices/system/cpu/online"));
	return add_file(writer, HVP_INFO_CPUS_POSSIBLE, roots->sys, "devices/system/cpu/possible");
}
