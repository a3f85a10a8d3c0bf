/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sample ring with anything in it: the reader ends, and stays within the ring. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hvpmu/hvpmu.h"
#include "hvpmu/ring.h"

#define DATA_SIZE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte of the record is read, so that a sanitizer sees one outside. */
static unsigned int sum_bytes(const struct hvpmu_record *record)
{
	const uint8_t *bytes = (const uint8_t *)record;
	unsigned int sum = 0;

	for (uint32_t i = 0; i < record->size; i++)
		sum += bytes[i];
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hvpmu_ring_page page = {
		.magic = HVPMU_RING_MAGIC, .version = HVPMU_RING_VERSION, .data_size = DATA_SIZE};
	uint64_t *records = calloc(1, DATA_SIZE);
	struct hvpmu_ring_reader reader;
	const struct hvpmu_record *record;
	unsigned int sum = 0;

	if (!records || size < 16)
		goto out;
	memcpy(&page.tail, data, 8);
	memcpy(&page.head, data + 8, 8);
	memcpy(records, data + 16, size - 16 < DATA_SIZE ? size - 16 : DATA_SIZE);
	page.tail &= ~7ULL; /* the reader's own: always a record's start */
	if (hvpmu_ring_reader_init(&reader, &page, records, DATA_SIZE))
		abort();
	while (!hvpmu_ring_next(&reader, &record) && record)
		sum += sum_bytes(record);
	hvpmu_ring_release(&reader);
	if (page.head - page.tail > DATA_SIZE)
		abort();
	__asm__ __volatile__("" ::"r"(sum));
out:
	free(records);
	return 0;
}
