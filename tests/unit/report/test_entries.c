/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows, sections and sums of the profile model. */
#include "report/output/columns.h"
#include "tests/unit/report/report_fixture.h"

#define BY_DOMAIN "owner,domain,image,symbol"

static void every_sample_has_its_owner(void **state)
{
	const struct question question = {.sort = BY_DOMAIN};
	const struct hvp_totals *totals;
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	fixture_ask(&fixture, &question);
	totals = &fixture.entries.totals;
	assert_int_equal(totals->owners[HVP_OWNER_DOMAIN], 72);
	assert_int_equal(totals->owners[HVP_OWNER_HYPERVISOR], 15);
	assert_int_equal(totals->owners[HVP_OWNER_HOST], 18);
	assert_int_equal(totals->owners[HVP_OWNER_IDLE], 20);
	assert_int_equal(totals->owners[HVP_OWNER_LOST], 3);
	assert_int_equal(totals->total, 128);
	assert_int_equal(totals->num_domains, 2);
	assert_int_equal(totals->domains[0].domain, MADE_WEB);
	assert_int_equal(totals->domains[0].kernel, 45);
	assert_int_equal(totals->domains[0].user, 8);
	assert_int_equal(totals->domains[0].hypervisor, 11);
	assert_int_equal(totals->domains[1].kernel, 19);
	fixture_close(&fixture);
}

static void equal_addresses_of_two_guests_are_different_functions(void **state)
{
	const struct question question = {.sort = BY_DOMAIN};
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	fixture_ask(&fixture, &question);
	assert_int_equal(find_row(&fixture, "domain", "web", "tcp_v4_rcv")->samples, 40);
	assert_int_equal(find_row(&fixture, "domain", "db", "btrfs_search_slot")->samples, 12);
	assert_null(find_row(&fixture, "domain", "db", "tcp_v4_rcv"));
	assert_null(find_row(&fixture, "domain", "web", "btrfs_search_slot"));
	fixture_close(&fixture);
}

static void the_hypervisors_work_is_told_apart_by_domain(void **state)
{
	const struct question question = {.sort = BY_DOMAIN};
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	fixture_ask(&fixture, &question);
	assert_int_equal(find_row(&fixture, "hypervisor", "web", "svm_vcpu_run")->samples, 9);
	assert_int_equal(find_row(&fixture, "hypervisor", "db", "svm_vcpu_run")->samples, 4);
	fixture_close(&fixture);
}

static void a_row_knows_the_vcpus_of_its_samples(void **state)
{
	const struct question question = {.sort = BY_DOMAIN};
	struct fixture fixture;
	char buf[64];

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	fixture_ask(&fixture, &question);
	assert_string_equal(
		hvp_vcpu_set_text(&find_row(&fixture, "domain", "web", "tcp_v4_rcv")->vcpus, buf,
				  sizeof(buf)),
		"0-1");
	assert_string_equal(
		hvp_vcpu_set_text(&find_row(&fixture, "domain", "web", "sha256_transform")->vcpus,
				  buf, sizeof(buf)),
		"1");
	fixture_close(&fixture);
}

static void a_function_of_several_domains_is_one_row_when_symbols_alone_count(void **state)
{
	const struct question question = {.sort = "symbol"};
	const struct hvp_entry *row;
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	fixture_ask(&fixture, &question);
	row = find_row(&fixture, NULL, NULL, "svm_vcpu_run");
	assert_int_equal(row->samples, 13);
	assert_true(row->values[HVP_DIM_DOMAIN] == HVP_VALUE_MIXED);
	assert_int_equal(row->values[HVP_DIM_OWNER], HVP_OWNER_HYPERVISOR);
	assert_int_equal(fixture.entries.num_sections, 1);
	fixture_close(&fixture);
}

