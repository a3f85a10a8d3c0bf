/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's announcements (netlink, NETLINK_KOBJECT_UEVENT): a VM was created or destroyed,
 * kvm_uevent_notify_change() in virt/kvm/kvm_main.c. They are hints: who misses one finds the VM by
 * its first sample.
 */
#ifndef HVP_DAEMON_UEVENTS_H
#define HVP_DAEMON_UEVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct hvp_uevent {
	bool is_create;
	uint32_t pid;
	/* From STATS_PATH ".../<pid>-<fd>"; -1 when debugfs is not there. */
	int fd;
};

/* A socket that does not block, or -1: not allowed, or no network namespace of the host's. */
int hvp_uevents_open(void);

/*
 * One message: "change@/devices/virtual/misc/kvm" and KEY=VALUE, each ended by NUL. False when it
 * is about something else.
 */
bool hvp_uevent_parse(const char *message, size_t size, struct hvp_uevent *ret);

/* The next about KVM, from the kernel itself. False when there is none. */
bool hvp_uevents_next(int fd, struct hvp_uevent *ret);

#endif
