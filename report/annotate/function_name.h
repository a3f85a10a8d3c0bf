/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions by the names that people give them. */
#ifndef HVP_REPORT_FUNCTION_NAME_H
#define HVP_REPORT_FUNCTION_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a symbol (demangled, with or without parameters) is a function that `name` means: "f"
 * means "f", "f(int)", "f<int>", "f.isra.0" and "ns::Box<int>::f".
 */
bool hvp_function_is_called(const char *symbol, const char *name);

/*
 * The name without what it belongs to and without its types: "get" of "ns::Box<int>::get<long>".
 * Points into `symbol`; `ret_size` is its length.
 */
const char *hvp_function_short_name(const char *symbol, size_t *ret_size);

#endif
