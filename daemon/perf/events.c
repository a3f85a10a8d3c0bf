/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/events.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/perf_event.h>

#include "common/base/array.h"
#include "common/base/scope.h"
#include "common/cli/suggest.h"
#include "daemon/perf/event_pmu.h"
#include "daemon/perf/events_pfm.h"

#define HW PERF_TYPE_HARDWARE
#define SW PERF_TYPE_SOFTWARE

static const struct hvp_event_name names[] = {
	{"cycles", HW, PERF_COUNT_HW_CPU_CYCLES, "cycles", "CPU cycles"},
	{"cpu-cycles", HW, PERF_COUNT_HW_CPU_CYCLES, "cycles", "the same as cycles"},
	{"instructions", HW, PERF_COUNT_HW_INSTRUCTIONS, "instructions", "instructions retired"},
	{"ref-cycles", HW, PERF_COUNT_HW_REF_CPU_CYCLES, "cycles",
	 "CPU cycles at the nominal frequency"},
	{"branches", HW, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, "branches", "branches retired"},
	{"branch-instructions", HW, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, "branches",
	 "the same as branches"},
	{"branch-misses", HW, PERF_COUNT_HW_BRANCH_MISSES, "misses", "mispredicted branches"},
	{"cache-references", HW, PERF_COUNT_HW_CACHE_REFERENCES, "references",
	 "references to the last-level cache"},
	{"cache-misses", HW, PERF_COUNT_HW_CACHE_MISSES, "misses", "last-level cache misses"},
	{"bus-cycles", HW, PERF_COUNT_HW_BUS_CYCLES, "cycles", "bus cycles"},
	{"stalled-cycles-frontend", HW, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND, "cycles",
	 "cycles in which nothing was issued"},
	{"stalled-cycles-backend", HW, PERF_COUNT_HW_STALLED_CYCLES_BACKEND, "cycles",
	 "cycles in which nothing was retired"},
	{"cpu-clock", SW, PERF_COUNT_SW_CPU_CLOCK, "ns", "a timer on every CPU; needs no PMU"},
	{"task-clock", SW, PERF_COUNT_SW_TASK_CLOCK, "ns", "a timer that runs with the task"},
	{"page-faults", SW, PERF_COUNT_SW_PAGE_FAULTS, "faults", "page faults"},
	{"faults", SW, PERF_COUNT_SW_PAGE_FAULTS, "faults", "the same as page-faults"},
	{"minor-faults", SW, PERF_COUNT_SW_PAGE_FAULTS_MIN, "faults", "page faults without I/O"},
	{"major-faults", SW, PERF_COUNT_SW_PAGE_FAULTS_MAJ, "faults", "page faults with I/O"},
	{"context-switches", SW, PERF_COUNT_SW_CONTEXT_SWITCHES, "switches", "context switches"},
	{"cs", SW, PERF_COUNT_SW_CONTEXT_SWITCHES, "switches", "the same as context-switches"},
	{"cpu-migrations", SW, PERF_COUNT_SW_CPU_MIGRATIONS, "migrations",
	 "tasks moved to another CPU"},
	{"migrations", SW, PERF_COUNT_SW_CPU_MIGRATIONS, "migrations",
	 "the same as cpu-migrations"},
	{"alignment-faults", SW, PERF_COUNT_SW_ALIGNMENT_FAULTS, "faults",
	 "unaligned accesses that the kernel handled"},
	{"emulation-faults", SW, PERF_COUNT_SW_EMULATION_FAULTS, "faults",
	 "instructions that the kernel emulated"},
};

/* OProfile's and the vendors' names for what perf calls otherwise; no unit mask. */
static const struct {
	const char *theirs, *ours;
} aliases[] = {
	{"CPU_CLK_UNHALTED", "cycles"},
	{"CYCLES", "cycles"},
	{"INST_RETIRED", "instructions"},
	{"INST_RETIRED_ANY_P", "instructions"},
	{"RETIRED_INSTRUCTIONS", "instructions"},
	{"RETIRED_INSNS", "instructions"},
	{"LLC_REFS", "cache-references"},
	{"LLC_MISSES", "cache-misses"},
	{"BR_INST_RETIRED", "branches"},
	{"RETIRED_BRANCH_INSTRUCTIONS", "branches"},
	{"BR_MISS_PRED_RETIRED", "branch-misses"},
	{"RETIRED_MISPREDICTED_BRANCH_INSTRUCTIONS", "branch-misses"},
	{"TIMER", "cpu-clock"},
};

#define ALL_MODES                                                                                  \
	(HVP_MODE_BIT(HVP_MODE_UNKNOWN) | HVP_MODE_BIT(HVP_MODE_HOST_KERNEL) |                     \
	 HVP_MODE_BIT(HVP_MODE_HOST_USER) | HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL) |                  \
	 HVP_MODE_BIT(HVP_MODE_GUEST_USER) | HVP_MODE_BIT(HVP_MODE_HYPERVISOR))
