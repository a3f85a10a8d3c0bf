/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How this machine's distribution brings the debug information of a kernel of it. */
#ifndef HVP_COMMON_DEBUG_PACKAGE_H
#define HVP_COMMON_DEBUG_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The command that installs the vmlinux of the kernel `release`; false when no package here has
 * that kernel: one that somebody built, or another distribution than Debian. `dpkg_info` is where
 * dpkg lists what is installed, NULL is its usual place.
 */
bool hvp_debug_package_command(const char *dpkg_info, const char *release, char *ret, size_t size);

#endif
