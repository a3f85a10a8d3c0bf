/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the session file share: files in memory, samples made by rule, comparison. */
#ifndef HVP_TESTS_UNIT_SESSION_FIXTURE_H
#define HVP_TESTS_UNIT_SESSION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/session/format.h"
#include "common/session/reader.h"
#include "common/session/writer.h"

/* Fails the test with the error's message. */
void expect_success(struct hvp_error *err);
/* The error is there and its message has the text; destroys it. */
void expect_error(struct hvp_error *err, const char *text);

/* An empty file in memory. */
int make_file(void);
/* A file in memory with contents. */
int make_file_of(const void *data, size_t size);
/* All bytes of a file; free() them. */
uint8_t *read_file(int fd, size_t *ret_size);

struct hvp_session_writer *open_writer(int fd);
struct hvp_session *open_session(int fd);

/* A sequence that depends on the state alone. */
uint64_t next_random(uint64_t *state);

enum sample_style {
	/*
	 * What a busy host with two guests gives: ticks on four CPUs, hot functions, few threads.
	 */
	STYLE_REALISTIC,
	/* Every field at random. */
	STYLE_RANDOM,
};

/* Sample number `index` of a style. `frames` is room for its chain. */
struct hvp_sample make_sample(enum sample_style style, uint64_t index,
			      uint64_t frames[HVP_MAX_CHAIN]);

/* Adds samples 0 to num - 1. */
void add_samples(struct hvp_session_writer *writer, enum sample_style style, uint64_t num);

/*
 * Every sample of the session is one of the style's first num, each at most once; returns how many.
 */
uint64_t expect_samples(const struct hvp_session *session, enum sample_style style, uint64_t num);

#endif
