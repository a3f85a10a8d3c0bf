/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The symbolizer from outside: host processes of this machine, kernels, guests that are kept apart.
 */
#include "tests/unit/check.h"

#include <gnu/libc-version.h>
#include <inttypes.h>
#include <unistd.h>

#include "common/session/format.h"
#include "common/session/writer.h"
#include "world.h"

#define TEXT 0xffffffff81000000ULL
#define MOVED 0xffffffff9b000000ULL

/* The mappings of this very process, as a collector would record them. */
static void record_self(struct world *world, uint32_t pid)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4400], access[5], path[4096];
	uint64_t begin, end, offset;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %4095s", &begin,
			   &end, access, &offset, path) == 5 &&
		    access[2] == 'x')
			world_mmap(world, 0, pid, begin, end - begin, offset, path);
	}
	fclose(maps);
}

__attribute__((noinline)) int known_function(int a);
int known_function(int a)
{
	return a * 7 + (int)getpid();
}

static void a_running_program_is_resolved_in_itself_and_its_libraries(void **state)
{
	struct world world;

	(void)state;
	world_begin(&world);
	record_self(&world, 42);
	world_open(&world, NULL);
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, 42, 5,
					  (uint64_t)(uintptr_t)known_function + 3),
			    "test_symbolizer:known_function+0x3");
	/* Sanitizers take most of libc's functions over, but not this one. */
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, 42, 5,
					  (uint64_t)(uintptr_t)gnu_get_libc_version),
			    "libc.so.6:gnu_get_libc_version+0x0");
	/* Another process has none of these mappings. */
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, 43, 5,
					  (uint64_t)(uintptr_t)known_function),
			    "[unknown]!4");
	world_end(&world);
}

static const char host_kallsyms[] = "ffffffff81000000 T _text\n"
				    "ffffffff81000000 T _stext\n"
				    "ffffffff81000000 T startup_64\n"
				    "ffffffff81000100 t do_one\n"
				    "ffffffff81000200 T do_two\n"
				    "ffffffff81000200 t do_two_alias\n"
				    "ffffffff81001000 T _etext\n"
				    "ffffffff82000000 D some_data\n"
				    "ffffffffc0a00100 t svm_vcpu_run\t[kvm_amd]\n"
				    "ffffffffc0a00200 T svm_exit\t[kvm_amd]\n"
				    "ffffffffc0b00040 t bpf_prog_6deef7357e7b4530_x\t[bpf]\n";
static const char host_modules[] = "kvm_amd 16384 0 - Live 0xffffffffc0a00000\n";

static void the_hosts_kernel_and_modules_come_from_the_session(void **state)
{
	static const struct {
		uint64_t address;
		const char *expected;
	} table[] = {
		{TEXT, "[kernel]:startup_64+0x0"},
		{TEXT + 0x1ff, "[kernel]:do_one+0xff"},
		{TEXT + 0x200, "[kernel]:do_two+0x0"},
		{TEXT + 0xfff, "[kernel]:do_two+0xdff"},
		{TEXT + 0x1000, "[host kernel]!4"},
		{0xffffffff82000010, "[host kernel]!4"},
		{0xffffffffc0a00180, "[kvm_amd]:svm_vcpu_run+0x80"},
		{0xffffffffc0a03fff, "[kvm_amd]:svm_exit+0x3dff"},
		{0xffffffffc0a00010, "[kvm_amd]!8"},
		{0xffffffffc0a04000, "[host kernel]!4"},
		{0xffffffffc0b00041, "[bpf]:bpf_prog_6deef7357e7b4530_x+0x1"},
		{0, "[host kernel]!4"},
		{UINT64_MAX, "[host kernel]!4"},
	};
	struct world world;

	(void)state;
	world_begin(&world);
	world_text(&world, HVP_BLOB_KALLSYMS, 0, 0, host_kallsyms);
	world_text(&world, HVP_BLOB_MODULES, 0, 0, host_modules);
	world_open(&world, NULL);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(
			world_resolve(&world, HVP_MODE_HOST_KERNEL, 0, 1, 1, table[i].address),
			table[i].expected);
	world_end(&world);
}

