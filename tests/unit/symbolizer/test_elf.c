/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF files built here and a real library: the answers of binutils are the expected ones. */
#include "tests/unit/check.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_world.h"

#define PID 7u
#define BASE 0x555555554000ULL
#define MAX_SYMBOLS 8000u

/* Some symbol of nm begins at the address and is called like that; size 0 in nm says nothing. */
static bool is_known(const struct known_symbol *symbols, size_t num, uint64_t address,
		     const char *name)
{
	size_t length = strcspn(name, "@");

	for (size_t i = 0; i < num; i++) {
		if (symbols[i].address == address && strcspn(symbols[i].name, "@") == length &&
		    !strncmp(symbols[i].name, name, length))
			return true;
	}
	return false;
}

/* Every function of nm, at its first and its last byte. Returns how many were compared. */
static size_t compare_with_nm(const char *path, const char *with_symbols, const char *options,
			      uint64_t base, const struct hvp_symbolizer_options *with)
{
	static struct known_symbol symbols[MAX_SYMBOLS];
	size_t num = nm_symbols(options, with_symbols, symbols, MAX_SYMBOLS), compared = 0;
	struct world world;

	world_begin(&world);
	world_map_file(&world, PID, path, base);
	world_open(&world, with);
	for (size_t i = 0; i < num; i++) {
		const struct hvp_symbol *symbol;
		struct hvp_location location;
		enum hvp_unresolved why;

		world_locate(&world, HVP_MODE_HOST_USER, 0, PID, 1, symbols[i].address + base,
			     &location);
		/* nm's "T" includes labels outside of code, such as _fini's neighbours. */
		if (!strcmp(hvp_image_name(location.image), "[unknown]"))
			continue;
		assert_int_equal(location.address, symbols[i].address);
		symbol = hvp_symbolizer_symbol(world.symbolizer, &location, &why);
		assert_non_null(symbol);
		if (symbol->address != symbols[i].address ||
		    !is_known(symbols, num, symbol->address, symbol->name))
			fail_msg("%s: %s at %" PRIx64 " is called %s", path, symbols[i].name,
				 symbols[i].address, symbol->name);
		compared++;
		if (symbols[i].size < 2)
			continue;
		location.address += symbols[i].size - 1;
		symbol = hvp_symbolizer_symbol(world.symbolizer, &location, &why);
		assert_non_null(symbol);
		assert_true(symbol->address >= symbols[i].address);
	}
	world_end(&world);
	return compared;
}

static void every_function_of_each_kind_of_program_is_found(void **state)
{
	static const struct {
		const char *name;
		uint64_t base;
		size_t min;
	} programs[] = {
		{"fixed", 0, 8},	 {"pie", BASE, 8},    {"static", 0, 700},
		{"compressed", BASE, 8}, {"elsewhere", 0, 8}, {"split", BASE, 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		char path[1024];

		snprintf(path, sizeof(path), "%s", fixture(programs[i].name));
		assert_true(compare_with_nm(path, path, "", programs[i].base, NULL) >=
			    programs[i].min);
	}
}

/* The file that libc's functions are in. */
static void path_of_libc(char path[1024])
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[2048];

	path[0] = '\0';
	assert_non_null(maps);
	while (!path[0] && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "/libc.so.6"))
			sscanf(line, "%*s %*s %*s %*s %*s %1023s", path);
	}
	fclose(maps);
}

static void every_function_that_libc_exports_is_found(void **state)
{
	char path[1024];

	(void)state;
	path_of_libc(path);
	if (!path[0])
		skip();
	assert_true(compare_with_nm(path, path, "-D", BASE, NULL) > 1500);
}

static void a_file_that_was_replaced_since_is_not_believed(void **state)
{
	struct world world;

	(void)state;
	world_begin(&world);
	world_record(&world, &(struct hvp_record){.type = HVP_RECORD_MMAP,
						  .mmap = {.pid = PID,
							   .address = BASE,
							   .size = 0x10000,
							   .path = fixture("pie"),
							   .build_id = "0123456789abcdefghi",
							   .build_id_size = 20,
							   .is_exec = true}});
	world_open(&world, NULL);
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, PID, 1, BASE + 0x1200),
			    "pie!7");
	world_end(&world);
}

static uint64_t address_of(const char *name, const char *path)
{
	struct known_symbol symbols[200];
	size_t num = nm_symbols("", path, symbols, 200);

	for (size_t i = 0; i < num; i++) {
		if (!strcmp(symbols[i].name, name))
			return symbols[i].address;
	}
	fail_msg("%s has no %s", path, name);
	return 0;
}

