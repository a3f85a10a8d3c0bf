/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions made by code, for the tests of everything that reads one: a machine with two guests
 * whose kernels' symbols are carried in the session, so that results do not depend on the machine
 * that runs the test.
 */
#ifndef HVP_TESTS_UNIT_REPORT_MAKE_SESSION_H
#define HVP_TESTS_UNIT_REPORT_MAKE_SESSION_H

#include "common/session/reader.h"
#include "common/session/writer.h"

/* Session clock: it begins at 100 s and lasts 10 s. */
#define MADE_START UINT64_C(100000000000)
#define MADE_END UINT64_C(110000000000)

/* Domains 1 ("web", 2 vCPUs, process 100) and 2 ("db", 1 vCPU, process 200). */
enum made_domain {
	MADE_WEB = 1,
	MADE_DB = 2,
};

/*
 * Addresses: host kernel and guest kernels (each has its own kallsyms), a JIT's code in process
 * 400.
 */
#define HOST_KERNEL(offset) (UINT64_C(0xffffffff81000000) + (offset))
#define HOST_MODULE(offset) (UINT64_C(0xffffffffc0100000) + (offset))
#define GUEST_KERNEL(offset) (UINT64_C(0xffffffff9a000000) + (offset))
#define JIT_CODE(offset) (UINT64_C(0x7f0000000000) + (offset))
#define NO_FILE_CODE(offset) (UINT64_C(0x400000) + (offset))

enum made_kind {
	/* One of everything; what the goldens show. */
	MADE_SMALL,
	/* Names with escape sequences, newlines, bytes that are not UTF-8. */
	MADE_HOSTILE,
	/* Two domains that ran, and no sample from inside. */
	MADE_NO_GUEST,
	/* Two events. */
	MADE_TWO_EVENTS,
	/* Domains but no samples at all. */
	MADE_EMPTY,
	/* The small one, and the collector was killed before it could end it. */
	MADE_KILLED,
	/* Guest samples that know their address space: two programs of web. */
	MADE_SPACES,
};

/* A writer on `fd` with info, event, records and carried files of a kind, but no samples. */
struct hvp_session_writer *made_begin(int fd, enum made_kind kind);
/* Adds the samples of a kind. */
void made_add_samples(struct hvp_session_writer *writer, enum made_kind kind);
/* Ends it as a collector does. */
void made_finish(struct hvp_session_writer *writer);
/* All of the above. */
void made_write(int fd, enum made_kind kind);

/* A sample of the machine: `cpu` 0, one millisecond behind the last one made with this state. */
struct made_state {
	uint64_t time;
};
struct hvp_sample made_guest_sample(struct made_state *state, uint32_t domain, uint32_t vcpu,
				    enum hvp_mode mode, uint64_t ip);
struct hvp_sample made_host_sample(struct made_state *state, uint32_t pid, uint32_t tid,
				   enum hvp_mode mode, uint64_t ip);
/*
 * Adds it `num` times, a millisecond apart, with a chain of callers of which all are kernel when
 * the mode is.
 */
void made_add(struct hvp_session_writer *writer, struct made_state *state, struct hvp_sample sample,
	      unsigned int num, const uint64_t *frames, uint32_t num_frames);

/* Ends the process with the message: these are tools of tests. */
void made_check(struct hvp_error *err);

#endif
