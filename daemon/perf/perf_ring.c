/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/perf_ring.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/scope.h"

static struct hvp_error *map_error(int os_errno, size_t bytes, const struct hvp_host_roots *roots)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	uint64_t limit = 0;

	if (asprintf(&path, "%s/sys/kernel/perf_event_mlock_kb", roots->proc) < 0)
		return hvp_error_no_memory;
	if (os_errno == EPERM && hvp_file_read_u64(path, &limit))
		return hvp_error_create(
			HVP_ERROR_PERMISSION,
			"a ring of %zu KiB per CPU is more than may be locked: "
			"kernel.perf_event_mlock_kb is %" PRIu64
			" now. Use a smaller -m, or: sysctl -w kernel.perf_event_mlock_kb=%zu",
			bytes / 1024, limit, bytes / 1024 + 4);
	return hvp_error_from_errno(os_errno, "mapping a ring of %zu KiB", bytes / 1024);
}

struct hvp_error *hvp_perf_ring_attach(struct hvp_perf_ring *ring,
				       struct perf_event_mmap_page *control, const void *data,
				       uint64_t size)
{
	*ring = (struct hvp_perf_ring){.control = control, .data = data, .size = size};
	ring->position = control->data_tail;
	ring->head = ring->position;
	/* Aligned like the ring itself, which starts on a page. */
	ring->bounce = malloc(HVP_PERF_MAX_RECORD);
	return ring->bounce ? NULL : hvp_error_no_memory;
}

struct hvp_error *hvp_perf_ring_map(struct hvp_perf_ring *ring, int fd, uint32_t pages,
				    const struct hvp_host_roots *roots)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = page * (pages + (size_t)1);
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct hvp_error *err;

	if (base == MAP_FAILED)
		return map_error(errno, page * pages, roots);
	err = hvp_perf_ring_attach(ring, (struct perf_event_mmap_page *)base, base + page,
				   (uint64_t)page * pages);
	if (err) {
		munmap(base, size);
		*ring = (struct hvp_perf_ring){0};
		return err;
	}
	ring->map_size = size;
	return NULL;
}

void hvp_perf_ring_deinit(struct hvp_perf_ring *ring)
{
	if (ring->map_size)
		munmap(ring->control, ring->map_size);
	free(ring->bounce);
	*ring = (struct hvp_perf_ring){0};
}

void hvp_perf_ring_give_up(struct hvp_perf_ring *ring)
{
	ring->corrupt_bytes += ring->head - ring->position;
	ring->position = ring->head;
}

void hvp_perf_ring_begin(struct hvp_perf_ring *ring)
{
	/* Pairs with the kernel's store: the records up to the head are visible after it. */
	ring->head = __atomic_load_n(&ring->control->data_head, __ATOMIC_ACQUIRE);
	/* A head that ran away: positions in between were overwritten or never written. */
	if (ring->head - ring->position > ring->size)
		hvp_perf_ring_give_up(ring);
}

const struct perf_event_header *hvp_perf_ring_join(struct hvp_perf_ring *ring, uint64_t place,
						   uint16_t size)
{
	uint64_t first = ring->size - place;

	memcpy(ring->bounce, ring->data + place, first);
	memcpy(ring->bounce + first, ring->data, size - first);
	return (const struct perf_event_header *)ring->bounce;
}

void hvp_perf_ring_end(struct hvp_perf_ring *ring)
{
	/* Our reads of the records come before the kernel may write over them. */
	__atomic_store_n(&ring->control->data_tail, ring->position, __ATOMIC_RELEASE);
}
