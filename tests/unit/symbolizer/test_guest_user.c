/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs in guests: resolved where that can be known, and never with a file from outside of the
 * guest's root.
 */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_world.h"
#include "symbolizer/file.h"

#define BASE 0x555555554000ULL

static void make_dir(const char *path)
{
	assert_true(!mkdir(path, 0755) || errno == EEXIST);
}

static void install(const char *name, const char *to)
{
	char from[1024], command[4096];

	snprintf(from, sizeof(from), "%s", fixture(name));
	snprintf(command, sizeof(command), "cp -f %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static uint64_t address_of(const char *name, const char *program)
{
	static struct known_symbol symbols[4000];
	size_t num = nm_symbols("", fixture(program), symbols, 4000);

	for (size_t i = 0; i < num; i++) {
		if (!strcmp(symbols[i].name, name))
			return symbols[i].address;
	}
	fail_msg("%s has no %s", program, name);
	return 0;
}

/*
 * How an address in guest "web" is resolved with a specification; the note must contain `note`, if
 * not NULL.
 */
static const char *resolve(const char *spec, uint64_t address, const char *note)
{
	static char text[512];
	struct hvp_guest_images images;
	const struct hvp_symbolizer_options options = {.guests = &images, .num_guests = 1};
	struct world world;

	assert_ok(hvp_guest_images_parse(spec, &images));
	world_begin(&world);
	world_domain(&world, 1, 100, "web", "");
	world_open(&world, &options);
	snprintf(text, sizeof(text), "%s",
		 world_resolve(&world, HVP_MODE_GUEST_USER, 1, 100, 1, address));
	if (note && !world_notes(&world, note))
		fail_msg("%s: no note says \"%s\"", spec, note);
	world_end(&world);
	hvp_guest_images_deinit(&images);
	return text;
}

static int make_roots(void **state)
{
	(void)state;
	make_dir("one");
	make_dir("one/bin");
	make_dir("one/lib");
	install("fixed", "one/bin/web");
	install("elsewhere", "one/bin/other");
	install("pie", "one/bin/pie");
	/* The same program under two names is one program. */
	unlink("one/bin/web-link");
	assert_int_equal(link("one/bin/web", "one/bin/web-link"), 0);
	unlink("one/bin/fifo");
	assert_int_equal(mkfifo("one/bin/fifo", 0755), 0);
	make_dir("two");
	make_dir("two/bin");
	install("fixed", "two/bin/web");
	install("static", "two/bin/static");
	return 0;
}

static void the_only_program_at_an_address_is_taken_and_said(void **state)
{
	(void)state;
	assert_string_equal(
		resolve("web=root:one", address_of("outer", "fixed") + 1, "the only program"),
		"web:outer+0x1");
	assert_string_equal(resolve("web=root:one", address_of("outer", "elsewhere"), "/bin/other"),
			    "other:outer+0x0");
	/* Position-independent programs could be anywhere: not guessed. */
	assert_string_equal(resolve("web=root:one", BASE + address_of("outer", "pie"), NULL),
			    "[guest user]!1");
}

static void of_two_programs_at_an_address_none_is_taken(void **state)
{
	uint64_t outer = address_of("outer", "fixed");

	(void)state;
	assert_string_equal(resolve("web=root:two", outer, "so none was taken"), "[guest user]!1");
	assert_string_equal(resolve("web=root:two,program:/bin/web", outer, NULL), "web:outer+0x0");
	assert_string_equal(
		resolve("web=root:two,program:/bin/static", address_of("outer", "static"), NULL),
		"static:outer+0x0");
}

static void a_program_with_a_base_is_placed(void **state)
{
	char spec[256];
	uint64_t outer = address_of("outer", "pie");

	(void)state;
	snprintf(spec, sizeof(spec), "web=root:one,program:/bin/pie@0x%" PRIx64, (uint64_t)BASE);
	assert_string_equal(resolve(spec, BASE + outer + 2, NULL), "pie:outer+0x2");
	assert_string_equal(resolve(spec, address_of("outer", "fixed"), NULL), "[guest user]!1");
	assert_string_equal(
		resolve("web=root:one,program:/bin/pie", BASE + outer, "position-independent"),
		"[guest user]!1");
	assert_string_equal(resolve("web=root:one,program:/bin/none", outer, "/bin/none"),
			    "[guest user]!1");
}

static void copies_of_maps_place_programs_exactly(void **state)
{
	uint64_t outer = address_of("outer", "pie");

	(void)state;
	write_text("web.maps", "555555554000-555555555000 r--p 00000000 fe:00 11   /bin/pie\n"
			       "555555555000-555555556000 r-xp 00001000 fe:00 11   /bin/pie\n"
			       "7ffff7fc1000-7ffff7fc3000 r-xp 00000000 00:00 0    [vdso]\n"
			       "not a line\n");
	assert_string_equal(resolve("web=root:one,maps:web.maps", BASE + outer, NULL),
			    "pie:outer+0x0");
	/*
	 * A second process with another layout: both are known as long as they do not contradict
	 * each other.
	 */
	write_text("db.maps", "00401000-00402000 r-xp 00001000 fe:00 12  /bin/web\n");
	assert_string_equal(resolve("web=root:one,maps:web.maps,maps:db.maps",
				    address_of("outer", "fixed"), NULL),
			    "web:outer+0x0");
	write_text("clash.maps", "555555555000-555555556000 r-xp 00001000 fe:00 11   /bin/web\n");
	assert_string_equal(resolve("web=root:one,maps:web.maps,maps:clash.maps", BASE + outer,
				    "cover the same addresses"),
			    "[guest user]!1");
	write_text("empty.maps", "nothing\n");
	assert_string_equal(
		resolve("web=root:one,maps:empty.maps", BASE + outer, "no executable mapping"),
		"[guest user]!1");
	assert_string_equal(resolve("web=root:one,maps:missing.maps", BASE + outer, "missing.maps"),
			    "[guest user]!1");
}

static void nothing_outside_of_the_root_is_ever_read(void **state)
{
	char cwd[512], target[1024];

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	make_dir("evil");
	make_dir("evil/bin");
	install("fixed", "outside");
	snprintf(target, sizeof(target), "%s/outside", cwd);
	unlink("evil/bin/absolute");
	unlink("evil/bin/relative");
	assert_int_equal(symlink(target, "evil/bin/absolute"), 0);
	assert_int_equal(symlink("../../outside", "evil/bin/relative"), 0);
	assert_string_equal(resolve("web=root:evil,program:/bin/absolute",
				    address_of("outer", "fixed"), "/bin/absolute"),
			    "[guest user]!1");
	assert_string_equal(resolve("web=root:evil,program:/bin/relative",
				    address_of("outer", "fixed"), "/bin/relative"),
			    "[guest user]!1");
	assert_string_equal(resolve("web=root:evil,program:/../outside",
				    address_of("outer", "fixed"), "/../outside"),
			    "[guest user]!1");
	/* A link that stays inside is followed, also an absolute one: as the guest itself would. */
	install("fixed", "evil/bin/real");
	unlink("evil/bin/inside");
	assert_int_equal(symlink("/bin/real", "evil/bin/inside"), 0);
	assert_string_equal(
		resolve("web=root:evil,program:/bin/inside", address_of("outer", "fixed"), NULL),
		"inside:outer+0x0");
}

static void what_is_no_regular_file_is_not_waited_for(void **state)
{
	struct hvp_file file;

	(void)state;
	assert_error(hvp_file_load("one", "/bin/fifo", false, &file), HVP_ERROR_FORMAT,
		     "regular file");
	assert_error(hvp_file_load("one", "/bin", false, &file), HVP_ERROR_FORMAT, "regular file");
	assert_error(hvp_file_load(NULL, "/dev/zero", true, &file), HVP_ERROR_FORMAT,
		     "regular file");
	assert_error(hvp_file_load("no such root", "/x", false, &file), HVP_ERROR_OS,
		     "no such root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_only_program_at_an_address_is_taken_and_said),
		cmocka_unit_test(of_two_programs_at_an_address_none_is_taken),
		cmocka_unit_test(a_program_with_a_base_is_placed),
		cmocka_unit_test(copies_of_maps_place_programs_exactly),
		cmocka_unit_test(nothing_outside_of_the_root_is_ever_read),
		cmocka_unit_test(what_is_no_regular_file_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, make_roots, NULL);
}
