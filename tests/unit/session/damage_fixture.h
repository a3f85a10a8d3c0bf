/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session to be damaged, and what tells whether its reader bears it. */
#ifndef HVP_TESTS_UNIT_SESSION_DAMAGE_FIXTURE_H
#define HVP_TESTS_UNIT_SESSION_DAMAGE_FIXTURE_H

#include "fixture.h"

#define DAMAGE_SAMPLES 60u
#define DAMAGE_CHUNK_SAMPLES 20u

extern const struct hvp_session_end damage_end;

/* The bytes of a session with everything in it, some kB; to be freed. */
uint8_t *damage_session(size_t *ret_size);
/* The first chunk of a type. */
uint8_t *damage_find_chunk(uint8_t *data, uint16_t type);
uint32_t damage_stored_size(const uint8_t *chunk);

/* Reads all that a session has; a chunk may be refused with an error, nothing may crash. */
uint64_t damage_read_all(const struct hvp_session *session);

#endif
