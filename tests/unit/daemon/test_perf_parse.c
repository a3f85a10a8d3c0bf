/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"

#include "daemon/perf/perf_parse.h"
#include "tests/unit/daemon/perf_bytes.h"

#define KERNEL_IP 0xffffffff81000100ull

static struct perf_bytes bytes;

static void parse(uint64_t type, struct hvp_perf_parser *parser, struct hvp_perf_parsed *parsed)
{
	parser->sample_type = type;
	parser->cpu = 9;
	hvp_perf_parse(parser, &bytes.header, parsed);
}

static void every_mode_of_the_abi_is_a_mode_of_ours(void **state)
{
	static const struct {
		uint16_t misc;
		enum hvp_mode mode;
	} modes[] = {
		{PERF_RECORD_MISC_CPUMODE_UNKNOWN, HVP_MODE_UNKNOWN},
		{PERF_RECORD_MISC_KERNEL, HVP_MODE_HOST_KERNEL},
		{PERF_RECORD_MISC_USER | PERF_RECORD_MISC_EXACT_IP, HVP_MODE_HOST_USER},
		{PERF_RECORD_MISC_HYPERVISOR, HVP_MODE_HYPERVISOR},
		{PERF_RECORD_MISC_GUEST_KERNEL, HVP_MODE_GUEST_KERNEL},
		{PERF_RECORD_MISC_GUEST_USER, HVP_MODE_GUEST_USER},
		{6, HVP_MODE_UNKNOWN},
		{7, HVP_MODE_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct hvp_perf_parser parser = {0};
		struct hvp_perf_parsed parsed;

		perf_sample(&bytes, modes[i].misc, 0x1234, 10, 11, 77);
		parse(PERF_BYTES_TYPE, &parser, &parsed);
		assert_int_equal(parsed.kind, HVP_PERF_SAMPLE);
		assert_int_equal(parsed.sample.mode, modes[i].mode);
		assert_int_equal(parsed.sample.ip, 0x1234);
		assert_int_equal(parsed.sample.pid, 10);
		assert_int_equal(parsed.sample.tid, 11);
		assert_int_equal(parsed.sample.time, 77);
		assert_int_equal(parsed.sample.cpu, 3);
		assert_int_equal(parsed.sample.period, 250000);
		assert_int_equal(parsed.sample.chain.num_frames, 0);
	}
}

static void where_the_kernel_is_wrong_the_address_tells_a_guests_mode(void **state)
{
	struct hvp_perf_parser parser = {.guest_mode_by_address = true};
	struct hvp_perf_parsed parsed;

	(void)state;
	perf_sample(&bytes, PERF_RECORD_MISC_GUEST_KERNEL, 0x401000, 10, 11, 77);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.sample.mode, HVP_MODE_GUEST_USER);
	perf_sample(&bytes, PERF_RECORD_MISC_GUEST_USER, KERNEL_IP, 10, 11, 77);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.sample.mode, HVP_MODE_GUEST_KERNEL);
	/* Never the host's. */
	perf_sample(&bytes, PERF_RECORD_MISC_KERNEL, 0x401000, 10, 11, 77);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.sample.mode, HVP_MODE_HOST_KERNEL);
}

