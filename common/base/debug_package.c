/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/base/debug_package.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool hvp_debug_package_command(const char *dpkg_info, const char *release, char *ret, size_t size)
{
	char path[PATH_MAX];

	/* A release comes from a session, too. */
	if (!release || !*release ||
	    release[strspn(release, "abcdefghijklmnopqrstuvwxyz"
				    "0123456789.+-")])
		return false;
	if (!dpkg_info)
		dpkg_info = "/var/lib/dpkg/info";
	if (snprintf(path, sizeof(path), "%s/linux-image-%s.list", dpkg_info, release) >=
		    PATH_MAX ||
	    access(path, F_OK))
		return false;
	return (size_t)snprintf(ret, size, "apt-get install linux-image-%s-dbg", release) < size;
}
