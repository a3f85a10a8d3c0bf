/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"
#include "tests/unit/fault.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/scope.h"
#include "daemon/host/elf_build_id.h"
#include "daemon/host/proc_synth.h"

/* The smallest ELF file that has a build id: header, one program header, the note. */
struct tiny_elf {
	Elf64_Ehdr header;
	Elf64_Phdr program;
	Elf64_Nhdr note;
	char owner[4];
	uint8_t id[20];
};

static struct tiny_elf tiny_elf(void)
{
	struct tiny_elf elf = {
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			   .e_type = ET_DYN,
			   .e_phoff = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 1},
		.program = {.p_type = PT_NOTE,
			    .p_offset = offsetof(struct tiny_elf, note),
			    .p_filesz = sizeof(Elf64_Nhdr) + 4 + 20},
		.note = {.n_namesz = 4, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID},
		.owner = "GNU",
	};

	for (uint8_t i = 0; i < sizeof(elf.id); i++)
		elf.id[i] = (uint8_t)(0x10 + i);
	return elf;
}

static bool build_id_of(const void *data, size_t size, struct hvp_build_id *ret)
{
	char path[] = "/tmp/hvprof-test-elf-XXXXXX";
	hvp_scope(hvp_close_fd) int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, data, size), size);
	return hvp_build_id_from_fd(fd, ret);
}

static void a_build_id_is_found_and_a_broken_file_has_none(void **state)
{
	struct tiny_elf elf = tiny_elf(), broken;
	struct hvp_build_id id;

	(void)state;
	assert_true(build_id_of(&elf, sizeof(elf), &id));
	assert_int_equal(id.size, 20);
	assert_memory_equal(id.bytes, elf.id, 20);
	for (size_t size = 0; size < offsetof(struct tiny_elf, id) + sizeof(elf.id); size++)
		assert_false(build_id_of(&elf, size, &id));
	broken = elf;
	broken.note.n_descsz = 21;
	assert_false(build_id_of(&broken, sizeof(broken), &id));
	broken.note.n_descsz = UINT32_MAX;
	assert_false(build_id_of(&broken, sizeof(broken), &id));
	broken = elf;
	broken.note.n_namesz = UINT32_MAX;
	assert_false(build_id_of(&broken, sizeof(broken), &id));
	broken = elf;
	broken.program.p_offset = UINT64_MAX;
	assert_false(build_id_of(&broken, sizeof(broken), &id));
	broken = elf;
	broken.header.e_phoff = UINT64_MAX - 8;
	assert_false(build_id_of(&broken, sizeof(broken), &id));
	broken = elf;
	broken.header.e_phnum = UINT16_MAX;
	assert_false(build_id_of(&broken, sizeof(broken), &id));
	broken = elf;
	broken.header.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_false(build_id_of(&broken, sizeof(broken), &id));
	assert_false(build_id_of("#!/bin/sh\n", 10, &id));
}

static void lines_of_maps_are_parsed_and_others_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"00400000",
		"00400000-00401000",
		"00400000-00401000 r-xp",
		"00400000-00401000 r-xp 0 fe01 12",
		"00401000-00400000 r-xp 00000000 fe:01 12 /x",
		"11112222333344445-2 r-xp 00000000 fe:01 12 /x",
		"zz-00401000 r-xp 00000000 fe:01 12 /x",
	};
	struct hvp_maps_line line;
	char text[128];

	(void)state;
	strcpy(text, "7f0000001000-7f0000003000 r-xp 00002000 fe:01 123456     /usr/lib/a b.so");
	assert_true(hvp_maps_parse(text, &line));
	assert_int_equal(line.begin, 0x7f0000001000);
	assert_int_equal(line.end, 0x7f0000003000);
	assert_int_equal(line.offset, 0x2000);
	assert_int_equal(line.device, 0xfe00000001);
	assert_int_equal(line.inode, 123456);
	assert_true(line.is_exec);
	assert_string_equal(line.path, "/usr/lib/a b.so");
	strcpy(text, "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 ");
	assert_true(hvp_maps_parse(text, &line));
	assert_string_equal(line.path, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(text, bad[i]);
		assert_false(hvp_maps_parse(text, &line));
	}
}

