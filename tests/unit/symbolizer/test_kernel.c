/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels with a vmlinux: KASLR, two guests of one kernel, and images that do not belong together.
 */
#include "tests/unit/check.h"

#include <inttypes.h>
#include <pthread.h>

#include "common/session/format.h"
#include "common/session/writer.h"
#include "elf_world.h"

#define LINKED ((uint64_t)0xffffffff81000000)
#define ONE ((uint64_t)0xffffffff9b000000)
#define TWO ((uint64_t)0xffffffffab200000)
#define MODULE 0x30000000u

static struct known_symbol symbols[100];

/* The address of a function in a vmlinux. */
static uint64_t linked_at(const char *vmlinux, const char *name)
{
	size_t num = nm_symbols("", fixture(vmlinux), symbols, 100);

	for (size_t i = 0; i < num; i++) {
		if (!strcmp(symbols[i].name, name))
			return symbols[i].address;
	}
	fail_msg("%s has no %s", vmlinux, name);
	return 0;
}

/* What /proc/kallsyms of a vmlinux booted at `text` looks like, with one module. */
static void write_kallsyms(const char *to, const char *vmlinux, uint64_t text)
{
	size_t num = nm_symbols("-n", fixture(vmlinux), symbols, 100);
	FILE *file = fopen(to, "we");

	assert_non_null(file);
	for (size_t i = 0; i < num; i++)
		fprintf(file, "%016" PRIx64 " %c %s\n", symbols[i].address - LINKED + text,
			symbols[i].type, symbols[i].name);
	fprintf(file, "%016" PRIx64 " t in_module\t[ext4]\n", text + MODULE);
	assert_int_equal(fclose(file), 0);
}

static void write_all_kallsyms(void)
{
	write_kallsyms("one.kallsyms", "vmlinux1", ONE);
	write_kallsyms("two.kallsyms", "vmlinux1", TWO);
	write_kallsyms("linked.map", "vmlinux1", LINKED);
}

/* The map that the linker wrote: no modules. */
static void write_system_map(const char *to, const char *vmlinux)
{
	size_t num = nm_symbols("-n", fixture(vmlinux), symbols, 100);
	FILE *file = fopen(to, "we");

	assert_non_null(file);
	for (size_t i = 0; i < num; i++)
		fprintf(file, "%016" PRIx64 " %c %s\n", symbols[i].address, symbols[i].type,
			symbols[i].name);
	assert_int_equal(fclose(file), 0);
}

struct guests {
	struct hvp_guest_images images[2];
	char vmlinux[1024];
};

/* Both specifications may have %s for the path of a vmlinux. */
static void parse_guests(struct guests *guests, const char *one, const char *two,
			 const char *vmlinux)
{
	char spec[2048];

	snprintf(guests->vmlinux, sizeof(guests->vmlinux), "%s", fixture(vmlinux));
	snprintf(spec, sizeof(spec), one, guests->vmlinux);
	assert_ok(hvp_guest_images_parse(spec, &guests->images[0]));
	snprintf(spec, sizeof(spec), two, guests->vmlinux);
	assert_ok(hvp_guest_images_parse(spec, &guests->images[1]));
}

static void open_guests(struct world *world, const struct guests *guests)
{
	const struct hvp_symbolizer_options options = {.guests = guests->images, .num_guests = 2};

	world_open(world, &options);
}

static void begin_guests(struct world *world)
{
	world_begin(world);
	world_domain(world, 1, 100, "one", "");
	world_domain(world, 2, 200, "two", "");
}

static void end_guests(struct world *world, struct guests *guests)
{
	world_end(world);
	hvp_guest_images_deinit(&guests->images[0]);
	hvp_guest_images_deinit(&guests->images[1]);
}

static const char *in_guest(struct world *world, uint32_t domain, uint64_t address)
{
	return world_resolve(world, HVP_MODE_GUEST_KERNEL, domain, domain * 100, 1, address);
}

