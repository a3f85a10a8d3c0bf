/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/kallsyms_cache.h"
#include "daemon/host/kernel_maps.h"

struct test {
	struct fixture_tree tree;
	struct fixture_log log;
	struct hvp_kernel_seen seen;
};

static int set_up(void **state)
{
	struct test *test = calloc(1, sizeof(*test));

	fixture_tree_init(&test->tree);
	fixture_log_init(&test->log);
	assert_ok(hvp_kernel_seen_init(&test->seen));
	*state = test;
	return 0;
}

static int tear_down(void **state)
{
	struct test *test = *state;

	hvp_kernel_seen_deinit(&test->seen);
	fixture_log_deinit(&test->log);
	fixture_tree_deinit(&test->tree);
	free(test);
	return 0;
}

static void text_and_modules_become_mappings(void **state)
{
	struct test *test = *state;
	/* namesz 4, descsz 3, NT_GNU_BUILD_ID, "GNU", aa bb cc and padding. */
	static const uint8_t note[] = {4, 0, 0,	  0,   3,   0, 0,    0,	   3,	 0,
				       0, 0, 'G', 'N', 'U', 0, 0xaa, 0xbb, 0xcc, 0};

	fixture_write(&test->tree, "proc/kallsyms",
		      "0000000000000000 A fixed_percpu_data\n0000000000002000 A gdt_page\n"
		      "ffffffff9a000000 T startup_64\nffffffff9a000000 T _text\n");
	fixture_write(&test->tree, "proc/iomem",
		      "00100000-7fffffff : System RAM\n  01000000-01ffffff : Kernel code\n");
	fixture_write_bytes(&test->tree, "sys/kernel/notes", note, sizeof(note));
	fixture_write_bytes(&test->tree, "sys/module/kvm_amd/notes/.note.gnu.build-id", note,
			    sizeof(note));
	fixture_write(&test->tree, "proc/modules",
		      "kvm_amd 155648 0 - Live 0xffffffffc0a5e000 (E)\n"
		      "../evil 4096 0 - Live 0xffffffffc0b00000\n"
		      "hidden 4096 0 - Live 0x0000000000000000\n"
		      "short 4096\n"
		      "kvm 1146880 1 kvm_amd, Live 0xffffffffc0900000\n");
	assert_ok(hvp_kernel_maps_emit(&test->tree.roots, &test->log.sink));
	assert_non_null(strstr(fixture_log_text(&test->log),
			       "mmap -1 ffffffff9a000000-ffffffff9b000000 +ffffffff9a000000 "
			       "[kernel.kallsyms]_text aabbcc\n"));
	assert_non_null(strstr(fixture_log_text(&test->log),
			       "mmap -1 ffffffffc0a5e000-ffffffffc0a84000 +0 [kvm_amd] aabbcc\n"));
	assert_non_null(strstr(fixture_log_text(&test->log),
			       "mmap -1 ffffffffc0900000-ffffffffc0a18000 +0 [kvm]\n"));
	assert_null(strstr(fixture_log_text(&test->log), "mmap -1 0-"));
	assert_null(strstr(fixture_log_text(&test->log), "[../evil]"));
}

static void hidden_addresses_are_said(void **state)
{
	struct test *test = *state;

	fixture_write(&test->tree, "proc/kallsyms", "0000000000000000 T _text\n");
	assert_ok(hvp_kernel_maps_emit(&test->tree.roots, &test->log.sink));
	assert_non_null(strstr(fixture_log_text(&test->log), "kernel.kptr_restrict=0"));
	assert_ok(hvp_kernel_symbols_emit(&test->tree.roots, NULL, NULL, &test->log.sink));
	assert_null(strstr(fixture_log_text(&test->log), "blob"));
}

static void pieces_that_were_seen_are_remembered(void **state)
{
	struct test *test = *state;
	const uint64_t base = 0xffffffff81000000;

	hvp_kernel_seen_mark(&test->seen, base + 0x1040);
	hvp_kernel_seen_mark(&test->seen, 0x400000);
	hvp_kernel_seen_mark(&test->seen, UINT64_MAX);
	assert_true(hvp_kernel_seen_any(&test->seen, base + 0x1040, base + 0x1041));
	/* A piece has 64 bytes. */
	assert_true(hvp_kernel_seen_any(&test->seen, base + 0x1070, base + 0x1080));
	assert_false(hvp_kernel_seen_any(&test->seen, base + 0x1080, base + 0x2000));
	assert_false(hvp_kernel_seen_any(&test->seen, base, base + 0x1040));
	assert_true(hvp_kernel_seen_any(&test->seen, base, base + 0x1041));
	assert_true(hvp_kernel_seen_any(&test->seen, base, base + 0x100000));
	assert_true(hvp_kernel_seen_any(&test->seen, UINT64_MAX - 1, UINT64_MAX));
	assert_int_equal(hvp_kernel_seen_next(&test->seen, base, UINT64_MAX), base + 0x1040);
	assert_int_equal(hvp_kernel_seen_next(&test->seen, base + 0x1040, UINT64_MAX),
			 base + 0x1040);
	assert_int_equal(hvp_kernel_seen_next(&test->seen, base + 0x1080, base + 0x9000),
			 base + 0x9000);
	assert_int_equal(hvp_kernel_seen_next(&test->seen, base, base + 0x1040), base + 0x1040);
	assert_false(hvp_kernel_seen_any(&test->seen, base, base));
	assert_false(hvp_kernel_seen_any(&test->seen, 0x400000, 0x400001));
}