static void the_identifier_tells_the_event_and_a_foreign_one_is_malformed(void **state)
{
	struct hvp_map events = {0};
	struct hvp_perf_parser parser = {.event_of_id = &events};
	struct hvp_perf_parsed parsed;

	(void)state;
	assert_ok(hvp_map_set(&events, 501, 0));
	assert_ok(hvp_map_set(&events, 502, 1));
	perf_begin(&bytes, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	perf_u64(&bytes, 502);
	perf_u64(&bytes, 0x1234);
	perf_end(&bytes);
	parse(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_SAMPLE);
	assert_int_equal(parsed.sample.event, 1);
	/* Without PERF_SAMPLE_CPU the ring's CPU is meant. */
	assert_int_equal(parsed.sample.cpu, 9);
	bytes.bytes[8] = 77;
	parse(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_MALFORMED);
	hvp_map_deinit(&events);
}

/* A call chain as the kernel writes it, and the callers that are to come out. */
struct chain_case {
	const char *what;
	uint16_t misc;
	uint64_t ips[12];
	size_t num_ips;
	uint64_t frames[12];
	uint32_t num_frames, num_kernel;
};

static const struct chain_case chains[] = {
	{"kernel alone",
	 PERF_RECORD_MISC_KERNEL,
	 {PERF_CONTEXT_KERNEL, KERNEL_IP, 1, 2},
	 4,
	 {1, 2},
	 2,
	 2},
	{"user alone",
	 PERF_RECORD_MISC_USER,
	 {PERF_CONTEXT_USER, 0x400000, 0x500000, 0x600000},
	 4,
	 {0x500000, 0x600000},
	 2,
	 0},
	{"a system call: the user's own frame is a caller",
	 PERF_RECORD_MISC_KERNEL,
	 {PERF_CONTEXT_KERNEL, KERNEL_IP, 1, 2, PERF_CONTEXT_USER, 0x400000, 0x500000},
	 7,
	 {1, 2, 0x400000, 0x500000},
	 4,
	 2},
	{"entry code without callers in the kernel",
	 PERF_RECORD_MISC_KERNEL,
	 {PERF_CONTEXT_KERNEL, KERNEL_IP, PERF_CONTEXT_USER, 0x400000},
	 4,
	 {0x400000},
	 1,
	 0},
	{"the instruction alone",
	 PERF_RECORD_MISC_USER,
	 {PERF_CONTEXT_USER, 0x400000},
	 2,
	 {0},
	 0,
	 0},
	{"markers alone",
	 PERF_RECORD_MISC_KERNEL,
	 {PERF_CONTEXT_KERNEL, PERF_CONTEXT_USER},
	 2,
	 {0},
	 0,
	 0},
	{"frames before any marker belong to no side",
	 PERF_RECORD_MISC_USER,
	 {0x1, 0x2, PERF_CONTEXT_USER, 0x400000, 0x500000},
	 5,
	 {0x500000},
	 1,
	 0},
	{"a guest's sample has no host chain",
	 PERF_RECORD_MISC_GUEST_KERNEL,
	 {PERF_CONTEXT_KERNEL, KERNEL_IP, 1, 2},
	 4,
	 {0},
	 0,
	 0},
	{"guest markers in a host sample are left out",
	 PERF_RECORD_MISC_KERNEL,
	 {PERF_CONTEXT_KERNEL, KERNEL_IP, 1, PERF_CONTEXT_GUEST_USER, 0x77, 0x78},
	 6,
	 {1},
	 1,
	 1},
	{"a side that comes twice counts once",
	 PERF_RECORD_MISC_USER,
	 {PERF_CONTEXT_USER, 0x400000, 0x500000, PERF_CONTEXT_USER, 0x600000},
	 5,
	 {0x500000},
	 1,
	 0},
	{"a user stack ends where it becomes data: text",
	 PERF_RECORD_MISC_USER,
	 {PERF_CONTEXT_USER, 0x400000, 0x500000, 0x6f6c6c6568206f74, 0x600000},
	 5,
	 {0x500000},
	 1,
	 0},
	{"a user stack ends where it becomes data: a count",
	 PERF_RECORD_MISC_KERNEL,
	 {PERF_CONTEXT_KERNEL, KERNEL_IP, 1, PERF_CONTEXT_USER, 0x400000, 4095, 0x600000},
	 7,
	 {1, 0x400000},
	 2,
	 1},
	{"the first and the last address of user space are code",
	 PERF_RECORD_MISC_USER,
	 {PERF_CONTEXT_USER, 0x400000, 4096, (1ull << 57) - 1, 1ull << 57},
	 5,
	 {4096, (1ull << 57) - 1},
	 2,
	 0},
	{"nothing at all", PERF_RECORD_MISC_USER, {0}, 0, {0}, 0, 0},
};

static void a_call_chain_becomes_the_callers_kernel_before_user(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		const struct chain_case *test = &chains[i];
		struct hvp_perf_parser parser = {0};
		struct hvp_perf_parsed parsed;

		perf_sample(&bytes, test->misc, KERNEL_IP, 10, 11, 77);
		perf_u64(&bytes, test->num_ips);
		for (size_t frame = 0; frame < test->num_ips; frame++)
			perf_u64(&bytes, test->ips[frame]);
		perf_end(&bytes);
		parse(PERF_BYTES_TYPE | PERF_SAMPLE_CALLCHAIN, &parser, &parsed);
		assert_int_equal(parsed.kind, HVP_PERF_SAMPLE);
		if (parsed.sample.chain.num_frames != test->num_frames ||
		    parsed.sample.chain.num_kernel != test->num_kernel)
			fail_msg("%s: %u frames, %u of the kernel", test->what,
				 parsed.sample.chain.num_frames, parsed.sample.chain.num_kernel);
		for (uint32_t frame = 0; frame < test->num_frames; frame++)
			assert_int_equal(parsed.sample.chain.frames[frame], test->frames[frame]);
	}
}

