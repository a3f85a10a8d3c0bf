/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/event_pmu.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"

/* An event that names an event that names an event ...: none of the kernel's does. */
#define MAX_ALIAS_DEPTH 4

struct pmu {
	const char *text;
	const char *sys;
	char *name;
	struct hvp_pmu_event event;
};

static struct hvp_error *bad_term(const struct pmu *pmu, const char *term, const char *why)
{
	return hvp_error_create(HVP_ERROR_USAGE, "event \"%s\": term \"%s\" %s", pmu->text, term,
				why);
}

/* False when the PMU has no such file. */
static bool read_pmu_file(const struct pmu *pmu, const char *folder, const char *name, char *buf,
			  size_t size)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;

	if (asprintf(&path, "%s/bus/event_source/devices/%s/%s%s", pmu->sys, pmu->name, folder,
		     name) < 0)
		return false;
	return hvp_file_read_small(AT_FDCWD, path, buf, size) > 0;
}

/*
 * Puts the low bits of `value` at "0-7,32-35" of a config word. False when it has more bits than
 * there is room.
 */
static bool spread_bits(const char *ranges, uint64_t value, uint64_t *config)
{
	while (*ranges) {
		unsigned long first, last;
		uint64_t mask;
		char *end;

		first = last = strtoul(ranges, &end, 10);
		if (end == ranges)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (first > last || last > 63)
			return false;
		mask = last - first == 63 ? UINT64_MAX : (1ull << (last - first + 1)) - 1;
		*config = (*config & ~(mask << first)) | (value & mask) << first;
		value = last - first == 63 ? 0 : value >> (last - first + 1);
		ranges = *end == ',' ? end + 1 : end;
		if (*end && *end != ',')
			return false;
	}
	return !value;
}

/* A field as the PMU's format describes it: "config1:0-15". */
static struct hvp_error *set_field(struct pmu *pmu, const char *term, const char *format,
				   uint64_t value)
{
	static const char *const words[] = {"config:", "config1:", "config2:"};
	uint64_t *configs[] = {&pmu->event.config, &pmu->event.config1, &pmu->event.config2};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i]);

		if (strncmp(format, words[i], length))
			continue;
		if (spread_bits(format + length, value, configs[i]))
			return NULL;
		return bad_term(pmu, term, "has a value too large for its field");
	}
	return bad_term(pmu, term, "has a format that is not understood");
}

static struct hvp_error *parse_terms(struct pmu *pmu, char *terms, unsigned int depth);

static struct hvp_error *parse_term(struct pmu *pmu, char *term, unsigned int depth)
{
	char *equals = strchr(term, '=');
	char text[256], *end;
	uint64_t value = 1;

	if (!equals && depth < MAX_ALIAS_DEPTH && !strchr(term, '/') &&
	    read_pmu_file(pmu, "events/", term, text, sizeof(text)))
		return parse_terms(pmu, text, depth + 1);
	if (equals) {
		value = strtoull(equals + 1, &end, 0);
		if (end == equals + 1 || *end)
			return bad_term(pmu, term, "needs a number behind '='");
		*equals = 0;
	}
	if (!strcmp(term, "config"))
		pmu->event.config = value;
	else if (!strcmp(term, "config1"))
		pmu->event.config1 = value;
	else if (!strcmp(term, "config2"))
		pmu->event.config2 = value;
	else if (*term && !strchr(term, '/') &&
		 read_pmu_file(pmu, "format/", term, text, sizeof(text)))
		return set_field(pmu, term, text, value);
	else
		return bad_term(pmu, term, "is neither a field nor an event of this PMU");
	return NULL;
}

static struct hvp_error *parse_terms(struct pmu *pmu, char *terms, unsigned int depth)
{
	while (terms && *terms) {
		char *comma = strchr(terms, ',');

		if (comma)
			*comma++ = 0;
		hvp_try(parse_term(pmu, terms, depth));
		terms = comma;
	}
	return NULL;
}

struct hvp_error *hvp_pmu_event_parse(const char *text, const struct hvp_host_roots *roots,
				      struct hvp_pmu_event *ret, const char **ret_rest)
{
	hvp_scope(hvp_free_ptr) char *copy = strdup(text);
	struct pmu pmu = {.text = text, .sys = roots->sys, .name = copy};
	char *first, *second, type[32];
	uint64_t number;

	if (!copy)
		return hvp_error_no_memory;
	first = strchr(copy, '/');
	second = first ? strchr(first + 1, '/') : NULL;
	if (!second || first == copy)
		return hvp_error_create(HVP_ERROR_USAGE,
					"event \"%s\" does not have the form PMU/TERM=VALUE,.../",
					text);
	*first = *second = 0;
	if (copy[0] == '.' || !read_pmu_file(&pmu, "", "type", type, sizeof(type)) ||
	    !hvp_parse_u64(type, UINT32_MAX, &number))
		return hvp_error_create(HVP_ERROR_USAGE,
					"event \"%s\": this machine has no PMU \"%s\" "
					"(ls %s/bus/event_source/devices)",
					text, copy, roots->sys);
	pmu.event.type = (uint32_t)number;
	hvp_try(parse_terms(&pmu, first + 1, 0));
	*ret = pmu.event;
	*ret_rest = text + (second + 1 - copy);
	return NULL;
}