static void sections_stand_by_owner_and_domains_by_weight(void **state)
{
	static const uint64_t owners[] = {HVP_OWNER_DOMAIN, HVP_OWNER_DOMAIN, HVP_OWNER_HYPERVISOR,
					  HVP_OWNER_HOST, HVP_OWNER_IDLE};
	const struct question question = {.sort = BY_DOMAIN};
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	fixture_ask(&fixture, &question);
	assert_int_equal(fixture.entries.num_sections, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(fixture.entries.sections[i].owner, owners[i]);
	assert_int_equal(fixture.entries.sections[0].domain, MADE_WEB);
	assert_int_equal(fixture.entries.sections[1].domain, MADE_DB);
	fixture_close(&fixture);
}

static void what_is_not_shown_is_summed_up(void **state)
{
	const struct question by_rows = {.sort = BY_DOMAIN, .limit = 1};
	const struct question by_percent = {.sort = BY_DOMAIN, .percent_limit = 5};
	const struct hvp_section *section;
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	fixture_ask(&fixture, &by_rows);
	section = &fixture.entries.sections[0];
	assert_int_equal(section->num, 3);
	assert_int_equal(section->num_shown, 1);
	assert_int_equal(section->omitted_samples, 13);
	fixture_ask(&fixture, &by_percent);
	section = &fixture.entries.sections[0];
	assert_int_equal(section->num_shown, 2);
	assert_int_equal(section->omitted_samples, 5);
	fixture_close(&fixture);
}

static void a_filter_leaves_out_and_keeps_the_sum(void **state)
{
	static const struct {
		const char *filter;
		uint64_t kept;
	} cases[] = {
		{"domain=web", 53 + 11},
		{"domain=web|db", 72 + 15},
		{"domain!=web", 125 - 64},
		{"owner=domain,mode=kernel", 64},
		{"mode=user", 16},
		{"mode=guest", 72},
		{"symbol~^(tcp|btrfs)_", 52},
		{"symbol!~.", 0},
		{"vcpu=1", 15},
		{"vcpu=0-1", 53 + 19 + 13},
		{"cpu=1", 20},
		{"pid=300|400", 18},
		{"comm=postgres", 13},
		{"comm=\"CPU 0/KVM\",domain=db", 23},
		{"image=[kvm_amd]", 13},
		{"image=/nonexistent/bin/postgres", 3},
		{"address=0x1000-0x7fffffffffffffff", 16},
	};
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct question question = {.sort = BY_DOMAIN, .filter = cases[i].filter};
		const struct hvp_totals *totals = &fixture.entries.totals;
		uint64_t rows = 0;

		fixture_ask(&fixture, &question);
		for (size_t j = 0; j < fixture.entries.num; j++)
			rows += fixture.entries.items[j].samples;
		if (rows != cases[i].kept)
			fail_msg("%s: %d samples, not %d", cases[i].filter, (int)rows,
				 (int)cases[i].kept);
		assert_int_equal(totals->total, 128);
		assert_int_equal(totals->filtered, 125 - cases[i].kept);
	}
	fixture_close(&fixture);
}

static void slices_of_time_add_up(void **state)
{
	struct fixture fixture;
	uint64_t sum = 0;

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	for (uint64_t from = MADE_START; from < MADE_END; from += 17000000) {
		const struct question question = {
			.sort = BY_DOMAIN, .time_from = from, .time_until = from + 16999999};
		const struct hvp_totals *totals = &fixture.entries.totals;

		fixture_ask(&fixture, &question);
		assert_int_equal(totals->outside + fixture.profile.scan.samples, 125);
		sum += totals->total;
	}
	assert_int_equal(sum, 128);
	fixture_close(&fixture);
}

