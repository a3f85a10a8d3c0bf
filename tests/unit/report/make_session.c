/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/report/make_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/session/format.h"

#define MILLISECOND UINT64_C(1000000)

static const char host_kallsyms[] = "ffffffff81000000 T _text\n"
				    "ffffffff81000000 T startup_64\n"
				    "ffffffff81001000 T schedule\n"
				    "ffffffff81002000 T ksys_read\n"
				    "ffffffff81003000 T do_syscall_64\n"
				    "ffffffff81004000 T entry_SYSCALL_64\n"
				    "ffffffff81005000 T default_idle\n"
				    "ffffffff81006000 T do_idle\n"
				    "ffffffff81007000 T walk_tree\n"
				    "ffffffff81008000 T _etext\n"
				    "ffffffffc0100000 t kvm_vcpu_ioctl\t[kvm]\n"
				    "ffffffffc0101000 t kvm_arch_vcpu_ioctl_run\t[kvm]\n"
				    "ffffffffc0200000 t svm_vcpu_run\t[kvm_amd]\n";

static const char host_modules[] = "kvm_amd 65536 0 - Live 0xffffffffc0200000\n"
				   "kvm 131072 1 kvm_amd, Live 0xffffffffc0100000\n";

static const char web_kallsyms[] = "ffffffff9a000000 T _text\n"
				   "ffffffff9a000000 T startup_64\n"
				   "ffffffff9a001000 T tcp_v4_rcv\n"
				   "ffffffff9a002000 T net_rx_action\n"
				   "ffffffff9a003000 T sha256_transform\n"
				   "ffffffff9a008000 T _etext\n";

static const char db_kallsyms[] = "ffffffff9a000000 T _text\n"
				  "ffffffff9a000000 T startup_64\n"
				  "ffffffff9a001000 T btrfs_search_slot\n"
				  "ffffffff9a002000 T copy_user_generic\n"
				  "ffffffff9a008000 T _etext\n";

static const char jit_map[] = "7f0000000000 100 LazyCompile:~render app.js:12\n"
			      "7f0000000100 100 LazyCompile:*parse app.js:40\n";

void made_check(struct hvp_error *err)
{
	if (!err)
		return;
	fprintf(stderr, "making a session: %s\n", hvp_error_message(err));
	exit(1);
}

static void add_record(struct hvp_session_writer *writer, struct hvp_record record)
{
	if (!record.time)
		record.time = MADE_START;
	made_check(hvp_session_writer_add_record(writer, &record));
}

static void add_blob(struct hvp_session_writer *writer, enum hvp_blob_kind kind, uint32_t domain,
		     uint32_t pid, const char *path, const char *text)
{
	add_record(writer, (struct hvp_record){.type = HVP_RECORD_BLOB,
					       .blob = {.kind = kind,
							.domain = domain,
							.pid = pid,
							.path = path,
							.data = (const uint8_t *)text,
							.size = strlen(text)}});
}

static void add_comm(struct hvp_session_writer *writer, uint32_t pid, uint32_t tid,
		     const char *name)
{
	add_record(writer, (struct hvp_record){.type = HVP_RECORD_COMM,
					       .comm = {.pid = pid, .tid = tid, .name = name}});
}

static void add_domain(struct hvp_session_writer *writer, uint32_t domain, uint32_t pid,
		       const char *name, const char *uuid, uint32_t num_vcpus)
{
	add_record(writer, (struct hvp_record){.type = HVP_RECORD_DOMAIN,
					       .domain = {.domain = domain,
							  .pid = pid,
							  .name = name,
							  .uuid = uuid,
							  .vmm = "qemu",
							  .identity_from = "cmdline"}});
	for (uint32_t i = 0; i < num_vcpus; i++)
		add_record(writer,
			   (struct hvp_record){
				   .type = HVP_RECORD_VCPU,
				   .vcpu = {.domain = domain, .vcpu = i, .tid = pid + 1 + i}});
}