#define KERNEL_MODES (HVP_MODE_BIT(HVP_MODE_HOST_KERNEL) | HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL))
#define USER_MODES (HVP_MODE_BIT(HVP_MODE_HOST_USER) | HVP_MODE_BIT(HVP_MODE_GUEST_USER))
#define HOST_MODES                                                                                 \
	(HVP_MODE_BIT(HVP_MODE_HOST_KERNEL) | HVP_MODE_BIT(HVP_MODE_HOST_USER) |                   \
	 HVP_MODE_BIT(HVP_MODE_HYPERVISOR))
#define GUEST_MODES (HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL) | HVP_MODE_BIT(HVP_MODE_GUEST_USER))

const struct hvp_event_name *hvp_event_names(size_t *ret_num)
{
	*ret_num = HVP_ARRAY_SIZE(names);
	return names;
}

static bool find_generic(const char *name, struct hvp_event_spec *spec)
{
	for (size_t i = 0; i < HVP_ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].name, name))
			continue;
		spec->type = names[i].type;
		spec->config = names[i].config;
		spec->unit = names[i].unit;
		return true;
	}
	return false;
}

/*
 * L1-dcache-loads, LLC-load-misses, ...: cache, operation and result as perf_event.h numbers them.
 */
static bool find_cache_event(const char *name, struct hvp_event_spec *spec)
{
	static const char *const caches[] = {"L1-dcache", "L1-icache", "LLC", "dTLB",
					     "iTLB",	  "branch",    "node"};
	static const struct {
		const char *text;
		unsigned int op, result;
	} ops[] = {
		{"-loads", 0, 0},	 {"-load-misses", 0, 1}, {"-stores", 1, 0},
		{"-store-misses", 1, 1}, {"-prefetches", 2, 0},	 {"-prefetch-misses", 2, 1},
	};

	for (size_t cache = 0; cache < HVP_ARRAY_SIZE(caches); cache++) {
		size_t length = strlen(caches[cache]);

		if (strncmp(name, caches[cache], length))
			continue;
		for (size_t i = 0; i < HVP_ARRAY_SIZE(ops); i++) {
			if (strcmp(name + length, ops[i].text))
				continue;
			spec->type = PERF_TYPE_HW_CACHE;
			spec->config = cache | ops[i].op << 8 | ops[i].result << 16;
			spec->unit = ops[i].result ? "misses" : "accesses";
			return true;
		}
	}
	return false;
}

/* r01c2 */
static bool find_raw(const char *name, struct hvp_event_spec *spec)
{
	char *end;

	if (name[0] != 'r' || !isxdigit((unsigned char)name[1]) || strlen(name) > 17)
		return false;
	spec->config = strtoull(name + 1, &end, 16);
	if (*end)
		return false;
	spec->type = PERF_TYPE_RAW;
	spec->unit = "events";
	return true;
}

static bool find_plain(const char *name, struct hvp_event_spec *spec)
{
	return find_generic(name, spec) || find_cache_event(name, spec) || find_raw(name, spec);
}

static bool find_alias(const char *name, struct hvp_event_spec *spec)
{
	for (size_t i = 0; i < HVP_ARRAY_SIZE(aliases); i++)
		if (!strcmp(aliases[i].theirs, name))
			return find_generic(aliases[i].ours, spec);
	return false;
}

static uint32_t modes_of(bool user, bool kernel, bool hypervisor, bool host, bool guest)
{
	uint32_t modes = ALL_MODES;

	if (user || kernel || hypervisor)
		modes = (user ? USER_MODES : 0) | (kernel ? KERNEL_MODES : 0) |
			(hypervisor ? HVP_MODE_BIT(HVP_MODE_HYPERVISOR) : 0);
	if (host != guest)
		modes &= host ? HOST_MODES : GUEST_MODES;
	return modes;
}

/* "ukG", "pp"; false when a letter is none. An empty text changes nothing. */
static bool parse_modifiers(const char *text, struct hvp_event_spec *spec)
{
	bool has[128] = {false};
	unsigned int precise = 0;

	for (const char *at = text; *at; at++) {
		if (!strchr("ukhHGp", *at))
			return false;
		if (*at == 'p')
			precise++;
		has[(unsigned char)*at] = true;
	}
	if (precise > 3)
		return false;
	spec->modes = modes_of(has['u'], has['k'], has['h'], has['H'], has['G']);
	spec->precise = precise;
	return true;
}

/* A number of OProfile's form: decimal or 0x. An empty field keeps its default. */
static bool parse_field(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	if (!text || !*text)
		return true;
	if (!isdigit((unsigned char)*text))
		return false;
	*value = strtoull(text, &end, 0);
	return !*end && *value <= max;
}

