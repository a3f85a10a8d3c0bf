/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <unistd.h>

#include "common/session/format.h"
#include "common/session/reader.h"
#include "daemon/perfdata/import.h"
#include "tests/unit/check.h"
#include "tests/unit/daemon/perfdata_fixture.h"

/*
 * VMM 100 with vCPU threads 101 and 102, whose names tell the numbers; VMM 200 whose names tell
 * nothing.
 */
static void add_two_guests(struct perfdata_fixture *fixture)
{
	static const struct fixture_sample samples[] = {
		/* Host work of a VMM, before anything says that it is one. */
		{PERF_RECORD_MISC_KERNEL, FIXTURE_ID, 0xffffffff81000010, 900, 1, 100, 101, 0, NULL,
		 0},
		{PERF_RECORD_MISC_USER, FIXTURE_ID, 0x401000, 950, 1, 20, 20, 1, NULL, 0},
		{PERF_RECORD_MISC_GUEST_KERNEL, FIXTURE_ID, 0xffffffff82000010, 1000, 1, 100, 102,
		 0, NULL, 0},
		{PERF_RECORD_MISC_GUEST_USER, FIXTURE_ID, 0x401010, 1100, 1, 100, 101, 1, NULL, 0},
		{PERF_RECORD_MISC_GUEST_KERNEL, FIXTURE_ID, 0xffffffff82000010, 1200, 1, 200, 205,
		 0, NULL, 0},
		{PERF_RECORD_MISC_GUEST_KERNEL, FIXTURE_ID, 0xffffffff82000020, 1300, 1, 200, 203,
		 0, NULL, 0},
	};

	fixture_add_comm(fixture, 100, 100, "qemu-system-x86");
	fixture_add_comm(fixture, 100, 101, "CPU 1/KVM");
	fixture_add_comm(fixture, 100, 102, "CPU 0/KVM");
	fixture_add_comm(fixture, 200, 200, "my-vmm");
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		fixture_add_sample(fixture, &samples[i]);
}

/* Imports the fixture's bytes; the caller destroys the session. */
static struct hvp_error *import_bytes(const struct perfdata_fixture *fixture,
				      struct hvp_import_options *options,
				      struct hvp_import_stats *stats, struct hvp_session **ret)
{
	const struct hvp_session_writer_options writer_options = {.path = "session"};
	hvp_scope(hvp_session_writer_destroy_scope) struct hvp_session_writer *writer = NULL;
	hvp_scope(hvp_close_fd) int input = -1;
	hvp_scope(hvp_close_fd) int output = -1;
	char path[64], ignored[64];

	fixture_open(fixture->whole.data, fixture->whole.size, path, &input);
	fixture_open("", 0, ignored, &output);
	options->input = path;
	options->roots = &hvp_host_roots_default;
	hvp_try(hvp_session_writer_create(output, &writer_options, &writer));
	hvp_try(hvp_import(options, writer, stats));
	return hvp_session_open_fd(output, "session", ret);
}

/* "100:name/vmm 200:..." of all DOMAIN records, each domain once. */
static void list_domains(const struct hvp_session *session, char *buf, size_t size)
{
	size_t used = 0;

	*buf = 0;
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type != HVP_RECORD_DOMAIN)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%u:%s/%s ", record->domain.pid,
					 record->domain.name, record->domain.vmm);
		assert_true(used < size);
	}
}

/* The domain and vCPU of the sample at a time: "1.0"; "0" for the host. */
static void owner_at(const struct hvp_session *session, uint64_t time, char buf[32])
{
	struct hvp_session_cursor *cursor;
	const struct hvp_row *row;

	assert_ok(hvp_session_cursor_create(session, &cursor));
	snprintf(buf, 32, "none");
	for (;;) {
		assert_ok(hvp_session_cursor_next(cursor, &row));
		if (!row)
			break;
		if (row->time != time)
			continue;
		if (row->vcpu == HVP_VCPU_NONE)
			snprintf(buf, 32, "%u", row->domain);
		else
			snprintf(buf, 32, "%u.%u", row->domain, row->vcpu);
	}
	hvp_session_cursor_destroy(cursor);
}

static void guests_become_domains_of_their_processes_in_all_of_the_recording(void **state)
{
	static const struct {
		uint64_t time;
		const char *owner;
	} expected[] = {{900, "1.1"},  {950, "0"},    {1000, "1.0"},
			{1100, "1.1"}, {1200, "2.1"}, {1300, "2.0"}};
	struct hvp_import_options options = {0};
	struct perfdata_fixture fixture;
	struct hvp_import_stats stats;
	struct hvp_session *session;
	char text[256];

	(void)state;
	fixture_init(&fixture);
	add_two_guests(&fixture);
	fixture_finish_file(&fixture);
	assert_ok(import_bytes(&fixture, &options, &stats, &session));
	assert_int_equal(stats.samples, 6);
	assert_int_equal(stats.guest_samples, 4);
	assert_int_equal(stats.domains, 2);
	assert_false(stats.is_degraded);
	list_domains(session, text, sizeof(text));
	assert_string_equal(text, "100:pid 100 (qemu-system-x86)/qemu 200:pid 200 (my-vmm)/ ");
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		owner_at(session, expected[i].time, text);
		assert_string_equal(text, expected[i].owner);
	}
	hvp_session_destroy(session);
	fixture_deinit(&fixture);
}

