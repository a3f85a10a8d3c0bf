/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/scope.h"
#include "common/session/reader.h"
#include "daemon/collector.h"
#include "daemon/kvm/guest_files.h"

#define SECOND 1000000000ull

struct test {
	struct fixture_tree tree;
	char path[80];
	int fd;
	struct hvp_target target;
	struct hvp_collector_options options;
	struct hvp_session_writer *writer;
	struct hvp_collector *collector;
	struct hvp_sink sink;
};

static int set_up(void **state)
{
	struct test *test = calloc(1, sizeof(*test));

	fixture_tree_init(&test->tree);
	snprintf(test->path, sizeof(test->path), "%s/session", test->tree.path);
	test->fd = open(test->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(test->fd >= 0);
	test->options = (struct hvp_collector_options){
		.roots = &test->tree.roots, .target = &test->target, .discovers = true};
	*state = test;
	return 0;
}

static void start(struct test *test)
{
	const struct hvp_session_writer_options options = {.path = test->path};
	const struct hvp_event_info event = {
		.name = "cpu-clock", .unit = "ns", .frequency = 1000, .scope = "all"};
	uint16_t index;

	assert_ok(hvp_session_writer_create(test->fd, &options, &test->writer));
	assert_ok(hvp_session_writer_add_event(test->writer, &event, &index));
	assert_ok(hvp_collector_create(&test->options, test->writer, &test->collector));
	hvp_collector_get_sink(test->collector, &test->sink);
}

static int tear_down(void **state)
{
	struct test *test = *state;

	hvp_collector_destroy(test->collector);
	hvp_session_writer_destroy(test->writer);
	close(test->fd);
	fixture_tree_deinit(&test->tree);
	free(test);
	return 0;
}

static void make_vm(const struct test *test, uint32_t pid, const char *name)
{
	char path[64], text[128];
	int size;

	snprintf(path, sizeof(path), "proc/%u/cmdline", pid);
	size = snprintf(text, sizeof(text), "qemu-system-x86_64%c-name%c%s", 0, 0, name);
	fixture_write_bytes(&test->tree, path, text, (size_t)size + 1);
	snprintf(path, sizeof(path), "debugfs/kvm/%u-11/vcpu0/pid", pid);
	snprintf(text, sizeof(text), "%u\n", pid + 1);
	fixture_write(&test->tree, path, text);
}

static void put_sample(struct test *test, enum hvp_mode mode, uint32_t pid, uint32_t tid,
		       uint64_t time)
{
	struct hvp_sample sample = {.mode = (uint8_t)mode,
				    .pid = pid,
				    .tid = tid,
				    .time = time,
				    .ip = 0xffffffff81000234,
				    .period = 1000000,
				    .vcpu = HVP_VCPU_NONE};

	assert_ok(test->sink.sample(test->sink.arg, &sample));
}

/* Two of web, one of db, one for web, one of the host, one idle. */
static void put_one_of_each(struct test *test)
{
	put_sample(test, HVP_MODE_GUEST_USER, 100, 101, SECOND);
	put_sample(test, HVP_MODE_GUEST_KERNEL, 100, 101, SECOND + 1);
	put_sample(test, HVP_MODE_GUEST_USER, 200, 201, SECOND + 2);
	put_sample(test, HVP_MODE_HOST_KERNEL, 100, 101, SECOND + 3);
	put_sample(test, HVP_MODE_HOST_USER, 300, 300, SECOND + 4);
	put_sample(test, HVP_MODE_HOST_KERNEL, 0, 0, SECOND + 5);
}

static struct hvp_session *finish(struct test *test)
{
	const struct hvp_session_end end = {.start_time = SECOND, .end_time = 2 * SECOND};
	struct hvp_session *session;

	assert_ok(hvp_collector_end(test->collector, HVP_COLLECTOR_SYMBOLS_SEEN));
	assert_ok(hvp_session_writer_finish(test->writer, &end));
	assert_ok(hvp_session_open(test->path, &session));
	assert_null(hvp_session_damage(session));
	return session;
}

static const struct hvp_record *find_record(const struct hvp_session *session,
					    enum hvp_record_type type, size_t nth)
{
	for (size_t i = 0; i < hvp_session_num_records(session); i++)
		if (hvp_session_record(session, i)->type == type && !nth--)
			return hvp_session_record(session, i);
	return NULL;
}

static void every_sample_reaches_the_session_with_its_domain(void **state)
{
	static const uint32_t domains[] = {1, 1, 2, 1, 0, 0};
	static const uint32_t vcpus[] = {0, 0, 0, 0, HVP_VCPU_NONE, HVP_VCPU_NONE};
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	hvp_scope(hvp_session_cursor_destroy_scope) struct hvp_session_cursor *cursor = NULL;
	struct hvp_collector_stats stats;
	const struct hvp_row *row;
	struct test *test = *state;

	make_vm(test, 100, "web");
	make_vm(test, 200, "db");
	fixture_write(&test->tree, "proc/kallsyms",
		      "ffffffff81000000 T _text\nffffffff81000200 t hot\n"
		      "ffffffff81000300 t cold\nffffffff81000400 t colder\n");
	start(test);
	assert_ok(hvp_collector_begin(test->collector));
	/* VMs are told in the order of the folder: make web the first. */
	put_one_of_each(test);
	hvp_collector_get_stats(test->collector, &stats);
	assert_int_equal(stats.samples, 6);
	assert_int_equal(stats.guests, 3);
	assert_int_equal(stats.hypervisor, 1);
	assert_int_equal(stats.host, 1);
	assert_int_equal(stats.idle, 1);
	assert_int_equal(stats.num_domains, 2);
	session = finish(test);
	assert_ok(hvp_session_cursor_create(session, &cursor));
	for (size_t i = 0; i < 6; i++) {
		struct hvp_vm vm = {.name = ""};

		assert_ok(hvp_session_cursor_next(cursor, &row));
		assert_non_null(row);
		assert_int_equal(row->time, SECOND + i);
		assert_int_equal(row->vcpu, vcpus[i]);
		assert_int_equal(!row->domain, !domains[i]);
		if (!row->domain)
			continue;
		hvp_domain_table_get(hvp_collector_domain_table(test->collector), row->domain, &vm);
		assert_string_equal(vm.name, domains[i] == 1 ? "web" : "db");
	}
	/* What was seen of the kernel has a name, and the rest is not carried along. */
	assert_non_null(find_record(session, HVP_RECORD_BLOB, 0));
	{
		const struct hvp_record_blob *blob =
			&find_record(session, HVP_RECORD_BLOB, 0)->blob;

		assert_non_null(memmem(blob->data, blob->size, " hot\n", 5));
		assert_null(memmem(blob->data, blob->size, " colder\n", 8));
	}
}

/* One thread runs two vCPUs in turn: only the source knows which one it was. */
static void what_a_source_knows_of_domain_and_vcpu_counts(void **state)
{
	const struct hvp_record domain = {.type = HVP_RECORD_DOMAIN,
					  .time = SECOND,
					  .domain = {.domain = 70, .pid = 100, .name = "qemu"}};
	struct hvp_record vcpu = {.type = HVP_RECORD_VCPU,
				  .time = SECOND,
				  .vcpu = {.domain = 70, .vcpu = 0, .tid = 101}};
	struct hvp_sample sample = {.mode = HVP_MODE_GUEST_USER,
				    .pid = 100,
				    .tid = 101,
				    .time = SECOND + 1,
				    .domain = 70,
				    .vcpu = 1,
				    .guest_cr3 = 0x5000};
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	hvp_scope(hvp_session_cursor_destroy_scope) struct hvp_session_cursor *cursor = NULL;
	const struct hvp_row *row;
	struct test *test = *state;

	make_vm(test, 100, "web");
	start(test);
	assert_ok(test->sink.record(test->sink.arg, &domain));
	assert_ok(test->sink.record(test->sink.arg, &vcpu));
	vcpu.vcpu.vcpu = 1;
	assert_ok(test->sink.record(test->sink.arg, &vcpu));
	assert_ok(test->sink.sample(test->sink.arg, &sample));
	sample.time++;
	sample.domain = 70;
	sample.vcpu = 0;
	assert_ok(test->sink.sample(test->sink.arg, &sample));
	session = finish(test);
	/* In the session's numbers, with the name that discovery found, and once. */
	assert_int_equal(find_record(session, HVP_RECORD_DOMAIN, 0)->domain.domain, 1);
	assert_string_equal(find_record(session, HVP_RECORD_DOMAIN, 0)->domain.name, "web");
	assert_null(find_record(session, HVP_RECORD_DOMAIN, 1));
	assert_ok(hvp_session_cursor_create(session, &cursor));
	for (uint32_t i = 2; i-- > 0;) {
		assert_ok(hvp_session_cursor_next(cursor, &row));
		assert_non_null(row);
		assert_int_equal(row->domain, 1);
		assert_int_equal(row->vcpu, i);
		assert_int_equal(row->guest_cr3, 0x5000);
	}
}

static void samples_that_nobody_asked_for_are_counted_and_said(void **state)
{
	static const char *const guests[] = {"web"};
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	struct hvp_collector_stats stats;
	struct test *test = *state;

	make_vm(test, 100, "web");
	make_vm(test, 200, "db");
	test->target.guests = guests;
	test->target.num_guests = 1;
	start(test);
	assert_ok(hvp_collector_begin(test->collector));
	put_one_of_each(test);
	hvp_collector_get_stats(test->collector, &stats);
	/* web's two, and the host's work for it. */
	assert_int_equal(stats.samples, 3);
	assert_int_equal(stats.not_wanted, 3);
	session = finish(test);
	assert_int_equal(hvp_session_num_samples(session), 3);
	/* This host has no kallsyms: said, too, and no reason to fail. */
	assert_non_null(
		strstr(find_record(session, HVP_RECORD_NOTE, 0)->note.text, "/proc/kallsyms"));
	assert_non_null(find_record(session, HVP_RECORD_NOTE, 1));
	assert_non_null(strstr(find_record(session, HVP_RECORD_NOTE, 1)->note.text,
			       "3 samples of others were not recorded by request"));
}

static void targets_choose_by_name_uuid_pid_and_vcpu(void **state)
{
	static const struct hvp_vm web = {.domain = 1, .pid = 100, .name = "web#2", .uuid = "AbC"};
	static const struct {
		const char *guest;
		bool has_vm;
	} names[] = {
		{"web", true}, {"web#2", true}, {"web#1", false}, {"we", false}, {"abc", true},
		{"100", true}, {"10", false},	{"", false},	  {"db", false},
	};
	const struct hvp_sample guest = {.mode = HVP_MODE_GUEST_USER, .domain = 1, .vcpu = 2};
	const struct hvp_sample for_guest = {.mode = HVP_MODE_HOST_KERNEL, .domain = 1, .vcpu = 2};
	const struct hvp_sample host = {.mode = HVP_MODE_HOST_USER, .vcpu = HVP_VCPU_NONE};
	struct hvp_target target;
	uint32_t vcpus[] = {2};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		target = (struct hvp_target){.guests = &names[i].guest, .num_guests = 1};
		assert_int_equal(hvp_target_has_vm(&target, &web), names[i].has_vm);
	}
	/* --host: the host's code, whoever it works for. */
	target = (struct hvp_target){.host = true};
	assert_false(hvp_target_wants(&target, &guest, true));
	assert_true(hvp_target_wants(&target, &for_guest, true));
	assert_true(hvp_target_wants(&target, &host, false));
	/* --guest: nothing of the host's own. */
	target = (struct hvp_target){.guests = &names[0].guest, .num_guests = 1};
	assert_true(hvp_target_wants(&target, &guest, true));
	assert_false(hvp_target_wants(&target, &guest, false));
	assert_false(hvp_target_wants(&target, &host, false));
	/* Both. */
	target.host = true;
	assert_true(hvp_target_wants(&target, &guest, true));
	assert_true(hvp_target_wants(&target, &host, false));
	/* --vcpu. */
	target = (struct hvp_target){.vcpus = {.cpus = vcpus, .num = 1}};
	assert_true(hvp_target_wants(&target, &guest, true));
	vcpus[0] = 3;
	assert_false(hvp_target_wants(&target, &guest, true));
}