static void a_chain_that_is_too_long_loses_its_outermost_frames(void **state)
{
	static const uint64_t num_each = HVP_MAX_CHAIN;
	struct hvp_perf_parser parser = {0};
	struct hvp_perf_parsed parsed;

	(void)state;
	perf_sample(&bytes, PERF_RECORD_MISC_KERNEL, KERNEL_IP, 10, 11, 77);
	perf_u64(&bytes, 2 * num_each + 2);
	perf_u64(&bytes, PERF_CONTEXT_KERNEL);
	for (uint64_t i = 0; i < num_each; i++)
		perf_u64(&bytes, 0xffff0000 + i);
	perf_u64(&bytes, PERF_CONTEXT_USER);
	for (uint64_t i = 0; i < num_each; i++)
		perf_u64(&bytes, 0x1000 + i);
	perf_end(&bytes);
	parse(PERF_BYTES_TYPE | PERF_SAMPLE_CALLCHAIN, &parser, &parsed);
	assert_int_equal(parsed.sample.chain.num_frames, HVP_MAX_CHAIN);
	assert_int_equal(parsed.sample.chain.num_kernel, HVP_MAX_CHAIN - 1);
	assert_int_equal(parsed.sample.chain.frames[0], 0xffff0001);
	assert_int_equal(parsed.sample.chain.frames[HVP_MAX_CHAIN - 1], 0x1000);
}

static void a_sample_cut_anywhere_is_malformed(void **state)
{
	struct hvp_perf_parser parser = {0};
	struct hvp_perf_parsed parsed;
	uint16_t whole;

	(void)state;
	perf_sample(&bytes, PERF_RECORD_MISC_KERNEL, KERNEL_IP, 10, 11, 77);
	perf_u64(&bytes, 2);
	perf_u64(&bytes, PERF_CONTEXT_KERNEL);
	perf_u64(&bytes, KERNEL_IP);
	perf_end(&bytes);
	whole = bytes.header.size;
	for (uint16_t size = sizeof(bytes.header); size < whole; size += 8) {
		bytes.header.size = size;
		parse(PERF_BYTES_TYPE | PERF_SAMPLE_CALLCHAIN, &parser, &parsed);
		assert_int_equal(parsed.kind, HVP_PERF_MALFORMED);
	}
	bytes.header.size = whole;
	parse(PERF_BYTES_TYPE | PERF_SAMPLE_CALLCHAIN, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_SAMPLE);
}

static void a_chain_longer_than_its_record_is_malformed(void **state)
{
	static const uint64_t lengths[] = {3, UINT64_MAX, 1ull << 61, (1ull << 61) + 2};
	struct hvp_perf_parser parser = {0};
	struct hvp_perf_parsed parsed;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		perf_sample(&bytes, PERF_RECORD_MISC_KERNEL, KERNEL_IP, 10, 11, 77);
		perf_u64(&bytes, lengths[i]);
		perf_u64(&bytes, PERF_CONTEXT_KERNEL);
		perf_u64(&bytes, KERNEL_IP);
		perf_end(&bytes);
		parse(PERF_BYTES_TYPE | PERF_SAMPLE_CALLCHAIN, &parser, &parsed);
		assert_int_equal(parsed.kind, HVP_PERF_MALFORMED);
	}
}

