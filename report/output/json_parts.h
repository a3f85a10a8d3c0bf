/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several JSON documents say of a session, in the same words (docs/report-json.md). */
#ifndef HVP_REPORT_JSON_PARTS_H
#define HVP_REPORT_JSON_PARTS_H

#include "common/cli/json_out.h"
#include "report/profile/domains.h"
#include "report/profile/head.h"

/* Members of the object that is open: what was sampled, and how often. */
void hvp_json_add_event(struct hvp_json *json, const struct hvp_event_info *event);
/* Members of the object that is open: who the domain is. */
void hvp_json_add_domain(struct hvp_json *json, const struct hvp_domain_info *info);
/* What collecting cost, as an object; null for a session without an end. */
void hvp_json_add_overhead(struct hvp_json *json, const char *key, const struct hvp_facts *facts);

#endif