static void a_guest_goes_by_the_name_that_the_user_gives(void **state)
{
	static const char *const names[] = {"200=db", "100=web"};
	struct hvp_import_options options = {.names = names, .num_names = 2};
	struct perfdata_fixture fixture;
	struct hvp_import_stats stats;
	struct hvp_session *session;
	char text[256];

	(void)state;
	fixture_init(&fixture);
	add_two_guests(&fixture);
	fixture_finish_file(&fixture);
	assert_ok(import_bytes(&fixture, &options, &stats, &session));
	list_domains(session, text, sizeof(text));
	assert_string_equal(text, "100:web/qemu 200:db/ ");
	hvp_session_destroy(session);
	fixture_deinit(&fixture);
}

static void names_that_do_not_parse_are_refused(void **state)
{
	static const char *const bad[] = {"web", "=web",    "x=web",
					  "12=", "12x=web", "99999999999=web"};
	struct perfdata_fixture fixture;

	(void)state;
	fixture_init(&fixture);
	fixture_finish_file(&fixture);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct hvp_import_options options = {.names = &bad[i], .num_names = 1};
		struct hvp_import_stats stats;
		struct hvp_session *session;

		assert_error(import_bytes(&fixture, &options, &stats, &session), HVP_ERROR_USAGE,
			     "PID=NAME");
	}
	fixture_deinit(&fixture);
}

static bool has_note(const struct hvp_session *session, const char *part)
{
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type == HVP_RECORD_NOTE && strstr(record->note.text, part))
			return true;
	}
	return false;
}

static void the_session_says_where_it_is_from_and_what_it_lacks(void **state)
{
	struct hvp_import_options options = {0};
	struct perfdata_fixture fixture;
	struct hvp_import_stats stats;
	struct hvp_session *session;
	struct hvp_session_end end;

	(void)state;
	fixture_init(&fixture);
	fixture_add_build_id(&fixture, PERF_RECORD_MISC_KERNEL, 0x22, "[kernel.kallsyms]");
	add_two_guests(&fixture);
	fixture_finish_file(&fixture);
	assert_ok(import_bytes(&fixture, &options, &stats, &session));
	assert_string_equal(hvp_session_info(session, HVP_INFO_SOURCE), "perf.data");
	assert_string_equal(hvp_session_info(session, HVP_INFO_HOSTNAME), "elsewhere");
	assert_string_equal(hvp_session_info(session, HVP_INFO_CPUS_ONLINE), "4");
	assert_string_equal(hvp_session_info(session, HVP_INFO_KERNEL_BUILD_ID),
			    "2222222222222222222222222222222222222222");
	assert_string_equal(hvp_session_info(session, "perf.command"), "perf record");
	assert_non_null(strstr(hvp_session_info(session, HVP_INFO_CLOCK), "sched_clock"));
	/* Not of this boot of this machine: its symbols would be wrong ones. */
	assert_true(has_note(session, "--kallsyms"));
	assert_true(hvp_session_end(session, &end));
	assert_int_equal(end.start_time, 900);
	assert_int_equal(end.end_time, 1300);
	assert_int_equal(hvp_session_num_events(session), 1);
	assert_int_equal(hvp_session_event(session, 0)->period, 10000);
	hvp_session_destroy(session);
	fixture_deinit(&fixture);
}

static void symbols_that_are_given_go_into_the_session(void **state)
{
	static const char symbols[] = "ffffffff81000000 T _text\n";
	struct hvp_import_options options = {0};
	struct perfdata_fixture fixture;
	struct hvp_import_stats stats;
	struct hvp_session *session;
	bool is_found = false;
	char path[64];
	int fd;

	(void)state;
	fixture_open(symbols, sizeof(symbols) - 1, path, &fd);
	options.kallsyms = path;
	fixture_init(&fixture);
	add_two_guests(&fixture);
	fixture_finish_file(&fixture);
	assert_ok(import_bytes(&fixture, &options, &stats, &session));
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type != HVP_RECORD_BLOB || record->blob.kind != HVP_BLOB_KALLSYMS)
			continue;
		assert_int_equal(record->blob.size, sizeof(symbols) - 1);
		assert_memory_equal(record->blob.data, symbols, sizeof(symbols) - 1);
		is_found = true;
	}
	assert_true(is_found);
	assert_false(has_note(session, "--kallsyms"));
	hvp_session_destroy(session);
	fixture_deinit(&fixture);
	close(fd);
}

static void ctrl_c_keeps_what_is_there(void **state)
{
	static const volatile sig_atomic_t interrupted = 1;
	struct hvp_import_options options = {.interrupted = &interrupted};
	struct perfdata_fixture fixture;
	struct hvp_import_stats stats;
	struct hvp_session *session;

	(void)state;
	fixture_init(&fixture);
	add_two_guests(&fixture);
	fixture_finish_file(&fixture);
	assert_ok(import_bytes(&fixture, &options, &stats, &session));
	assert_true(stats.is_degraded);
	assert_true(has_note(session, "stopped before the end"));
	assert_null(hvp_session_damage(session));
	hvp_session_destroy(session);
	fixture_deinit(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_become_domains_of_their_processes_in_all_of_the_recording),
		cmocka_unit_test(a_guest_goes_by_the_name_that_the_user_gives),
		cmocka_unit_test(names_that_do_not_parse_are_refused),
		cmocka_unit_test(the_session_says_where_it_is_from_and_what_it_lacks),
		cmocka_unit_test(symbols_that_are_given_go_into_the_session),
		cmocka_unit_test(ctrl_c_keeps_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