static void a_full_disk_costs_samples_and_is_said_but_ends_nothing(void **state)
{
	const struct hvp_session_end end = {.start_time = SECOND, .end_time = 2 * SECOND};
	struct rlimit old, limit;
	struct hvp_collector_stats stats;
	struct test *test = *state;
	struct hvp_error *err = NULL;

	start(test);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	/* Incompressible enough to need the disk again and again. */
	for (uint64_t i = 0; i < 400000; i++) {
		struct hvp_sample sample = {.mode = HVP_MODE_HOST_USER,
					    .pid = 300,
					    .tid = 300,
					    .time = SECOND + i * 1000,
					    .ip = i * 0x9e3779b97f4a7c15ull,
					    .period = i * 0x2545f4914f6cdd1dull >> 20,
					    .vcpu = HVP_VCPU_NONE};

		assert_ok(test->sink.sample(test->sink.arg, &sample));
	}
	assert_ok(hvp_collector_survive(test->collector, hvp_session_writer_flush(test->writer)));
	hvp_collector_get_stats(test->collector, &stats);
	assert_non_null(stats.file_error);
	assert_non_null(strstr(stats.file_error, test->path));
	assert_true(stats.lost_samples > 0);
	assert_int_equal(stats.samples + stats.lost_samples, 400000);
	assert_int_equal(stats.host, stats.samples);
	err = hvp_session_writer_finish(test->writer, &end);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(err);
	hvp_error_destroy(err);
	/* Another error than that of the disk ends the session. */
	err = hvp_collector_survive(test->collector,
				    hvp_error_create(HVP_ERROR_OTHER, "something else"));
	assert_error(err, HVP_ERROR_OTHER, "something else");
}