static struct hvp_error *bad_oprofile(const char *text, const char *why)
{
	return hvp_error_create(HVP_ERROR_USAGE,
				"event \"%s\": %s in NAME:COUNT:UNITMASK:KERNEL:USER", text, why);
}

/* NAME:COUNT[:UNITMASK[:KERNEL[:USER]]], cut at its colons. */
static struct hvp_error *parse_oprofile(const char *text, char **fields, size_t num_fields,
					struct hvp_event_spec *spec)
{
	uint64_t unit_mask = 0, kernel = 1, user = 1;
	struct hvp_pfm_encoding encoding;

	if (num_fields > 5)
		return bad_oprofile(text, "too many fields");
	if (!parse_field(fields[1], UINT64_MAX >> 1, &spec->period) || !spec->period)
		return bad_oprofile(text, "COUNT must be a number above 0");
	if (num_fields > 2 && !parse_field(fields[2], 0xff, &unit_mask))
		return bad_oprofile(text, "UNITMASK must be a number up to 0xff");
	if ((num_fields > 3 && !parse_field(fields[3], 1, &kernel)) ||
	    (num_fields > 4 && !parse_field(fields[4], 1, &user)) || (!kernel && !user))
		return bad_oprofile(text, "KERNEL and USER must be 0 or 1, and not both 0,");
	spec->modes = modes_of(user && !kernel, kernel && !user, false, false, false);
	if (!unit_mask && (find_alias(fields[0], spec) || find_plain(fields[0], spec)))
		return NULL;
	hvp_try(hvp_pfm_encode(fields[0], &encoding));
	spec->type = encoding.type;
	/* Without a unit of its own libpfm4 chooses a default, which an explicit one replaces. */
	spec->config =
		unit_mask ? (encoding.config & ~0xff00ull) | unit_mask << 8 : encoding.config;
	spec->config1 = encoding.config1;
	spec->config2 = encoding.config2;
	return NULL;
}

/* SUBSYSTEM:NAME of a tracepoint; every hit is a sample unless told otherwise. */
static bool find_tracepoint(const char *subsystem, const char *name,
			    const struct hvp_host_roots *roots, struct hvp_event_spec *spec)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;

	if (!*subsystem || !*name || strchr(subsystem, '/') || strchr(name, '/') ||
	    asprintf(&path, "%s/events/%s/%s/id", roots->tracefs, subsystem, name) < 0)
		return false;
	if (!hvp_file_read_u64(path, &spec->config))
		return false;
	spec->type = PERF_TYPE_TRACEPOINT;
	spec->unit = "events";
	spec->period = 1;
	return true;
}

static struct hvp_error *unknown_event(const char *text, const char *name, struct hvp_error *why)
{
	struct hvp_suggestion suggestion;
	struct hvp_error *err;

	hvp_suggestion_init(&suggestion, name);
	for (size_t i = 0; i < HVP_ARRAY_SIZE(names); i++)
		hvp_suggestion_try(&suggestion, names[i].name);
	err = hvp_error_create(
		HVP_ERROR_USAGE,
		"event \"%s\" is not known here%s%s%s (%s); `hvprof list events` shows what is",
		text, suggestion.nearest ? "; did you mean \"" : "",
		suggestion.nearest ? suggestion.nearest : "", suggestion.nearest ? "\"?" : "",
		why ? hvp_error_message(why) : "no such tracepoint");
	hvp_error_destroy(why);
	return err;
}

static struct hvp_error *find_in_pfm(const char *text, const char *name,
				     struct hvp_event_spec *spec)
{
	struct hvp_pfm_encoding encoding;
	struct hvp_error *err = hvp_pfm_encode(name, &encoding);

	if (err)
		return unknown_event(text, name, err);
	spec->type = encoding.type;
	spec->config = encoding.config;
	spec->config1 = encoding.config1;
	spec->config2 = encoding.config2;
	return NULL;
}

/*
 * NAME, NAME:MODIFIERS, SUBSYSTEM:TRACEPOINT[:MODIFIERS], or what libpfm4 knows: the colon has four
 * meanings, tried from the most to the least exact.
 */
static struct hvp_error *parse_colons(const char *text, char *copy,
				      const struct hvp_host_roots *roots,
				      struct hvp_event_spec *spec)
{
	char *colon = strchr(copy, ':'), *last = strrchr(copy, ':');
	char *second;

