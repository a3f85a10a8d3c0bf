/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names as people read them: C++ (Itanium ABI) and Rust (legacy and v0) demangled, nothing in them
 * that a terminal obeys.
 */
#ifndef HVP_SYMBOLIZER_DEMANGLE_H
#define HVP_SYMBOLIZER_DEMANGLE_H

#include "common/base/arena.h"
#include "symbolizer/symbolizer.h"

/*
 * A name for printing. Returns `raw` itself when nothing has to change, otherwise a string in the
 * arena; NULL when there is no memory. Names that are too long or that expand beyond reason stay
 * mangled. Bytes below 0x20, 0x7f and invalid UTF-8 (C1 controls too) become \\xNN.
 */
const char *hvp_demangle(const char *raw, enum hvp_naming naming, struct hvp_arena *arena);

/* Only the escaping; for paths and comm names. */
const char *hvp_escape_controls(const char *raw, struct hvp_arena *arena);

#endif
