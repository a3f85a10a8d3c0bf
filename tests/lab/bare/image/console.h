/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial port, and the end of the machine. */
#ifndef HVP_BARE_CONSOLE_H
#define HVP_BARE_CONSOLE_H

#include <stdarg.h>

#include "cpu.h"

/* Of printf: %s, %u, %lu, %x, %lx and their # forms. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_vprint(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* Ends the emulator with status 33 when it is well, 35 when not. */
_Noreturn void console_exit(bool is_well);

#endif