static void add_facts(struct hvp_session_writer *writer)
{
	static const char *const facts[][2] = {
		{HVP_INFO_VERSION, "0.1.0"},
		{HVP_INFO_COMMAND, "hvprof record -a -g -- sleep 10"},
		{HVP_INFO_SOURCE, "perf"},
		{HVP_INFO_HOSTNAME, "host1.example"},
		{HVP_INFO_KERNEL, "Linux 6.1.0-18-amd64"},
		{HVP_INFO_ARCH, "x86_64"},
		{HVP_INFO_CPUS_ONLINE, "0-1"},
		{HVP_INFO_START_REALTIME, "1767225600000000000"},
		{HVP_INFO_TARGET, "the whole machine"},
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++)
		made_check(hvp_session_writer_add_info(writer, facts[i][0], facts[i][1]));
}

static void add_events(struct hvp_session_writer *writer, enum made_kind kind)
{
	const struct hvp_event_info clock = {.name = "cpu-clock",
					     .unit = "ns",
					     .perf_type = 1,
					     .frequency = 1000,
					     .scope = "host and guest, kernel and user"};
	const struct hvp_event_info cycles = {.name = "cycles",
					      .unit = "cycles",
					      .period = 1000003,
					      .scope = "host and guest, kernel and user"};
	uint16_t index;

	made_check(hvp_session_writer_add_event(writer, &clock, &index));
	if (kind == MADE_TWO_EVENTS)
		made_check(hvp_session_writer_add_event(writer, &cycles, &index));
}

static void add_world(struct hvp_session_writer *writer, enum made_kind kind)
{
	bool is_hostile = kind == MADE_HOSTILE;

	add_domain(writer, MADE_WEB, 100, is_hostile ? "\033[2Jweb\n\"x\",\xff" : "web",
		   "1b4e28ba-2fa1-11d2-883f-0016d3cca427", 2);
	add_domain(writer, MADE_DB, 200, is_hostile ? "db\033]0;title\007" : "db",
		   "6ba7b810-9dad-11d1-80b4-00c04fd430c8", 1);
	add_comm(writer, 100, 100, "qemu-system-x86");
	add_comm(writer, 100, 101, "CPU 0/KVM");
	add_comm(writer, 100, 102, "CPU 1/KVM");
	add_comm(writer, 200, 200, "qemu-system-x86");
	add_comm(writer, 200, 201, "CPU 0/KVM");
	add_comm(writer, 300, 300, is_hostile ? "post\rgres\033[31m" : "postgres");
	add_comm(writer, 400, 400, "node");
	add_record(writer, (struct hvp_record){.type = HVP_RECORD_MMAP,
					       .mmap = {.pid = 300,
							.tid = 300,
							.address = NO_FILE_CODE(0),
							.size = 0x10000,
							.path = "/nonexistent/bin/postgres",
							.build_id = {1, 2, 3, 4, 5, 6, 7, 8},
							.build_id_size = 8,
							.is_exec = true}});
	add_record(writer, (struct hvp_record){.type = HVP_RECORD_MMAP,
					       .mmap = {.pid = 400,
							.tid = 400,
							.address = JIT_CODE(0),
							.size = 0x10000,
							.path = "//anon",
							.is_exec = true}});
	add_blob(writer, HVP_BLOB_KALLSYMS, HVP_DOMAIN_HOST, 0, "/proc/kallsyms", host_kallsyms);
	add_blob(writer, HVP_BLOB_MODULES, HVP_DOMAIN_HOST, 0, "/proc/modules", host_modules);
	add_blob(writer, HVP_BLOB_KALLSYMS, MADE_WEB, 0, "web.kallsyms", web_kallsyms);
	add_blob(writer, HVP_BLOB_KALLSYMS, MADE_DB, 0, "db.kallsyms", db_kallsyms);
	add_blob(writer, HVP_BLOB_JIT_MAP, HVP_DOMAIN_HOST, 400, "/tmp/perf-400.map", jit_map);
}

struct hvp_session_writer *made_begin(int fd, enum made_kind kind)
{
	const struct hvp_session_writer_options options = {.path = "made.data"};
	struct hvp_session_writer *writer = NULL;

	made_check(hvp_session_writer_create(fd, &options, &writer));
	add_facts(writer);
	add_events(writer, kind);
	add_world(writer, kind);
	return writer;
}