static void build_mmap2(uint16_t misc, uint8_t build_id_size, uint32_t protection)
{
	uint8_t id[24] = {build_id_size};

	for (uint8_t i = 0; i < 20; i++)
		id[4 + i] = (uint8_t)(i + 1);
	perf_begin(&bytes, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER | misc);
	perf_pair(&bytes, 10, 11);
	perf_u64(&bytes, 0x400000);
	perf_u64(&bytes, 0x2000);
	perf_u64(&bytes, 0x1000);
	memcpy(bytes.bytes + bytes.size, id, sizeof(id));
	bytes.size += sizeof(id);
	perf_pair(&bytes, protection, 2);
	perf_text(&bytes, "/usr/bin/true");
	perf_sample_id(&bytes, 10, 11, 4711, 2);
}

static void a_mapping_carries_its_build_id(void **state)
{
	struct hvp_perf_parser parser = {0};
	struct hvp_perf_parsed parsed;

	(void)state;
	build_mmap2(PERF_RECORD_MISC_MMAP_BUILD_ID, 20, 5);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_RECORD);
	assert_int_equal(parsed.record.type, HVP_RECORD_MMAP);
	assert_int_equal(parsed.record.time, 4711);
	assert_int_equal(parsed.record.mmap.pid, 10);
	assert_int_equal(parsed.record.mmap.address, 0x400000);
	assert_int_equal(parsed.record.mmap.size, 0x2000);
	assert_int_equal(parsed.record.mmap.file_offset, 0x1000);
	assert_string_equal(parsed.record.mmap.path, "/usr/bin/true");
	assert_int_equal(parsed.record.mmap.build_id_size, 20);
	assert_int_equal(parsed.record.mmap.build_id[0], 1);
	assert_int_equal(parsed.record.mmap.build_id[19], 20);
	/* Device and inode instead. */
	build_mmap2(0, 20, 5);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.record.mmap.build_id_size, 0);
	/* More than a build id can have. */
	build_mmap2(PERF_RECORD_MISC_MMAP_BUILD_ID, 21, 5);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_MALFORMED);
	/* Data. */
	build_mmap2(0, 0, 3);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_NOTHING);
}

static void a_name_without_an_end_is_malformed(void **state)
{
	struct hvp_perf_parser parser = {0};
	struct hvp_perf_parsed parsed;

	(void)state;
	perf_begin(&bytes, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	perf_pair(&bytes, 10, 11);
	perf_text(&bytes, "evil\033[2J");
	perf_sample_id(&bytes, 10, 11, 5, 0);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_RECORD);
	/* Kept as it is: who prints it makes it harmless. */
	assert_string_equal(parsed.record.comm.name, "evil\033[2J");
	assert_true(parsed.record.comm.is_exec);
	perf_begin(&bytes, PERF_RECORD_COMM, 0);
	perf_pair(&bytes, 10, 11);
	perf_u64(&bytes, 0x4141414141414141);
	perf_sample_id(&bytes, 10, 11, 5, 0);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_MALFORMED);
}

static void tasks_that_begin_and_end_keep_their_own_time(void **state)
{
	struct hvp_perf_parser parser = {0};
	struct hvp_perf_parsed parsed;

	(void)state;
	perf_begin(&bytes, PERF_RECORD_FORK, 0);
	perf_pair(&bytes, 20, 10);
	perf_pair(&bytes, 21, 11);
	perf_u64(&bytes, 1000);
	perf_sample_id(&bytes, 10, 11, 1001, 0);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.record.type, HVP_RECORD_FORK);
	assert_int_equal(parsed.record.task.pid, 20);
	assert_int_equal(parsed.record.task.parent_pid, 10);
	assert_int_equal(parsed.record.task.tid, 21);
	assert_int_equal(parsed.record.task.parent_tid, 11);
	assert_int_equal(parsed.record.time, 1000);
	bytes.header.type = PERF_RECORD_EXIT;
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.record.type, HVP_RECORD_EXIT);
}

