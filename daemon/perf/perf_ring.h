/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring that the kernel fills and we empty (perf_event_open(2), "MMAP layout"): one control
 * page, then 2^n pages of data. Records are handed out in place; only one that wraps at the end is
 * copied. The contents are not trusted: a size that cannot be ends the pass, and what is left of it
 * is given up and counted.
 *
 *	hvp_perf_ring_begin(&ring);
 *	while (hvp_perf_ring_next(&ring, &record))
 *		...
 *	hvp_perf_ring_end(&ring);
 */
#ifndef HVP_DAEMON_PERF_RING_H
#define HVP_DAEMON_PERF_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/perf_event.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"

/* perf_event_header.size has 16 bits. */
#define HVP_PERF_MAX_RECORD 65536u

struct hvp_perf_ring {
	struct perf_event_mmap_page *control;
	const uint8_t *data;
	/* A power of two. */
	uint64_t size;
	/* Positions count on and on; the place is position % size. */
	uint64_t position, head;
	/* A record that wraps is put together here. */
	uint8_t *bounce;
	/* Bytes given up because of a record that cannot be. */
	uint64_t corrupt_bytes;
	/* 0: not mapped by hvp_perf_ring_map(). */
	size_t map_size;
};

/* `pages` is a power of two. Errors name the limit that is in the way. */
struct hvp_error *hvp_perf_ring_map(struct hvp_perf_ring *ring, int fd, uint32_t pages,
				    const struct hvp_host_roots *roots) hvp_must_use;
/*
 * A ring in memory of the caller's: for tests and replay. `size` is a power of two of at least 8.
 */
struct hvp_error *hvp_perf_ring_attach(struct hvp_perf_ring *ring,
				       struct perf_event_mmap_page *control, const void *data,
				       uint64_t size) hvp_must_use;
void hvp_perf_ring_deinit(struct hvp_perf_ring *ring);

/* Looks how far the kernel has come. */
void hvp_perf_ring_begin(struct hvp_perf_ring *ring);
/* Everything up to the head is given up. */
void hvp_perf_ring_give_up(struct hvp_perf_ring *ring);
/* In one piece: a record that begins at `place` and goes on at the ring's beginning. */
const struct perf_event_header *hvp_perf_ring_join(struct hvp_perf_ring *ring, uint64_t place,
						   uint16_t size);

/* The next record of header.size bytes, valid until the next call. */
static inline bool hvp_perf_ring_next(struct hvp_perf_ring *ring,
				      const struct perf_event_header **ret)
{
	uint64_t left = ring->head - ring->position;
	uint64_t place = ring->position & (ring->size - 1);
	const struct perf_event_header *header =
		(const struct perf_event_header *)(ring->data + place);
	uint16_t size;

	if (!left)
		return false;
	/*
	 * Records are aligned to 8 bytes, and so a header never wraps. One read: the size that is
	 * checked is the size that is used.
	 */
	size = left < sizeof(*header) || place % sizeof(uint64_t)
		       ? 0
		       : __atomic_load_n(&header->size, __ATOMIC_RELAXED);
	if (size < sizeof(*header) || size > left || size % sizeof(uint64_t)) {
		hvp_perf_ring_give_up(ring);
		return false;
	}
	ring->position += size;
	*ret = size <= ring->size - place ? header : hvp_perf_ring_join(ring, place, size);
	return true;
}

/* Gives back to the kernel what was read. */
void hvp_perf_ring_end(struct hvp_perf_ring *ring);

#endif