	if (!colon) {
		if (find_plain(copy, spec) || find_alias(copy, spec))
			return NULL;
		return find_in_pfm(text, copy, spec);
	}
	*colon = 0;
	if (colon == last && (find_plain(copy, spec) || find_alias(copy, spec))) {
		if (parse_modifiers(colon + 1, spec))
			return NULL;
		return hvp_error_create(
			HVP_ERROR_USAGE,
			"event \"%s\": the modifiers after ':' are u k h H G p, not \"%s\"", text,
			colon + 1);
	}
	second = strchr(colon + 1, ':');
	if (second && second == last && parse_modifiers(second + 1, spec)) {
		*second = 0;
		if (find_tracepoint(copy, colon + 1, roots, spec))
			return NULL;
		*second = ':';
	}
	if (find_tracepoint(copy, colon + 1, roots, spec))
		return NULL;
	*colon = ':';
	/*
	 * libpfm4's names have colons of their own; ours are the last part, if they are modifiers.
	 */
	if (parse_modifiers(last + 1, spec))
		*last = 0;
	return find_in_pfm(text, copy, spec);
}

/* Cuts at the colons; returns how many fields there are (at most `max` are stored). */
static size_t split(char *text, char **fields, size_t max)
{
	size_t num = 0;

	for (char *at = text; at; num++) {
		char *colon = strchr(at, ':');

		if (num < max)
			fields[num] = at;
		if (colon)
			*colon++ = 0;
		at = colon;
	}
	return num;
}

static bool looks_like_oprofile(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon && isdigit((unsigned char)colon[1]);
}

static struct hvp_error *parse_any(const char *text, const struct hvp_host_roots *roots,
				   struct hvp_event_spec *spec)
{
	hvp_scope(hvp_free_ptr) char *copy = strdup(text);
	struct hvp_pmu_event event;
	char *fields[5];

	if (!copy)
		return hvp_error_no_memory;
	if (!*text)
		return hvp_error_create(HVP_ERROR_USAGE, "an event name is empty");
	if (strchr(text, '/')) {
		const char *modifiers;

		hvp_try(hvp_pmu_event_parse(text, roots, &event, &modifiers));
		spec->type = event.type;
		spec->config = event.config;
		spec->config1 = event.config1;
		spec->config2 = event.config2;
		if (!parse_modifiers(modifiers, spec))
			return hvp_error_create(
				HVP_ERROR_USAGE,
				"event \"%s\": the modifiers are u k h H G p, not \"%s\"", text,
				modifiers);
		return NULL;
	}
	if (looks_like_oprofile(text))
		return parse_oprofile(text, fields, split(copy, fields, HVP_ARRAY_SIZE(fields)),
				      spec);
	return parse_colons(text, copy, roots, spec);
}

struct hvp_error *hvp_event_parse(const char *text, const struct hvp_host_roots *roots,
				  struct hvp_event_spec *ret)
{
	struct hvp_event_spec spec = {.unit = "events", .modes = ALL_MODES};

	hvp_try(parse_any(text, roots, &spec));
	spec.name = strdup(text);
	if (!spec.name)
		return hvp_error_no_memory;
	*ret = spec;
	return NULL;
}

void hvp_event_spec_deinit(struct hvp_event_spec *spec)
{
	free(spec->name);
	*spec = (struct hvp_event_spec){0};
}

struct hvp_error *hvp_event_fall_back(const struct hvp_event_spec *spec, struct hvp_event_spec *ret)
{
	const char *colon = strchr(spec->name, ':');
	struct hvp_event_spec clock = {.unit = "ns",
				       .type = SW,
				       .config = PERF_COUNT_SW_CPU_CLOCK,
				       .modes = spec->modes,
				       .frequency = spec->frequency};

	if (asprintf(&clock.name, "cpu-clock%s", colon ? colon : "") < 0)
		return hvp_error_no_memory;
	*ret = clock;
	return NULL;
}

bool hvp_event_is_clock(const struct hvp_event_spec *spec)
{
	return spec->type == SW && (spec->config == PERF_COUNT_SW_CPU_CLOCK ||
				    spec->config == PERF_COUNT_SW_TASK_CLOCK);
}

const char *hvp_event_scope(uint32_t modes)
{
	static const char *const words[3][3] = {
		{"nothing", "host, user", "host, kernel"},
		{"guest, user", "host and guest, user", "guest, user; host, kernel"},
		{"guest, kernel", "host, user; guest, kernel", "host and guest, kernel"},
	};
	bool host_user = modes & HVP_MODE_BIT(HVP_MODE_HOST_USER);
	bool host_kernel = modes & HVP_MODE_BIT(HVP_MODE_HOST_KERNEL);
	bool guest_user = modes & HVP_MODE_BIT(HVP_MODE_GUEST_USER);
	bool guest_kernel = modes & HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL);

	if (host_user && host_kernel)
		return guest_user && guest_kernel ? "host and guest, kernel and user"
						  : "host, kernel and user";
	if (guest_user && guest_kernel)
		return "guest, kernel and user";
	return words[guest_kernel ? 2 : guest_user][host_kernel ? 2 : host_user];
}
