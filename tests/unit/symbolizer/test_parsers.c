/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kallsyms, /proc/modules, perf-PID.map, guest specifications, names. */
#include "tests/unit/check.h"

#include <unistd.h>

#include "symbolizer/elf/demangle.h"
#include "symbolizer/file.h"
#include "symbolizer/jit_map.h"
#include "symbolizer/kernel/kallsyms.h"
#include "symbolizer/kernel/modules.h"

static void kallsyms_keeps_kernel_symbols_and_counts_the_rest(void **state)
{
	char text[] = "0000000000000000 A __per_cpu_start\n"
		      "ffffffff81000000 T _text\n"
		      "\n"
		      "this is no symbol\n"
		      "ffffffff8100zz00 T broken\n"
		      "ffffffff81000010 t local\r\n"
		      "fffffffff81000010123 t too_long\n"
		      "ffffffff81000020\n"
		      "ffffffffc0000000 t in_module\t[kvm]\n"
		      "ffffffffc0000010 T in_module_2\t[kvm]\n"
		      "ffffffff81100000 T _etext";
	struct hvp_kallsyms kallsyms;

	(void)state;
	assert_ok(hvp_kallsyms_parse(text, strlen(text), "test", &kallsyms));
	assert_int_equal(kallsyms.num, 5);
	assert_int_equal(kallsyms.num_bad_lines, 4);
	assert_int_equal(kallsyms.num_modules, 1);
	assert_string_equal(kallsyms.modules[0], "kvm");
	assert_string_equal(kallsyms.symbols[1].name, "local");
	assert_int_equal(kallsyms.symbols[1].type, 't');
	assert_int_equal(kallsyms.symbols[1].module, HVP_KALLSYMS_CORE);
	assert_string_equal(kallsyms.symbols[2].name, "in_module");
	assert_int_equal(kallsyms.symbols[3].module, 0);
	assert_int_equal(kallsyms.text, 0xffffffff81000000);
	assert_int_equal(kallsyms.etext, 0xffffffff81100000);
	assert_false(kallsyms.is_restricted);
	hvp_kallsyms_deinit(&kallsyms);
}

static void text_that_is_not_kallsyms_is_refused_by_name(void **state)
{
	static const char *const texts[] = {"", "\n\n", "hello\nworld\n", "ffffffff81000000 T",
					    "\177ELF"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		hvp_scope(hvp_free_ptr) char *text = strdup(texts[i]);
		struct hvp_kallsyms kallsyms;

		assert_error(hvp_kallsyms_parse(text, strlen(text), "guest.kallsyms", &kallsyms),
			     HVP_ERROR_FORMAT, "guest.kallsyms");
	}
}

static void this_machines_kallsyms_are_understood_whole(void **state)
{
	struct hvp_kallsyms kallsyms;
	struct hvp_file file;
	size_t num_lines = 0;

	(void)state;
	if (access("/proc/kallsyms", R_OK))
		skip();
	assert_ok(hvp_file_read_below(NULL, "/proc/kallsyms", 256 << 20, &file));
	for (size_t i = 0; i < file.size; i++)
		num_lines += file.data[i] == '\n';
	if (!num_lines) {
		hvp_file_deinit(&file);
		skip();
	}
	assert_ok(hvp_kallsyms_parse((char *)file.data, file.size, file.path, &kallsyms));
	assert_int_equal(kallsyms.num_bad_lines, 0);
	if (!kallsyms.is_restricted) {
		/* Per-CPU symbols are not addresses of code. */
		assert_true(kallsyms.num > num_lines / 2);
		assert_true(kallsyms.text && kallsyms.etext > kallsyms.text);
	}
	hvp_kallsyms_deinit(&kallsyms);
	hvp_file_deinit(&file);
}

