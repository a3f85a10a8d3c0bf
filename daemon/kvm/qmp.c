/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/base/scope.h"

/* A vCPU takes some 200 bytes in the answer of query-cpus-fast. */
#define MAX_LINE (1u << 20)
#define MAX_VCPUS 4096

struct client {
	const char *path;
	int fd;
	uint64_t deadline;
	size_t size;
	char line[MAX_LINE];
};

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

/* Through a descriptor: the path may be longer than an address, and is looked up once. */
static struct hvp_error *connect_to(struct client *client)
{
	hvp_scope(hvp_close_fd) int file = open(client->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat info;

	if (file < 0 || fstat(file, &info))
		return hvp_error_from_errno(errno, "%s: cannot open", client->path);
	if (!S_ISSOCK(info.st_mode))
		return hvp_error_create(HVP_ERROR_UNSUPPORTED, "%s: no socket", client->path);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", file);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (client->fd < 0)
		return hvp_error_from_errno(errno, "%s: socket", client->path);
	if (!connect(client->fd, (struct sockaddr *)&address, sizeof(address)))
		return NULL;
	/* Its queue is full. */
	if (errno == EAGAIN)
		return hvp_error_create(HVP_ERROR_OTHER,
					"%s: other clients wait for this monitor already",
					client->path);
	return hvp_error_from_errno(errno, "%s: cannot connect", client->path);
}

static struct hvp_error *check_peer(const struct client *client, uint32_t pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return hvp_error_from_errno(errno, "%s: whose socket is it", client->path);
	if ((uint32_t)peer.pid != pid)
		return hvp_error_create(HVP_ERROR_PERMISSION,
					"%s: process %d listens there, not %u: not asked",
					client->path, (int)peer.pid, pid);
	return NULL;
}

/* Puts what has arrived behind what is there, or waits for it. */
static struct hvp_error *fill(struct client *client)
{
	struct pollfd wait = {.fd = client->fd, .events = POLLIN};
	uint64_t now = hvp_clock_now();
	ssize_t n;

	if (client->size == sizeof(client->line))
		return hvp_error_create(HVP_ERROR_FORMAT, "%s: a line is too long", client->path);
	if (now >= client->deadline ||
	    poll(&wait, 1, (int)((client->deadline - now) / 1000000 + 1)) <= 0)
		return hvp_error_create(HVP_ERROR_OTHER,
					"%s: no answer in time; another client has the monitor",
					client->path);
	n = read(client->fd, client->line + client->size, sizeof(client->line) - client->size);
	if (n <= 0)
		return hvp_error_create(HVP_ERROR_OTHER, "%s: closed", client->path);
	client->size += (size_t)n;
	return NULL;
}

/* The next line as a JSON object; what follows it is kept for the next call. */
static struct hvp_error *receive(struct client *client, struct json_object **ret)
{
	char *newline;
	size_t length;

	while (!(newline = memchr(client->line, '\n', client->size)))
		hvp_try(fill(client));
	*newline = 0;
	length = (size_t)(newline - client->line);
	*ret = json_tokener_parse(client->line);
	client->size -= length + 1;
	memmove(client->line, newline + 1, client->size);
	if (*ret && json_object_is_type(*ret, json_type_object))
		return NULL;
	return hvp_error_create(HVP_ERROR_FORMAT, "%s: no JSON object", client->path);
}

/* Nothing is said to who does not say that it speaks QMP. */
static struct hvp_error *greet(struct client *client)
{
	hvp_scope(put_json) struct json_object *greeting = NULL;

	hvp_try(receive(client, &greeting));
	if (!json_object_object_get_ex(greeting, "QMP", NULL))
		return hvp_error_create(HVP_ERROR_FORMAT, "%s: no QMP monitor", client->path);
	return NULL;
}

/* Sends a command and waits for its "return", past events. */
static struct hvp_error *ask(struct client *client, const char *command, struct json_object **ret)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "{\"execute\":\"%s\"}\n", command);

	if (send(client->fd, text, (size_t)length, MSG_NOSIGNAL) != length)
		return hvp_error_from_errno(errno, "%s: cannot write", client->path);
	while (hvp_clock_now() < client->deadline) {
		hvp_scope(put_json) struct json_object *answer = NULL;
		struct json_object *value;

		hvp_try(receive(client, &answer));
		if (json_object_object_get_ex(answer, "return", &value)) {
			*ret = json_object_get(value);
			return NULL;
		}
		if (json_object_object_get_ex(answer, "error", &value))
			return hvp_error_create(HVP_ERROR_OTHER, "%s: %s failed", client->path,
						command);
	}
	return hvp_error_create(HVP_ERROR_OTHER, "%s: no answer to %s in time", client->path,
				command);
}

