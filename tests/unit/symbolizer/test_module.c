/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules: their files are relocated to where the running module is, for code, lines and inlined functions. */
#include "tests/unit/check.h"

#include <inttypes.h>
#include <unistd.h>

#include "elf_world.h"
#include "symbolizer/kernel/module_relocate.h"

#define TEXT ((uint64_t)0xffffffffc0a00000)
#define UNLIKELY ((uint64_t)0xffffffffc0b40000)
#define KERNEL_FUNCTION ((uint64_t)0xffffffff81000100)

/* The offset of a function in its section. */
static uint64_t offset_of(const char *name)
{
	struct known_symbol symbols[50];
	size_t num = nm_symbols("", fixture("module.ko"), symbols, 50);

	for (size_t i = 0; i < num; i++) {
		if (!strcmp(symbols[i].name, name))
			return symbols[i].address;
	}
	fail_msg("module.ko has no %s", name);
	return 0;
}

static int make_root(void **state)
{
	char command[4096];
	FILE *file = fopen("guest.kallsyms", "we");

	(void)state;
	assert_non_null(file);
	fprintf(file, "ffffffff81000000 T _text\n%016" PRIx64 " T kernel_function\n",
		KERNEL_FUNCTION);
	fprintf(file, "ffffffff81001000 T _etext\n");
	fprintf(file, "%016" PRIx64 " T first_function\t[the_module]\n",
		TEXT + offset_of("first_function"));
	fprintf(file, "%016" PRIx64 " t second_function\t[the_module]\n",
		TEXT + offset_of("second_function"));
	fprintf(file, "%016" PRIx64 " T unlikely_function\t[the_module]\n",
		UNLIKELY + offset_of("unlikely_function"));
	assert_int_equal(fclose(file), 0);
	snprintf(command, sizeof(command),
		 "mkdir -p plain/lib/modules/6.1/extra packed/lib/modules/6.1 "
		 "wrong/lib/modules/6.1 && cp %s/module.ko "
		 "plain/lib/modules/6.1/extra/the-module.ko && "
		 "mkdir -p package/usr/lib/debug/lib/modules/6.1/extra && cp %s/module.ko "
		 "package/usr/lib/debug/lib/modules/6.1/extra/the-module.ko && "
		 "cp %s/module.ko.xz packed/lib/modules/6.1/the_module.ko.xz && "
		 "cp %s/other-module.ko wrong/lib/modules/6.1/the_module.ko",
		 FIXTURES, FIXTURES, FIXTURES, FIXTURES);
	assert_int_equal(system(command), 0);
	return 0;
}

struct guest {
	struct hvp_guest_images images;
	struct world world;
};

/* Without a root folder the guest's modules come from `debug_dirs`, or from nowhere. */
static void open_guest_with(struct guest *guest, const char *root, const char *const *debug_dirs)
{
	const struct hvp_symbolizer_options options = {
		.guests = &guest->images, .num_guests = 1, .debug_dirs = debug_dirs};
	char spec[256];

	snprintf(spec, sizeof(spec), "web=kallsyms:guest.kallsyms%s%s", root ? ",root:" : "",
		 root ? root : "");
	assert_ok(hvp_guest_images_parse(spec, &guest->images));
	world_begin(&guest->world);
	world_domain(&guest->world, 1, 100, "web", "");
	world_open(&guest->world, &options);
}

static void open_guest(struct guest *guest, const char *root)
{
	open_guest_with(guest, root, NULL);
}

static void close_guest(struct guest *guest)
{
	world_end(&guest->world);
	hvp_guest_images_deinit(&guest->images);
}

static void locate(struct guest *guest, uint64_t address, struct hvp_location *ret)
{
	world_locate(&guest->world, HVP_MODE_GUEST_KERNEL, 1, 100, 1, address, ret);
	assert_string_equal(hvp_image_name(ret->image), "[the_module]");
}

static void expect_lines(struct guest *guest, uint64_t address, const char *function)
{
	const struct hvp_line *lines;
	struct hvp_location location;
	size_t num;

	locate(guest, address, &location);
	assert_ok(hvp_symbolizer_lines(guest->world.symbolizer, &location, &lines, &num));
	assert_true(num > 0);
	assert_string_equal(lines[num - 1].function, function);
	assert_non_null(strstr(lines[num - 1].file, "module.c"));
	assert_true(lines[num - 1].line > 0);
}

static void each_section_has_lines_where_it_was_loaded(void **state)
{
	static const char *const roots[] = {"plain", "packed"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct guest guest;

		open_guest(&guest, roots[i]);
		expect_lines(&guest, TEXT + offset_of("first_function"), "first_function");
		expect_lines(&guest, TEXT + offset_of("second_function") + 1, "second_function");
		expect_lines(&guest, UNLIKELY + offset_of("unlikely_function"),
			     "unlikely_function");
		close_guest(&guest);
	}
}

