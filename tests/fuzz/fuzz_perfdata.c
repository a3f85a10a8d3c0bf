/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A perf.data file of any bytes: read to its end by the source that hvprof import uses. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/perfdata/perfdata_source.h"
#include "daemon/record_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads whatever it is lent, so that a sanitizer sees what cannot be read. */
static struct hvp_error *see_sample(void *arg, struct hvp_sample *sample)
{
	uint64_t *sum = arg;

	if (sample->chain.num_frames > HVP_MAX_CHAIN ||
	    sample->chain.num_kernel > sample->chain.num_frames || sample->cpu >= HVP_MAX_CPUS)
		abort();
	for (uint32_t i = 0; i < sample->chain.num_frames; i++)
		*sum += sample->chain.frames[i];
	return NULL;
}

static struct hvp_error *see_record(void *arg, const struct hvp_record *record)
{
	uint64_t *sum = arg;

	switch (record->type) {
	case HVP_RECORD_MMAP:
		if (record->mmap.build_id_size > HVP_BUILD_ID_MAX)
			abort();
		*sum += strlen(record->mmap.path);
		break;
	case HVP_RECORD_COMM: *sum += strlen(record->comm.name); break;
	case HVP_RECORD_KSYMBOL: *sum += strlen(record->ksymbol.name); break;
	case HVP_RECORD_NOTE: *sum += strlen(record->note.text); break;
	default: break;
	}
	return NULL;
}

static struct hvp_error *read_all(const char *path, uint64_t *sum)
{
	const struct hvp_sink sink = {see_sample, see_record, sum};
	const struct hvp_record_config config = {.input = path};
	hvp_scope(hvp_source_destroy_scope) struct hvp_source *source = NULL;
	bool has_more = true;

	hvp_try(hvp_perfdata_source_ops.open(&config, &sink, NULL, &source));
	hvp_try(source->ops->start(source));
	while (has_more)
		hvp_try(source->ops->drain(source, &has_more));
	return source->ops->stop(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hvp_scope(hvp_close_fd) int fd = memfd_create("perf.data", MFD_CLOEXEC);
	char path[64];
	uint64_t sum = 0;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	hvp_error_destroy(read_all(path, &sum));
	return 0;
}
