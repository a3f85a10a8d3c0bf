/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR BSD-2-Clause) */
/*
 * /dev/hvpmu: samples of a whole KVM host, each with its domain and vCPU.
 *
 * Open it (CAP_PERFMON or CAP_SYS_ADMIN, otherwise EPERM; EBUSY: somebody else has it open),
 * HVPMU_IOC_SETUP, then map each CPU's ring: at offset cpu * (header_size + data_size), that many
 * bytes, shared, readable and writable (ENXIO: there is no such CPU). What is in a ring: struct
 * hvpmu_ring_page and the records of <hvpmu/abi.h>. Then HVPMU_IOC_ENABLE; HVPMU_IOC_DISABLE stops
 * it, and it may be enabled again. poll() says POLLIN when a ring is a quarter full. The last close
 * ends it all.
 *
 * Events share counters when there are more of them than the host has: each counts, and is sampled,
 * a part of the time. HVPMU_IOC_TIMES says which.
 *
 * What the records of a ring say here, beside what stands there:
 *   EVENT    first of all, one for each event of the setup; `period` is 0 for a frequency
 *   DOMAIN   before the first record that names it, and now and then again; its name is that of the
 *            process which made the VM. With HVPMU_DOMAIN_ENDED in one ring only, when it is gone
 *   VCPU     likewise; `vcpu` is KVM's number of it (KVM_CREATE_VCPU, vcpuN in debugfs)
 *   SAMPLE   with HVPMU_SAMPLE_THROTTLED: perf stops the event until its CPU's next timer tick
 *            with a domain but without HVPMU_SAMPLE_GUEST: the host, while that vCPU is on the CPU
 *            `cr3` of a guest is its register, with PCID; of the host, the address alone
 *            pid and tid are those of the initial pid namespace
 * A ring's records are in order of time, but for a guest's sample with HVPMU_DEV_CHAIN: it is
 * written after its VM exit, and if the thread was moved in between, into the ring of another CPU.
 * While the sample of a clock is written, a counter may overflow: its sample comes first then.
 */
#ifndef _UAPI_LINUX_HVPMU_H
#define _UAPI_LINUX_HVPMU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define HVPMU_DEV_VERSION 1
#define HVPMU_DEV_EVENTS_MAX 32
#define HVPMU_DEV_FREQUENCY_MAX 100000

/* Flags of an event. */
#define HVPMU_DEV_FREQUENCY (1u << 0) /* `period` is samples a second */
#define HVPMU_DEV_NO_USER (1u << 1)
#define HVPMU_DEV_NO_KERNEL (1u << 2)
#define HVPMU_DEV_NO_HOST (1u << 3)
#define HVPMU_DEV_NO_GUEST (1u << 4)

/* PMUs' events, and of software's PERF_COUNT_SW_CPU_CLOCK; no tracepoints and breakpoints. */
struct hvpmu_dev_event {
	__u32 type; /* of perf_event_attr, as config */
	__u32 flags;
	__u64 config;
	__u64 period;  /* or frequency, at most HVPMU_DEV_FREQUENCY_MAX; not 0 */
	char name[40]; /* for EVENT records; NUL-terminated */
};

/* Flags of a setup. */
#define HVPMU_DEV_CHAIN (1u << 0) /* call chains, of guests by frame pointers */

struct hvpmu_dev_setup {
	__u32 size; /* of this structure: a later version appends */
	__u32 flags;
	__u64 data_size; /* bytes of records a ring: a power of two, 4 KiB to 1 GiB */
	__u64 events;	 /* pointer to struct hvpmu_dev_event[num_events] */
	__u32 num_events;
	__u32 chain_max; /* at most 127; 0: 127. EOVERFLOW: above kernel.perf_event_max_stack */
};

struct hvpmu_dev_info {
	__u32 size;	/* in: of this structure; out: bytes filled in */
	__u32 version;	/* HVPMU_DEV_VERSION */
	__u32 num_cpus; /* rings there are: CPU numbers are below this */
	__u32 header_size;
	__u64 guest_mask; /* counters that are the guests' now, as in IA32_PERF_GLOBAL_CTRL */
	__u64 host_mask;  /* counters that are left to the host */
	__u32 num_vms;	  /* VMs with a partitioned PMU */
	__u32 num_events; /* of the setup, 0 before */
};

/*
 * Of one event of the setup, all CPUs together, those that have gone off-line included, since the
 * setup. ENXIO: there is no setup; ENOTTY: this kernel does not say.
 */
struct hvpmu_dev_times {
	__u32 size;    /* in: of this structure; out: bytes filled in */
	__u32 event;   /* in: its number in the setup; EINVAL: there is none */
	__u64 enabled; /* ns; below, so many of which it had a counter */
	__u64 running;
	__u64 count; /* what it has counted meanwhile */
};

#define HVPMU_IOC_INFO _IOWR(0xBA, 0x00, struct hvpmu_dev_info)
#define HVPMU_IOC_SETUP _IOW(0xBA, 0x01, struct hvpmu_dev_setup)
#define HVPMU_IOC_ENABLE _IO(0xBA, 0x02)
#define HVPMU_IOC_DISABLE _IO(0xBA, 0x03)
#define HVPMU_IOC_TIMES _IOWR(0xBA, 0x04, struct hvpmu_dev_times)

#endif
