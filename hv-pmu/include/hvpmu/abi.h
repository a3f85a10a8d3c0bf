/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the hypervisor and the collector agree on: one ring of sample records per CPU, shared
 * memory of one header page and 2^n bytes of records. Little-endian, natural alignment.
 *
 * Offsets `head` and `tail` grow without end; a record lies at offset & (data_size - 1) and never
 * wraps: what is left before the end is filled by a HVPMU_RECORD_PAD. The consumer reads `head`
 * (acquire), takes whole records up to it, then writes `tail` (release). The header page is mapped
 * writable for `tail` only; whatever else the consumer writes there harms itself alone.
 */
#ifndef HVPMU_ABI_H
#define HVPMU_ABI_H

#if defined(__KERNEL__)
#include <linux/types.h>
#elif defined(__XEN__)
#include <xen/types.h>
#else
#include <stdint.h>
#endif

#define HVPMU_RING_MAGIC 0x554d5056u /* "VPMU" */
#define HVPMU_RING_VERSION 1
#define HVPMU_RING_DATA_MIN 4096u
#define HVPMU_RING_DATA_MAX (1u << 30)

struct hvpmu_ring_page {
	uint32_t magic;
	uint16_t version;
	uint16_t header_size; /* bytes from this page's start to the records */
	uint32_t cpu;
	uint32_t reserved;
	uint64_t data_size; /* a power of two */
	uint64_t head;	    /* bytes ever published */
	uint64_t lost;	    /* records ever lost because the ring was full */
	uint8_t producer_line[24];
	uint64_t tail; /* bytes ever consumed; a cache line of its own */
	uint8_t consumer_line[56];
};

enum hvpmu_record_type {
	HVPMU_RECORD_PAD = 1,
	HVPMU_RECORD_SAMPLE = 2,
	HVPMU_RECORD_LOST = 3,
	HVPMU_RECORD_DOMAIN = 4,
	HVPMU_RECORD_VCPU = 5,
	HVPMU_RECORD_EVENT = 6,
};

/* Every record starts with this; sizes are multiples of 8. Skip types you do not know. */
struct hvpmu_record {
	uint32_t size; /* of the whole record, in bytes */
	uint16_t type; /* enum hvpmu_record_type */
	uint16_t flags;
};

#define HVPMU_RECORD_SIZE_MAX 4096u
#define HVPMU_CHAIN_MAX 127u

/* Flags of a sample. */
#define HVPMU_SAMPLE_GUEST 1u	  /* ip, cpl and cr3 are the guest's */
#define HVPMU_SAMPLE_CHAIN_CUT 2u /* the call chain went on, or became unreadable */
#define HVPMU_SAMPLE_EXACT 4u	  /* ip is the instruction of the overflow, without skid */
#define HVPMU_SAMPLE_THROTTLED 8u /* this event came too often here, and is stopped for a while */

#define HVPMU_NO_DOMAIN 0u
#define HVPMU_NO_VCPU 0xffffu

struct hvpmu_record_sample {
	struct hvpmu_record header;
	uint32_t cpu;
	uint8_t cpl; /* 0 to 3 */
	uint8_t reserved;
	uint16_t event;	 /* of an EVENT record */
	uint32_t domain; /* of a DOMAIN record, or HVPMU_NO_DOMAIN */
	uint16_t vcpu;	 /* or HVPMU_NO_VCPU */
	uint16_t num_chain;
	uint32_t pid; /* of the thread on the CPU, in the host */
	uint32_t tid;
	uint64_t tsc;
	uint64_t ip;
	uint64_t period;
	uint64_t cr3; /* of the guest, or of the host's thread */

	/* uint64_t chain[num_chain]: return addresses, innermost first */
};

struct hvpmu_record_lost {
	struct hvpmu_record header;
	uint64_t count; /* records lost since the last one that was kept */
};

#define HVPMU_DOMAIN_ENDED 1u /* flag: the domain is gone; otherwise it begins */

struct hvpmu_record_domain {
	struct hvpmu_record header;
	uint32_t domain;
	uint32_t pid; /* of the VMM */
	uint64_t tsc;
	/* char name[]: NUL-terminated, filled up to 8 bytes with NULs */
};

struct hvpmu_record_vcpu {
	struct hvpmu_record header;
	uint32_t domain;
	uint32_t tid;
	uint64_t tsc;
	uint16_t vcpu;
	uint16_t reserved[3];
};

struct hvpmu_record_event {
	struct hvpmu_record header;
	uint16_t event;
	uint16_t reserved;
	uint32_t type; /* of perf_event_attr, as config */
	uint64_t config;
	uint64_t period;
	/* char name[]: as in a DOMAIN record */
};

#endif
