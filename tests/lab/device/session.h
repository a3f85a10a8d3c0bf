/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session of /dev/hvpmu, with all that its rings have said. */
#ifndef DEVICE_SESSION_H
#define DEVICE_SESSION_H

#include <hvpmu/hvpmu.h>
#include <hvpmu/ring.h>
#include <linux/uapi/hvpmu.h>

#define SESSION_DATA_SIZE (1u << 20)
#define SESSION_MAX_CPUS 8
#define SESSION_MAX_KINDS 64
#define SESSION_MAX_KNOWN 256

/* Samples of one kind. */
struct session_kind {
	uint32_t domain;
	uint16_t vcpu, event;
	uint8_t cpl;
	bool is_guest;
	unsigned int samples, chains, cut;
};

/* What one CPU's ring has said. */
struct session_ring {
	struct hvpmu_ring_reader reader;
	unsigned int samples, events;
	uint64_t last_tsc;
	uint64_t known[SESSION_MAX_KNOWN]; /* vCPUs and domains that it named */
	unsigned int num_known;
};

struct session {
	int fd;
	const struct hvpmu_dev_event *events;
	unsigned int num_events;
	uint64_t data_size;
	bool is_chained, has_clock;
	struct hvpmu_dev_info info;
	struct session_ring rings[SESSION_MAX_CPUS];
	struct session_kind kinds[SESSION_MAX_KINDS];
	unsigned int num_kinds, num_ended;
	uint64_t lost; /* by LOST records */
	uint64_t begin_tsc;
	uint32_t last_domain, last_ended; /* that was named, that has ended */
	uint32_t last_pid;
	char last_name[32];
};

typedef void (*session_look)(const struct session *s, const struct hvpmu_record_sample *sample);

/* Cycles and instructions, as everybody asks for them. */
#define SESSION_NUM_DEFAULT 2
extern const struct hvpmu_dev_event session_default[SESSION_NUM_DEFAULT];

struct hvpmu_dev_setup session_setup(const struct hvpmu_dev_event *events, uint32_t num,
				     uint64_t data_size, uint32_t flags);

void session_begin(struct session *s, const struct hvpmu_dev_event *events, unsigned int num_events,
		   uint64_t data_size, uint32_t flags);
void session_enable(struct session *s);
void session_disable(struct session *s);
/* Enabled for as long, and read. */
void session_run(struct session *s, long ms, session_look look);
/* Takes all that is there, and checks each record against what the device promises. `look` may be NULL. */
void session_drain(struct session *s, session_look look);
void session_end(struct session *s);

/* The samples of one vCPU of guests, or of all: -1. */
unsigned int session_in_guests(const struct session *s, int vcpu);
unsigned int session_samples(const struct session *s);
struct hvpmu_dev_times session_times(const struct session *s, unsigned int event);
/* As the header pages count them. */
uint64_t session_lost(const struct session *s);

/* Of a record, as session_drain() does; records.c. */
void session_take(struct session *s, uint32_t cpu, const struct hvpmu_record *record);

void wait_ms(long ms);

#endif
