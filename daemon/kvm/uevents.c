/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/uevents.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "daemon/host/host_files.h"

int hvp_uevents_open(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int size = 1 << 20;
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		return -1;
	/* A host that starts hundreds of VMs at once; without the privilege it stays as it is. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The value of KEY, or NULL. `message` ends in NUL. */
static const char *find_value(const char *message, size_t size, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = message; at < message + size; at += strlen(at) + 1)
		if (!strncmp(at, key, length) && at[length] == '=')
			return at + length + 1;
	return NULL;
}

bool hvp_uevent_parse(const char *message, size_t size, struct hvp_uevent *ret)
{
	const char *event, *pid_text, *stats, *dash;
	uint64_t pid, fd;

	if (!size || message[size - 1])
		return false;
	if (!strstr(message, "@/devices/virtual/misc/kvm"))
		return false;
	event = find_value(message, size, "EVENT");
	pid_text = find_value(message, size, "PID");
	if (!event || !pid_text || !hvp_parse_u64(pid_text, INT32_MAX, &pid))
		return false;
	if (strcmp(event, "create") && strcmp(event, "destroy"))
		return false;
	*ret = (struct hvp_uevent){
		.is_create = !strcmp(event, "create"), .pid = (uint32_t)pid, .fd = -1};
	stats = find_value(message, size, "STATS_PATH");
	dash = stats ? strrchr(stats, '-') : NULL;
	if (dash && hvp_parse_u64(dash + 1, INT32_MAX, &fd))
		ret->fd = (int)fd;
	return true;
}

bool hvp_uevents_next(int fd, struct hvp_uevent *ret)
{
	char message[8192];

	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t from_size = sizeof(from);
		ssize_t n = recvfrom(fd, message, sizeof(message) - 1, MSG_DONTWAIT,
				     (struct sockaddr *)&from, &from_size);

		/* ENOBUFS: some were lost; what they said is found by samples. */
		if (n < 0)
			return false;
		/* Every user may send to the group: only the kernel's port is 0. */
		if (from.nl_pid)
			continue;
		message[n] = 0;
		if (hvp_uevent_parse(message, (size_t)n + 1, ret))
			return true;
	}
}
