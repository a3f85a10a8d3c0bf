/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/qmp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/base/scope.h"

#define TIMEOUT_MS 500
/* Events may come between the answers; a greeting is below 300 bytes. */
#define MAX_LINE 65536

struct client {
	const char *path;
	int fd;
	size_t size;
	char line[MAX_LINE];
};

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

static struct hvp_error *connect_to(struct client *client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(client->path) >= sizeof(address.sun_path))
		return hvp_error_create(HVP_ERROR_UNSUPPORTED, "%s: too long for a socket",
					client->path);
	strcpy(address.sun_path, client->path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (client->fd < 0)
		return hvp_error_from_errno(errno, "%s: socket", client->path);
	/* EAGAIN: its queue is full, which means that another client is served. */
	if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)))
		return hvp_error_from_errno(errno, "%s: cannot connect", client->path);
	return NULL;
}

/* The next line as JSON; what follows it is kept for the next call. */
static struct hvp_error *receive(struct client *client, struct json_object **ret)
{
	for (;;) {
		char *newline = memchr(client->line, '\n', client->size);
		struct pollfd wait = {.fd = client->fd, .events = POLLIN};
		ssize_t n;

		if (newline) {
			size_t length = (size_t)(newline - client->line);

			*newline = 0;
			*ret = json_tokener_parse(client->line);
			client->size -= length + 1;
			memmove(client->line, newline + 1, client->size);
			if (*ret)
				return NULL;
			return hvp_error_create(HVP_ERROR_FORMAT, "%s: no JSON", client->path);
		}
		if (client->size == sizeof(client->line))
			return hvp_error_create(HVP_ERROR_FORMAT, "%s: a line is too long",
						client->path);
		if (poll(&wait, 1, TIMEOUT_MS) <= 0)
			return hvp_error_create(HVP_ERROR_OTHER,
						"%s: no answer; another client has the monitor",
						client->path);
		n = read(client->fd, client->line + client->size,
			 sizeof(client->line) - client->size);
		if (n <= 0)
			return hvp_error_create(HVP_ERROR_OTHER, "%s: closed", client->path);
		client->size += (size_t)n;
	}
}

/* Sends a command and waits for its "return", past events. */
static struct hvp_error *ask(struct client *client, const char *command, struct json_object **ret)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "{\"execute\":\"%s\"}\n", command);

	if (send(client->fd, text, (size_t)length, MSG_NOSIGNAL) != length)
		return hvp_error_from_errno(errno, "%s: cannot write", client->path);
	for (int i = 0; i < 100; i++) {
		hvp_scope(put_json) struct json_object *answer = NULL;
		struct json_object *value;

		hvp_try(receive(client, &answer));
		if (json_object_object_get_ex(answer, "return", &value)) {
			*ret = json_object_get(value);
			return NULL;
		}
		if (json_object_object_get_ex(answer, "error", &value))
			break;
	}
	return hvp_error_create(HVP_ERROR_OTHER, "%s: %s failed", client->path, command);
}

static struct hvp_error *ask_text(struct client *client, const char *command, const char *member,
				  char *ret, size_t size)
{
	hvp_scope(put_json) struct json_object *answer = NULL;
	struct json_object *value;

	hvp_try(ask(client, command, &answer));
	if (json_object_object_get_ex(answer, member, &value))
		snprintf(ret, size, "%s", json_object_get_string(value));
	return NULL;
}

static void client_deinit(struct client **client)
{
	if (*client)
		hvp_close_fd(&(*client)->fd);
	free(*client);
}

struct hvp_error *hvp_qmp_identify(const char *socket_path, struct hvp_vm_identity *identity)
{
	hvp_scope(client_deinit) struct client *client = calloc(1, sizeof(*client));
	hvp_scope(put_json) struct json_object *greeting = NULL;
	hvp_scope(put_json) struct json_object *ready = NULL;
	char name[HVP_VM_NAME_MAX] = "", uuid[HVP_VM_UUID_MAX] = "";

	if (!client)
		return hvp_error_no_memory;
	client->fd = -1;
	client->path = socket_path;
	hvp_try(connect_to(client));
	hvp_try(receive(client, &greeting));
	hvp_try(ask(client, "qmp_capabilities", &ready));
	hvp_try(ask_text(client, "query-name", "name", name, sizeof(name)));
	hvp_try(ask_text(client, "query-uuid", "UUID", uuid, sizeof(uuid)));
	if (name[0]) {
		memcpy(identity->name, name, sizeof(name));
		identity->from = "qmp";
	}
	/* QEMU's word for "none was given". */
	if (uuid[0] && strcmp(uuid, "00000000-0000-0000-0000-000000000000"))
		memcpy(identity->uuid, uuid, sizeof(uuid));
	return NULL;
}
