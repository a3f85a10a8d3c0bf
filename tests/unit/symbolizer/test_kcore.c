/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code of the kernel that still runs: from a /proc that the tests make up. */
#include "tests/unit/check.h"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/session/format.h"
#include "common/session/writer.h"
#include "symbolizer/kernel/kcore.h"
#include "world.h"

#define TEXT ((uint64_t)0xffffffff81000000)
#define MODULE ((uint64_t)0xffffffffc0a00000)
#define BOOT_ID "00000000-1111-2222-3333-444444444444"

static const char kallsyms[] = "ffffffff81000000 T _text\n"
			       "ffffffff81000000 T _stext\n"
			       "ffffffff81000040 t do_one\n"
			       "ffffffff81000080 T do_two\n"
			       "ffffffff81001000 T _etext\n"
			       "ffffffffc0a00100 t svm_vcpu_run\t[kvm_amd]\n"
			       "ffffffffc0a00200 T svm_exit\t[kvm_amd]\n";
static const char modules[] = "kvm_amd 16384 0 - Live 0xffffffffc0a00000\n";

struct kcore_file {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	/* A page of the core and one of the module: bytes that tell where they are. */
	uint8_t text[0x1000], module[0x1000];
};

static struct kcore_file good_kcore(void)
{
	struct kcore_file file = {
		.header =
			{
				.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
					    EV_CURRENT},
				.e_type = ET_CORE,
				.e_phoff = offsetof(struct kcore_file, segments),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = 3,
			},
		.segments =
			{
				{.p_type = PT_NOTE, .p_offset = 0, .p_filesz = 64},
				{.p_type = PT_LOAD,
				 .p_vaddr = TEXT,
				 .p_offset = offsetof(struct kcore_file, text),
				 .p_filesz = 0x1000},
				{.p_type = PT_LOAD,
				 .p_vaddr = MODULE,
				 .p_offset = offsetof(struct kcore_file, module),
				 .p_filesz = 0x1000},
			},
	};

	for (size_t i = 0; i < sizeof(file.text); i++) {
		file.text[i] = (uint8_t)(i >> 4);
		file.module[i] = (uint8_t)(i >> 4 ^ 0x80);
	}
	return file;
}

/* The running machine: without a kcore where `kcore` is NULL. */
static void write_proc(const char *running_kallsyms, const struct kcore_file *kcore)
{
	mkdir("proc", 0755);
	mkdir("proc/sys", 0755);
	mkdir("proc/sys/kernel", 0755);
	mkdir("proc/sys/kernel/random", 0755);
	write_text("proc/sys/kernel/random/boot_id", BOOT_ID "\n");
	write_text("proc/kallsyms", running_kallsyms);
	write_text("proc/modules", modules);
	unlink("proc/kcore");
	if (kcore)
		write_bytes("proc/kcore", kcore, sizeof(*kcore));
}

static void open_session(struct world *world, const char *boot_id)
{
	const struct hvp_symbolizer_options options = {.proc = "proc"};

	world_begin(world);
	assert_ok(hvp_session_writer_add_info(world->writer, HVP_INFO_BOOT_ID, boot_id));
	world_text(world, HVP_BLOB_KALLSYMS, 0, 0, kallsyms);
	world_text(world, HVP_BLOB_MODULES, 0, 0, modules);
	world_open(world, &options);
}

static struct hvp_error *read_code(struct world *world, uint64_t address, size_t size,
				   uint8_t **ret)
{
	struct hvp_location location;
	bool is_live = false;
	struct hvp_error *err;

	world_locate(world, HVP_MODE_HOST_KERNEL, 0, 1, 1, address, &location);
	assert_int_equal(location.why, HVP_RESOLVED);
	err = hvp_symbolizer_code(world->symbolizer, location.image, location.address, size, ret,
				  &is_live);
	assert_true(err || is_live);
	return err;
}

