/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people: names from outside made harmless, numbers made readable. All write into the
 * caller's buffer, always NUL-terminated, and return it, so that they can stand in an argument
 * list.
 */
#ifndef HVP_COMMON_CLI_TEXT_H
#define HVP_COMMON_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Enough for each of the number functions. */
#define HVP_TEXT_NUMBER 32

/*
 * A name that others chose (a comm, a path, a guest's name) without control characters: C0, DEL and
 * C1 as well as bytes that are not UTF-8 become \xNN, directional overrides \u202e. What does not
 * fit is cut between characters and ends in "...".
 */
char *hvp_text_escape(char *buf, size_t size, const char *text);
/* The same without a limit, to a stream. */
void hvp_text_print(FILE *out, const char *text);

/* Room for one character made harmless. */
#define HVP_TEXT_ESCAPED 9
/* The first character of `text` (`left` bytes, at least one) made harmless; returns how many bytes
 * of it that was. */
size_t hvp_text_escape_next(const char *text, size_t left, char ret[HVP_TEXT_ESCAPED]);

/*
 * Decodes one UTF-8 character (RFC 3629: no overlong forms, no surrogates) of at most `size` bytes;
 * returns its bytes, or 0 when there is none.
 */
size_t hvp_text_decode(const char *text, size_t size, uint32_t *ret);

/* Columns on a terminal; what is not UTF-8 counts one each byte. */
size_t hvp_text_columns(const char *text);

/* 1,234,567 */
char *hvp_text_number(char buf[HVP_TEXT_NUMBER], uint64_t number);
/* 999 B, 12.3 KiB, 1.0 MiB */
char *hvp_text_bytes(char buf[HVP_TEXT_NUMBER], uint64_t bytes);
/* 850 ns, 12.3 us, 45.0 ms, 1.50 s, 2 min 03 s, 1 h 02 min */
char *hvp_text_duration(char buf[HVP_TEXT_NUMBER], uint64_t ns);
/* 12.34% of a whole; "-" when the whole is 0. */
char *hvp_text_percent(char buf[HVP_TEXT_NUMBER], double part, double whole);

#endif