static void a_kernels_borders_are_recorded_when_kallsyms_lacks_them(void **state)
{
	struct world world;

	(void)state;
	world_begin(&world);
	world_mmap(&world, 0, HVP_PID_KERNEL, TEXT, 0x800, TEXT, "[kernel.kallsyms]_text");
	world_text(&world, HVP_BLOB_KALLSYMS, 0, 0,
		   "ffffffff81000100 t do_one\nffffffff81000200 T do_two\n");
	world_open(&world, NULL);
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_KERNEL, 0, 1, 1, TEXT + 0x110),
			    "[kernel]:do_one+0x10");
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_KERNEL, 0, 1, 1, TEXT + 0x7ff),
			    "[kernel]:do_two+0x5ff");
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_KERNEL, 0, 1, 1, TEXT + 0x800),
			    "[host kernel]!4");
	world_end(&world);
}

static void ksymbol(struct world *world, uint64_t time, uint64_t address, uint64_t size,
		    const char *name, bool is_gone)
{
	world_record(world, &(struct hvp_record){.type = HVP_RECORD_KSYMBOL,
						 .time = time,
						 .ksymbol = {address, size, is_gone, name}});
}

static void bpf_programs_have_names_while_they_are_there(void **state)
{
	static const struct {
		uint64_t time, address;
		const char *expected;
	} table[] = {
		{9, 0xffffffffc0100010, "[host kernel]!4"},
		{10, 0xffffffffc0100010, "[bpf]:bpf_prog_one+0x10"},
		{20, 0xffffffffc0100010, "[host kernel]!4"},
		/* Another program in the memory of the first, a little further on. */
		{30, 0xffffffffc0100090, "[bpf]:bpf_prog_two+0x10"},
		{15, 0xffffffffc0100090, "[bpf]:bpf_prog_one+0x90"},
		{30, 0xffffffffc0100010, "[host kernel]!4"},
		{30, 0xffffffffc0200000, "[trampoline]:ftrace_trampoline+0x0"},
		/* The kernel proper is not overlaid. */
		{30, TEXT + 0x100, "[kernel]:do_one+0x0"},
	};
	struct world world;

	(void)state;
	world_begin(&world);
	world_text(&world, HVP_BLOB_KALLSYMS, 0, 0, host_kallsyms);
	ksymbol(&world, 10, 0xffffffffc0100000, 0x100, "bpf_prog_one", false);
	ksymbol(&world, 20, 0xffffffffc0100000, 0x100, "bpf_prog_one", true);
	ksymbol(&world, 25, 0xffffffffc0100080, 0x100, "bpf_prog_two", false);
	ksymbol(&world, 25, 0xffffffffc0200000, 0x1000, "ftrace_trampoline", false);
	ksymbol(&world, 25, TEXT + 0x100, 0x10, "bpf_prog_evil", false);
	world_open(&world, NULL);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(world_resolve(&world, HVP_MODE_HOST_KERNEL, 0, 1, table[i].time,
						  table[i].address),
				    table[i].expected);
	world_end(&world);
}

static void hidden_kernel_addresses_are_a_reason_of_their_own(void **state)
{
	struct world world;

	(void)state;
	world_begin(&world);
	world_text(&world, HVP_BLOB_KALLSYMS, 0, 0,
		   "0000000000000000 T _text\n0000000000000000 T do_one\n");
	world_open(&world, NULL);
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_KERNEL, 0, 1, 1, TEXT),
			    "[host kernel]!9");
	world_end(&world);
}

