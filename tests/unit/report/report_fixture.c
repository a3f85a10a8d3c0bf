/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/report/report_fixture.h"

#include <sys/mman.h>

int memory_file(void)
{
	int fd = memfd_create("made.data", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void fixture_open(struct fixture *fixture)
{
	static const struct hvp_symbolizer_options options = {.symfs = "/nonexistent"};

	assert_ok(hvp_session_open_fd(fixture->fd, "made.data", &fixture->session));
	assert_ok(hvp_symbolizer_create(fixture->session, &options, &fixture->symbolizer));
}

void fixture_make(struct fixture *fixture, enum made_kind kind)
{
	*fixture = (struct fixture){.fd = memory_file()};
	made_write(fixture->fd, kind);
	fixture_open(fixture);
}

static void forget_answers(struct fixture *fixture)
{
	hvp_entries_deinit(&fixture->entries);
	hvp_profile_deinit(&fixture->profile);
	hvp_filter_deinit(&fixture->filter);
	fixture->entries = (struct hvp_entries){0};
	fixture->profile = (struct hvp_profile){0};
}

void fixture_ask(struct fixture *fixture, const struct question *question)
{
	struct hvp_profile_options profile_options = {
		.scan =
			{
				.event = HVP_EVENT_ALL,
				.time_from = question->time_from,
				.time_until =
					question->time_until ? question->time_until : UINT64_MAX,
				.by_stack = question->has_children,
				.by_address = question->by_address,
				.num_threads = question->num_threads,
			},
	};
	struct hvp_entries_options *options = &fixture->options;

	forget_answers(fixture);
	*options = (struct hvp_entries_options){
		.has_children = question->has_children,
		.percent_limit = question->percent_limit,
		.limit = question->limit,
		.time_from = profile_options.scan.time_from,
		.time_until = profile_options.scan.time_until,
	};
	assert_ok(hvp_dim_list_parse("--sort", question->sort, &options->sort));
	if (question->filter) {
		assert_ok(hvp_filter_parse(&fixture->filter, question->filter));
		options->filter = &fixture->filter;
	}
	profile_options.dims = options->sort.set | fixture->filter.dims | HVP_DIM_BIT(HVP_DIM_VCPU);
	assert_ok(hvp_profile_init(&fixture->profile, fixture->session, fixture->symbolizer,
				   &profile_options));
	assert_ok(hvp_entries_init(&fixture->entries, &fixture->profile, options));
	assert_ok(hvp_sections_make(&fixture->entries));
}

void fixture_close(struct fixture *fixture)
{
	forget_answers(fixture);
	hvp_symbolizer_destroy(fixture->symbolizer);
	hvp_session_destroy(fixture->session);
	close(fixture->fd);
}

static bool has_word(const struct fixture *fixture, const struct hvp_entry *entry, enum hvp_dim dim,
		     const char *word)
{
	char buf[HVP_VALUE_TEXT];

	return !word ||
	       !strcmp(hvp_profile_text(&fixture->profile, dim, entry->values[dim], buf), word);
}

const struct hvp_entry *find_row(const struct fixture *fixture, const char *owner,
				 const char *domain, const char *symbol)
{
	for (size_t i = 0; i < fixture->entries.num; i++) {
		const struct hvp_entry *entry = &fixture->entries.items[i];

		if (has_word(fixture, entry, HVP_DIM_OWNER, owner) &&
		    has_word(fixture, entry, HVP_DIM_DOMAIN, domain) &&
		    has_word(fixture, entry, HVP_DIM_SYMBOL, symbol))
			return entry;
	}
	return NULL;
}