#define SYMBOLS                                                                                    \
	"ffffffff81000000 T _text\n"                                                               \
	"ffffffff81000100 t cold\n"                                                                \
	"ffffffff810001f0 t __pfx_hot\n"                                                           \
	"ffffffff81000200 T hot\n"                                                                 \
	"ffffffff81000200 W hot_alias\n"                                                           \
	"ffffffff81000400 t after_hot\n"                                                           \
	"ffffffff81000600 t other\n"                                                               \
	"ffffffff81000700 D data\n"                                                                \
	"ffffffff81001000 T _etext\n"                                                              \
	"ffffffff83000000 T _sinittext\n"                                                          \
	"ffffffff83000100 T start_kernel\n"                                                        \
	"ffffffff83000200 T never_seen\n"                                                          \
	"ffffffff83000300 T _einittext\n"                                                          \
	"ffffffffc0a00000 t svm_vcpu_run\t[kvm_amd]\n"                                             \
	"ffffffffc0900000 t kvm_arch\t[kvm]\n"

static void names_of_seen_functions_are_kept_with_their_bounds(void **state)
{
	struct test *test = *state;

	fixture_write(&test->tree, "proc/kallsyms", SYMBOLS);
	hvp_kernel_seen_mark(&test->seen, 0xffffffff81000234);
	hvp_kernel_seen_mark(&test->seen, 0xffffffffc0a00010);
	assert_ok(hvp_kernel_symbols_emit(&test->tree.roots, NULL, &test->seen, &test->log.sink));
	fixture_log_is(&test->log, "blob 1 domain 0 /proc/kallsyms\n"
				   "ffffffff81000000 T _text\n"
				   "ffffffff81000100 t cold\n"
				   "ffffffff81000200 T hot\n"
				   "ffffffff81000200 W hot_alias\n"
				   "ffffffff81000400 t after_hot\n"
				   "ffffffff81001000 T _etext\n"
				   "ffffffff83000000 T _sinittext\n"
				   "ffffffff83000100 T start_kernel\n"
				   "ffffffff83000300 T _einittext\n"
				   "ffffffffc0a00000 t svm_vcpu_run\t[kvm_amd]\n"
				   "ffffffffc0900000 t kvm_arch\t[kvm]\n");
}

static void all_functions_are_kept_on_request_and_no_data(void **state)
{
	struct test *test = *state;

	fixture_write(&test->tree, "proc/kallsyms", SYMBOLS);
	assert_ok(hvp_kernel_symbols_emit(&test->tree.roots, NULL, NULL, &test->log.sink));
	assert_non_null(strstr(fixture_log_text(&test->log), " other\n"));
	assert_non_null(strstr(fixture_log_text(&test->log), " kvm_arch\t[kvm]\n"));
	assert_null(strstr(fixture_log_text(&test->log), " data\n"));
}

static void broken_lines_are_left_out(void **state)
{
	struct test *test = *state;
	char text[2048];

	/* One line as long as no name is, and one without an end. */
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "ffffffff81000000 T _text\n\n \nzz\n", 31);
	text[1500] = '\n';
	text[sizeof(text) - 1] = 0;
	fixture_write(&test->tree, "proc/kallsyms", text);
	assert_ok(hvp_kernel_symbols_emit(&test->tree.roots, NULL, NULL, &test->log.sink));
	fixture_log_is(&test->log, "blob 1 domain 0 /proc/kallsyms\nffffffff81000000 T _text\n");
}

static void assert_cached(struct test *test, const char *expected)
{
	struct hvp_kallsyms_text symbols;
	char cache[128];

	snprintf(cache, sizeof(cache), "%s/run/hvprof/kallsyms", test->tree.path);
	assert_ok(hvp_kallsyms_read(&test->tree.roots, cache, &symbols));
	assert_int_equal(symbols.size, strlen(expected));
	if (symbols.size)
		assert_memory_equal(symbols.text, expected, symbols.size);
	hvp_kallsyms_text_deinit(&symbols);
}

#define NUM_FUNCTIONS 3000

