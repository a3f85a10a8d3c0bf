/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console.h"

#define SERIAL 0x3f8
#define DEBUG_EXIT 0xf4

static void put(char c)
{
	while (!(inb(SERIAL + 5) & 0x20))
		;
	outb(SERIAL, (u8)c);
}

static void put_string(const char *string)
{
	while (*string)
		put(*string++);
}

static void put_number(u64 value, u32 base)
{
	char digits[24];
	u32 num = 0;

	do {
		digits[num++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (num)
		put(digits[--num]);
}

void console_vprint(const char *format, va_list arguments)
{
	for (; *format; format++) {
		bool is_long = false;

		if (*format != '%') {
			put(*format);
			continue;
		}
		for (format++; *format == '#' || *format == 'l'; format++) {
			if (*format == '#')
				put_string("0x");
			is_long |= *format == 'l';
		}
		if (*format == 's')
			put_string(va_arg(arguments, const char *));
		else
			put_number(is_long ? va_arg(arguments, u64) : va_arg(arguments, u32),
				   *format == 'x' ? 16 : 10);
	}
}

void console_print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	console_vprint(format, arguments);
	va_end(arguments);
}

void console_exit(bool is_well)
{
	outb(DEBUG_EXIT, is_well ? 16 : 17);
	for (;;)
		__asm__ volatile("cli; hlt");
}