static void two_guests_of_one_kernel_share_its_image_whatever_kaslr_did(void **state)
{
	uint64_t at = linked_at("vmlinux1", "function_3") - LINKED + 5;
	struct hvp_location one, two;
	struct guests guests;
	struct world world;

	(void)state;
	write_all_kallsyms();
	parse_guests(&guests, "one=kallsyms:one.kallsyms,vmlinux:%s",
		     "two=kallsyms:two.kallsyms,vmlinux:%s", "vmlinux1");
	begin_guests(&world);
	open_guests(&world, &guests);
	assert_string_equal(in_guest(&world, 1, ONE + at), "[kernel]:function_3+0x5");
	assert_string_equal(in_guest(&world, 2, TWO + at), "[kernel]:function_3+0x5");
	assert_string_equal(in_guest(&world, 1, TWO + at), "[guest kernel]!4");
	assert_string_equal(in_guest(&world, 1, ONE + MODULE), "[ext4]:in_module+0x0");
	world_locate(&world, HVP_MODE_GUEST_KERNEL, 1, 100, 1, ONE + at, &one);
	world_locate(&world, HVP_MODE_GUEST_KERNEL, 2, 200, 1, TWO + at, &two);
	assert_ptr_equal(one.image, two.image);
	assert_int_equal(one.address, LINKED + at);
	assert_int_equal(two.address, LINKED + at);
	assert_int_equal(hvp_symbolizer_num_notes(world.symbolizer), 0);
	end_guests(&world, &guests);
}

static void a_vmlinux_gives_lines_inlined_functions_and_code(void **state)
{
	uint64_t at = linked_at("vmlinux1", "function_3") - LINKED;
	const struct hvp_line *lines;
	struct hvp_location location;
	struct guests guests;
	struct world world;
	bool has_inline = false;
	uint8_t *code;
	bool is_live;
	size_t num;

	(void)state;
	write_all_kallsyms();
	parse_guests(&guests, "one=kallsyms:one.kallsyms,vmlinux:%s", "two=root:/nowhere",
		     "vmlinux1");
	begin_guests(&world);
	open_guests(&world, &guests);
	for (uint64_t i = 0; i < 0x18; i++) {
		world_locate(&world, HVP_MODE_GUEST_KERNEL, 1, 100, 1, ONE + at + i, &location);
		assert_ok(hvp_symbolizer_lines(world.symbolizer, &location, &lines, &num));
		assert_true(num > 0);
		assert_string_equal(lines[num - 1].function, "function_3");
		has_inline |=
			num == 2 && lines[0].is_inlined && !strcmp(lines[0].function, "read_state");
	}
	assert_true(has_inline);
	assert_ok(hvp_symbolizer_code(world.symbolizer, location.image, LINKED + at, 0x10, &code,
				      &is_live));
	free(code);
	end_guests(&world, &guests);
}

static void a_vmlinux_of_another_version_is_not_used_and_said(void **state)
{
	uint64_t at = linked_at("vmlinux1", "function_1") - LINKED;
	struct hvp_location location;
	struct guests guests;
	struct world world;

	(void)state;
	write_all_kallsyms();
	parse_guests(&guests, "one=kallsyms:one.kallsyms,vmlinux:%s", "two=root:/nowhere",
		     "vmlinux2");
	begin_guests(&world);
	open_guests(&world, &guests);
	/* kallsyms still names functions, by its own addresses. */
	assert_string_equal(in_guest(&world, 1, ONE + at), "[kernel]:function_1+0x0");
	world_locate(&world, HVP_MODE_GUEST_KERNEL, 1, 100, 1, ONE + at, &location);
	assert_int_equal(location.address, ONE + at);
	assert_true(world_notes(&world, "is another kernel than one.kallsyms"));
	end_guests(&world, &guests);
}

static void a_vmlinux_alone_is_placed_by_offset_or_address(void **state)
{
	static const char *const specs[] = {"one=vmlinux:%s,kaslr:0x1a000000",
					    "one=vmlinux:%s,text:0xffffffff9b000000",
					    "one=vmlinux:%s,kallsyms:linked.map,kaslr:0x1a000000"};
	uint64_t at = linked_at("vmlinux1", "function_2") - LINKED;

	(void)state;
	write_all_kallsyms();
	/* A System.map has no modules. */
	assert_int_equal(system("sed -i /ext4/d linked.map"), 0);
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct guests guests;
		struct world world;

		parse_guests(&guests, specs[i], "two=root:/nowhere", "vmlinux1");
		begin_guests(&world);
		for (int sample = 0; sample < 30; sample++)
			world_sample(&world, HVP_MODE_GUEST_KERNEL, 1, ONE + at + 1);
		open_guests(&world, &guests);
		assert_string_equal(in_guest(&world, 1, ONE + at + 1), "[kernel]:function_2+0x1");
		assert_int_equal(hvp_symbolizer_num_notes(world.symbolizer), 0);
		end_guests(&world, &guests);
	}
}

