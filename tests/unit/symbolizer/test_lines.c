/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines and inlined functions against `addr2line -i -f` of binutils, address by address. */
#include "tests/unit/check.h"

#include <inttypes.h>
#include <unistd.h>

#include "elf_world.h"
#include "symbolizer/elf/dwarf_internal.h"
#include "symbolizer/elf/finder.h"

#define PID 7u
#define BASE 0x555555554000ULL
#define MAX_FRAMES 16

struct frame {
	char function[256];
	char file[256];
	unsigned int line;
};

/* The last part of a path: tools differ in how they put folders together. */
static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Lines of addr2line come in pairs, "function" and "file:line (discriminator n)". */
static size_t read_frames(FILE *output, struct frame *frames, char *next, size_t size)
{
	size_t num = 0;
	char place[1024];

	while (fgets(next, (int)size, output) && strncmp(next, "0x", 2) != 0) {
		char *colon;

		next[strcspn(next, "\n")] = '\0';
		assert_true(num < MAX_FRAMES);
		snprintf(frames[num].function, sizeof(frames[num].function), "%.255s", next);
		assert_non_null(fgets(place, sizeof(place), output));
		colon = strrchr(place, ':');
		assert_non_null(colon);
		frames[num].line = (unsigned int)strtoul(colon + 1, NULL, 10);
		*colon = '\0';
		snprintf(frames[num].file, sizeof(frames[num].file), "%.255s", last_part(place));
		num++;
	}
	return num;
}

static void compare(struct world *world, const struct hvp_location *location,
		    const struct frame *frames, size_t num)
{
	const struct hvp_line *lines;
	size_t num_lines;

	assert_ok(hvp_symbolizer_lines(world->symbolizer, location, &lines, &num_lines));
	if (num_lines != num)
		fail_msg("0x%" PRIx64 ": %zu frames, addr2line has %zu", location->address,
			 num_lines, num);
	for (size_t i = 0; i < num; i++) {
		assert_string_equal(lines[i].function, frames[i].function);
		assert_string_equal(last_part(lines[i].file), frames[i].file);
		assert_int_equal(lines[i].line, frames[i].line);
		assert_int_equal(lines[i].is_inlined, i + 1 < num);
	}
}

/*
 * All bytes of the functions of program.c that have lines. Returns how many addresses had inlined
 * functions.
 */
static size_t compare_program(const char *name, const char *with_lines,
			      const struct hvp_symbolizer_options *options)
{
	static const char *const functions[] = {"main", "outer", "hidden", "__spoken"};
	char path[1024], lines_path[1024], command[4096], next[1024];
	struct known_symbol symbols[200];
	size_t num_inlined = 0;
	struct world world;

	snprintf(path, sizeof(path), "%s", fixture(name));
	snprintf(lines_path, sizeof(lines_path), "%s", fixture(with_lines));
	world_begin(&world);
	world_map_file(&world, PID, path, BASE);
	world_open(&world, options);
	for (size_t i = 0, num = nm_symbols("", lines_path, symbols, 200); i < num; i++) {
		bool is_wanted = false;
		FILE *output;

		for (size_t j = 0; j < 4; j++)
			is_wanted |= !strcmp(symbols[i].name, functions[j]);
		if (!is_wanted)
			continue;
		snprintf(command, sizeof(command),
			 "for a in $(seq %" PRIu64 " %" PRIu64 "); do printf '%%x\\n' $a; done | "
			 "addr2line -a -i -f -e %s",
			 symbols[i].address, symbols[i].address + symbols[i].size - 1, lines_path);
		output = popen(command, "re");
		assert_non_null(output);
		assert_non_null(fgets(next, sizeof(next), output));
		for (uint64_t at = 0; at < symbols[i].size; at++) {
			struct frame frames[MAX_FRAMES];
			struct hvp_location location;
			size_t num_frames = read_frames(output, frames, next, sizeof(next));

			/* Aliases: ours goes by what people say. */
			if (!strcmp(frames[num_frames - 1].function, "__spoken"))
				strcpy(frames[num_frames - 1].function, "spoken");
			world_locate(&world, HVP_MODE_HOST_USER, 0, PID, 1,
				     symbols[i].address + at + BASE, &location);
			compare(&world, &location, frames, num_frames);
			num_inlined += num_frames > 1;
		}
		pclose(output);
	}
	world_end(&world);
	return num_inlined;
}