static void each_guest_is_resolved_with_its_own_images_alone(void **state)
{
	struct hvp_guest_images web;
	const struct hvp_symbolizer_options options = {.guests = &web, .num_guests = 1};
	struct world world;

	(void)state;
	write_text("web.kallsyms", "ffffffff9b000000 T _text\nffffffff9b000100 T web_hot\n"
				   "ffffffff9b100000 T _etext\n");
	assert_ok(hvp_guest_images_parse("web=kallsyms:web.kallsyms", &web));
	world_begin(&world);
	world_text(&world, HVP_BLOB_KALLSYMS, 0, 0, host_kallsyms);
	world_domain(&world, 1, 100, "web", "");
	world_domain(&world, 2, 200, "db", "");
	world_domain(&world, 3, 300, "dark", "");
	world_text(&world, HVP_BLOB_KALLSYMS, 2, 0,
		   "ffffffff81000000 T _text\nffffffff9b000100 T db_hot\n"
		   "ffffffff9b200000 T _etext\n");
	world_open(&world, &options);
	assert_string_equal(world_resolve(&world, HVP_MODE_GUEST_KERNEL, 1, 100, 1, MOVED + 0x110),
			    "[kernel]:web_hot+0x10");
	assert_string_equal(world_resolve(&world, HVP_MODE_GUEST_KERNEL, 2, 200, 1, MOVED + 0x110),
			    "[kernel]:db_hot+0x10");
	/* Neither a neighbour's images nor the host's serve a guest without any. */
	assert_string_equal(world_resolve(&world, HVP_MODE_GUEST_KERNEL, 3, 300, 1, MOVED + 0x110),
			    "[guest kernel]!2");
	assert_string_equal(world_resolve(&world, HVP_MODE_GUEST_KERNEL, 3, 300, 1, TEXT + 0x110),
			    "[guest kernel]!2");
	assert_string_equal(world_resolve(&world, HVP_MODE_GUEST_KERNEL, 1, 100, 1, TEXT + 0x110),
			    "[guest kernel]!4");
	/* A domain that no record told of. */
	assert_string_equal(world_resolve(&world, HVP_MODE_GUEST_KERNEL, 77, 1, 1, TEXT + 0x110),
			    "[guest kernel]!2");
	assert_string_equal(world_resolve(&world, HVP_MODE_GUEST_USER, 1, 100, 1, 0x401000),
			    "[guest user]!1");
	world_end(&world);
	hvp_guest_images_deinit(&web);
}

static void a_guest_is_found_by_name_uuid_pid_or_star(void **state)
{
	static const char *const names[] = {"web", "6F1C2AE8-0000-0000-0000-000000000001", "100",
					    "*"};

	(void)state;
	write_text("one.kallsyms", "ffffffff9b000000 T _text\nffffffff9b100000 T _etext\n"
				   "ffffffff9b000100 T hot\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct hvp_guest_images images;
		const struct hvp_symbolizer_options options = {.guests = &images, .num_guests = 1};
		struct world world;
		char spec[128];

		snprintf(spec, sizeof(spec), "%s=kallsyms:one.kallsyms", names[i]);
		assert_ok(hvp_guest_images_parse(spec, &images));
		world_begin(&world);
		world_domain(&world, 5, 100, "web", "6f1c2ae8-0000-0000-0000-000000000001");
		world_open(&world, &options);
		assert_string_equal(
			world_resolve(&world, HVP_MODE_GUEST_KERNEL, 5, 100, 1, MOVED + 0x100),
			"[kernel]:hot+0x0");
		assert_int_equal(hvp_symbolizer_num_notes(world.symbolizer), 0);
		world_end(&world);
		hvp_guest_images_deinit(&images);
	}
}

static void images_for_a_guest_that_is_not_there_are_said(void **state)
{
	struct hvp_guest_images images;
	const struct hvp_symbolizer_options options = {.guests = &images, .num_guests = 1};
	struct world world;

	(void)state;
	assert_ok(hvp_guest_images_parse("wbe=kallsyms:nowhere", &images));
	world_begin(&world);
	world_domain(&world, 1, 100, "web", "");
	world_open(&world, &options);
	assert_true(world_notes(&world, "wbe"));
	world_end(&world);
	hvp_guest_images_deinit(&images);
}

static void kallsyms_of_another_boot_are_detected_by_the_samples(void **state)
{
	struct hvp_guest_images images;
	const struct hvp_symbolizer_options options = {.guests = &images, .num_guests = 1};
	struct world world;

	(void)state;
	write_text("old.kallsyms", "ffffffff9b000000 T _text\nffffffff9b100000 T _etext\n"
				   "ffffffff9b000100 T hot\n");
	assert_ok(hvp_guest_images_parse("web=kallsyms:old.kallsyms", &images));
	world_begin(&world);
	world_domain(&world, 1, 100, "web", "");
	/*
	 * This boot has the kernel 32 MB higher; a few samples happen to fall into the old place.
	 */
	for (uint64_t i = 0; i < 50; i++)
		world_sample(&world, HVP_MODE_GUEST_KERNEL, 1, MOVED + 0x2000000 + i * 0x100);
	world_sample(&world, HVP_MODE_GUEST_KERNEL, 1, MOVED + 0x100);
	world_open(&world, &options);
	assert_string_equal(world_resolve(&world, HVP_MODE_GUEST_KERNEL, 1, 100, 1, MOVED + 0x100),
			    "[guest kernel]!3");
	assert_true(world_notes(&world, "web"));
	assert_true(world_notes(&world, "50 of 51 samples"));
	world_end(&world);
	hvp_guest_images_deinit(&images);
}