static void a_vmlinux_without_its_offset_is_a_mismatch_not_a_guess(void **state)
{
	uint64_t at = linked_at("vmlinux1", "function_2") - LINKED;
	struct guests guests;
	struct world world;

	(void)state;
	parse_guests(&guests, "one=vmlinux:%s", "two=vmlinux:%s", "vmlinux1");
	begin_guests(&world);
	for (int sample = 0; sample < 30; sample++) {
		world_sample(&world, HVP_MODE_GUEST_KERNEL, 1, ONE + at + 1);
		world_sample(&world, HVP_MODE_GUEST_KERNEL, 2, LINKED + at + 1);
	}
	open_guests(&world, &guests);
	assert_string_equal(in_guest(&world, 1, ONE + at + 1), "[guest kernel]!3");
	assert_true(world_notes(&world, "one"));
	/* The neighbour runs with nokaslr, and its samples are its own. */
	assert_string_equal(in_guest(&world, 2, LINKED + at + 1), "[kernel]:function_2+0x1");
	end_guests(&world, &guests);
}

/*
 * KASLR may put a kernel where the linker had it; its modules tell that it could have been
 * elsewhere.
 */
static void samples_above_a_kernel_that_was_not_moved_are_no_modules(void **state)
{
	uint64_t at = linked_at("vmlinux1", "function_2") - LINKED;
	struct guests guests;
	struct world world;

	(void)state;
	write_all_kallsyms();
	assert_int_equal(
		system("sed -i 's/^ffffffffb1000000 t in_module/ffffffffc0401000 t in_module/' "
		       "linked.map"),
		0);
	parse_guests(&guests, "one=kallsyms:linked.map", "two=vmlinux:%s", "vmlinux1");
	begin_guests(&world);
	for (int sample = 0; sample < 30; sample++) {
		world_sample(&world, HVP_MODE_GUEST_KERNEL, 1, TWO + at + 1);
		world_sample(&world, HVP_MODE_GUEST_KERNEL, 2, TWO + at + 1);
	}
	/* By chance in a module of the wrong kernel. */
	world_sample(&world, HVP_MODE_GUEST_KERNEL, 1, 0xffffffffc0401000);
	open_guests(&world, &guests);
	assert_string_equal(in_guest(&world, 1, TWO + at + 1), "[guest kernel]!3");
	assert_string_equal(in_guest(&world, 2, TWO + at + 1), "[guest kernel]!3");
	assert_true(world_notes(&world, "30 of 30 samples"));
	end_guests(&world, &guests);
}

static void the_hosts_vmlinux_has_to_have_the_recorded_build_id(void **state)
{
	static const char wrong[] = "0123456789abcdef0123456789abcdef01234567";
	uint64_t at = linked_at("vmlinux1", "function_2") - LINKED;
	char vmlinux[1024], real[64];

	(void)state;
	snprintf(vmlinux, sizeof(vmlinux), "%s", fixture("vmlinux1"));
	build_id_of(vmlinux, real);
	for (int is_right = 0; is_right < 2; is_right++) {
		const struct hvp_symbolizer_options options = {.vmlinux = vmlinux};
		struct world world;

		world_begin(&world);
		assert_ok(hvp_session_writer_add_info(world.writer, HVP_INFO_KERNEL_BUILD_ID,
						      is_right ? real : wrong));
		world_mmap(&world, 0, HVP_PID_KERNEL, ONE, 0x10d4, ONE, "[kernel.kallsyms]_text");
		world_open(&world, &options);
		assert_string_equal(world_resolve(&world, HVP_MODE_HOST_KERNEL, 0, 1, 1, ONE + at),
				    is_right ? "[kernel]:function_2+0x0" : "[host kernel]!9");
		assert_int_equal(world_notes(&world, "another build id"), !is_right);
		world_end(&world);
	}
}