static void modules_have_address_and_size(void **state)
{
	static const char text[] = "kvm_amd 167936 4 - Live 0xffffffffc0a00000\n"
				   "kvm 1130496 1 kvm_amd,vhost Live 0xffffffffc0800000 (OE)\n"
				   "hidden 4096 0 - Live 0x0000000000000000\n"
				   "bad line\n"
				   "overflow 99999999999999999999 0 - Live 0xffffffffc0800000\n"
				   "huge 4096 0 - Live 0xffffffffffffffff\n";
	struct hvp_modules modules;

	(void)state;
	assert_ok(hvp_modules_parse(text, sizeof(text) - 1, &modules));
	assert_int_equal(modules.num, 2);
	assert_int_equal(modules.num_bad_lines, 3);
	assert_string_equal(modules.items[0].name, "kvm_amd");
	assert_int_equal(modules.items[0].size, 167936);
	assert_int_equal(modules.items[1].address, 0xffffffffc0800000);
	hvp_modules_deinit(&modules);
	assert_ok(hvp_modules_parse("", 0, &modules));
	assert_int_equal(modules.num, 0);
	hvp_modules_deinit(&modules);
}

static const char *in_jit(const struct hvp_symtab *symtab, uint64_t address)
{
	const struct hvp_symtab_entry *entry = hvp_symtab_find(symtab, address);

	return entry ? entry->raw : "-";
}

static void later_lines_of_a_jit_map_win(void **state)
{
	char text[] = "1000 100 first\n"
		      "2000 80 second with blanks in its name\n"
		      "0x3000 0x40 prefixed\n"
		      "1080 100 over the end of first\n"
		      "5000 100 old\n"
		      "4000 2000 larger over old\n"
		      "7000 1000 outer\n"
		      "7100 10 reused middle\n"
		      "nonsense\n"
		      "8000 10\n"
		      "ffffffffffffffff ffffffffffffffff wraps\n"
		      "9000 10 same place\n"
		      "9000 20 same place later";
	static const struct {
		uint64_t address;
		const char *expected;
	} table[] = {
		{0x1000, "first"},
		{0x107f, "first"},
		{0x1080, "over the end of first"},
		{0x117f, "over the end of first"},
		{0x1180, "-"},
		{0x207f, "second with blanks in its name"},
		{0x2080, "-"},
		{0x3020, "prefixed"},
		{0x5000, "larger over old"},
		{0x50ff, "larger over old"},
		{0x7000, "outer"},
		{0x7105, "reused middle"},
		{0x7110, "outer"},
		{0x8000, "-"},
		{0x9005, "same place later"},
		{0x901f, "same place later"},
	};
	struct hvp_symtab symtab;
	size_t num_bad_lines;

	(void)state;
	hvp_symtab_init(&symtab, HVP_NAMING_FULL);
	assert_ok(hvp_jit_map_parse(text, sizeof(text) - 1, &symtab, &num_bad_lines));
	assert_int_equal(num_bad_lines, 3);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(in_jit(&symtab, table[i].address), table[i].expected);
	hvp_symtab_deinit(&symtab);
}

#define NUM_NESTED 400u

/* The naive answer: of the symbols that cover the address the one that begins last. */
static const char *naive_find(const struct hvp_symtab *symtab, uint64_t address)
{
	const struct hvp_symtab_entry *found = NULL;

	for (size_t i = 0; i < symtab->num; i++) {
		const struct hvp_symtab_entry *entry = &symtab->entries[i];

		if (address >= entry->symbol.address &&
		    address < entry->symbol.address + entry->symbol.size)
			found = entry;
	}
	return found ? found->raw : "-";
}

static void symbols_inside_others_are_found_from_inside_out(void **state)
{
	static char names[NUM_NESTED][16];
	struct hvp_symtab symtab;
	uint64_t random = 7;

	(void)state;
	hvp_symtab_init(&symtab, HVP_NAMING_FULL);
	for (size_t i = 0; i < NUM_NESTED; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		snprintf(names[i], sizeof(names[i]), "f%zu", i);
		assert_ok(hvp_symtab_add(&symtab, names[i], 0x1000 + i * 16,
					 1 + (random >> 33) % 400, UINT64_MAX, HVP_BINDING_GLOBAL));
	}
	assert_ok(hvp_symtab_finish(&symtab));
	for (uint64_t address = 0xff0; address < 0x1000 + NUM_NESTED * 17; address++)
		assert_string_equal(in_jit(&symtab, address), naive_find(&symtab, address));
	hvp_symtab_deinit(&symtab);
}