static void make_process(const struct fixture_tree *tree)
{
	struct tiny_elf elf = tiny_elf();

	fixture_write(tree, "proc/12/comm", "qemu\n");
	fixture_write(tree, "proc/12/maps",
		      "400000-402000 r-xp 00001000 fe:01 77 /bin/x\n"
		      "402000-403000 r--p 00003000 fe:01 77 /bin/x\n"
		      "500000-501000 rwxp 00000000 00:00 0 \n"
		      "600000-601000 r-xp 00000000 fe:01 78 /bin/gone (deleted)\n"
		      "garbage\n"
		      "7ff0000-7ff1000 r-xp 00000000 00:00 0 [vdso]\n"
		      "cut off here");
	fixture_write_bytes(tree, "proc/12/root/bin/x", &elf, sizeof(elf));
	elf.id[0] = 0xee;
	fixture_write_bytes(tree, "proc/12/map_files/600000-601000", &elf, sizeof(elf));
	fixture_write(tree, "proc/12/task/12/comm", "qemu\n");
	fixture_write(tree, "proc/12/task/13/comm", "CPU 0/KVM\n");
	/* A thread that vanished between readdir and open. */
	fixture_mkdir(tree, "proc/12/task/14");
}

#define EXPECTED_PROCESS                                                                           \
	"comm 12/12 qemu\n"                                                                        \
	"mmap 12 400000-402000 +1000 /bin/x 101112131415161718191a1b1c1d1e1f20212223\n"            \
	"mmap 12 500000-501000 +0 //anon\n"                                                        \
	"mmap 12 600000-601000 +0 /bin/gone (deleted) "                                            \
	"ee1112131415161718191a1b1c1d1e1f20212223\n"                                               \
	"mmap 12 7ff0000-7ff1000 +0 [vdso]\n"                                                      \
	"comm 12/13 CPU 0/KVM\n"

static void a_process_is_told_as_if_it_had_just_started(void **state)
{
	struct hvp_proc_synth_stats stats;
	struct fixture_tree tree;
	struct fixture_log log;
	const uint32_t pid = 12;

	(void)state;
	fixture_tree_init(&tree);
	fixture_log_init(&log);
	make_process(&tree);
	assert_ok(hvp_proc_synth(&tree.roots, &pid, 1, &log.sink, &stats));
	fixture_log_is(&log, EXPECTED_PROCESS);
	assert_int_equal(stats.mappings, 4);
	assert_int_equal(stats.build_ids, 2);
	fixture_log_deinit(&log);
	fixture_tree_deinit(&tree);
}

/* A line of maps, with the file's own numbers when `name` is one of the tree's. */
static void add_map(const struct fixture_tree *tree, char *maps, size_t size, const char *name,
		    const char *path)
{
	size_t used = strlen(maps);
	char full[256];
	struct stat info;

	snprintf(full, sizeof(full), "%s/%s", tree->path, name);
	assert_int_equal(stat(full, &info), 0);
	snprintf(maps + used, size - used, "%zx000-%zx000 r-xp 00000000 %02x:%02x %llu %s\n",
		 used + 1, used + 2, major(info.st_dev), minor(info.st_dev),
		 (unsigned long long)info.st_ino, path);
}

/* Process 12 maps the file of 13, and by the same name it sees another. */
static void what_a_process_shows_of_a_file_is_not_told_of_another_process(void **state)
{
	const uint32_t pid = 12;
	struct tiny_elf elf = tiny_elf();
	struct fixture_tree tree;
	struct fixture_log log;
	char maps[512] = "";

	(void)state;
	fixture_tree_init(&tree);
	fixture_log_init(&log);
	fixture_write_bytes(&tree, "proc/13/root/lib/c.so", &elf, sizeof(elf));
	elf.id[0] = 0xee;
	fixture_write_bytes(&tree, "proc/12/root/lib/c.so", &elf, sizeof(elf));
	add_map(&tree, maps, sizeof(maps), "proc/13/root/lib/c.so", "/lib/c.so");
	fixture_write(&tree, "proc/12/maps", maps);
	fixture_write(&tree, "proc/13/maps", maps);
	for (uint32_t first = 12; first <= 13; first++) {
		const uint32_t pids[] = {first, 25 - first};

		assert_ok(hvp_proc_synth(&tree.roots, pids, 2, &log.sink, NULL));
		assert_non_null(
			strstr(fixture_log_text(&log), "mmap 13 1000-2000 +0 /lib/c.so 1011"));
		fixture_log_deinit(&log);
		fixture_log_init(&log);
	}
	/* The mapping itself is better than the name. */
	elf.id[0] = 0xdd;
	fixture_write_bytes(&tree, "proc/12/map_files/1000-2000", &elf, sizeof(elf));
	assert_ok(hvp_proc_synth(&tree.roots, &pid, 1, &log.sink, NULL));
	assert_non_null(strstr(fixture_log_text(&log), "mmap 12 1000-2000 +0 /lib/c.so dd11"));
	fixture_log_deinit(&log);
	fixture_tree_deinit(&tree);
}