static void inclusive_sums_count_each_sample_once_also_in_recursion(void **state)
{
	const struct question question = {.sort = BY_DOMAIN, .has_children = true};
	const struct hvp_entry *row;
	struct fixture fixture;

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	fixture_ask(&fixture, &question);
	/* Three times in the chain of four samples. */
	row = find_row(&fixture, "host", NULL, "walk_tree");
	assert_int_equal(row->samples, 0);
	assert_int_equal(row->children_samples, 4);
	/* Below both schedule() and ksys_read(). */
	row = find_row(&fixture, "host", NULL, "do_syscall_64");
	assert_int_equal(row->children_samples, 4 + 6);
	row = find_row(&fixture, "host", NULL, "schedule");
	assert_int_equal(row->samples, 4);
	assert_int_equal(row->children_samples, 4);
	row = find_row(&fixture, "hypervisor", "web", "kvm_vcpu_ioctl");
	assert_int_equal(row->children_samples, 9);
	row = find_row(&fixture, "domain", "web", "net_rx_action");
	assert_int_equal(row->children_samples, 40);
	fixture_close(&fixture);
}

/* The weights of the nodes of a row's tree, in words: "a 4, b 4". */
static void spell_tree(const struct hvp_trees *trees, const struct hvp_entry *entry, char *buf,
		       size_t size)
{
	struct hvp_tree_view view = {trees, entry->tree, 0};
	uint32_t at = entry->tree;
	unsigned int depth = 0;
	size_t used = 0;

	*buf = '\0';
	while (hvp_tree_next(&view, &at, &depth))
		used += (size_t)snprintf(buf + used, size - used, "%s%u:%s %d", used ? ", " : "",
					 depth, hvp_tree_symbol(trees, &trees->nodes[at]),
					 (int)trees->nodes[at].weight);
}

static void trees_lead_to_callers_and_to_callees(void **state)
{
	const struct question question = {.sort = BY_DOMAIN, .has_children = true};
	struct hvp_trees trees;
	struct fixture fixture;
	char buf[512];

	(void)state;
	fixture_make(&fixture, MADE_SMALL);
	fixture_ask(&fixture, &question);
	assert_ok(hvp_trees_init(&trees, &fixture.entries, HVP_TREE_CALLERS, true));
	spell_tree(&trees, find_row(&fixture, "host", NULL, "schedule"), buf, sizeof(buf));
	assert_string_equal(buf, "1:walk_tree 4, 2:walk_tree 4, 3:walk_tree 4, 4:do_syscall_64 4");
	/* From the outermost walk_tree() on. */
	spell_tree(&trees, find_row(&fixture, "host", NULL, "walk_tree"), buf, sizeof(buf));
	assert_string_equal(buf, "1:do_syscall_64 4");
	hvp_trees_deinit(&trees);

	fixture_ask(&fixture, &question);
	assert_ok(hvp_trees_init(&trees, &fixture.entries, HVP_TREE_CALLEES, true));
	spell_tree(&trees, find_row(&fixture, "host", NULL, "do_syscall_64"), buf, sizeof(buf));
	assert_string_equal(buf, "1:ksys_read 6, 1:walk_tree 4, 2:walk_tree 4, 3:walk_tree 4, "
				 "4:schedule 4");
	hvp_trees_deinit(&trees);
	fixture_close(&fixture);
}

