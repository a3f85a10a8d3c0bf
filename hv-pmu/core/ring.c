// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <hvpmu/hvpmu.h>
#include <hvpmu/ring.h>

int hvpmu_ring_init(struct hvpmu_ring *ring, struct hvpmu_ring_page *page, void *data, u64 size,
		    u32 header_size, u32 cpu)
{
	if (size < HVPMU_RING_DATA_MIN || size > HVPMU_RING_DATA_MAX || size & (size - 1) ||
	    header_size < sizeof(*page) || header_size > 0xffff)
		return HVPMU_INVALID;
	memset(ring, 0, sizeof(*ring));
	ring->page = page;
	ring->data = data;
	ring->size = size;
	page->version = HVPMU_RING_VERSION;
	page->header_size = (u16)header_size;
	page->cpu = cpu;
	page->data_size = size;
	hvpmu_env_barrier();
	page->magic = HVPMU_RING_MAGIC;
	return HVPMU_OK;
}

static struct hvpmu_record *record_at(const struct hvpmu_ring *ring, u64 offset)
{
	return (struct hvpmu_record *)(ring->data + (offset & (ring->size - 1)));
}

/* Bytes to skip so that `size` bytes do not wrap. */
static u64 padding_at(u64 ring_size, u64 offset, u32 size)
{
	u64 left = ring_size - (offset & (ring_size - 1));

	return size <= left ? 0 : left;
}

/* A tail that the consumer cannot have reached counts as no progress: the ring is full. */
static bool has_room(const struct hvpmu_ring *ring, u64 offset, u64 need)
{
	u64 used = offset - hvpmu_env_load_acquire(&ring->page->tail);

	return used <= ring->size && need <= ring->size - used;
}

static void enter(struct hvpmu_ring *ring)
{
	/* Who preempts puts back what it found, so this need not be atomic. */
	ring->nesting++;
	hvpmu_env_barrier();
}

void hvpmu_ring_commit(struct hvpmu_ring *ring)
{
	volatile u32 *nesting = &ring->nesting;
	volatile u64 *reserved = &ring->reserved;
	u64 head;

	hvpmu_env_barrier();
	if (*nesting > 1) {
		(*nesting)--;
		return;
	}
	/* The outermost context publishes for all; one that preempts it here leaves it to us. */
	for (;;) {
		head = *reserved;
		hvpmu_env_store_release(&ring->page->head, head);
		*nesting = 0;
		hvpmu_env_barrier();
		if (head == *reserved)
			return;
		*nesting = 1;
	}
}

/* Losses that no record has told of: each goes to one context, whoever preempts whom. */
static u64 take_lost(struct hvpmu_ring *ring)
{
	u64 lost;

	do {
		lost = *(volatile u64 *)&ring->lost;
	} while (!hvpmu_env_cmpxchg(&ring->lost, lost, 0));
	return lost;
}

/* There is room for it. Who preempted us since we looked has told of them: then it is padding. */
static void fill_lost(struct hvpmu_record *record, u64 count)
{
	struct hvpmu_record_lost *lost = (struct hvpmu_record_lost *)record;

	lost->header = (struct hvpmu_record){.size = sizeof(*lost),
					     .type = count ? HVPMU_RECORD_LOST : HVPMU_RECORD_PAD};
	lost->count = count;
}

static void *lose(struct hvpmu_ring *ring)
{
	hvpmu_env_add(&ring->lost, 1);
	hvpmu_env_add(&ring->page->lost, 1);
	hvpmu_ring_commit(ring);
	return NULL;
}

void *hvpmu_ring_reserve(struct hvpmu_ring *ring, u32 size)
{
	u64 offset, lost, padding;
	u32 total;

	enter(ring);
	if (size < sizeof(struct hvpmu_record) || size > HVPMU_RECORD_SIZE_MAX || size % 8)
		return lose(ring);
	do {
		offset = *(volatile u64 *)&ring->reserved;
		lost = *(volatile u64 *)&ring->lost;
		total = size + (lost ? (u32)sizeof(struct hvpmu_record_lost) : 0);
		padding = padding_at(ring->size, offset, total);
		if (!has_room(ring, offset, padding + total))
			return lose(ring);
	} while (!hvpmu_env_cmpxchg(&ring->reserved, offset, offset + padding + total));
	if (padding) {
		*record_at(ring, offset) =
			(struct hvpmu_record){.size = (u32)padding, .type = HVPMU_RECORD_PAD};
		offset += padding;
	}
	if (lost) {
		fill_lost(record_at(ring, offset), take_lost(ring));
		offset += sizeof(struct hvpmu_record_lost);
	}
	return record_at(ring, offset);
}
