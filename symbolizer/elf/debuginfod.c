/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/elf/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* elfutils/debuginfod.h: a handle, its callback, and the two questions asked here. */
typedef struct debuginfod_client client_t;
typedef int (*progress_fn)(client_t *client, long done, long total);

struct hvp_debuginfod {
	struct hvp_debuginfod_options options;
	pthread_mutex_t lock;
	void *library;
	client_t *client;
	/* How much of the transfer was last shown. */
	long shown;
	/* Why there is no client; said once. */
	bool has_failed;
	client_t *(*begin)(void);
	void (*end)(client_t *client);
	void (*set_progress)(client_t *client, progress_fn progress);
	void (*set_user_data)(client_t *client, void *data);
	void *(*get_user_data)(client_t *client);
	int (*find[2])(client_t *client, const unsigned char *build_id, int size, char **path);
};

/*
 * The callback gets only the client, and user data are read with a function of the library: keep
 * that function here.
 */
static void *(*get_user_data)(client_t *client);

struct hvp_error *hvp_debuginfod_create(const struct hvp_debuginfod_options *options,
					struct hvp_debuginfod **ret)
{
	struct hvp_debuginfod *debuginfod = calloc(1, sizeof(*debuginfod));

	if (!debuginfod)
		return hvp_error_no_memory;
	debuginfod->options = *options;
	pthread_mutex_init(&debuginfod->lock, NULL);
	*ret = debuginfod;
	return NULL;
}

void hvp_debuginfod_destroy(struct hvp_debuginfod *debuginfod)
{
	if (!debuginfod)
		return;
	if (debuginfod->client)
		debuginfod->end(debuginfod->client);
	/* The library stays loaded: libcurl below it registers exit handlers. */
	pthread_mutex_destroy(&debuginfod->lock);
	free(debuginfod);
}

/* A non-zero answer ends the transfer. */
static int on_progress(client_t *client, long done, long total)
{
	struct hvp_debuginfod *debuginfod = get_user_data(client);
	char text[64];

	if (debuginfod->options.interrupted && *debuginfod->options.interrupted)
		return 1;
	/* The line says tenths of MB: no need to draw it anew for less. */
	if (debuginfod->options.progress && total > 0 && done / 100000 != debuginfod->shown) {
		debuginfod->shown = done / 100000;
		snprintf(text, sizeof(text), "%.1f of %.1f MB", (double)done / 1e6,
			 (double)total / 1e6);
		debuginfod->options.progress(debuginfod->options.progress_arg, "downloading", text);
	}
	return 0;
}

static struct hvp_error *load(struct hvp_debuginfod *debuginfod)
{
	const struct {
		const char *name;
		void *place;
	} functions[] = {
		{"debuginfod_begin", &debuginfod->begin},
		{"debuginfod_end", &debuginfod->end},
		{"debuginfod_set_progressfn", &debuginfod->set_progress},
		{"debuginfod_set_user_data", &debuginfod->set_user_data},
		{"debuginfod_get_user_data", &debuginfod->get_user_data},
		{"debuginfod_find_debuginfo", &debuginfod->find[HVP_DEBUGINFOD_DEBUGINFO]},
		{"debuginfod_find_executable", &debuginfod->find[HVP_DEBUGINFOD_EXECUTABLE]},
	};
	const char *urls = getenv("DEBUGINFOD_URLS");

	if (!urls || !*urls)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"no server to ask: set DEBUGINFOD_URLS, for Debian to "
					"https://debuginfod.debian.net");
	debuginfod->library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!debuginfod->library)
		return hvp_error_create(
			HVP_ERROR_UNSUPPORTED,
			"libdebuginfod.so.1 cannot be loaded; install libdebuginfod1");
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		*(void **)functions[i].place = dlsym(debuginfod->library, functions[i].name);
		if (!*(void **)functions[i].place)
			return hvp_error_create(
				HVP_ERROR_UNSUPPORTED,
				"libdebuginfod.so.1 lacks %s; install elfutils 0.180 "
				"or later",
				functions[i].name);
	}
	debuginfod->client = debuginfod->begin();
	if (!debuginfod->client)
		return hvp_error_no_memory;
	get_user_data = debuginfod->get_user_data;
	debuginfod->set_user_data(debuginfod->client, debuginfod);
	debuginfod->set_progress(debuginfod->client, on_progress);
	return NULL;
}

static struct hvp_error *find_locked(struct hvp_debuginfod *debuginfod,
				     enum hvp_debuginfod_kind kind, const uint8_t *build_id,
				     size_t size, char **ret_path)
{
	struct hvp_error *err;
	int fd;

	if (debuginfod->options.interrupted && *debuginfod->options.interrupted)
		return hvp_error_create(HVP_ERROR_CANCELLED, "interrupted");
	if (debuginfod->has_failed)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "debuginfod cannot be used");
	if (!debuginfod->client) {
		err = load(debuginfod);
		debuginfod->has_failed = err != NULL;
		hvp_try(err);
	}
	fd = debuginfod->find[kind](debuginfod->client, build_id, (int)size, ret_path);
	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	if (debuginfod->options.interrupted && *debuginfod->options.interrupted)
		return hvp_error_create(HVP_ERROR_CANCELLED, "interrupted");
	if (fd == -ENOENT || fd == -ENOSYS)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "no debuginfod server has it");
	return hvp_error_from_errno(-fd, "the debuginfod servers do not answer");
}

struct hvp_error *hvp_debuginfod_find(struct hvp_debuginfod *debuginfod,
				      enum hvp_debuginfod_kind kind, const uint8_t *build_id,
				      size_t size, char **ret_path)
{
	struct hvp_error *err;

	*ret_path = NULL;
	pthread_mutex_lock(&debuginfod->lock);
	err = find_locked(debuginfod, kind, build_id, size, ret_path);
	pthread_mutex_unlock(&debuginfod->lock);
	return err;
}