static void the_name_people_use_wins_over_its_aliases(void **state)
{
	char path[1024];
	struct world world;
	uint64_t spoken, without_size;

	(void)state;
	snprintf(path, sizeof(path), "%s", fixture("fixed"));
	spoken = address_of("spoken", path);
	without_size = address_of("without_size", path);
	world_begin(&world);
	world_map_file(&world, PID, path, 0);
	world_open(&world, NULL);
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, PID, 1, spoken + 1),
			    "fixed:spoken+0x1");
	/* Without a size: as far as the next function; local labels are none. */
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, PID, 1, without_size + 3),
			    "fixed:without_size+0x3");
	assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, PID, 1, without_size + 4),
			    "fixed:behind+0x0");
	world_end(&world);
}

static void calls_through_the_plt_have_names(void **state)
{
	static const char *const programs[] = {"fixed", "pie"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world world;
		bool is_found = false;
		char path[1024];

		snprintf(path, sizeof(path), "%s", fixture(programs[i]));
		world_begin(&world);
		world_map_file(&world, PID, path, i ? BASE : 0);
		world_open(&world, NULL);
		for (uint64_t at = 0; at < 0x1000 && !is_found; at++) {
			uint64_t address = (i ? BASE : 0x400000) + 0x1000 + at;
			const char *text =
				world_resolve(&world, HVP_MODE_HOST_USER, 0, PID, 1, address);

			is_found = strstr(text, ":printf@plt+0x") != NULL;
		}
		assert_true(is_found);
		world_end(&world);
	}
}

static void make_dirs(const char *path)
{
	char part[1024];

	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		assert_true(!mkdir(part, 0755) || errno == EEXIST);
	}
}

/* Puts the separate debug file where its build id says, below `dir`. */
static void install_debug_file(const char *dir)
{
	char hex[64], path[1024], from[1024];

	build_id_of(fixture("by-build-id"), hex);
	snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", dir, hex, hex + 2);
	make_dirs(path);
	unlink(path);
	snprintf(from, sizeof(from), "%s", fixture("by-build-id.debug"));
	assert_int_equal(symlink(from, path), 0);
}

static const char *resolve_outer(const char *name, const char *with_symbols, bool with_id,
				 const struct hvp_symbolizer_options *options)
{
	static char text[512];
	char path[1024], real[1024];
	struct world world;

	snprintf(path, sizeof(path), "%s", fixture(name));
	snprintf(real, sizeof(real), "%s", fixture(with_symbols));
	world_begin(&world);
	(with_id ? world_map_file_with_id : world_map_file)(&world, PID, path, BASE);
	world_open(&world, options);
	snprintf(text, sizeof(text), "%s",
		 world_resolve(&world, HVP_MODE_HOST_USER, 0, PID, 1,
			       BASE + address_of("hidden", real)));
	world_end(&world);
	return text;
}

static void a_build_id_shorter_than_usual_is_one_too(void **state)
{
	(void)state;
	assert_string_equal(resolve_outer("short-id", "short-id", true, NULL),
			    "short-id:hidden+0x0");
}

static void separate_debug_files_are_found_by_build_id_and_by_link(void **state)
{
	static const char *const dirs[] = {"debug-dir", NULL};
	static const char *const packages[] = {"package", NULL};
	const struct hvp_symbolizer_options with_dir = {.debug_dirs = dirs};
	const struct hvp_symbolizer_options with_package = {.debug_dirs = packages};

	(void)state;
	install_debug_file("debug-dir");
	install_debug_file("package/usr/lib/debug");
	assert_string_equal(resolve_outer("by-build-id", "pie", true, NULL), "by-build-id!8");
	assert_string_equal(resolve_outer("by-build-id", "pie", true, &with_dir),
			    "by-build-id:hidden+0x0");
	assert_string_equal(resolve_outer("by-build-id", "pie", true, &with_package),
			    "by-build-id:hidden+0x0");
	assert_string_equal(resolve_outer("by-link", "by-link.debug", false, NULL),
			    "by-link:hidden+0x0");
	/* The CRC says that the file beside it is another one. */
	assert_string_equal(resolve_outer("wrong-crc", "by-link.debug", false, NULL),
			    "wrong-crc!8");
}