static void symbols_nested_without_end_cost_no_time(void **state)
{
	struct hvp_symtab symtab;

	(void)state;
	hvp_symtab_init(&symtab, HVP_NAMING_FULL);
	for (uint64_t i = 0; i < NUM_NESTED; i++)
		assert_ok(hvp_symtab_add(&symtab, "doll", 0x1000 + i, 2 * (NUM_NESTED - i),
					 UINT64_MAX, HVP_BINDING_GLOBAL));
	assert_ok(hvp_symtab_finish(&symtab));
	assert_int_equal(hvp_symtab_find(&symtab, 0x1000 + NUM_NESTED)->symbol.address,
			 0x1000 + NUM_NESTED - 1);
	/* The outermost alone covers it. */
	assert_null(hvp_symtab_find(&symtab, 0x1000 + 2 * NUM_NESTED - 1));
	hvp_symtab_deinit(&symtab);
}

static void modules_may_take_turns_in_kallsyms(void **state)
{
	char text[] = "ffffffff81000000 T _text\n"
		      "ffffffffc0000000 t a1\t[a]\n"
		      "ffffffffc0001000 t b1\t[b]\n"
		      "ffffffffc0000010 t a2\t[a]\n"
		      "ffffffffc0000020 t bad\t[a\0b]\n"
		      "ffffffffc0001010 t b2\t[b]\n";
	struct hvp_kallsyms kallsyms;

	(void)state;
	assert_ok(hvp_kallsyms_parse(text, sizeof(text) - 1, "test", &kallsyms));
	assert_int_equal(kallsyms.num, 5);
	assert_int_equal(kallsyms.num_bad_lines, 1);
	assert_int_equal(kallsyms.num_modules, 2);
	for (size_t i = 1; i < kallsyms.num; i++)
		assert_int_equal(kallsyms.modules[kallsyms.symbols[i].module][0],
				 kallsyms.symbols[i].name[0]);
	hvp_kallsyms_deinit(&kallsyms);
}

static void all_parts_of_a_guests_images_are_read(void **state)
{
	struct hvp_guest_images images;

	(void)state;
	assert_ok(hvp_guest_images_parse(
		"web=kallsyms:/a,b/k,modules:m,vmlinux:v,root:/r,kaslr:0x1c000000,"
		"program:/bin/x@0x555555554000,program:/bin/y@home,maps:1.maps,maps:2.maps",
		&images));
	assert_string_equal(images.guest, "web");
	/* A comma that no part follows belongs to the path. */
	assert_string_equal(images.kallsyms, "/a,b/k");
	assert_string_equal(images.modules, "m");
	assert_string_equal(images.vmlinux, "v");
	assert_string_equal(images.root, "/r");
	assert_true(images.has_kaslr_offset);
	assert_int_equal(images.kaslr_offset, 0x1c000000);
	assert_int_equal(images.num_programs, 2);
	assert_string_equal(images.programs[0].path, "/bin/x");
	assert_int_equal(images.programs[0].base, 0x555555554000);
	assert_string_equal(images.programs[1].path, "/bin/y@home");
	assert_false(images.programs[1].has_base);
	assert_int_equal(images.num_maps, 2);
	assert_string_equal(images.maps[1], "2.maps");
	hvp_guest_images_deinit(&images);
	assert_ok(hvp_guest_images_parse("*=vmlinux:v,kaslr:-4096", &images));
	assert_int_equal(images.kaslr_offset, -4096);
	hvp_guest_images_deinit(&images);
}