struct hvp_sample made_guest_sample(struct made_state *state, uint32_t domain, uint32_t vcpu,
				    enum hvp_mode mode, uint64_t ip)
{
	return (struct hvp_sample){.time = state->time,
				   .ip = ip,
				   .period = MILLISECOND,
				   .pid = domain * 100,
				   .tid = domain * 100 + 1 + vcpu,
				   .domain = domain,
				   .vcpu = vcpu,
				   .mode = mode};
}

struct hvp_sample made_host_sample(struct made_state *state, uint32_t pid, uint32_t tid,
				   enum hvp_mode mode, uint64_t ip)
{
	bool is_vmm = pid == 100 || pid == 200;

	return (struct hvp_sample){
		.time = state->time,
		.ip = ip,
		.period = MILLISECOND,
		.pid = pid,
		.tid = tid,
		.domain = is_vmm ? pid / 100 : HVP_DOMAIN_HOST,
		.vcpu = is_vmm && tid > pid ? tid - pid - 1 : HVP_VCPU_NONE,
		.mode = mode,
	};
}

void made_add(struct hvp_session_writer *writer, struct made_state *state, struct hvp_sample sample,
	      unsigned int num, const uint64_t *frames, uint32_t num_frames)
{
	sample.chain.frames = frames;
	sample.chain.num_frames = num_frames;
	sample.chain.num_kernel = hvp_mode_is_kernel(sample.mode) ? num_frames : 0;
	for (unsigned int i = 0; i < num; i++) {
		sample.time = state->time;
		made_check(hvp_session_writer_add_sample(writer, &sample));
		state->time += MILLISECOND;
	}
}

static void add_guests(struct hvp_session_writer *writer, struct made_state *state)
{
	const uint64_t from_net[] = {GUEST_KERNEL(0x2040)};
	struct hvp_sample sample;

	sample = made_guest_sample(state, MADE_WEB, 0, HVP_MODE_GUEST_KERNEL, GUEST_KERNEL(0x1010));
	made_add(writer, state, sample, 30, from_net, 1);
	sample = made_guest_sample(state, MADE_WEB, 1, HVP_MODE_GUEST_KERNEL, GUEST_KERNEL(0x1020));
	made_add(writer, state, sample, 10, from_net, 1);
	sample = made_guest_sample(state, MADE_WEB, 1, HVP_MODE_GUEST_KERNEL, GUEST_KERNEL(0x3000));
	made_add(writer, state, sample, 5, NULL, 0);
	sample = made_guest_sample(state, MADE_WEB, 0, HVP_MODE_GUEST_USER, 0x55d000001234);
	made_add(writer, state, sample, 8, NULL, 0);
	sample = made_guest_sample(state, MADE_DB, 0, HVP_MODE_GUEST_KERNEL, GUEST_KERNEL(0x1010));
	made_add(writer, state, sample, 12, NULL, 0);
	sample = made_guest_sample(state, MADE_DB, 0, HVP_MODE_GUEST_KERNEL, GUEST_KERNEL(0x2abc));
	made_add(writer, state, sample, 7, NULL, 0);
}

static void add_host(struct hvp_session_writer *writer, struct made_state *state)
{
	const uint64_t from_ioctl[] = {HOST_MODULE(0x1080), HOST_MODULE(0x40)};
	const uint64_t from_read[] = {HOST_KERNEL(0x3010), HOST_KERNEL(0x4010)};
	/* schedule() below walk_tree(), which calls itself. */
	const uint64_t recursive[] = {HOST_KERNEL(0x7010), HOST_KERNEL(0x7020), HOST_KERNEL(0x7030),
				      HOST_KERNEL(0x3010)};
	struct hvp_sample sample;

	sample = made_host_sample(state, 100, 101, HVP_MODE_HOST_KERNEL, HOST_MODULE(0x100010));
	made_add(writer, state, sample, 9, from_ioctl, 2);
	sample = made_host_sample(state, 200, 201, HVP_MODE_HOST_KERNEL, HOST_MODULE(0x100010));
	made_add(writer, state, sample, 4, from_ioctl, 2);
	sample = made_host_sample(state, 100, 100, HVP_MODE_HOST_KERNEL, HOST_KERNEL(0x2010));
	made_add(writer, state, sample, 2, from_read, 2);
	sample = made_host_sample(state, 300, 300, HVP_MODE_HOST_KERNEL, HOST_KERNEL(0x2010));
	made_add(writer, state, sample, 6, from_read, 2);
	sample = made_host_sample(state, 300, 300, HVP_MODE_HOST_KERNEL, HOST_KERNEL(0x1010));
	made_add(writer, state, sample, 4, recursive, 4);
	sample = made_host_sample(state, 300, 300, HVP_MODE_HOST_USER, NO_FILE_CODE(0x1234));
	made_add(writer, state, sample, 3, NULL, 0);
	sample = made_host_sample(state, 400, 400, HVP_MODE_HOST_USER, JIT_CODE(0x110));
	made_add(writer, state, sample, 5, NULL, 0);
	sample = made_host_sample(state, 0, 0, HVP_MODE_HOST_KERNEL, HOST_KERNEL(0x5010));
	sample.cpu = 1;
	made_add(writer, state, sample, 20, NULL, 0);
}

