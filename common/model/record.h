/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every source delivers and every session stores: normalised samples, and the records that say
 * what the samples' numbers mean (which file is mapped where, which thread is a vCPU of which
 * domain).
 *
 * Times are nanoseconds on the session's clock (CLOCK_MONOTONIC of the host unless the session's
 * info says otherwise). Addresses are as the CPU used them: nothing is relocated before the
 * symbolizer.
 */
#ifndef HVP_COMMON_MODEL_RECORD_H
#define HVP_COMMON_MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the CPU was. The numbers are part of the session format. */
enum hvp_mode {
	HVP_MODE_UNKNOWN = 0,
	HVP_MODE_HOST_KERNEL = 1,
	HVP_MODE_HOST_USER = 2,
	HVP_MODE_GUEST_KERNEL = 3,
	HVP_MODE_GUEST_USER = 4,
	/* A type-1 hypervisor's own code (Xen). KVM's code is host kernel. */
	HVP_MODE_HYPERVISOR = 5,
};
#define HVP_NUM_MODES 6

static inline bool hvp_mode_is_guest(enum hvp_mode mode)
{
	return mode == HVP_MODE_GUEST_KERNEL || mode == HVP_MODE_GUEST_USER;
}

static inline bool hvp_mode_is_kernel(enum hvp_mode mode)
{
	return mode == HVP_MODE_HOST_KERNEL || mode == HVP_MODE_GUEST_KERNEL ||
	       mode == HVP_MODE_HYPERVISOR;
}

/*
 * Domain ids are small numbers that a session gives out: 0 is the host, 1.. are virtual machines in
 * the order in which they were seen. An id is never used again, not even when a VM with the same
 * name starts anew.
 */
#define HVP_DOMAIN_HOST 0u
/* Not (or not known to be) a vCPU. */
#define HVP_VCPU_NONE UINT32_MAX
/* No call chain. */
#define HVP_STACK_NONE 0u

/*
 * A call chain: the callers of the sampled instruction, innermost first, without the instruction
 * itself.
 */
struct hvp_chain {
	const uint64_t *frames;
	uint32_t num_frames;
	/*
	 * How many of them, from the front, are kernel addresses of the sample's own side (host or
	 * guest).
	 */
	uint32_t num_kernel;
};

/* The longest chain kept (perf's default is 127); what is longer loses its outermost frames. */
#define HVP_MAX_CHAIN 512u

struct hvp_sample {
	uint64_t time;
	uint64_t ip;
	/* How many events (cycles, nanoseconds of cpu-clock, ...) this sample stands for. */
	uint64_t period;
	/*
	 * The address space of a guest sample: guest CR3; 0 is unknown (stock kernels do not tell).
	 */
	uint64_t guest_cr3;
	/* Host ids: of the VMM process and the vCPU thread when `domain` is not the host. */
	uint32_t pid;
	uint32_t tid;
	uint32_t cpu;
	/*
	 * In guest modes the domain that ran. In host modes the domain on whose behalf the thread
	 * ran (a thread of its VMM), otherwise HVP_DOMAIN_HOST.
	 */
	uint32_t domain;
	uint32_t vcpu;
	/* Index in the session's event table. */
	uint16_t event;
	/* enum hvp_mode */
	uint8_t mode;
	struct hvp_chain chain;
};

/* The numbers are part of the session format. */
enum hvp_record_type {
	HVP_RECORD_MMAP = 1,
	HVP_RECORD_COMM = 2,
	HVP_RECORD_FORK = 3,
	HVP_RECORD_EXIT = 4,
	HVP_RECORD_KSYMBOL = 5,
	HVP_RECORD_NAMESPACES = 6,
	HVP_RECORD_DOMAIN = 7,
	HVP_RECORD_VCPU = 8,
	HVP_RECORD_LOST = 9,
	HVP_RECORD_THROTTLE = 10,
	HVP_RECORD_CPU = 11,
	HVP_RECORD_NOTE = 12,
	HVP_RECORD_BLOB = 13,
};

#define HVP_BUILD_ID_MAX 20

/* pid of kernel mappings (text, modules), as in the perf ABI. */
#define HVP_PID_KERNEL UINT32_MAX

struct hvp_record_mmap {
	uint32_t pid, tid;
	uint64_t address, size;
	/* Offset in the file in bytes; for kernel mappings as perf gives it. */
	uint64_t file_offset;
	const char *path;
	uint8_t build_id[HVP_BUILD_ID_MAX];
	uint8_t build_id_size;
	/* A mapping that can be executed; others are not recorded by default. */
	bool is_exec;
};

