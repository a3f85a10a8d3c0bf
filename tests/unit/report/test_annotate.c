/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function whose instructions are known, from the samples to the lines of the answer. */
#include <stdlib.h>

#include "report/annotate/annotate.h"
#include "report/annotate/disasm.h"
#include "tests/unit/report/report_fixture.h"

/* The program's code is at 0x1000 in the file and in its address space. */
#define CODE 0x1000u
#define BASE UINT64_C(0x7f1234000000)
#define PID 777u

struct world {
	struct fixture fixture;
	struct hvp_hot_functions functions;
	struct hvp_annotation annotation;
	struct hvp_sources sources;
	struct hvp_strings nothing;
};

static void add_at(struct hvp_session_writer *writer, struct made_state *made, uint64_t offset,
		   unsigned int num)
{
	made_add(writer, made, made_host_sample(made, PID, PID, HVP_MODE_HOST_USER, BASE + offset),
		 num, NULL, 0);
}

static int write_session(void)
{
	const struct hvp_record mapping = {.type = HVP_RECORD_MMAP,
					   .time = MADE_START,
					   .mmap = {.pid = PID,
						    .tid = PID,
						    .address = BASE,
						    .size = 0x1000,
						    .file_offset = CODE,
						    .path = ANNOTATED,
						    .is_exec = true}};
	struct made_state made = {.time = MADE_START + 1000000};
	int fd = memory_file();
	struct hvp_session_writer *writer = made_begin(fd, MADE_EMPTY);

	made_check(hvp_session_writer_add_record(writer, &mapping));
	add_at(writer, &made, 0x5, 7);
	add_at(writer, &made, 0x8, 2);
	add_at(writer, &made, 0xb, 1);
	/* In the middle of the cmp. */
	add_at(writer, &made, 0x9, 3);
	add_at(writer, &made, 0x13, 4);
	made_finish(writer);
	return fd;
}

static void open_world(struct world *world)
{
	static const struct hvp_symbolizer_options symbolizer_options = {0};
	const struct question question = {.sort = "symbol", .by_address = true};
	struct fixture *fixture = &world->fixture;

	*world = (struct world){.fixture = {.fd = write_session()}};
	assert_ok(hvp_session_open_fd(fixture->fd, "made.data", &fixture->session));
	assert_ok(
		hvp_symbolizer_create(fixture->session, &symbolizer_options, &fixture->symbolizer));
	fixture_ask(fixture, &question);
	assert_ok(hvp_sources_init(&world->sources, &world->nothing, &world->nothing));
}

static void close_world(struct world *world)
{
	hvp_annotation_deinit(&world->annotation);
	hvp_hot_functions_deinit(&world->functions);
	hvp_sources_deinit(&world->sources);
	fixture_close(&world->fixture);
}

static void annotate_by_name(struct world *world, const char *name)
{
	const struct hvp_annotate_options annotate_options = {.sources = &world->sources};

	assert_ok(hvp_hot_functions_init(&world->functions, &world->fixture.profile, NULL, name,
					 NULL));
	assert_int_equal(world->functions.num, 1);
	assert_ok(hvp_annotation_init(&world->annotation, &world->fixture.profile,
				      &world->functions, world->functions.items,
				      &annotate_options));
}

static void samples_stand_at_their_instructions(void **state)
{
	static const struct {
		uint64_t address, samples;
		const char *mnemonic;
	} expected[] = {{CODE, 0, "movl"},	{CODE + 0x5, 7, "addl"},  {CODE + 0x8, 5, "cmpl"},
			{CODE + 0xb, 1, "jne"}, {CODE + 0xd, 0, "callq"}, {CODE + 0x12, 0, "retq"}};
	struct world world;

	(void)state;
	open_world(&world);
	annotate_by_name(&world, "annotated");
	assert_int_equal(world.annotation.num_instructions, 6);
	for (size_t i = 0; i < 6; i++) {
		const struct hvp_annotated_instruction *instruction =
			&world.annotation.instructions[i];

		assert_int_equal(instruction->code->address, expected[i].address);
		assert_int_equal(instruction->samples, expected[i].samples);
		assert_string_equal(instruction->code->mnemonic, expected[i].mnemonic);
	}
	assert_int_equal(world.functions.items[0].samples, 13);
	assert_int_equal(world.functions.total, 17);
	close_world(&world);
}

static void samples_between_instructions_are_counted_and_said(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	annotate_by_name(&world, "annotated");
	assert_int_equal(world.annotation.misplaced, 3);
	assert_int_equal(world.annotation.outside, 0);
	close_world(&world);
}

static void jumps_have_labels_and_calls_have_names(void **state)
{
	const struct hvp_annotated_instruction *instructions;
	struct world world;
	char buf[64];

	(void)state;
	open_world(&world);
	annotate_by_name(&world, "annotated");
	instructions = world.annotation.instructions;
	assert_int_equal(instructions[1].label, 1);
	assert_int_equal(instructions[3].target, 1);
	assert_string_equal(
		hvp_annotation_text(&world.annotation, &instructions[3], buf, sizeof(buf)),
		"jne     .L1");
	assert_string_equal(
		hvp_annotation_text(&world.annotation, &instructions[4], buf, sizeof(buf)),
		"callq   other");
	close_world(&world);
}

