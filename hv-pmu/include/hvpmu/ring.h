/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sample ring of one CPU (hvpmu/abi.h). One producer: the CPU itself, in a task, an interrupt
 * or an NMI, each of which may preempt the one before. One consumer: a process that maps it.
 */
#ifndef HVPMU_RING_H
#define HVPMU_RING_H

#include <hvpmu_env.h>
#include <hvpmu/abi.h>

/* The producer's side; private to it, so that the consumer cannot lead it astray. */
struct hvpmu_ring {
	struct hvpmu_ring_page *page;
	u8 *data;
	u64 size;
	u64 reserved; /* offset up to which records have been handed out */
	u64 lost;     /* records lost and not yet told of in a LOST record */
	u32 nesting;  /* contexts between reserve and commit */
	u32 unused;
};

/*
 * `page` and `data` stay the caller's, zeroed, and live as long as the ring. HVPMU_INVALID: the
 * size is no power of two or out of HVPMU_RING_DATA_MIN..MAX. Returns 0.
 */
int hvpmu_ring_init(struct hvpmu_ring *ring, struct hvpmu_ring_page *page, void *data, u64 size,
		    u32 header_size, u32 cpu);

/*
 * Room for a record of `size` bytes (a multiple of 8, at most HVPMU_RECORD_SIZE_MAX), which the
 * caller fills before hvpmu_ring_commit(). NULL: full; the loss is counted, nothing to commit.
 * Between the two calls the CPU must not change; whoever preempts must have committed when it ends.
 */
void *hvpmu_ring_reserve(struct hvpmu_ring *ring, u32 size);

/* The record is whole. It becomes visible when no preempted context is still writing. */
void hvpmu_ring_commit(struct hvpmu_ring *ring);

/* The consumer's side. */
struct hvpmu_ring_reader {
	struct hvpmu_ring_page *page;
	const u8 *data;
	u64 size;
	u64 head; /* as last read */
	u64 tail;
};

/* HVPMU_INVALID: not a ring of this version, or its size is not `data_size`, as it was mapped. */
int hvpmu_ring_reader_init(struct hvpmu_ring_reader *reader, struct hvpmu_ring_page *page,
			   const void *data, u64 data_size);

/*
 * The next record, PADs skipped, valid until hvpmu_ring_release(). NULL in *ret: none now.
 * HVPMU_INVALID: the ring is damaged at offset reader->tail; all that was unread is skipped.
 */
int hvpmu_ring_next(struct hvpmu_ring_reader *reader, const struct hvpmu_record **ret);

/* Gives the room of all records returned so far back to the producer. */
void hvpmu_ring_release(struct hvpmu_ring_reader *reader);

#endif