/* Only root can make a device: a FIFO stands for it, and inotify tells whether it was opened. */
static void what_is_no_file_is_not_even_opened(void **state)
{
	struct hvp_proc_synth_stats stats;
	struct fixture_tree tree;
	struct fixture_log log;
	struct stat info;
	char path[256];

	(void)state;
	fixture_tree_init(&tree);
	fixture_log_init(&log);
	fixture_mkdir(&tree, "proc/12/root/dev");
	snprintf(path, sizeof(path), "%s/proc/12/root/dev/watchdog", tree.path);
	assert_int_equal(mkfifo(path, 0600), 0);
	hvp_scope(hvp_close_fd) int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	fixture_write(&tree, "proc/12/maps", "1000-2000 r-xp 00000000 fe:01 77 /dev/watchdog\n");
	assert_ok(hvp_proc_synth(&tree.roots, NULL, 0, &log.sink, &stats));
	fixture_log_is(&log, "mmap 12 1000-2000 +0 /dev/watchdog\n");
	assert_int_equal(stats.build_ids, 0);
	assert_int_equal(hvp_file_open_regular(AT_FDCWD, path, 0, &info), -1);
	assert_int_equal(hvp_file_open_regular(AT_FDCWD, "/dev/null", 0, &info), -1);
	assert_int_equal(read(watch, path, sizeof(path)), -1);
	fixture_log_deinit(&log);
	fixture_tree_deinit(&tree);
}

static void processes_that_vanish_while_they_are_read_are_no_error(void **state)
{
	struct hvp_proc_synth_stats stats;
	struct fixture_tree tree;
	struct fixture_log log;
	const uint32_t gone = 99;

	(void)state;
	fixture_tree_init(&tree);
	fixture_log_init(&log);
	/* Only the folder is left; a file where a folder should be; no pid at all. */
	fixture_mkdir(&tree, "proc/20");
	fixture_write(&tree, "proc/21", "");
	fixture_write(&tree, "proc/meminfo", "");
	fixture_write(&tree, "proc/22/comm", "half\n");
	fixture_write(&tree, "proc/99999999999999999999/comm", "no pid\n");
	assert_ok(hvp_proc_synth(&tree.roots, NULL, 0, &log.sink, &stats));
	fixture_log_is(&log, "comm 22/22 half\n");
	assert_ok(hvp_proc_synth(&tree.roots, &gone, 1, &log.sink, &stats));
	fixture_log_is(&log, "");
	fixture_log_deinit(&log);
	fixture_tree_deinit(&tree);
}

static void an_error_of_the_sink_ends_it(void **state)
{
	struct fixture_tree tree;
	struct fixture_log log;

	(void)state;
	fixture_tree_init(&tree);
	make_process(&tree);
	for (size_t nth = 1; nth <= 6; nth++) {
		fixture_log_init(&log);
		log.fails_at = nth;
		assert_error(hvp_proc_synth(&tree.roots, NULL, 0, &log.sink, NULL), HVP_ERROR_OTHER,
			     "the sink is full");
		assert_int_equal(log.num_records, nth);
		fixture_log_deinit(&log);
	}
	fixture_tree_deinit(&tree);
}

static struct hvp_error *count_record(void *arg, const struct hvp_record *record)
{
	size_t *num = arg;

	(void)record;
	(*num)++;
	return NULL;
}

static struct hvp_error *read_tree(void *arg)
{
	const struct fixture_tree *tree = arg;
	size_t num = 0;
	const struct hvp_sink sink = {.record = count_record, .arg = &num};

	return hvp_proc_synth(&tree->roots, NULL, 0, &sink, NULL);
}

static void memory_may_run_out_at_any_place(void **state)
{
	struct fixture_tree tree;

	(void)state;
	fixture_tree_init(&tree);
	make_process(&tree);
	hvp_fault_every_allocation(read_tree, &tree);
	fixture_tree_deinit(&tree);
}

static void our_own_threads_are_found(void **state)
{
	uint32_t *tids;
	size_t num;

	(void)state;
	assert_ok(hvp_proc_threads(&hvp_host_roots_default, (uint32_t)getpid(), &tids, &num));
	assert_int_equal(num, 1);
	assert_int_equal(tids[0], getpid());
	free(tids);
	assert_ok(hvp_proc_threads(&hvp_host_roots_default, UINT32_MAX, &tids, &num));
	assert_int_equal(num, 0);
	free(tids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_build_id_is_found_and_a_broken_file_has_none),
		cmocka_unit_test(lines_of_maps_are_parsed_and_others_refused),
		cmocka_unit_test(a_process_is_told_as_if_it_had_just_started),
		cmocka_unit_test(what_a_process_shows_of_a_file_is_not_told_of_another_process),
		cmocka_unit_test(what_is_no_file_is_not_even_opened),
		cmocka_unit_test(processes_that_vanish_while_they_are_read_are_no_error),
		cmocka_unit_test(an_error_of_the_sink_ends_it),
		cmocka_unit_test(memory_may_run_out_at_any_place),
		cmocka_unit_test(our_own_threads_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