static void lines_and_inlined_functions_are_those_of_addr2line(void **state)
{
	static const char *const programs[] = {"pie", "compressed", "clang"};

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (!access(fixture(programs[i]), R_OK))
			assert_true(compare_program(programs[i], programs[i], NULL) > 20);
	}
}

static void lines_come_from_the_separate_debug_file(void **state)
{
	(void)state;
	assert_true(compare_program("by-link", "pie", NULL) > 20);
}

static void an_image_without_line_information_has_no_lines(void **state)
{
	const struct hvp_line *lines;
	struct hvp_location location;
	struct world world;
	size_t num = 99;

	(void)state;
	world_begin(&world);
	world_map_file(&world, PID, fixture("by-build-id"), BASE);
	world_open(&world, NULL);
	world_locate(&world, HVP_MODE_HOST_USER, 0, PID, 1, BASE + 0x1100, &location);
	assert_ok(hvp_symbolizer_lines(world.symbolizer, &location, &lines, &num));
	assert_int_equal(num, 0);
	world_end(&world);
}

static void a_dwo_file_that_is_a_fifo_is_not_waited_for(void **state)
{
	const struct hvp_line *lines;
	struct known_symbol symbols[200];
	struct hvp_location location;
	struct world world;
	char path[1024];
	size_t num_lines = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s", fixture("split-fifo"));
	world_begin(&world);
	world_map_file(&world, PID, path, BASE);
	world_open(&world, NULL);
	alarm(60);
	for (size_t i = 0, num = nm_symbols("", path, symbols, 200); i < num; i++) {
		if (strcmp(symbols[i].name, "main") != 0)
			continue;
		world_locate(&world, HVP_MODE_HOST_USER, 0, PID, 1, symbols[i].address + BASE,
			     &location);
		assert_ok(hvp_symbolizer_lines(world.symbolizer, &location, &lines, &num_lines));
	}
	alarm(0);
	assert_int_equal(num_lines, 1);
	assert_string_equal(lines[0].function, "main");
	world_end(&world);
}

static struct hvp_elf *load_elf(const char *name)
{
	struct hvp_file file;
	struct hvp_elf *elf;

	assert_ok(hvp_file_load(NULL, fixture(name), true, &file));
	assert_ok(hvp_elf_create(&file, &elf));
	return elf;
}

/* What libdw goes by when it meets a reference to the alternate file. */
static Dwarf *alternate_of(struct hvp_elf *elf, struct hvp_elf *alternate)
{
	const struct hvp_dwarf_options options = {0};
	struct hvp_dwarf *dwarf;
	Dwarf *found;

	assert_ok(hvp_dwarf_create(elf, alternate, &options, &dwarf));
	alarm(60);
	found = dwarf_getalt(dwarf->dwarf);
	alarm(0);
	hvp_dwarf_destroy(dwarf);
	return found;
}

static void a_link_to_common_parts_is_taken_from_beside_the_file(void **state)
{
	const struct hvp_finder finder = {0};
	const struct hvp_wanted wanted = {.path = "program"};
	struct hvp_elf *elf = load_elf("linked-beside");
	struct hvp_elf *alternate = hvp_finder_open_alternate(&finder, &wanted, elf);

	(void)state;
	assert_non_null(alternate);
	assert_string_equal(hvp_elf_path(alternate), fixture("elsewhere"));
	assert_non_null(alternate_of(elf, alternate));
	hvp_elf_destroy(elf);
}

static void a_link_to_common_parts_opens_nothing_else(void **state)
{
	const struct hvp_finder finder = {0};
	const struct hvp_wanted wanted = {.path = "program"};
	struct hvp_elf *elf = load_elf("linked-fifo");

	(void)state;
	assert_null(hvp_finder_open_alternate(&finder, &wanted, elf));
	assert_null(alternate_of(elf, NULL));
	hvp_elf_destroy(elf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_inlined_functions_are_those_of_addr2line),
		cmocka_unit_test(lines_come_from_the_separate_debug_file),
		cmocka_unit_test(an_image_without_line_information_has_no_lines),
		cmocka_unit_test(a_dwo_file_that_is_a_fifo_is_not_waited_for),
		cmocka_unit_test(a_link_to_common_parts_is_taken_from_beside_the_file),
		cmocka_unit_test(a_link_to_common_parts_opens_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