static void frames_without_a_symbol_are_one_node_with_their_number(void **state)
{
	/* Addresses that nothing maps, between functions that are known. */
	static const uint64_t frames[] = {0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70};
	const struct question question = {.sort = "symbol", .has_children = true};
	struct fixture fixture = {.fd = memory_file()};
	struct hvp_session_writer *writer = made_begin(fixture.fd, MADE_EMPTY);
	struct made_state made = {.time = MADE_START};
	const struct hvp_tree_node *node;
	struct hvp_sample sample;
	struct hvp_trees trees;
	char buf[512];

	(void)state;
	sample = made_host_sample(&made, 300, 300, HVP_MODE_HOST_KERNEL, HOST_KERNEL(0x1010));
	made_add(writer, &made, sample, 3, frames, 7);
	made_add(writer, &made, sample, 2, frames, 4);
	made_finish(writer);
	fixture_open(&fixture);
	fixture_ask(&fixture, &question);
	assert_ok(hvp_trees_init(&trees, &fixture.entries, HVP_TREE_CALLERS, true));
	spell_tree(&trees, find_row(&fixture, NULL, NULL, "schedule"), buf, sizeof(buf));
	assert_string_equal(buf, "1:[no mapping] 5");
	node = &trees.nodes[trees.nodes[find_row(&fixture, NULL, NULL, "schedule")->tree]
				    .first_child];
	assert_int_equal(node->min_frames, 4);
	assert_int_equal(node->max_frames, 7);
	hvp_trees_deinit(&trees);
	fixture_close(&fixture);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static struct hvp_sample random_sample(uint64_t *random)
{
	return (struct hvp_sample){
		.time = MADE_START + next_random(random) * 4,
		.ip = next_random(random) % 4 ? HOST_KERNEL(next_random(random) % 0x9000)
					      : next_random(random) << 20,
		.period = next_random(random),
		.pid = (uint32_t)(next_random(random) % 5) * 100,
		.tid = (uint32_t)(next_random(random) % 5) * 100,
		.cpu = (uint32_t)(next_random(random) % 4),
		.domain = (uint32_t)(next_random(random) % 6),
		.vcpu = next_random(random) % 3 ? (uint32_t)(next_random(random) % 100)
						: HVP_VCPU_NONE,
		.mode = (uint8_t)(next_random(random) % HVP_NUM_MODES),
	};
}

/* Adds `num` samples; counts what the owners must sum up to. */
static void write_random(int fd, uint64_t *random, unsigned int num,
			 uint64_t owners[HVP_NUM_OWNERS])
{
	struct hvp_session_writer *writer = made_begin(fd, MADE_EMPTY);

	for (unsigned int i = 0; i < num; i++) {
		struct hvp_sample sample = random_sample(random);
		const struct hvp_row row = {.mode = sample.mode,
					    .domain = sample.domain,
					    .pid = sample.pid,
					    .tid = sample.tid};
		uint64_t frames[3] = {HOST_KERNEL(0x2001), HOST_KERNEL(0x3001),
				      HOST_KERNEL(0x3005)};

		sample.chain = (struct hvp_chain){frames, (uint32_t)(next_random(random) % 4), 0};
		made_check(hvp_session_writer_add_sample(writer, &sample));
		owners[hvp_owner_of_row(&row)]++;
		if (!(i % 1000))
			made_check(hvp_session_writer_flush(writer));
	}
	made_finish(writer);
}

static void owners_add_up_in_sessions_made_at_random(void **state)
{
	static const char *const sorts[] = {BY_DOMAIN, "symbol", "cpu,pid", "address,mode,tid",
					    "owner,comm,vcpu"};

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		const struct question question = {.sort = sorts[seed % 5],
						  .has_children = seed % 2,
						  .num_threads = (unsigned int)(seed % 4)};
		uint64_t owners[HVP_NUM_OWNERS] = {0}, random = seed, rows = 0, sections = 0;
		struct fixture fixture = {.fd = memory_file()};

		write_random(fixture.fd, &random, 5000, owners);
		fixture_open(&fixture);
		fixture_ask(&fixture, &question);
		assert_memory_equal(owners, fixture.entries.totals.owners, sizeof(owners));
		assert_int_equal(fixture.entries.totals.total, 5000);
		for (size_t i = 0; i < fixture.entries.num; i++)
			rows += fixture.entries.items[i].samples;
		for (size_t i = 0; i < fixture.entries.num_sections; i++)
			sections += fixture.entries.sections[i].samples;
		assert_int_equal(rows, 5000);
		assert_int_equal(sections, 5000);
		fixture_close(&fixture);
	}
}

static void the_number_of_threads_changes_nothing(void **state)
{
	uint64_t owners[HVP_NUM_OWNERS] = {0}, random = 99;
	struct fixture fixture = {.fd = memory_file()};
	size_t num_rows = 0;
	uint64_t first = 0;

	(void)state;
	write_random(fixture.fd, &random, 20000, owners);
	fixture_open(&fixture);
	for (unsigned int threads = 1; threads <= 8; threads *= 2) {
		const struct question question = {.sort = BY_DOMAIN, .num_threads = threads};

		fixture_ask(&fixture, &question);
		if (threads == 1) {
			num_rows = fixture.entries.num;
			first = fixture.entries.items[0].samples;
		}
		assert_int_equal(fixture.entries.num, num_rows);
		assert_int_equal(fixture.entries.items[0].samples, first);
	}
	fixture_close(&fixture);
}

