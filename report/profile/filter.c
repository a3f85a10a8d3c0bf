/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/filter.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"

struct hvp_filter_term {
	enum hvp_dim dim;
	bool is_negated;
	bool is_regex;
	regex_t regex;
	/* Alternatives, NUL-separated; two NULs end them. */
	char *values;
	/* Value -> 1 match, 0 none. */
	struct hvp_map answers;
};

static struct hvp_error *bad_filter(const char *expression, const char *at, const char *what)
{
	return hvp_error_create(HVP_ERROR_USAGE,
				"--filter \"%s\": at column %zu: %s; a filter looks like "
				"domain=web,mode=kernel,symbol~^tcp_",
				expression, (size_t)(at - expression) + 1, what);
}

/* "a|b" as a NUL-separated list, in place; `size` includes the NUL, one more byte follows. */
static void split_values(char *values, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (values[i] == '|')
			values[i] = '\0';
	}
	values[size] = '\0';
}

static struct hvp_error *add_term(struct hvp_filter *filter, enum hvp_dim dim, bool is_negated,
				  struct hvp_filter_term **ret)
{
	hvp_try(hvp_array_reserve(&filter->terms, &filter->capacity, filter->num + 1,
				  sizeof(*filter->terms)));
	*ret = &filter->terms[filter->num];
	**ret = (struct hvp_filter_term){.dim = dim, .is_negated = is_negated};
	hvp_map_init(&(*ret)->answers);
	filter->dims |= HVP_DIM_BIT(dim);
	return NULL;
}

static struct hvp_error *set_regex(struct hvp_filter *filter, struct hvp_filter_term *term,
				   const char *value)
{
	char why[128];
	int result = regcomp(&term->regex, value, REG_EXTENDED | REG_NOSUB);

	if (result) {
		regerror(result, &term->regex, why, sizeof(why));
		return hvp_error_create(HVP_ERROR_USAGE, "--filter: regular expression \"%s\": %s",
					value, why);
	}
	term->is_regex = true;
	filter->num++;
	return NULL;
}

/* `size` bytes of text as the term's value. */
static struct hvp_error *set_value(struct hvp_filter *filter, struct hvp_filter_term *term,
				   const char *text, size_t size, bool is_regex)
{
	hvp_scope(hvp_free_ptr) char *value = calloc(1, size + 2);

	if (!value)
		return hvp_error_no_memory;
	memcpy(value, text, size);
	if (is_regex)
		return set_regex(filter, term, value);
	term->values = hvp_take(value);
	filter->num++;
	return NULL;
}

struct hvp_error *hvp_filter_add(struct hvp_filter *filter, enum hvp_dim dim, const char *values,
				 size_t size)
{
	struct hvp_filter_term *term;

	hvp_try(add_term(filter, dim, false, &term));
	return set_value(filter, term, values, size, false);
}

/* The operator at `*at`, which moves behind it. */
static bool parse_operator(const char **at, bool *ret_negated, bool *ret_regex)
{
	*ret_negated = **at == '!';
	*at += *ret_negated;
	if (**at != '=' && **at != '~')
		return false;
	*ret_regex = **at == '~';
	*at += 1;
	if (!*ret_regex && **at == '=')
		*at += 1;
	return true;
}

/* One term at `*at`, which moves behind it. */
static struct hvp_error *parse_term(struct hvp_filter *filter, const char *expression,
				    const char **at)
{
	size_t size = strcspn(*at, "=!~,\"");
	struct hvp_filter_term *term;
	const char *value, *begin = *at;
	bool is_negated, is_regex, is_quoted;
	enum hvp_dim dim;
	char word[32], words[HVP_DIM_WORDS];

	snprintf(word, sizeof(word), "%.*s", (int)(size < 31 ? size : 31), *at);
	if (!hvp_dim_find(word, &dim))
		return hvp_error_create(
			HVP_ERROR_USAGE,
			"--filter \"%s\": at column %zu: no key \"%s\"; there are: %s", expression,
			(size_t)(begin - expression) + 1, word, hvp_dim_words(words));
	*at += size;
	if (!parse_operator(at, &is_negated, &is_regex))
		return bad_filter(expression, *at, "expected =, !=, ~ or !~");
	is_quoted = **at == '"';
	*at += is_quoted;
	value = *at;
	size = strcspn(value, is_quoted ? "\"" : ",");
	*at += size;
	if (is_quoted && **at != '"')
		return bad_filter(expression, value - 1, "the quote is not closed");
	*at += is_quoted;
	if (!size)
		return bad_filter(expression, value, "no value");
	if (**at && **at != ',')
		return bad_filter(expression, *at, "expected a comma");
	hvp_try(add_term(filter, dim, is_negated, &term));
	hvp_try(set_value(filter, term, value, size, is_regex));
	if (!is_regex)
		split_values(filter->terms[filter->num - 1].values, size + 1);
	return NULL;
}

struct hvp_error *hvp_filter_parse(struct hvp_filter *filter, const char *expression)
{
	const char *at = expression;

	do {
		hvp_try(parse_term(filter, expression, &at));
		if (*at == ',' && !at[1])
			return bad_filter(expression, at, "nothing behind the comma");
	} while (*at++ == ',');
	return NULL;
}

