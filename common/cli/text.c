/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/text.h"

#include <stdbool.h>
#include <string.h>
#include <wchar.h>

size_t hvp_text_decode(const char *text, size_t size, uint32_t *ret)
{
	/* By the number of leading ones: bits of the first byte, and the smallest character of that
	 * length. */
	static const struct {
		uint8_t mask;
		uint32_t least;
	} forms[] = {{0x7f, 0}, {0, 0}, {0x1f, 0x80}, {0x0f, 0x800}, {0x07, 0x10000}};
	const uint8_t *bytes = (const uint8_t *)text;
	size_t length;
	uint32_t c;

	if (!size)
		return 0;
	length = bytes[0] < 0x80 ? 0 : (size_t)__builtin_clz(~((uint32_t)bytes[0] << 24));
	if (length == 1 || length > 4 || length > size)
		return 0;
	c = bytes[0] & forms[length].mask;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (bytes[i] & 0x3f);
	}
	if (c < forms[length].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return length ? length : 1;
}

/* Characters that turn the direction of what follows and so make a name look like another. */
static bool is_directional(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
	       c == 0x200f || c == 0x2028 || c == 0x2029;
}

size_t hvp_text_escape_next(const char *text, size_t left, char ret[HVP_TEXT_ESCAPED])
{
	uint32_t c;
	size_t length = hvp_text_decode(text, left, &c);

	if (!length) {
		sprintf(ret, "\\x%02x", (unsigned char)text[0]);
		return 1;
	}
	if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
		sprintf(ret, "\\x%02x", (unsigned int)c);
	} else if (is_directional(c)) {
		sprintf(ret, "\\u%04x", (unsigned int)c & 0xffff);
	} else {
		memcpy(ret, text, length);
		ret[length] = '\0';
	}
	return length;
}

char *hvp_text_escape(char *buf, size_t size, const char *text)
{
	size_t left = strlen(text), used = 0;
	/* Where the text can be cut so that "..." still fits. */
	size_t cut = 0;

	if (!size)
		return buf;
	while (left) {
		char escaped[HVP_TEXT_ESCAPED];
		size_t taken = hvp_text_escape_next(text, left, escaped);
		size_t length = strlen(escaped);

		if (used + length >= size) {
			snprintf(buf + cut, size - cut, "...");
			return buf;
		}
		memcpy(buf + used, escaped, length);
		used += length;
		if (used + 3 < size)
			cut = used;
		text += taken;
		left -= taken;
	}
	buf[used] = '\0';
	return buf;
}

void hvp_text_print(FILE *out, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		char escaped[HVP_TEXT_ESCAPED];
		size_t taken = hvp_text_escape_next(text, left, escaped);

		fputs(escaped, out);
		text += taken;
		left -= taken;
	}
}

size_t hvp_text_columns(const char *text)
{
	size_t left = strlen(text), columns = 0;

	while (left) {
		uint32_t c = 0;
		size_t length = hvp_text_decode(text, left, &c);
		int width = length ? wcwidth((wchar_t)c) : 1;

		/* wcwidth() knows nothing beyond ASCII in the C locale. */
		columns += width < 0 ? 1 : (size_t)width;
		text += length ? length : 1;
		left -= length ? length : 1;
	}
	return columns;
}

char *hvp_text_number(char buf[HVP_TEXT_NUMBER], uint64_t number)
{
	char digits[HVP_TEXT_NUMBER];
	int num = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	char *at = buf;

	for (int i = 0; i < num; i++) {
		if (i && (num - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return buf;
}

char *hvp_text_bytes(char buf[HVP_TEXT_NUMBER], uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, HVP_TEXT_NUMBER, "%u B", (unsigned int)bytes);
		return buf;
	}
	/* 1023.95 would be printed as 1024.0. */
	for (; value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1024;
	snprintf(buf, HVP_TEXT_NUMBER, "%.1f %s", value, units[unit]);
	return buf;
}

char *hvp_text_duration(char buf[HVP_TEXT_NUMBER], uint64_t ns)
{
	double value = (double)ns;
	uint64_t seconds = ns / 1000000000 + (ns % 1000000000 >= 500000000);

	if (ns < 1000)
		snprintf(buf, HVP_TEXT_NUMBER, "%u ns", (unsigned int)ns);
	else if (ns < 999950)
		snprintf(buf, HVP_TEXT_NUMBER, "%.1f us", value / 1e3);
	else if (ns < 999950000)
		snprintf(buf, HVP_TEXT_NUMBER, "%.1f ms", value / 1e6);
	else if (ns < 59995000000)
		snprintf(buf, HVP_TEXT_NUMBER, "%.2f s", value / 1e9);
	else if (seconds < 3600)
		snprintf(buf, HVP_TEXT_NUMBER, "%llu min %02llu s",
			 (unsigned long long)seconds / 60, (unsigned long long)seconds % 60);
	else
		snprintf(buf, HVP_TEXT_NUMBER, "%llu h %02llu min",
			 (unsigned long long)seconds / 3600, (unsigned long long)seconds / 60 % 60);
	return buf;
}

char *hvp_text_percent(char buf[HVP_TEXT_NUMBER], double part, double whole)
{
	if (whole > 0)
		snprintf(buf, HVP_TEXT_NUMBER, "%.2f%%", 100 * part / whole);
	else
		snprintf(buf, HVP_TEXT_NUMBER, "-");
	return buf;
}