static void code_of_the_core_and_of_modules_is_read_from_memory(void **state)
{
	static const struct {
		uint64_t address;
		uint8_t first;
	} table[] = {{TEXT + 0x40, 0x04}, {TEXT + 0x80, 0x08}, {MODULE + 0x100, 0x90}};
	const struct kcore_file kcore = good_kcore();
	struct world world;

	(void)state;
	write_proc(kallsyms, &kcore);
	open_session(&world, BOOT_ID);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t *code;

		assert_ok(read_code(&world, table[i].address, 0x20, &code));
		assert_int_equal(code[0], table[i].first);
		assert_int_equal(code[0x1f], table[i].first + 1);
		free(code);
	}
	world_end(&world);
}

static void what_the_running_kernel_cannot_give_is_said(void **state)
{
	static const char without_do_two[] = "ffffffff81000000 T _text\n"
					     "ffffffff81000080 T do_two_of_another_module\n";
	static const char hidden[] = "0000000000000000 T _text\n0000000000000000 T do_two\n";
	const struct kcore_file kcore = good_kcore();
	const struct {
		const char *boot_id, *kallsyms;
		const struct kcore_file *kcore;
		uint64_t address;
		size_t size;
		const char *expected;
	} table[] = {
		{"another boot", kallsyms, &kcore, TEXT + 0x80, 4, "of another boot"},
		{BOOT_ID, without_do_two, &kcore, TEXT + 0x80, 4, "do_two is no longer at"},
		{BOOT_ID, hidden, &kcore, TEXT + 0x80, 4, "hides addresses"},
		{BOOT_ID, kallsyms, NULL, TEXT + 0x80, 4, "proc/kcore"},
		/* Not the beginning of a function: some address that a session names. */
		{BOOT_ID, kallsyms, &kcore, TEXT + 0x84, 4, "no longer at"},
		{BOOT_ID, kallsyms, &kcore, TEXT + 0x80, 0x2000, "not within the code"},
		{BOOT_ID, kallsyms, &kcore, MODULE + 0x200, 0x3000, "proc/kcore has nothing at"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct world world;
		uint8_t *code;

		write_proc(table[i].kallsyms, table[i].kcore);
		open_session(&world, table[i].boot_id);
		assert_error(read_code(&world, table[i].address, table[i].size, &code),
			     HVP_ERROR_NOT_FOUND, table[i].expected);
		world_end(&world);
	}
}

static void a_broken_core_file_is_not_read(void **state)
{
	struct kcore_file files[6];
	struct hvp_kcore kcore;
	uint8_t byte;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		files[i] = good_kcore();
	files[0].header.e_ident[0] = 0;
	files[1].header.e_ident[EI_CLASS] = ELFCLASS32;
	files[2].header.e_type = ET_EXEC;
	files[3].header.e_phentsize = 32;
	files[4].header.e_phoff = UINT64_MAX - 4;
	files[5].header.e_phnum = 65535;
	for (size_t i = 0; i < 6; i++) {
		write_bytes("bad.kcore", &files[i], sizeof(files[i]));
		assert_error(hvp_kcore_open("bad.kcore", &kcore),
			     i == 5 ? HVP_ERROR_TRUNCATED : HVP_ERROR_FORMAT, "bad.kcore");
	}
	/* Segments that reach behind the file, and behind the end of all offsets. */
	files[0] = good_kcore();
	files[0].segments[1].p_offset = sizeof(files[0]);
	files[0].segments[2].p_offset = INT64_MAX;
	write_bytes("bad.kcore", &files[0], sizeof(files[0]));
	assert_ok(hvp_kcore_open("bad.kcore", &kcore));
	assert_error(hvp_kcore_read(&kcore, TEXT, 1, &byte), HVP_ERROR_TRUNCATED, "bad.kcore ends");
	assert_error(hvp_kcore_read(&kcore, MODULE, 1, &byte), HVP_ERROR_NOT_FOUND, "nothing at");
	hvp_kcore_close(&kcore);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_of_the_core_and_of_modules_is_read_from_memory),
		cmocka_unit_test(what_the_running_kernel_cannot_give_is_said),
		cmocka_unit_test(a_broken_core_file_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