/* Of 16 or 3000 bytes; every fourth function has three names. Returns the address of the last. */
static uint64_t put_many_functions(char *text, const char *last)
{
	uint64_t address = 0xffffffff81000000;
	size_t size = 0;

	for (unsigned int i = 0; i < NUM_FUNCTIONS; i++) {
		for (unsigned int name = 0; name < (i % 4 ? 1u : 3u); name++)
			size += (size_t)sprintf(text + size, "%016" PRIx64 " t f%u_%.*s%u\n",
						address, i, (int)(i % 40),
						"a_name_of_which_some_are_long_others_not", name);
		address += i % 5 ? 16 : 3000;
	}
	sprintf(text + size, "%016" PRIx64 " %s\n", address, last);
	return address;
}

/*
 * Of functions up to _etext those that were not seen are skipped; without it every line is looked
 * at. Both keep the same.
 */
static void skipping_keeps_what_reading_every_line_keeps(void **state)
{
	struct test *test = *state;
	char *text = malloc(NUM_FUNCTIONS * 256), *skipped;
	char cache[128];

	snprintf(cache, sizeof(cache), "%s/run/hvprof/kallsyms", test->tree.path);
	fixture_mkdir(&test->tree, "run");
	fixture_write(&test->tree, "proc/sys/kernel/random/boot_id", "boot-1\n");
	for (unsigned int i = 0; i < 100; i++)
		hvp_kernel_seen_mark(&test->seen, 0xffffffff81000000 + i * i * 181);
	/* The last line is kept, whatever its name is, as the bound of a function that was seen. */
	hvp_kernel_seen_mark(&test->seen, put_many_functions(text, "T _etext") - 1);
	fixture_write(&test->tree, "proc/kallsyms", text);
	/* From the kernel, and from the cache. */
	for (int i = 0; i < 2; i++) {
		fixture_log_deinit(&test->log);
		fixture_log_init(&test->log);
		assert_ok(hvp_kernel_symbols_emit(&test->tree.roots, cache, &test->seen,
						  &test->log.sink));
	}
	skipped = strdup(fixture_log_text(&test->log));
	put_many_functions(text, "T __etxt");
	fixture_write(&test->tree, "proc/kallsyms", text);
	fixture_log_deinit(&test->log);
	fixture_log_init(&test->log);
	assert_ok(hvp_kernel_symbols_emit(&test->tree.roots, NULL, &test->seen, &test->log.sink));
	memcpy(strstr(skipped, "T _etext"), "T __etxt", 8);
	assert_true(strlen(skipped) > 5000);
	assert_string_equal(skipped, fixture_log_text(&test->log));
	free(skipped);
	free(text);
}

static void symbols_are_kept_for_the_boot_and_its_modules(void **state)
{
	struct test *test = *state;
	char path[128];

	fixture_mkdir(&test->tree, "run");
	fixture_write(&test->tree, "proc/sys/kernel/random/boot_id", "boot-1\n");
	fixture_write(&test->tree, "proc/modules", "kvm 4096 1 x, Live 0xffffffffc0900000\n");
	fixture_write(&test->tree, "proc/kallsyms", "ffffffff81000000 T one\n");
	assert_cached(test, "ffffffff81000000 T one\n");
	/* Who is asked is the file. */
	fixture_write(&test->tree, "proc/kallsyms", "ffffffff81000000 T two\n");
	assert_cached(test, "ffffffff81000000 T one\n");
	/* How often a module is used does not matter; where it is does. */
	fixture_write(&test->tree, "proc/modules", "kvm 4096 7 y, Live 0xffffffffc0900000\n");
	assert_cached(test, "ffffffff81000000 T one\n");
	fixture_write(&test->tree, "proc/modules", "kvm 4096 7 y, Live 0xffffffffc0a00000\n");
	assert_cached(test, "ffffffff81000000 T two\n");
	fixture_write(&test->tree, "proc/kallsyms", "ffffffff81000000 T three\n");
	fixture_write(&test->tree, "proc/sys/kernel/random/boot_id", "boot-2\n");
	assert_cached(test, "ffffffff81000000 T three\n");
	/* Somebody else could have written it. */
	fixture_write(&test->tree, "proc/kallsyms", "ffffffff81000000 T four\n");
	snprintf(path, sizeof(path), "%s/run/hvprof/kallsyms", test->tree.path);
	assert_int_equal(chmod(path, 0622), 0);
	assert_cached(test, "ffffffff81000000 T four\n");
	/* Cut short; and hidden addresses are never kept. */
	assert_int_equal(truncate(path, 10), 0);
	fixture_write(&test->tree, "proc/kallsyms", "0000000000000000 T hidden\n");
	assert_cached(test, "");
	fixture_write(&test->tree, "proc/kallsyms", "ffffffff81000000 T five\n");
	assert_cached(test, "ffffffff81000000 T five\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		test(text_and_modules_become_mappings),
		test(hidden_addresses_are_said),
		test(pieces_that_were_seen_are_remembered),
		test(names_of_seen_functions_are_kept_with_their_bounds),
		test(all_functions_are_kept_on_request_and_no_data),
		test(broken_lines_are_left_out),
		test(symbols_are_kept_for_the_boot_and_its_modules),
		test(skipping_keeps_what_reading_every_line_keeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
