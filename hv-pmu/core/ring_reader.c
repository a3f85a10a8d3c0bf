// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <hvpmu/hvpmu.h>
#include <hvpmu/ring.h>

int hvpmu_ring_reader_init(struct hvpmu_ring_reader *reader, struct hvpmu_ring_page *page,
			   const void *data, u64 data_size)
{
	if (page->magic != HVPMU_RING_MAGIC || page->version != HVPMU_RING_VERSION ||
	    page->data_size != data_size || !data_size || data_size & (data_size - 1) ||
	    page->tail % 8)
		return HVPMU_INVALID;
	*reader = (struct hvpmu_ring_reader){
		.page = page,
		.data = data,
		.size = data_size,
		.tail = page->tail,
	};
	reader->head = reader->tail;
	return HVPMU_OK;
}

/* Records begin at multiples of 8: a head that is none is not one to go on from. */
static int skip_all(struct hvpmu_ring_reader *reader)
{
	reader->head &= ~(u64)7;
	reader->tail = reader->head;
	return HVPMU_INVALID;
}

int hvpmu_ring_next(struct hvpmu_ring_reader *reader, const struct hvpmu_record **ret)
{
	*ret = NULL;
	for (;;) {
		const struct hvpmu_record *record;
		u64 offset = reader->tail & (reader->size - 1);

		if (reader->tail == reader->head)
			reader->head = hvpmu_env_load_acquire(&reader->page->head);
		if (reader->tail == reader->head)
			return HVPMU_OK;
		if (reader->head - reader->tail > reader->size || reader->head % 8)
			return skip_all(reader);
		record = (const struct hvpmu_record *)(reader->data + offset);
		if (record->size < sizeof(*record) || record->size % 8 ||
		    record->size > reader->head - reader->tail ||
		    record->size > reader->size - offset)
			return skip_all(reader);
		reader->tail += record->size;
		if (record->type != HVPMU_RECORD_PAD) {
			*ret = record;
			return HVPMU_OK;
		}
	}
}

void hvpmu_ring_release(struct hvpmu_ring_reader *reader)
{
	hvpmu_env_store_release(&reader->page->tail, reader->tail);
}