static void the_hosts_kallsyms_have_to_be_of_the_recorded_boot(void **state)
{
	uint64_t at = linked_at("vmlinux1", "function_2") - LINKED;
	static const struct {
		const char *kallsyms, *expected;
	} table[] = {
		{"one.kallsyms", "[kernel]:function_2+0x0"},
		/* So near that other functions are where samples are. */
		{"near.kallsyms", "[host kernel]!3"},
		/* A System.map moves with the kernel. */
		{"System.map", "[kernel]:function_2+0x0"},
	};

	(void)state;
	write_all_kallsyms();
	write_kallsyms("near.kallsyms", "vmlinux1", ONE - 0x40);
	write_system_map("System.map", "vmlinux1");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct hvp_symbolizer_options options = {.kallsyms = table[i].kallsyms};
		bool is_other = strchr(table[i].expected, '!') != NULL;
		struct world world;

		world_begin(&world);
		world_mmap(&world, 0, HVP_PID_KERNEL, ONE, 0x10d4, ONE, "[kernel.kallsyms]_text");
		world_open(&world, &options);
		assert_string_equal(world_resolve(&world, HVP_MODE_HOST_KERNEL, 0, 1, 1, ONE + at),
				    table[i].expected);
		assert_int_equal(world_notes(&world, "another boot"), is_other);
		world_end(&world);
	}
}

#define NUM_THREADS 4

struct question {
	struct world *world;
	uint64_t at;
	size_t num_right;
};

static void *ask(void *arg)
{
	struct question *question = arg;

	for (int i = 0; i < 2000; i++) {
		const uint32_t domain = 1 + (uint32_t)i % 2;
		const uint64_t address = (domain == 1 ? ONE : TWO) + question->at;
		const struct hvp_row row = {
			.domain = domain, .mode = HVP_MODE_GUEST_KERNEL, .ip = address};
		const struct hvp_symbol *symbol;
		const struct hvp_line *lines;
		struct hvp_location location;
		enum hvp_unresolved why;
		size_t num;

		hvp_symbolizer_locate(question->world->symbolizer, &row, address, true, &location);
		symbol = hvp_symbolizer_symbol(question->world->symbolizer, &location, &why);
		if (!symbol || strcmp(symbol->name, "function_5") != 0 ||
		    hvp_symbolizer_lines(question->world->symbolizer, &location, &lines, &num) ||
		    !num)
			continue;
		question->num_right++;
	}
	return NULL;
}

static void threads_may_ask_at_once(void **state)
{
	struct question questions[NUM_THREADS];
	pthread_t threads[NUM_THREADS];
	struct guests guests;
	struct world world;

	(void)state;
	write_all_kallsyms();
	parse_guests(&guests, "one=kallsyms:one.kallsyms,vmlinux:%s",
		     "two=kallsyms:two.kallsyms,vmlinux:%s", "vmlinux1");
	begin_guests(&world);
	open_guests(&world, &guests);
	for (int i = 0; i < NUM_THREADS; i++) {
		questions[i] = (struct question){
			.world = &world, .at = linked_at("vmlinux1", "function_5") - LINKED};
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &questions[i]), 0);
	}
	for (int i = 0; i < NUM_THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(questions[i].num_right, 2000);
	}
	end_guests(&world, &guests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_guests_of_one_kernel_share_its_image_whatever_kaslr_did),
		cmocka_unit_test(a_vmlinux_gives_lines_inlined_functions_and_code),
		cmocka_unit_test(a_vmlinux_of_another_version_is_not_used_and_said),
		cmocka_unit_test(a_vmlinux_alone_is_placed_by_offset_or_address),
		cmocka_unit_test(a_vmlinux_without_its_offset_is_a_mismatch_not_a_guess),
		cmocka_unit_test(samples_above_a_kernel_that_was_not_moved_are_no_modules),
		cmocka_unit_test(the_hosts_vmlinux_has_to_have_the_recorded_build_id),
		cmocka_unit_test(the_hosts_kallsyms_have_to_be_of_the_recorded_boot),
		cmocka_unit_test(threads_may_ask_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
