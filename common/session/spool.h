/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session that comes through a pipe is copied into a temporary file without a name: its reader
 * must seek.
 */
#ifndef HVP_COMMON_SESSION_SPOOL_H
#define HVP_COMMON_SESSION_SPOOL_H

#include "common/base/error.h"

/* `$TMPDIR` or /tmp. `*ret_fd` holds all that `fd` gave until its end. */
struct hvp_error *hvp_spool(int fd, const char *name, int *ret_fd) hvp_must_use;

#endif