struct hvp_record_comm {
	uint32_t pid, tid;
	/* Set by exec: the process's old mappings are gone. */
	bool is_exec;
	const char *name;
};

/*
 * FORK: `pid`/`tid` begin, children of `parent_pid`/`parent_tid`. EXIT: they end. Equal pids: a
 * thread.
 */
struct hvp_record_task {
	uint32_t pid, tid;
	uint32_t parent_pid, parent_tid;
};

/* A kernel symbol that came or went at run time: BPF programs, ftrace trampolines, kprobe slots. */
struct hvp_record_ksymbol {
	uint64_t address, size;
	bool is_gone;
	const char *name;
};

struct hvp_record_namespaces {
	uint32_t pid, tid;
	uint64_t pid_namespace, mount_namespace;
};

enum hvp_domain_state {
	/* The domain was there when the session began, or its identity became known. */
	HVP_DOMAIN_RUNNING = 0,
	HVP_DOMAIN_STARTED = 1,
	HVP_DOMAIN_ENDED = 2,
};

/*
 * Later records of the same id complete or replace earlier ones; an empty string or 0 means no
 * news.
 */
struct hvp_record_domain {
	uint32_t domain;
	enum hvp_domain_state state;
	/* The VMM process. */
	uint32_t pid;
	/* Unique in a session: a second VM with a name gets "name#2". */
	const char *name;
	const char *uuid;
	/* "qemu", "firecracker", "cloud-hypervisor", "crosvm", "kvmtool", ... or "". */
	const char *vmm;
	/* Where name and UUID are from: "cmdline", "qmp", "libvirt", "comm". */
	const char *identity_from;
};

struct hvp_record_vcpu {
	uint32_t domain, vcpu;
	uint32_t tid;
	bool is_gone;
};

/* What was not recorded, and by whose fault. The numbers are part of the session format. */
enum hvp_lost_where {
	/* The kernel's ring was full: PERF_RECORD_LOST, LOST_SAMPLES, read_format LOST. */
	HVP_LOST_RING = 0,
	/* The collector had to drop it (a record that does not parse, no memory). */
	HVP_LOST_COLLECTOR = 1,
	/* The session file could not take it (ENOSPC). */
	HVP_LOST_FILE = 2,
};
#define HVP_NUM_LOST_WHERE 3

struct hvp_record_lost {
	uint32_t cpu;
	enum hvp_lost_where where;
	uint64_t samples;
	/* Other records (mmap, comm, ...) that were lost, or of unknown kind. */
	uint64_t records;
};

struct hvp_record_throttle {
	uint32_t cpu;
	uint16_t event;
	bool is_end;
};

struct hvp_record_cpu {
	uint32_t cpu;
	bool is_online;
};

/* A degradation or fact that every report of the session shows at its head, in words, said once. */
struct hvp_record_note {
	const char *text;
};

/* The numbers are part of the session format. */
enum hvp_blob_kind {
	HVP_BLOB_KALLSYMS = 1,
	HVP_BLOB_MODULES = 2,
	/* A perf-PID.map of a JIT; `pid` says whose. */
	HVP_BLOB_JIT_MAP = 3,
	/* An ELF image as it was in memory: the vDSO. */
	HVP_BLOB_VDSO = 4,
};

/* A file that was carried into the session so that it can be analysed where the machine is not. */
struct hvp_record_blob {
	enum hvp_blob_kind kind;
	/* The host's, or a guest's. */
	uint32_t domain;
	uint32_t pid;
	const char *path;
	const uint8_t *data;
	size_t size;
};

struct hvp_record {
	enum hvp_record_type type;
	uint64_t time;
	union {
		struct hvp_record_mmap mmap;
		struct hvp_record_comm comm;
		struct hvp_record_task task;
		struct hvp_record_ksymbol ksymbol;
		struct hvp_record_namespaces namespaces;
		struct hvp_record_domain domain;
		struct hvp_record_vcpu vcpu;
		struct hvp_record_lost lost;
		struct hvp_record_throttle throttle;
		struct hvp_record_cpu cpu;
		struct hvp_record_note note;
		struct hvp_record_blob blob;
	};
};

/* One event of the session. */
struct hvp_event_info {
	/* As the user asked for it and as reports print it: "cycles", "cpu-clock:k". */
	const char *name;
	/* What a period counts: "cycles", "ns", "instructions"; for headings. */
	const char *unit;
	/* perf_event_attr's type and config; 0 for other sources. */
	uint32_t perf_type;
	uint64_t perf_config;
	/* One of the two is 0: samples per second and CPU, or events per sample. */
	uint64_t frequency;
	uint64_t period;
	/* "host and guest, kernel and user": the scope in words. */
	const char *scope;
};

#endif