static void what_was_lost_is_told_by_kind(void **state)
{
	struct hvp_perf_parser parser = {0};
	struct hvp_perf_parsed parsed;

	(void)state;
	perf_begin(&bytes, PERF_RECORD_LOST, 0);
	perf_u64(&bytes, 501);
	perf_u64(&bytes, 12);
	perf_sample_id(&bytes, 0, 0, 5, 0);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_LOST);
	assert_int_equal(parsed.lost, 12);
	perf_begin(&bytes, PERF_RECORD_LOST_SAMPLES, 0);
	perf_u64(&bytes, 3);
	perf_sample_id(&bytes, 0, 0, 5, 0);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_LOST_SAMPLES);
	assert_int_equal(parsed.lost, 3);
	bytes.header.size = 16;
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_MALFORMED);
}

static void throttling_symbols_and_namespaces_are_understood(void **state)
{
	struct hvp_perf_parser parser = {0};
	struct hvp_perf_parsed parsed;

	(void)state;
	perf_begin(&bytes, PERF_RECORD_UNTHROTTLE, 0);
	perf_u64(&bytes, 7);
	perf_u64(&bytes, 501);
	perf_u64(&bytes, 501);
	perf_sample_id(&bytes, 0, 0, 7, 2);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.record.type, HVP_RECORD_THROTTLE);
	assert_int_equal(parsed.record.throttle.cpu, 2);
	assert_true(parsed.record.throttle.is_end);

	perf_begin(&bytes, PERF_RECORD_KSYMBOL, 0);
	perf_u64(&bytes, 0xffffffffc0001000);
	perf_pair(&bytes, 128, 1 | PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER << 16);
	perf_text(&bytes, "bpf_prog_x");
	perf_sample_id(&bytes, 0, 0, 8, 0);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.record.type, HVP_RECORD_KSYMBOL);
	assert_int_equal(parsed.record.ksymbol.size, 128);
	assert_true(parsed.record.ksymbol.is_gone);
	assert_string_equal(parsed.record.ksymbol.name, "bpf_prog_x");

	perf_begin(&bytes, PERF_RECORD_NAMESPACES, 0);
	perf_pair(&bytes, 10, 11);
	perf_u64(&bytes, NR_NAMESPACES);
	for (uint64_t i = 0; i < NR_NAMESPACES; i++) {
		perf_u64(&bytes, 4);
		perf_u64(&bytes, 100 + i);
	}
	perf_sample_id(&bytes, 10, 11, 9, 0);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.record.namespaces.mount_namespace, 100 + MNT_NS_INDEX);
	assert_int_equal(parsed.record.namespaces.pid_namespace, 100 + PID_NS_INDEX);
	/* More than there are bytes for. */
	bytes.bytes[16] = 200;
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_MALFORMED);
}

static void an_unknown_record_is_nothing_and_a_short_one_malformed(void **state)
{
	struct hvp_perf_parser parser = {0};
	struct hvp_perf_parsed parsed;

	(void)state;
	perf_begin(&bytes, 4711, 0);
	perf_u64(&bytes, 1);
	perf_sample_id(&bytes, 0, 0, 5, 0);
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_NOTHING);
	bytes.header.size = sizeof(bytes.header) + 16;
	parse(PERF_BYTES_TYPE, &parser, &parsed);
	assert_int_equal(parsed.kind, HVP_PERF_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mode_of_the_abi_is_a_mode_of_ours),
		cmocka_unit_test(where_the_kernel_is_wrong_the_address_tells_a_guests_mode),
		cmocka_unit_test(the_identifier_tells_the_event_and_a_foreign_one_is_malformed),
		cmocka_unit_test(a_call_chain_becomes_the_callers_kernel_before_user),
		cmocka_unit_test(a_chain_that_is_too_long_loses_its_outermost_frames),
		cmocka_unit_test(a_sample_cut_anywhere_is_malformed),
		cmocka_unit_test(a_chain_longer_than_its_record_is_malformed),
		cmocka_unit_test(a_mapping_carries_its_build_id),
		cmocka_unit_test(a_name_without_an_end_is_malformed),
		cmocka_unit_test(tasks_that_begin_and_end_keep_their_own_time),
		cmocka_unit_test(what_was_lost_is_told_by_kind),
		cmocka_unit_test(throttling_symbols_and_namespaces_are_understood),
		cmocka_unit_test(an_unknown_record_is_nothing_and_a_short_one_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