void hvp_filter_deinit(struct hvp_filter *filter)
{
	for (size_t i = 0; i < filter->num; i++) {
		if (filter->terms[i].is_regex)
			regfree(&filter->terms[i].regex);
		free(filter->terms[i].values);
		hvp_map_deinit(&filter->terms[i].answers);
	}
	free(filter->terms);
	*filter = (struct hvp_filter){0};
}

/* "4" or "0-3", decimal or 0x... */
static bool is_in_range(const char *text, uint64_t value)
{
	char *end;
	uint64_t low, high;

	if (!isdigit((unsigned char)*text))
		return false;
	low = high = strtoull(text, &end, 0);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		high = strtoull(end + 1, &end, 0);
	return !*end && value >= low && value <= high;
}

static bool is_mode(const char *word, uint64_t value)
{
	if (!strcmp(word, "kernel"))
		return value == HVP_MODE_GUEST_KERNEL || value == HVP_MODE_HOST_KERNEL;
	if (!strcmp(word, "user"))
		return value == HVP_MODE_GUEST_USER || value == HVP_MODE_HOST_USER;
	if (!strcmp(word, "guest"))
		return hvp_mode_is_guest((enum hvp_mode)value);
	if (!strcmp(word, "host"))
		return value == HVP_MODE_HOST_KERNEL || value == HVP_MODE_HOST_USER;
	return false;
}

static bool matches_word(const struct hvp_profile *profile, enum hvp_dim dim, uint64_t value,
			 const char *word, const char *text)
{
	if (!strcmp(word, text))
		return true;
	if (value == HVP_VALUE_MIXED || value == HVP_VALUE_NONE)
		return false;
	switch (dim) {
	case HVP_DIM_DOMAIN: {
		const struct hvp_domain_info *info = hvp_domains_lookup(&profile->domains, word);

		return info && info->id == value;
	}
	case HVP_DIM_MODE: return is_mode(word, value);
	case HVP_DIM_IMAGE:
		return !strcmp(word, hvp_image_path(hvp_symbolizer_image(profile->symbolizer,
									 (uint32_t)value)));
	case HVP_DIM_VCPU:
	case HVP_DIM_CPU:
	case HVP_DIM_PID:
	case HVP_DIM_TID:
	case HVP_DIM_ADDRESS:
	case HVP_DIM_ASPACE: return is_in_range(word, value);
	default: return false;
	}
}

static bool matches_value(const struct hvp_filter_term *term, const struct hvp_profile *profile,
			  uint64_t value)
{
	char buf[HVP_VALUE_TEXT];
	const char *text = hvp_profile_text(profile, term->dim, value, buf);

	if (term->is_regex)
		return regexec(&term->regex, text, 0, NULL, 0) == 0;
	for (const char *word = term->values; *word; word += strlen(word) + 1) {
		if (matches_word(profile, term->dim, value, word, text))
			return true;
	}
	return false;
}

struct hvp_error *hvp_filter_match(struct hvp_filter *filter, const struct hvp_profile *profile,
				   const struct hvp_spot *spot, bool *ret)
{
	*ret = false;
	for (size_t i = 0; i < filter->num; i++) {
		struct hvp_filter_term *term = &filter->terms[i];
		uint64_t value = spot->values[term->dim];
		bool is_new;
		uint64_t *answer = hvp_map_insert(&term->answers, value, &is_new);

		if (!answer)
			return hvp_error_no_memory;
		if (is_new)
			*answer = matches_value(term, profile, value);
		if (*answer == term->is_negated)
			return NULL;
	}
	*ret = true;
	return NULL;
}

/* A time of a slice at `*at`, which moves behind it. */
static bool parse_time(const char **at, uint64_t start, uint64_t end, uint64_t *ret)
{
	static const struct {
		const char *suffix;
		double ns;
	} units[] = {{"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"s", 1e9}, {"", 1e9}};
	double span = (double)(end - start), value, ns;
	char *behind;

	if (!isdigit((unsigned char)**at) && **at != '.')
		return false;
	value = strtod(*at, &behind);
	if (behind == *at)
		return false;
	if (*behind == '%') {
		ns = span * value / 100;
		*at = behind + 1;
	} else {
		size_t i = 0;

		while (strncmp(behind, units[i].suffix, strlen(units[i].suffix)) != 0)
			i++;
		ns = value * units[i].ns;
		*at = behind + strlen(units[i].suffix);
	}
	*ret = ns < span ? start + (uint64_t)ns : end;
	return true;
}

struct hvp_error *hvp_time_slice_parse(const char *text, uint64_t start, uint64_t end,
				       uint64_t *ret_from, uint64_t *ret_until)
{
	const char *at = text;
	bool is_good = true;

	*ret_from = 0;
	*ret_until = UINT64_MAX;
	if (*at != '-')
		is_good = parse_time(&at, start, end, ret_from);
	is_good = is_good && *at == '-' && (text[1] || at != text);
	if (is_good && *++at)
		is_good = parse_time(&at, start, end, ret_until) && !*at;
	if (!is_good)
		return hvp_error_create(HVP_ERROR_USAGE,
					"--time \"%s\": a slice is A-B, A- or -B, in seconds from "
					"the start (1.5-3, 200ms-) or in percent (10%%-20%%)",
					text);
	if (*ret_from > *ret_until)
		return hvp_error_create(HVP_ERROR_USAGE, "--time \"%s\": ends before it begins",
					text);
	return NULL;
}