static void lines_come_from_the_debug_information(void **state)
{
	const struct hvp_annotated_line *line;
	struct world world;
	uint32_t *order;

	(void)state;
	open_world(&world);
	annotate_by_name(&world, "annotated");
	assert_true(world.annotation.has_lines);
	assert_ok(hvp_annotation_hot_lines(&world.annotation, &order));
	line = &world.annotation.lines[order[0]];
	assert_int_equal(line->samples, 7);
	assert_int_equal(line->line, 8);
	assert_string_equal(line->text, "1:\taddl\t$2, %eax\t\t\t/* 0x1005, 3 bytes */");
	free(order);
	close_world(&world);
}

static void the_hottest_function_comes_first(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	assert_ok(
		hvp_hot_functions_init(&world.functions, &world.fixture.profile, NULL, NULL, NULL));
	assert_int_equal(world.functions.num, 2);
	assert_string_equal(world.functions.items[0].symbol->name, "annotated");
	assert_string_equal(world.functions.items[1].symbol->name, "other");
	assert_int_equal(world.functions.items[1].samples, 4);
	close_world(&world);
}

static void a_kernel_without_a_file_says_what_would_have_the_code(void **state)
{
	const struct hvp_annotate_options annotate_options = {0};
	const struct question question = {.sort = "symbol", .by_address = true};
	struct world world = {0};

	(void)state;
	fixture_make(&world.fixture, MADE_SMALL);
	fixture_ask(&world.fixture, &question);
	assert_ok(hvp_hot_functions_init(&world.functions, &world.fixture.profile, NULL,
					 "tcp_v4_rcv", NULL));
	assert_error(hvp_annotation_init(&world.annotation, &world.fixture.profile,
					 &world.functions, world.functions.items,
					 &annotate_options),
		     HVP_ERROR_NOT_FOUND, "vmlinux");
	close_world(&world);
}

static void bytes_that_are_no_instruction_are_shown_as_bytes(void **state)
{
	static const uint8_t code[] = {0x90, 0x06, 0xc3};
	struct hvp_instruction *instructions;
	struct hvp_arena arena = {0};
	size_t num;

	(void)state;
	assert_ok(hvp_disassemble("x86_64", HVP_ASM_ATT, code, sizeof(code), 0x10, &arena,
				  &instructions, &num));
	assert_int_equal(num, 3);
	assert_string_equal(instructions[0].mnemonic, "nop");
	assert_string_equal(instructions[1].mnemonic, ".byte");
	assert_string_equal(instructions[1].operands, "0x06");
	assert_int_equal(instructions[2].address, 0x12);
	assert_int_equal(instructions[2].flow, HVP_FLOW_RETURN);
	hvp_arena_deinit(&arena);
	assert_error(hvp_disassemble("pdp11", HVP_ASM_ATT, code, sizeof(code), 0, &arena,
				     &instructions, &num),
		     HVP_ERROR_UNSUPPORTED, "pdp11");
	hvp_arena_deinit(&arena);
}

static void source_is_found_by_prefix_and_below_folders(void **state)
{
	const char *folders[] = {SOURCE_DIR};
	const char *prefixes[] = {"/build/far/away=" SOURCE_DIR};
	const struct hvp_strings folder_list = {folders, 1}, prefix_list = {prefixes, 1};
	const struct hvp_strings nothing = {0};
	struct hvp_sources sources;

	(void)state;
	assert_ok(hvp_sources_init(&sources, &nothing, &folder_list));
	assert_string_equal(hvp_sources_line(&sources, "/x/y/z/annotated.S", 3), "\t.text");
	assert_null(hvp_sources_line(&sources, "/x/y/z/annotated.S", 100000));
	assert_null(hvp_sources_line(&sources, "/x/y/z/nothing.c", 1));
	hvp_sources_deinit(&sources);
	assert_ok(hvp_sources_init(&sources, &prefix_list, &nothing));
	assert_true(hvp_sources_has(&sources, "/build/far/away/annotated.S"));
	assert_false(hvp_sources_has(&sources, "/elsewhere/annotated.S"));
	hvp_sources_deinit(&sources);
	prefixes[0] = "no-equals-sign";
	assert_error(hvp_sources_init(&sources, &prefix_list, &nothing), HVP_ERROR_USAGE,
		     "OLD=NEW");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_stand_at_their_instructions),
		cmocka_unit_test(samples_between_instructions_are_counted_and_said),
		cmocka_unit_test(jumps_have_labels_and_calls_have_names),
		cmocka_unit_test(lines_come_from_the_debug_information),
		cmocka_unit_test(the_hottest_function_comes_first),
		cmocka_unit_test(a_kernel_without_a_file_says_what_would_have_the_code),
		cmocka_unit_test(bytes_that_are_no_instruction_are_shown_as_bytes),
		cmocka_unit_test(source_is_found_by_prefix_and_below_folders),
	};

	if (access(ANNOTATED, R_OK)) {
		fprintf(stderr, "skipped: %s was not built (not an x86-64 machine?)\n", ANNOTATED);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