static void mistakes_in_a_guests_images_are_named(void **state)
{
	static const struct {
		const char *spec, *part;
	} table[] = {
		{"", "NAME=PART"},
		{"web", "NAME=PART"},
		{"=root:/x", "NAME=PART"},
		{"web=", "kallsyms:FILE"},
		{"web=kalsyms:x", "\"kalsyms:x\" is no part"},
		{"web=root:", "root: has no value"},
		{"web=root:/a,root:/b", "root: is given twice"},
		{"web=vmlinux:v,kaslr:banana", "kaslr:banana"},
		{"web=vmlinux:v,kaslr:0xffffffffffffffffff", "kaslr:"},
		{"web=vmlinux:v,text:12q", "text:12q"},
		{"web=vmlinux:v,kaslr:0,text:0", "give one"},
		{"web=kaslr:0x1000", "need vmlinux:"},
		{"web=program:/bin/x", "needs root:"},
		{"web=maps:x", "needs root:"},
		{"web=root:/,program:@0x1", "program:@0x1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct hvp_guest_images images;

		assert_error(hvp_guest_images_parse(table[i].spec, &images), HVP_ERROR_USAGE,
			     table[i].part);
		assert_null(images.guest);
		assert_int_equal(images.num_programs, 0);
	}
}

static void names_are_readable_and_harmless(void **state)
{
	static const struct {
		const char *raw, *expected;
	} table[] = {
		{"main", "main"},
		{"_ZN3foo3barEi", "foo::bar(int)"},
		{"_ZN3foo3barEi.constprop.0", "foo::bar(int) [clone .constprop.0]"},
		/* Rust, legacy and v0. */
		{"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"},
		{"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
		{"_Znonsense", "_Znonsense"},
		{"_Z", "_Z"},
		{"a\033[31mb\n", "a\\x1b[31mb\\x0a"},
		{"\x7f\xc2\x9b\xff", "\\x7f\\xc2\\x9b\\xff"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		/* Truncated, overlong, a surrogate, text turned round. */
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xe2\x80\xae", "\\xe2\\x80\\xae"},
		{"", ""},
	};
	struct hvp_arena arena;

	(void)state;
	hvp_arena_init(&arena);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(hvp_demangle(table[i].raw, HVP_NAMING_FULL, &arena),
				    table[i].expected);
	assert_string_equal(hvp_demangle("_ZN3foo3barEi", HVP_NAMING_MANGLED, &arena),
			    "_ZN3foo3barEi");
	hvp_arena_deinit(&arena);
}

static void parameters_and_results_of_cxx_can_be_left_out(void **state)
{
	static const struct {
		const char *raw, *expected;
	} table[] = {
		{"_ZN3foo3barEi", "foo::bar"},
		{"_Z4fillIiEmi", "fill<int>"},
		{"_ZNK5outer3BoxIlE5twiceEi", "outer::Box<long>::twice"},
		{"_ZN3foo3barEi.constprop.0", "foo::bar [clone .constprop.0]"},
		{"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"},
		{"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
		{"_Znonsense", "_Znonsense"},
		{"plain", "plain"},
	};
	struct hvp_arena arena;

	(void)state;
	hvp_arena_init(&arena);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(hvp_demangle(table[i].raw, HVP_NAMING_SHORT, &arena),
				    table[i].expected);
	hvp_arena_deinit(&arena);
}

static void a_name_that_would_expand_without_end_stays_mangled(void **state)
{
	struct hvp_arena arena;
	char raw[2048] = "_Z1fI";
	size_t size = strlen(raw);

	(void)state;
	/* Each pair doubles the one before: a few hundred bytes stand for 2^200. */
	size += (size_t)sprintf(raw + size, "4pairIiiE");
	for (int i = 0; i < 30; i++)
		size += (size_t)sprintf(raw + size, "S_IS%d_S%d_E", i, i);
	snprintf(raw + size, sizeof(raw) - size, "EvT_");
	hvp_arena_init(&arena);
	assert_true(strlen(hvp_demangle(raw, HVP_NAMING_FULL, &arena)) < 10000);
	hvp_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kallsyms_keeps_kernel_symbols_and_counts_the_rest),
		cmocka_unit_test(text_that_is_not_kallsyms_is_refused_by_name),
		cmocka_unit_test(this_machines_kallsyms_are_understood_whole),
		cmocka_unit_test(modules_have_address_and_size),
		cmocka_unit_test(later_lines_of_a_jit_map_win),
		cmocka_unit_test(symbols_inside_others_are_found_from_inside_out),
		cmocka_unit_test(symbols_nested_without_end_cost_no_time),
		cmocka_unit_test(modules_may_take_turns_in_kallsyms),
		cmocka_unit_test(all_parts_of_a_guests_images_are_read),
		cmocka_unit_test(mistakes_in_a_guests_images_are_named),
		cmocka_unit_test(names_are_readable_and_harmless),
		cmocka_unit_test(parameters_and_results_of_cxx_can_be_left_out),
		cmocka_unit_test(a_name_that_would_expand_without_end_stays_mangled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
