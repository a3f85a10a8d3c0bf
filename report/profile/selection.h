/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which samples a verb looks at: event, time slice, domains, filter. Shared by the verbs like
 * inputs.h.
 */
#ifndef HVP_REPORT_SELECTION_H
#define HVP_REPORT_SELECTION_H

#include "common/base/bytes.h"
#include "report/profile/filter.h"
#include "report/profile/head.h"
#include "report/inputs.h"

struct hvp_selection_config {
	struct hvp_strings filters;
	const char *time, *event;
};

#define HVP_SELECTION_OPTIONS(config_type, member, input_member)                                   \
	{.type = HVP_OPTION_GROUP, .help = "Samples:"},                                            \
		{.type = HVP_OPTION_LIST,                                                          \
		 .name = "domain",                                                                 \
		 .value = "NAME",                                                                  \
		 .offset = offsetof(config_type, input_member.domains),                            \
		 .completion = "guest",                                                            \
		 .help = "only this virtual machine, and the hypervisor's work for it; name, "     \
			 "UUID or "                                                                \
			 "pid"},                                                                   \
		{.type = HVP_OPTION_LIST,                                                          \
		 .name = "filter",                                                                 \
		 .value = "EXPR",                                                                  \
		 .offset = offsetof(config_type, member.filters),                                  \
		 .help = "only what matches: domain=web,mode=kernel,symbol~^tcp_ (=, !=, ~, !~; "  \
			 "a|b)"},                                                                  \
		{.type = HVP_OPTION_STRING,                                                        \
		 .name = "time",                                                                   \
		 .value = "A-B",                                                                   \
		 .offset = offsetof(config_type, member.time),                                     \
		 .help = "only this slice: seconds from the start, or percent (10%-20%)"},         \
	{                                                                                          \
		.type = HVP_OPTION_STRING, .name = "event", .value = "NAME",                       \
		.offset = offsetof(config_type, member.event), .completion = "event",              \
		.help = "only this event; \"all\" mixes them (default the first)"                  \
	}

struct hvp_selection {
	uint32_t event;
	uint64_t time_from, time_until;
	struct hvp_filter filter;
	/* In words for the head; NUL-terminated. */
	struct hvp_buf text;
};

/* `ret` is to be deinitialised also after an error. */
struct hvp_error *hvp_selection_init(struct hvp_selection *ret,
				     const struct hvp_selection_config *config,
				     const struct hvp_inputs *inputs,
				     const struct hvp_facts *facts) hvp_must_use;
void hvp_selection_deinit(struct hvp_selection *selection);

/*
 * HVP_ERROR_NOT_FOUND for a --domain that the session does not have; the message lists those it
 * has.
 */
struct hvp_error *hvp_selection_check_domains(const struct hvp_inputs *inputs,
					      const struct hvp_domains *domains) hvp_must_use;

#endif
