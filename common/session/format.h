/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Constants of the session format; docs/hvprof.data.5.scd is its description. */
#ifndef HVP_COMMON_SESSION_FORMAT_H
#define HVP_COMMON_SESSION_FORMAT_H

/* Keys of session facts. Values are text; numbers are decimal. */
#define HVP_INFO_VERSION "hvprof.version"
#define HVP_INFO_COMMAND "hvprof.command"
#define HVP_INFO_SOURCE "source"
#define HVP_INFO_CLOCK "clock"
/* Wall clock (CLOCK_REALTIME, ns since 1970) at the session's start_time. */
#define HVP_INFO_START_REALTIME "start.realtime"
#define HVP_INFO_HOSTNAME "host.name"
#define HVP_INFO_KERNEL "host.kernel"
#define HVP_INFO_KERNEL_BUILD_ID "host.kernel.build-id"
#define HVP_INFO_BOOT_ID "host.boot-id"
#define HVP_INFO_ARCH "host.arch"
#define HVP_INFO_CPU_MODEL "host.cpu"
#define HVP_INFO_CPUS_ONLINE "host.cpus.online"
#define HVP_INFO_CPUS_POSSIBLE "host.cpus.possible"
#define HVP_INFO_TARGET "target"
/* Images that the user named for a guest at record time: "guest.NAME.kallsyms", ".modules", ".vmlinux", ".root". */
#define HVP_INFO_GUEST_PREFIX "guest."

#endif
