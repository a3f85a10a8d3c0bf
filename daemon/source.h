/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A source of samples: perf_event_open rings, a patched kernel's /dev/hvpmu, an imported perf.data;
 * Xen's buffers are one more file and one more row in source.c's table.
 *
 * A source delivers normalised samples and records to a sink; it knows nothing of domains or files.
 * The collector (collector.h) puts the domain into each sample and hands it to the session writer.
 */
#ifndef HVP_DAEMON_SOURCE_H
#define HVP_DAEMON_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/cli/log.h"
#include "common/model/record.h"
#include "daemon/host/host_files.h"

struct hvp_record_config;
struct hvp_source_ops;

/* The first member of every source's own struct. */
struct hvp_source {
	const struct hvp_source_ops *ops;
};

/*
 * Where a source delivers. An error ends the drain that is under way and is handed on to the
 * collector.
 */
struct hvp_sink {
	/*
	 * `domain` and `vcpu` are HVP_DOMAIN_HOST and HVP_VCPU_NONE: the domain table knows them by
	 * the thread. Or they are what the source itself knows, in the numbers of its own DOMAIN
	 * and VCPU records (daemon/kvm/domain_join.h). `chain` is borrowed for the call.
	 */
	struct hvp_error *(*sample)(void *arg, struct hvp_sample *sample);
	struct hvp_error *(*record)(void *arg, const struct hvp_record *record);
	void *arg;
};

/* A degradation, as HVP_RECORD_NOTE. */
struct hvp_error *hvp_sink_note(const struct hvp_sink *sink, const char *format, ...)
	hvp_printf(2, 3) hvp_must_use;

struct hvp_source_ops {
	const char *name;
	/* One sentence for `hvprof list`. */
	const char *summary;
	/* NULL when this machine and user can use it, otherwise why not and what mends that. */
	struct hvp_error *(*probe)(const struct hvp_host_roots *roots);
	/*
	 * NULL when it can record just this on this machine, otherwise why not: HVP_ERROR_NOT_FOUND
	 * when the machine has nothing of the kind, HVP_ERROR_USAGE when it is not made for that. A
	 * source without it is used only when it is named.
	 */
	struct hvp_error *(*suits)(const struct hvp_record_config *config);
	/*
	 * Opens what the configuration asks for, disabled. Notes degradations through the sink as
	 * HVP_RECORD_NOTE.
	 */
	struct hvp_error *(*open)(const struct hvp_record_config *config,
				  const struct hvp_sink *sink, const struct hvp_log *log,
				  struct hvp_source **ret);
	/* The events that were really opened; borrowed while the source lives. */
	const struct hvp_event_info *(*events)(const struct hvp_source *source, size_t *ret_num);
	/*
	 * Starts counting; the state of the world (processes, mappings) has reached the sink when
	 * it returns.
	 */
	struct hvp_error *(*start)(struct hvp_source *source);
	/* Something to poll(2) for, or -1 to be drained by time alone. */
	int (*poll_fd)(const struct hvp_source *source);
	/*
	 * Delivers all there is. `*ret_more` is false when a source that ends (a file) has ended.
	 */
	struct hvp_error *(*drain)(struct hvp_source *source, bool *ret_more);
	/* Ends counting and delivers what is left, with the last counts of what was lost. */
	struct hvp_error *(*stop)(struct hvp_source *source);
	void (*destroy)(struct hvp_source *source);
};

/* All sources, NULL-terminated, the preferred first. */
extern const struct hvp_source_ops *const hvp_sources[];
/* The first that suits; why those before it do not is logged. */
struct hvp_error *hvp_source_choose(const struct hvp_record_config *config,
				    const struct hvp_log *log,
				    const struct hvp_source_ops **ret) hvp_must_use;
/* HVP_ERROR_USAGE lists the sources there are. */
struct hvp_error *hvp_source_find(const char *name, const struct hvp_source_ops **ret) hvp_must_use;

/* Accepts NULL. */
void hvp_source_destroy(struct hvp_source *source);
HVP_DEFINE_SCOPE(hvp_source_destroy, struct hvp_source *);

#endif
