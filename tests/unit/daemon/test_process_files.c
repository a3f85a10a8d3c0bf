/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JIT maps: whose are carried along, and whose are not. */
#include "tests/unit/daemon/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/process_files.h"

#define PID 4321u
#define MAP "proc/4321/root/tmp/perf-4321.map"
#define TEXT "1000 10 f\n"

struct test {
	struct fixture_tree tree;
	struct fixture_log log;
	struct hvp_domain_table *domains;
	/* Blobs that came, and the last one's bytes. */
	size_t num_blobs;
	char text[32];
	char note[256];
};

static struct hvp_error *keep_record(void *arg, const struct hvp_record *record)
{
	struct test *test = arg;

	if (record->type == HVP_RECORD_BLOB) {
		assert_int_equal(record->blob.kind, HVP_BLOB_JIT_MAP);
		assert_int_equal(record->blob.pid, PID);
		assert_string_equal(record->blob.path, "/tmp/perf-4321.map");
		snprintf(test->text, sizeof(test->text), "%.*s", (int)record->blob.size,
			 (const char *)record->blob.data);
		test->num_blobs++;
	}
	if (record->type == HVP_RECORD_NOTE)
		snprintf(test->note, sizeof(test->note), "%s", record->note.text);
	return NULL;
}

/* A process that was sampled once. */
static int set_up(void **state)
{
	struct test *test = calloc(1, sizeof(*test));
	struct hvp_sample sample = {.mode = HVP_MODE_HOST_USER, .pid = PID, .tid = PID, .time = 1};
	bool wants_discovery;

	assert_non_null(test);
	fixture_tree_init(&test->tree);
	fixture_log_init(&test->log);
	assert_ok(hvp_domain_table_create(&test->log.sink, &test->domains));
	assert_ok(hvp_domain_table_assign(test->domains, &sample, &wants_discovery));
	fixture_write(&test->tree, "proc/4321/status", "Name:\tjava\nNSpid:\t4321\n");
	*state = test;
	return 0;
}

static int tear_down(void **state)
{
	struct test *test = *state;

	hvp_domain_table_destroy(test->domains);
	fixture_log_deinit(&test->log);
	fixture_tree_deinit(&test->tree);
	free(test);
	return 0;
}

/* How many maps come now. */
static size_t num_maps(struct test *test)
{
	const struct hvp_sink sink = {.record = keep_record, .arg = test};
	struct hvp_sample sample = {.mode = HVP_MODE_HOST_USER, .pid = PID, .tid = PID, .time = 1};
	bool wants_discovery;

	test->num_blobs = 0;
	assert_ok(hvp_domain_table_assign(test->domains, &sample, &wants_discovery));
	assert_ok(hvp_process_files_emit_jit_maps(&test->tree.roots, test->domains, &sink));
	return test->num_blobs;
}

static void give(const struct test *test, const char *name, uid_t owner)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", test->tree.path, name);
	assert_int_equal(lchown(path, owner, (gid_t)-1), 0);
}

static void the_map_of_a_process_of_the_same_user_is_carried_along(void **state)
{
	struct test *test = *state;

	assert_int_equal(num_maps(test), 0);
	fixture_write(&test->tree, MAP, TEXT);
	assert_int_equal(num_maps(test), 1);
	assert_string_equal(test->text, TEXT);
}

static void what_is_no_file_of_its_own_is_left_alone(void **state)
{
	struct test *test = *state;
	char path[256];

	fixture_write(&test->tree, "proc/4321/root/secret", TEXT);
	snprintf(path, sizeof(path), "%s/proc/4321/root/secret", test->tree.path);
	fixture_symlink(&test->tree, MAP, path);
	assert_int_equal(num_maps(test), 0);
	snprintf(path, sizeof(path), "%s/" MAP, test->tree.path);
	assert_int_equal(unlink(path), 0);
	/* Nobody will ever write to it. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(num_maps(test), 0);
}

static void maps_of_others_are_not_trusted(void **state)
{
	struct test *test = *state;
	char from[256], to[256];

	if (geteuid()) {
		print_message("skipped: only root can give files away\n");
		return;
	}
	fixture_write(&test->tree, MAP, TEXT);
	give(test, "proc/4321", 1000);
	give(test, MAP, 1001);
	assert_int_equal(num_maps(test), 0);
	give(test, MAP, 1000);
	assert_int_equal(num_maps(test), 1);
	/* In a world of the process's own it may be any file of root's. */
	give(test, MAP, 0);
	fixture_write(&test->tree, "proc/4321/ns/mnt", "");
	fixture_write(&test->tree, "proc/self/ns/mnt", "");
	assert_int_equal(num_maps(test), 0);
	snprintf(from, sizeof(from), "%s/proc/self/ns/mnt", test->tree.path);
	snprintf(to, sizeof(to), "%s/proc/4321/ns/mnt", test->tree.path);
	assert_int_equal(unlink(to), 0);
	assert_int_equal(link(from, to), 0);
	assert_int_equal(num_maps(test), 1);
}

static void a_map_that_is_too_large_is_said(void **state)
{
	struct test *test = *state;
	char path[256];

	fixture_write(&test->tree, MAP, TEXT);
	snprintf(path, sizeof(path), "%s/" MAP, test->tree.path);
	assert_int_equal(truncate(path, 65 << 20), 0);
	assert_int_equal(num_maps(test), 0);
	assert_non_null(strstr(test->note, "/tmp/perf-4321.map: larger than the limit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		test(the_map_of_a_process_of_the_same_user_is_carried_along),
		test(what_is_no_file_of_its_own_is_left_alone),
		test(maps_of_others_are_not_trusted),
		test(a_map_that_is_too_large_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
