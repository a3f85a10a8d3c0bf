/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that the user names for a guest at record time (--guest
 * NAME=kallsyms:FILE,modules:FILE,...): small ones travel in the session as BLOBs, of the others it
 * keeps the paths, as facts of the session.
 */
#ifndef HVP_DAEMON_GUEST_FILES_H
#define HVP_DAEMON_GUEST_FILES_H

#include <stddef.h>

#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/session/writer.h"
#include "daemon/kvm/domains.h"
#include "daemon/source.h"

struct hvp_guest_files;

/*
 * `specs` as on the command line. Files are read here, so that an error comes before the session.
 */
struct hvp_error *hvp_guest_files_create(const char *const *specs, size_t num,
					 struct hvp_guest_files **ret) hvp_must_use;
void hvp_guest_files_destroy(struct hvp_guest_files *files);
HVP_DEFINE_SCOPE(hvp_guest_files_destroy, struct hvp_guest_files *);

/* The facts "guest.NAME.vmlinux" and so on. */
struct hvp_error *hvp_guest_files_add_info(const struct hvp_guest_files *files,
					   struct hvp_session_writer *writer) hvp_must_use;
/*
 * The BLOBs of a VM, when some were given for its name, UUID or pid. Delivers each once per domain,
 * however often it is called.
 */
struct hvp_error *hvp_guest_files_emit(const struct hvp_guest_files *files, const struct hvp_vm *vm,
				       const struct hvp_sink *sink) hvp_must_use;

#endif