static struct hvp_error *ask_text(struct client *client, const char *command, const char *member,
				  char *ret, size_t size)
{
	hvp_scope(put_json) struct json_object *answer = NULL;
	struct json_object *value;

	hvp_try(ask(client, command, &answer));
	if (json_object_object_get_ex(answer, member, &value) &&
	    json_object_is_type(value, json_type_string))
		snprintf(ret, size, "%s", json_object_get_string(value));
	return NULL;
}

/* A member that is a number which fits. */
static bool get_number(struct json_object *object, const char *member, uint32_t *ret)
{
	struct json_object *value;
	int64_t number;

	if (!json_object_object_get_ex(object, member, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	number = json_object_get_int64(value);
	if (number < 0 || number >= UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	return true;
}

/* [{"cpu-index": 0, "thread-id": 4711, ...}, ...] */
static struct hvp_error *ask_vcpus(struct client *client, struct hvp_qmp_answer *ret)
{
	hvp_scope(put_json) struct json_object *answer = NULL;
	size_t num;

	hvp_try(ask(client, "query-cpus-fast", &answer));
	num = json_object_is_type(answer, json_type_array) ? json_object_array_length(answer) : 0;
	if (num > MAX_VCPUS)
		num = MAX_VCPUS;
	ret->vcpus = calloc(num + 1, sizeof(*ret->vcpus));
	if (!ret->vcpus)
		return hvp_error_no_memory;
	for (size_t i = 0; i < num; i++) {
		struct json_object *item = json_object_array_get_idx(answer, i);
		struct hvp_kvm_vcpu *vcpu = &ret->vcpus[ret->num_vcpus];

		if (get_number(item, "cpu-index", &vcpu->vcpu) &&
		    get_number(item, "thread-id", &vcpu->tid) && vcpu->tid)
			ret->num_vcpus++;
	}
	return NULL;
}

static struct hvp_error *ask_all(struct client *client, struct hvp_qmp_answer *ret)
{
	hvp_scope(put_json) struct json_object *ready = NULL;

	hvp_try(greet(client));
	hvp_try(ask(client, "qmp_capabilities", &ready));
	hvp_try(ask_text(client, "query-name", "name", ret->name, sizeof(ret->name)));
	hvp_try(ask_text(client, "query-uuid", "UUID", ret->uuid, sizeof(ret->uuid)));
	/* QEMU's word for "none was given". */
	if (!strcmp(ret->uuid, "00000000-0000-0000-0000-000000000000"))
		ret->uuid[0] = 0;
	return ask_vcpus(client, ret);
}

static void client_deinit(struct client **client)
{
	if (*client)
		hvp_close_fd(&(*client)->fd);
	free(*client);
}

void hvp_qmp_answer_deinit(struct hvp_qmp_answer *answer)
{
	free(answer->vcpus);
	*answer = (struct hvp_qmp_answer){0};
}

struct hvp_error *hvp_qmp_ask(const char *socket_path, uint32_t pid, unsigned int timeout_ms,
			      struct hvp_qmp_answer *ret)
{
	hvp_scope(client_deinit) struct client *client = malloc(sizeof(*client));
	hvp_scope(hvp_qmp_answer_deinit) struct hvp_qmp_answer answer = {0};

	*ret = (struct hvp_qmp_answer){0};
	if (!client)
		return hvp_error_no_memory;
	client->path = socket_path;
	client->fd = -1;
	client->size = 0;
	client->deadline = hvp_clock_now() + timeout_ms * (uint64_t)1000000;
	hvp_try(connect_to(client));
	hvp_try(check_peer(client, pid));
	hvp_try(ask_all(client, &answer));
	*ret = answer;
	answer.vcpus = NULL;
	return NULL;
}
