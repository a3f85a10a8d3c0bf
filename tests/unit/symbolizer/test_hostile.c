/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damaged ELF files: cut short at every byte, and with bits turned over. Nothing may crash;
 * sanitizer builds look harder.
 */
#include "tests/unit/check.h"

#include <unistd.h>

#include "elf_world.h"
#include "symbolizer/file.h"
#include "tests/fuzz/exercise_elf.h"

static const char *const programs[] = {"pie", "with-mini", "compressed", "by-build-id.debug"};

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 20;
}

static void files_cut_short_at_any_byte_are_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct hvp_file file;

		assert_ok(hvp_file_load(NULL, fixture(programs[i]), false, &file));
		for (size_t size = 0; size < file.size; size++)
			exercise_elf(file.data, size, size % 61 == 0);
		hvp_file_deinit(&file);
	}
}

/*
 * Most of the harm is in headers and tables: half of the flips go to the first and last kilobytes.
 */
static size_t place_of_flip(uint64_t *random, size_t size)
{
	uint64_t number = next_random(random);

	switch (number % 4) {
	case 0: return (size_t)(number / 4 % 1024);
	case 1: return size - 1 - (size_t)(number / 4 % 2560);
	default: return (size_t)(number / 4 % size);
	}
}

static void files_with_bits_turned_over_are_survived(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct hvp_file file;

		assert_ok(hvp_file_load(NULL, fixture(programs[i]), false, &file));
		assert_true(file.size > 4096);
		for (int round = 0; round < 1500; round++) {
			size_t places[8];
			uint8_t bits[8];
			size_t num = 1 + next_random(&random) % 8;

			for (size_t j = 0; j < num; j++) {
				places[j] = place_of_flip(&random, file.size);
				bits[j] = (uint8_t)(1u << next_random(&random) % 8);
				file.data[places[j]] ^= bits[j];
			}
			exercise_elf(file.data, file.size, round % 3 == 0);
			for (size_t j = 0; j < num; j++)
				file.data[places[j]] ^= bits[j];
		}
		hvp_file_deinit(&file);
	}
}

/* A damaged file costs its names, and the report says which file it was. */
static void a_damaged_program_leaves_a_reason_and_a_note(void **state)
{
	struct world world;
	char cwd[512], path[1024];

	(void)state;
	write_bytes("damaged",
		    "\x7f"
		    "ELF\x02\x01\x01 and then nothing that makes sense",
		    40);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(path, sizeof(path), "%s/damaged", cwd);
	world_begin(&world);
	world_mmap(&world, 0, 7, 0x400000, 0x1000, 0, path);
	world_open(&world, NULL);
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, 7, 1, 0x400010),
			    "damaged!10");
	assert_true(world_notes(&world, path));
	world_end(&world);
}

static void control_characters_of_paths_and_names_are_not_shown(void **state)
{
	struct hvp_location location;
	struct world world;

	(void)state;
	world_begin(&world);
	world_mmap(&world, 0, 7, 0x400000, 0x1000, 0, "/tmp/\033[2Jevil\n");
	world_open(&world, NULL);
	world_locate(&world, HVP_MODE_HOST_USER, 0, 7, 1, 0x400010, &location);
	assert_string_equal(hvp_image_name(location.image), "\\x1b[2Jevil\\x0a");
	assert_string_equal(hvp_image_path(location.image), "/tmp/\\x1b[2Jevil\\x0a");
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_cut_short_at_any_byte_are_survived),
		cmocka_unit_test(files_with_bits_turned_over_are_survived),
		cmocka_unit_test(a_damaged_program_leaves_a_reason_and_a_note),
		cmocka_unit_test(control_characters_of_paths_and_names_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
