/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/kvm/qmp.h"

/* A monitor that says these lines: the first on connecting, each other one when a command comes; NULL: nothing any more. */
struct monitor {
	int listener;
	const char *const *lines;
};

static void *serve(void *arg)
{
	struct monitor *monitor = arg;
	int fd = accept(monitor->listener, NULL, NULL);
	char command[256];

	for (size_t i = 0; fd >= 0 && monitor->lines[i]; i++) {
		if (write(fd, monitor->lines[i], strlen(monitor->lines[i])) < 0)
			break;
		if (read(fd, command, sizeof(command)) <= 0)
			break;
	}
	/* Stays connected and silent until the client gives up. */
	while (fd >= 0 && read(fd, command, sizeof(command)) > 0)
		;
	close(fd);
	return NULL;
}

static struct hvp_error *identify(const char *const *lines, struct hvp_vm_identity *identity)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct monitor monitor = {.lines = lines};
	struct fixture_tree tree;
	struct hvp_error *err;
	pthread_t thread;

	fixture_tree_init(&tree);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/qmp", tree.path);
	monitor.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(monitor.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(monitor.listener, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &monitor), 0);
	err = hvp_qmp_identify(address.sun_path, identity);
	pthread_join(thread, NULL);
	close(monitor.listener);
	fixture_tree_deinit(&tree);
	return err;
}

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define READY "{\"return\": {}}\r\n"

static void qemu_says_who_it_is_between_its_events(void **state)
{
	static const char *const lines[] = {
		GREETING,
		"{\"event\": \"RESUME\"}\r\n" READY,
		"{\"timestamp\": 1, \"event\": \"STOP\"}\r\n{\"return\": {\"name\": \"web\"}}\r\n",
		"{\"return\": {\"UUID\": \"6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b01\"}}\r\n",
		NULL,
	};
	struct hvp_vm_identity identity = {
		.name = "from cmdline", .vmm = "qemu", .from = "cmdline"};

	(void)state;
	assert_ok(identify(lines, &identity));
	assert_string_equal(identity.name, "web");
	assert_string_equal(identity.uuid, "6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b01");
	assert_string_equal(identity.from, "qmp");
}

static void a_machine_without_a_name_keeps_the_one_it_has(void **state)
{
	static const char *const lines[] = {
		GREETING, READY, "{\"return\": {}}\r\n",
		"{\"return\": {\"UUID\": \"00000000-0000-0000-0000-000000000000\"}}\r\n", NULL};
	struct hvp_vm_identity identity = {.name = "old", .vmm = "qemu", .from = "cmdline"};

	(void)state;
	assert_ok(identify(lines, &identity));
	assert_string_equal(identity.name, "old");
	assert_string_equal(identity.uuid, "");
	assert_string_equal(identity.from, "cmdline");
}

static void a_monitor_that_is_busy_broken_or_gone_is_left_alone(void **state)
{
	static const struct {
		const char *const lines[3];
		enum hvp_error_code code;
		const char *part;
	} monitors[] = {
		{{NULL}, HVP_ERROR_OTHER, "another client"},
		{{"not JSON\r\n", NULL}, HVP_ERROR_FORMAT, "no JSON"},
		{{GREETING, "{\"error\": {\"class\": \"GenericError\"}}\r\n", NULL},
		 HVP_ERROR_OTHER,
		 "qmp_capabilities failed"},
	};
	struct hvp_vm_identity identity = {.name = "old", .vmm = "qemu", .from = "cmdline"};

	(void)state;
	for (size_t i = 0; i < sizeof(monitors) / sizeof(monitors[0]); i++)
		assert_error(identify(monitors[i].lines, &identity), monitors[i].code,
			     monitors[i].part);
	assert_error(hvp_qmp_identify("/nonexistent/qmp", &identity), HVP_ERROR_OS, "connect");
	assert_string_equal(identity.name, "old");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qemu_says_who_it_is_between_its_events),
		cmocka_unit_test(a_machine_without_a_name_keeps_the_one_it_has),
		cmocka_unit_test(a_monitor_that_is_busy_broken_or_gone_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
