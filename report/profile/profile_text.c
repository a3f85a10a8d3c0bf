/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of dimensions in words. */
#include "report/profile/profile.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
	const char *label, *word;
} unresolved[HVP_NUM_UNRESOLVED] = {
	[HVP_RESOLVED] = {"", "resolved"},
	[HVP_UNRESOLVED_GUEST_USER] = {"[guest user]", "guest_user"},
	[HVP_UNRESOLVED_GUEST_KERNEL] = {"[guest kernel]", "guest_kernel"},
	[HVP_UNRESOLVED_MISMATCH] = {"[images do not fit]", "mismatch"},
	[HVP_UNRESOLVED_NO_MAPPING] = {"[no mapping]", "no_mapping"},
	[HVP_UNRESOLVED_JIT] = {"[jit]", "jit"},
	[HVP_UNRESOLVED_NO_FILE] = {"[file not here]", "no_file"},
	[HVP_UNRESOLVED_OTHER_BUILD_ID] = {"[other build]", "other_build_id"},
	[HVP_UNRESOLVED_NO_SYMBOL] = {"[no symbol]", "no_symbol"},
	[HVP_UNRESOLVED_RESTRICTED] = {"[hidden by kptr_restrict]", "restricted"},
	[HVP_UNRESOLVED_BAD_FILE] = {"[broken file]", "bad_file"},
};

const char *hvp_unresolved_label(enum hvp_unresolved why)
{
	return why < HVP_NUM_UNRESOLVED ? unresolved[why].label : "[unknown]";
}

const char *hvp_unresolved_word(enum hvp_unresolved why)
{
	return why < HVP_NUM_UNRESOLVED ? unresolved[why].word : "unknown";
}

static const char *text_of_domain(const struct hvp_profile *profile, uint64_t value)
{
	const struct hvp_domain_info *info = hvp_domains_find(&profile->domains, (uint32_t)value);

	return info ? info->name : "-";
}

static const char *text_of_symbol(const struct hvp_profile *profile, uint64_t value)
{
	enum hvp_unresolved why;

	if (hvp_symbol_value_is_unresolved(value, &why))
		return hvp_unresolved_label(why);
	return hvp_strpool_text(&profile->strings, (uint32_t)(value - HVP_FIRST_NAME_VALUE));
}

static const char *text_of_event(const struct hvp_profile *profile, uint64_t value)
{
	if (value >= hvp_session_num_events(profile->session))
		return "[unknown event]";
	return hvp_session_event(profile->session, value)->name;
}

static const char *text_of_comm(const struct hvp_profile *profile, uint64_t value)
{
	const char *text = hvp_strpool_text(&profile->tasks.names, (uint32_t)value);

	return *text ? text : "[unknown]";
}

static const char *text_of_line(const struct hvp_profile *profile, uint64_t value)
{
	const char *text = hvp_strpool_text(&profile->strings, (uint32_t)value);

	return *text ? text : "??:0";
}

const char *hvp_profile_text(const struct hvp_profile *profile, enum hvp_dim dim, uint64_t value,
			     char buf[HVP_VALUE_TEXT])
{
	if (value == HVP_VALUE_MIXED)
		return "*";
	if (value == HVP_VALUE_NONE)
		return "-";
	switch (dim) {
	case HVP_DIM_OWNER: return value < HVP_NUM_OWNERS ? hvp_owner_names[value] : "-";
	case HVP_DIM_MODE: return value < HVP_NUM_MODES ? hvp_mode_names[value] : "unknown";
	case HVP_DIM_DOMAIN: return text_of_domain(profile, value);
	case HVP_DIM_COMM: return text_of_comm(profile, value);
	case HVP_DIM_IMAGE:
		return hvp_image_name(hvp_symbolizer_image(profile->symbolizer, (uint32_t)value));
	case HVP_DIM_SYMBOL: return text_of_symbol(profile, value);
	case HVP_DIM_LINE: return text_of_line(profile, value);
	case HVP_DIM_EVENT: return text_of_event(profile, value);
	case HVP_DIM_ADDRESS:
	case HVP_DIM_ASPACE: snprintf(buf, HVP_VALUE_TEXT, "0x%" PRIx64, value); return buf;
	default: snprintf(buf, HVP_VALUE_TEXT, "%" PRIu64, value); return buf;
	}
}