static void a_system_map_is_moved_by_the_kaslr_offset_given(void **state)
{
	static const char *const specs[] = {"web=kallsyms:System.map,kaslr:0x1a000000",
					    "web=kallsyms:System.map,text:0xffffffff9b000000"};

	(void)state;
	write_text("System.map", "0000000000000000 D __per_cpu_start\n"
				 "ffffffff81000000 T _text\nffffffff81000100 T hot\n"
				 "ffffffff81100000 T _etext\n");
	for (size_t i = 0; i < 2; i++) {
		struct hvp_guest_images images;
		const struct hvp_symbolizer_options options = {.guests = &images, .num_guests = 1};
		struct hvp_location location;
		struct world world;

		assert_ok(hvp_guest_images_parse(specs[i], &images));
		world_begin(&world);
		world_domain(&world, 1, 100, "web", "");
		for (uint64_t sample = 0; sample < 50; sample++)
			world_sample(&world, HVP_MODE_GUEST_KERNEL, 1, MOVED + sample * 0x100);
		world_open(&world, &options);
		assert_string_equal(
			world_resolve(&world, HVP_MODE_GUEST_KERNEL, 1, 100, 1, MOVED + 0x123),
			"[kernel]:hot+0x23");
		/* As System.map has it. */
		world_locate(&world, HVP_MODE_GUEST_KERNEL, 1, 100, 1, MOVED + 0x123, &location);
		assert_int_equal(location.address, TEXT + 0x123);
		world_end(&world);
		hvp_guest_images_deinit(&images);
	}
}

static void a_jit_map_in_the_session_names_code_without_a_file(void **state)
{
	struct world world;

	(void)state;
	world_begin(&world);
	world_text(&world, HVP_BLOB_JIT_MAP, 0, 42, "7f0000001000 100 LazyCompile:~hot a.js:1\n");
	world_mmap(&world, 0, 42, 0x7f0000000000, 0x10000, 0, "//anon");
	world_mmap(&world, 0, 43, 0x7f0000000000, 0x10000, 0, "//anon");
	world_open(&world, NULL);
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, 42, 1, 0x7f0000001080),
			    "perf-42.map:LazyCompile:~hot a.js:1+0x80");
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, 42, 1, 0x7f0000001100),
			    "perf-42.map!8");
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, 43, 1, 0x7f0000001080),
			    "[jit]!5");
	world_end(&world);
}

static void a_file_that_is_gone_keeps_its_places_apart(void **state)
{
	struct hvp_location one, other;
	struct world world;

	(void)state;
	world_begin(&world);
	world_mmap(&world, 0, 42, 0x400000, 0x10000, 0x1000, "/nowhere/prog");
	world_open(&world, NULL);
	world_locate(&world, HVP_MODE_HOST_USER, 0, 42, 1, 0x400010, &one);
	world_locate(&world, HVP_MODE_HOST_USER, 0, 42, 1, 0x400020, &other);
	assert_ptr_equal(one.image, other.image);
	assert_int_equal(one.address, 0x1010);
	assert_int_equal(other.address, 0x1020);
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, 42, 1, 0x400010),
			    "prog!6");
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_running_program_is_resolved_in_itself_and_its_libraries),
		cmocka_unit_test(the_hosts_kernel_and_modules_come_from_the_session),
		cmocka_unit_test(a_kernels_borders_are_recorded_when_kallsyms_lacks_them),
		cmocka_unit_test(bpf_programs_have_names_while_they_are_there),
		cmocka_unit_test(hidden_kernel_addresses_are_a_reason_of_their_own),
		cmocka_unit_test(each_guest_is_resolved_with_its_own_images_alone),
		cmocka_unit_test(a_guest_is_found_by_name_uuid_pid_or_star),
		cmocka_unit_test(images_for_a_guest_that_is_not_there_are_said),
		cmocka_unit_test(kallsyms_of_another_boot_are_detected_by_the_samples),
		cmocka_unit_test(a_system_map_is_moved_by_the_kaslr_offset_given),
		cmocka_unit_test(a_jit_map_in_the_session_names_code_without_a_file),
		cmocka_unit_test(a_file_that_is_gone_keeps_its_places_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