/* What objcopy --only-keep-debug wrote into some folder, whatever else is there. */
static void a_debug_file_lies_in_the_folder_by_its_name_alone(void **state)
{
	static const char *const dirs[] = {"flat", NULL};
	const struct hvp_symbolizer_options options = {.debug_dirs = dirs};
	char command[3072];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf flat && mkdir flat && cp %s flat",
		 fixture("by-build-id.debug"));
	assert_int_equal(system(command), 0);
	assert_string_equal(resolve_outer("by-build-id", "pie", true, &options),
			    "by-build-id:hidden+0x0");
	/* Another program of that name. */
	snprintf(command, sizeof(command), "cp %s flat/by-build-id.debug",
		 fixture("by-link.debug"));
	assert_int_equal(system(command), 0);
	assert_string_equal(resolve_outer("by-build-id", "pie", true, &options), "by-build-id!8");
}

static void a_debug_file_alone_serves_when_the_program_is_gone(void **state)
{
	static const char *const dirs[] = {"debug-dir", NULL};
	const struct hvp_symbolizer_options options = {.debug_dirs = dirs, .symfs = "empty-root"};

	(void)state;
	install_debug_file("debug-dir");
	assert_true(!mkdir("empty-root", 0755) || errno == EEXIST);
	assert_string_equal(resolve_outer("by-build-id", "pie", true, &options),
			    "by-build-id:hidden+0x0");
}

static void symbols_packed_into_the_program_are_unpacked(void **state)
{
	(void)state;
	assert_string_equal(resolve_outer("with-mini", "pie", false, NULL), "with-mini:hidden+0x0");
}

static void names_of_cxx_are_readable_unless_asked_otherwise(void **state)
{
	const struct hvp_symbolizer_options mangled = {.naming = HVP_NAMING_MANGLED};
	static const char linked[] = "_ZNK11outer_space3BoxIlE5twiceEi";
	struct world world;
	char path[1024];

	(void)state;
	snprintf(path, sizeof(path), "%s", fixture("cxx"));
	if (access(path, R_OK))
		skip();
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "cxx:_ZNK11outer_space3BoxIlE5twiceEi+0x0"
				     : "cxx:outer_space::Box<long>::twice+0x0";

		world_begin(&world);
		world_map_file(&world, PID, path, BASE);
		world_open(&world, i ? &mangled : NULL);
		assert_string_equal(world_resolve(&world, HVP_MODE_HOST_USER, 0, PID, 1,
						  BASE + address_of(linked, path)),
				    name);
		world_end(&world);
	}
}

static void code_is_the_bytes_of_the_file(void **state)
{
	char path[1024];
	struct hvp_location location;
	struct world world;
	uint8_t *code, expected[4] = {0x90, 0x90, 0x90, 0xc3};
	bool is_live;
	uint64_t address;

	(void)state;
	snprintf(path, sizeof(path), "%s", fixture("pie"));
	address = address_of("without_size", path);
	world_begin(&world);
	world_map_file(&world, PID, path, BASE);
	world_open(&world, NULL);
	world_locate(&world, HVP_MODE_HOST_USER, 0, PID, 1, BASE + address, &location);
	assert_ok(hvp_symbolizer_code(world.symbolizer, location.image, location.address, 4, &code,
				      &is_live));
	assert_memory_equal(code, expected, 4);
	free(code);
	assert_error(hvp_symbolizer_code(world.symbolizer, location.image, 1ULL << 40, 4, &code,
					 &is_live),
		     HVP_ERROR_NOT_FOUND, path);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_function_of_each_kind_of_program_is_found),
		cmocka_unit_test(every_function_that_libc_exports_is_found),
		cmocka_unit_test(a_file_that_was_replaced_since_is_not_believed),
		cmocka_unit_test(the_name_people_use_wins_over_its_aliases),
		cmocka_unit_test(calls_through_the_plt_have_names),
		cmocka_unit_test(a_build_id_shorter_than_usual_is_one_too),
		cmocka_unit_test(separate_debug_files_are_found_by_build_id_and_by_link),
		cmocka_unit_test(a_debug_file_lies_in_the_folder_by_its_name_alone),
		cmocka_unit_test(a_debug_file_alone_serves_when_the_program_is_gone),
		cmocka_unit_test(symbols_packed_into_the_program_are_unpacked),
		cmocka_unit_test(names_of_cxx_are_readable_unless_asked_otherwise),
		cmocka_unit_test(code_is_the_bytes_of_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
