/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of a session: which machine, which kernel, which clock, which command. */
#ifndef HVP_DAEMON_SESSION_INFO_H
#define HVP_DAEMON_SESSION_INFO_H

#include "common/base/error.h"
#include "common/session/writer.h"
#include "daemon/host/host_files.h"

struct hvp_session_facts {
	/* As typed. */
	const char *command_line;
	/* The source's name. */
	const char *source;
	/* "whole machine", "process 12", in words. */
	const char *target;
};

/* Facts that this machine does not tell are left out. */
struct hvp_error *hvp_session_info_add(struct hvp_session_writer *writer,
				       const struct hvp_host_roots *roots,
				       const struct hvp_session_facts *facts) hvp_must_use;

#endif