static void add_second_event(struct hvp_session_writer *writer, struct made_state *state)
{
	struct hvp_sample sample =
		made_guest_sample(state, MADE_DB, 0, HVP_MODE_GUEST_KERNEL, GUEST_KERNEL(0x2010));

	sample.event = 1;
	sample.period = 1000003;
	made_add(writer, state, sample, 11, NULL, 0);
}

/* The two programs have the same addresses; one has another PCID each time that it is sampled. */
static void add_spaces(struct hvp_session_writer *writer, struct made_state *state)
{
	struct hvp_sample sample =
		made_guest_sample(state, MADE_WEB, 0, HVP_MODE_GUEST_USER, 0x55d000001234);

	for (unsigned int pcid = 1; pcid < 4; pcid++) {
		sample.guest_cr3 = UINT64_C(0x8000000004001000) | pcid;
		made_add(writer, state, sample, 5, NULL, 0);
	}
	sample.guest_cr3 = 0x7654000;
	made_add(writer, state, sample, 4, NULL, 0);
	sample = made_guest_sample(state, MADE_WEB, 1, HVP_MODE_GUEST_KERNEL, GUEST_KERNEL(0x1010));
	sample.guest_cr3 = 0x7654000;
	made_add(writer, state, sample, 3, NULL, 0);
	sample.guest_cr3 = 0x4000000;
	made_add(writer, state, sample, 2, NULL, 0);
}

void made_add_samples(struct hvp_session_writer *writer, enum made_kind kind)
{
	struct made_state state = {.time = MADE_START + 500 * MILLISECOND};

	if (kind == MADE_EMPTY)
		return;
	if (kind != MADE_NO_GUEST)
		add_guests(writer, &state);
	add_host(writer, &state);
	if (kind == MADE_TWO_EVENTS)
		add_second_event(writer, &state);
	if (kind == MADE_SPACES)
		add_spaces(writer, &state);
	if (kind != MADE_SMALL)
		return;
	add_record(writer,
		   (struct hvp_record){
			   .type = HVP_RECORD_LOST,
			   .time = MADE_START + 700 * MILLISECOND,
			   .lost = {.cpu = 1, .where = HVP_LOST_RING, .samples = 3, .records = 1}});
	add_record(writer, (struct hvp_record){.type = HVP_RECORD_THROTTLE,
					       .time = MADE_START + 701 * MILLISECOND,
					       .throttle = {.cpu = 0}});
	add_record(writer,
		   (struct hvp_record){.type = HVP_RECORD_NOTE,
				       .note = {.text = "there is no hardware counter here: "
							"cpu-clock is used instead"}});
}

void made_finish(struct hvp_session_writer *writer)
{
	const struct hvp_session_end end = {.start_time = MADE_START,
					    .end_time = MADE_END,
					    .collector_cpu_ns = 84200000,
					    .collector_rss_bytes = 12 << 20};

	made_check(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);
}

void made_write(int fd, enum made_kind kind)
{
	struct hvp_session_writer *writer = made_begin(fd, kind);

	made_add_samples(writer, kind);
	if (kind == MADE_KILLED) {
		made_check(hvp_session_writer_flush(writer));
		hvp_session_writer_destroy(writer);
		return;
	}
	made_finish(writer);
}