static void places_by_address_and_by_function_make_the_same_rows(void **state)
{
	uint64_t owners[HVP_NUM_OWNERS] = {0}, random = 4711, sums[2][8] = {{0}};
	struct fixture fixture = {.fd = memory_file()};
	size_t num_places[2], num_rows[2];

	(void)state;
	write_random(fixture.fd, &random, 40000, owners);
	fixture_open(&fixture);
	for (unsigned int i = 0; i < 2; i++) {
		const struct question question = {.sort = BY_DOMAIN, .by_address = i == 1};

		fixture_ask(&fixture, &question);
		num_places[i] = fixture.profile.scan.places.num;
		num_rows[i] = fixture.entries.num;
		for (size_t j = 0; j < 8; j++)
			sums[i][j] = fixture.entries.items[j].samples;
	}
	assert_true(num_places[0] < num_places[1]);
	assert_int_equal(num_rows[0], num_rows[1]);
	assert_memory_equal(sums[0], sums[1], sizeof(sums[0]));
	fixture_close(&fixture);
}

static void a_large_vcpu_number_is_kept_and_a_mad_one_does_no_harm(void **state)
{
	struct hvp_vcpu_set set = {0};
	char buf[32];

	(void)state;
	assert_string_equal(hvp_vcpu_set_text(&set, buf, sizeof(buf)), "-");
	hvp_vcpu_set_add(&set, 3);
	hvp_vcpu_set_add(&set, 64);
	hvp_vcpu_set_add(&set, 65);
	hvp_vcpu_set_add(&set, 1023);
	assert_string_equal(hvp_vcpu_set_text(&set, buf, sizeof(buf)), "3,64-65,1023");
	hvp_vcpu_set_add(&set, UINT32_MAX - 1);
	assert_string_equal(hvp_vcpu_set_text(&set, buf, sizeof(buf)), "3,64-65,1023,...");
	assert_string_equal(hvp_vcpu_set_text(&set, buf, 10), "3,...");
	assert_int_equal(hvp_vcpu_set_next(&set, 66), 1023);
	hvp_vcpu_set_deinit(&set);
}

static void the_fields_that_help_names_are_those_there_are(void **state)
{
	char names[1024] = "";

	(void)state;
	for (size_t i = 0; i < hvp_num_columns; i++) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", i ? " " : "",
			 hvp_columns[i].table.name);
	}
	assert_string_equal(names, HVP_REPORT_FIELDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_has_its_owner),
		cmocka_unit_test(equal_addresses_of_two_guests_are_different_functions),
		cmocka_unit_test(the_hypervisors_work_is_told_apart_by_domain),
		cmocka_unit_test(a_row_knows_the_vcpus_of_its_samples),
		cmocka_unit_test(a_function_of_several_domains_is_one_row_when_symbols_alone_count),
		cmocka_unit_test(sections_stand_by_owner_and_domains_by_weight),
		cmocka_unit_test(what_is_not_shown_is_summed_up),
		cmocka_unit_test(a_filter_leaves_out_and_keeps_the_sum),
		cmocka_unit_test(slices_of_time_add_up),
		cmocka_unit_test(inclusive_sums_count_each_sample_once_also_in_recursion),
		cmocka_unit_test(trees_lead_to_callers_and_to_callees),
		cmocka_unit_test(the_fields_that_help_names_are_those_there_are),
		cmocka_unit_test(frames_without_a_symbol_are_one_node_with_their_number),
		cmocka_unit_test(owners_add_up_in_sessions_made_at_random),
		cmocka_unit_test(the_number_of_threads_changes_nothing),
		cmocka_unit_test(places_by_address_and_by_function_make_the_same_rows),
		cmocka_unit_test(a_large_vcpu_number_is_kept_and_a_mad_one_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