static void files_for_a_guest_travel_once_with_its_domain(void **state)
{
	hvp_scope(hvp_guest_files_destroy_scope) struct hvp_guest_files *files = NULL;
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	struct test *test = *state;
	char spec[256], missing[256];
	const char *specs[] = {spec};
	const struct hvp_record *record;

	make_vm(test, 100, "web");
	make_vm(test, 200, "db");
	fixture_write(&test->tree, "web.kallsyms", "ffffffff81000000 T _text\n");
	snprintf(spec, sizeof(spec), "web=kallsyms:%s/web.kallsyms,root:/guests/web",
		 test->tree.path);
	assert_ok(hvp_guest_files_create(specs, 1, &files));
	test->options.guest_files = files;
	start(test);
	assert_ok(hvp_guest_files_add_info(files, test->writer));
	assert_ok(hvp_collector_begin(test->collector));
	put_one_of_each(test);
	session = finish(test);
	record = find_record(session, HVP_RECORD_BLOB, 0);
	assert_non_null(record);
	assert_int_equal(record->blob.kind, HVP_BLOB_KALLSYMS);
	assert_int_equal(record->blob.size, 25);
	{
		struct hvp_vm vm;

		hvp_domain_table_get(hvp_collector_domain_table(test->collector),
				     record->blob.domain, &vm);
		assert_string_equal(vm.name, "web");
	}
	assert_null(find_record(session, HVP_RECORD_BLOB, 1));
	assert_string_equal(hvp_session_info(session, "guest.web.root"), "/guests/web");
	/* A file that is not there is an error before anything is recorded. */
	snprintf(missing, sizeof(missing), "web=kallsyms:%s/none", test->tree.path);
	specs[0] = missing;
	{
		struct hvp_guest_files *none;

		assert_error(hvp_guest_files_create(specs, 1, &none), HVP_ERROR_OS, "/none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		test(every_sample_reaches_the_session_with_its_domain),
		test(what_a_source_knows_of_domain_and_vcpu_counts),
		test(samples_that_nobody_asked_for_are_counted_and_said),
		cmocka_unit_test(targets_choose_by_name_uuid_pid_and_vcpu),
		test(a_full_disk_costs_samples_and_is_said_but_ends_nothing),
		test(files_for_a_guest_travel_once_with_its_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