static void an_unpacked_package_serves_a_guest_without_a_root(void **state)
{
	static const char *const dirs[][3] = {
		{"package"}, {"package/usr/lib/debug"}, {"plain"}, {"wrong", "package"}};

	(void)state;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		struct guest guest;

		open_guest_with(&guest, NULL, dirs[i]);
		expect_lines(&guest, TEXT + offset_of("first_function"), "first_function");
		close_guest(&guest);
	}
}

static void a_package_serves_where_the_root_has_another_version(void **state)
{
	static const char *const dirs[] = {"package", NULL};
	struct guest guest;

	(void)state;
	open_guest_with(&guest, "wrong", dirs);
	expect_lines(&guest, TEXT + offset_of("second_function"), "second_function");
	close_guest(&guest);
}

static void inlined_functions_of_modules_are_known(void **state)
{
	struct hvp_location location;
	struct guest guest;
	bool is_found = false;

	(void)state;
	open_guest(&guest, "plain");
	for (uint64_t i = 0; i < 0x18; i++) {
		const struct hvp_line *lines;
		size_t num;

		locate(&guest, TEXT + offset_of("first_function") + i, &location);
		assert_ok(hvp_symbolizer_lines(guest.world.symbolizer, &location, &lines, &num));
		is_found |= num == 2 && !strcmp(lines[0].function, "peek");
	}
	assert_true(is_found);
	close_guest(&guest);
}

static void calls_lead_to_the_kernels_functions(void **state)
{
	struct hvp_location location;
	struct guest guest;
	bool is_found = false;
	uint8_t *code;
	bool is_live;

	(void)state;
	open_guest(&guest, "plain");
	locate(&guest, TEXT + offset_of("first_function"), &location);
	assert_ok(hvp_symbolizer_code(guest.world.symbolizer, location.image, location.address, 48,
				      &code, &is_live));
	for (size_t i = 0; i + 5 <= 48 && !is_found; i++) {
		int32_t distance;

		memcpy(&distance, code + i + 1, sizeof(distance));
		is_found =
			(code[i] == 0xe8 || code[i] == 0xe9) &&
			location.address + i + 5 + (uint64_t)(int64_t)distance == KERNEL_FUNCTION;
	}
	assert_true(is_found);
	free(code);
	close_guest(&guest);
}

static void another_version_of_the_module_is_not_used(void **state)
{
	const struct hvp_line *lines;
	struct hvp_location location;
	struct guest guest;
	uint8_t *code;
	bool is_live;
	size_t num;

	(void)state;
	open_guest(&guest, "wrong");
	/* The section with one function fits anywhere; the other does not, and so nothing of the file is believed. */
	locate(&guest, TEXT + offset_of("second_function"), &location);
	assert_ok(hvp_symbolizer_lines(guest.world.symbolizer, &location, &lines, &num));
	assert_int_equal(num, 0);
	assert_error(hvp_symbolizer_code(guest.world.symbolizer, location.image, location.address,
					 4, &code, &is_live),
		     HVP_ERROR_NOT_FOUND, "[the_module]");
	close_guest(&guest);
}

static void damaged_modules_are_survived(void **state)
{
	struct hvp_names own, all;
	uint64_t random = 7;
	struct hvp_file file;

	(void)state;
	hvp_names_init(&own);
	hvp_names_init(&all);
	assert_ok(hvp_names_add(&own, "first_function", TEXT + offset_of("first_function")));
	assert_ok(hvp_names_add(&own, "second_function", TEXT + offset_of("second_function")));
	assert_ok(hvp_file_load(NULL, fixture("module.ko"), false, &file));
	for (int round = 0; round < 4000; round++) {
		struct hvp_elf *elf = NULL;
		struct hvp_file copy;
		struct hvp_error *err;
		size_t size = file.size;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		if (round % 2)
			size = (size_t)(random >> 20) % size;
		assert_ok(hvp_file_copy("module", file.data, size, &copy));
		for (int i = 0; i < 6 && size && !(round % 2); i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			/* Headers of sections are at the end of an object file. */
			copy.data[i < 3 ? (random >> 20) % size
					: size - 1 -
						  (random >> 20) % (size < 2048 ? size : 2048)] ^=
				(uint8_t)(1u << (random >> 60) % 8);
		}
		err = size ? hvp_elf_create(&copy, &elf) : NULL;
		if (!err && elf)
			err = hvp_module_relocate(elf, &own, &all);
		hvp_error_destroy(err);
		hvp_elf_destroy(elf);
		hvp_file_deinit(&copy);
	}
	hvp_file_deinit(&file);
	hvp_names_deinit(&own);
	hvp_names_deinit(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_section_has_lines_where_it_was_loaded),
		cmocka_unit_test(an_unpacked_package_serves_a_guest_without_a_root),
		cmocka_unit_test(a_package_serves_where_the_root_has_another_version),
		cmocka_unit_test(inlined_functions_of_modules_are_known),
		cmocka_unit_test(calls_lead_to_the_kernels_functions),
		cmocka_unit_test(another_version_of_the_module_is_not_used),
		cmocka_unit_test(damaged_modules_are_survived),
	};

	return cmocka_run_group_tests(tests, make_root, NULL);
}
