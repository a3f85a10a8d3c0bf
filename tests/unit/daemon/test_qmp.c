/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/kvm/inquiry.h"
#include "daemon/kvm/qmp.h"

/* Far more than any of these takes, but for those that wait for nothing. */
#define PATIENT 10000
#define IMPATIENT 100

/*
 * A monitor that says these lines: the first on connecting, each other one when a command comes.
 * After the last it is silent; with `repeats` it says the last one without end.
 */
struct monitor {
	int listener;
	const char *const *lines;
	bool repeats;
	/* What it was told. */
	char heard[1024];
};

static bool say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) > 0;
}

static void *serve(void *arg)
{
	struct monitor *monitor = arg;
	int fd = accept(monitor->listener, NULL, NULL);
	size_t size = 0;
	ssize_t n = 1;

	for (size_t i = 0; n > 0 && monitor->lines[i] && say(fd, monitor->lines[i]); i++) {
		while (monitor->repeats && !monitor->lines[i + 1] && say(fd, monitor->lines[i]))
			;
		n = read(fd, monitor->heard + size, sizeof(monitor->heard) - 1 - size);
		size += n > 0 ? (size_t)n : 0;
	}
	/* Stays connected until the client gives up. */
	while (n > 0 && (n = read(fd, monitor->heard, 1)) > 0)
		;
	close(fd);
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 0), 0);
	return fd;
}

static struct hvp_error *ask(struct monitor *monitor, unsigned int timeout_ms,
			     struct hvp_qmp_answer *ret)
{
	struct fixture_tree tree;
	struct hvp_error *err;
	pthread_t thread;
	char path[128];

	fixture_tree_init(&tree);
	snprintf(path, sizeof(path), "%s/qmp", tree.path);
	monitor->listener = listen_at(path);
	assert_int_equal(pthread_create(&thread, NULL, serve, monitor), 0);
	err = hvp_qmp_ask(path, (uint32_t)getpid(), timeout_ms, ret);
	pthread_join(thread, NULL);
	close(monitor->listener);
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
		"{\"return\": [{\"cpu-index\": 0, \"thread-id\": 4711}, {\"cpu-index\": 1}, 3,"
		" {\"cpu-index\": -1, \"thread-id\": 1}, {\"cpu-index\": 2, \"thread-id\": 0},"
		" {\"cpu-index\": 3, \"thread-id\": \"4\"},"
		" {\"cpu-index\": 7, \"thread-id\": 4712}]}\r\n",
		NULL,
	};
	struct monitor monitor = {.lines = lines};
	struct hvp_qmp_answer answer;

	(void)state;
	assert_ok(ask(&monitor, PATIENT, &answer));
	assert_string_equal(answer.name, "web");
	assert_string_equal(answer.uuid, "6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b01");
	assert_int_equal(answer.num_vcpus, 2);
	assert_int_equal(answer.vcpus[0].vcpu, 0);
	assert_int_equal(answer.vcpus[0].tid, 4711);
	assert_int_equal(answer.vcpus[1].vcpu, 7);
	assert_int_equal(answer.vcpus[1].tid, 4712);
	hvp_qmp_answer_deinit(&answer);
}

static void a_machine_without_name_and_uuid_says_so(void **state)
{
	static const char *const lines[] = {
		GREETING,
		READY,
		"{\"return\": {\"name\": 5}}\r\n",
		"{\"return\": {\"UUID\": \"00000000-0000-0000-0000-000000000000\"}}\r\n",
		"{\"return\": {}}\r\n",
		NULL};
	struct monitor monitor = {.lines = lines};
	struct hvp_qmp_answer answer;

	(void)state;
	assert_ok(ask(&monitor, PATIENT, &answer));
	assert_string_equal(answer.name, "");
	assert_string_equal(answer.uuid, "");
	assert_int_equal(answer.num_vcpus, 0);
	hvp_qmp_answer_deinit(&answer);
}

static void a_monitor_that_is_busy_broken_or_hostile_is_left_alone(void **state)
{
	static const struct {
		const char *const lines[4];
		bool repeats;
		unsigned int timeout_ms;
		enum hvp_error_code code;
		const char *part;
	} monitors[] = {
		{{NULL}, false, IMPATIENT, HVP_ERROR_OTHER, "another client"},
		{{"not JSON\r\n"}, false, PATIENT, HVP_ERROR_FORMAT, "no JSON object"},
		{{"[]\n"}, false, PATIENT, HVP_ERROR_FORMAT, "no JSON object"},
		{{"{\"qmp\": 1}\n"}, false, PATIENT, HVP_ERROR_FORMAT, "no QMP monitor"},
		{{GREETING, "{\"error\": {\"class\": \"GenericError\"}}\r\n"},
		 false,
		 PATIENT,
		 HVP_ERROR_OTHER,
		 "qmp_capabilities failed"},
		/* One line without end. */
		{{"0123456789abcdef0123456789abcdef"},
		 true,
		 PATIENT,
		 HVP_ERROR_FORMAT,
		 "a line is too long"},
		/* Events without end, and never the answer. */
		{{GREETING, "{\"event\": \"RESUME\"}\r\n"},
		 true,
		 IMPATIENT,
		 HVP_ERROR_OTHER,
		 "in time"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(monitors) / sizeof(monitors[0]); i++) {
		struct monitor monitor = {.lines = monitors[i].lines,
					  .repeats = monitors[i].repeats};
		struct hvp_qmp_answer answer;

		assert_error(ask(&monitor, monitors[i].timeout_ms, &answer), monitors[i].code,
			     monitors[i].part);
		assert_int_equal(answer.num_vcpus, 0);
		/* Who has not greeted as QEMU does has heard nothing. */
		if (!monitors[i].lines[0] || strcmp(monitors[i].lines[0], GREETING) != 0)
			assert_string_equal(monitor.heard, "");
	}
}

static void what_is_no_monitor_of_that_process_is_left_alone(void **state)
{
	struct hvp_qmp_answer answer;
	struct fixture_tree tree;
	char path[128];
	int listener;

	(void)state;
	fixture_tree_init(&tree);
	fixture_write(&tree, "file", "");
	snprintf(path, sizeof(path), "%s/file", tree.path);
	assert_error(hvp_qmp_ask(path, 1, PATIENT, &answer), HVP_ERROR_UNSUPPORTED, "no socket");
	snprintf(path, sizeof(path), "%s/none", tree.path);
	assert_error(hvp_qmp_ask(path, 1, PATIENT, &answer), HVP_ERROR_OS, "cannot open");
	snprintf(path, sizeof(path), "%s/qmp", tree.path);
	listener = listen_at(path);
	assert_error(hvp_qmp_ask(path, 1, PATIENT, &answer), HVP_ERROR_PERMISSION, "not 1");
	/* That one still stands in the queue, which is full now. */
	assert_error(hvp_qmp_ask(path, (uint32_t)getpid(), PATIENT, &answer), HVP_ERROR_OTHER,
		     "other clients wait");
	close(listener);
	assert_error(hvp_qmp_ask(path, 1, PATIENT, &answer), HVP_ERROR_OS, "cannot connect");
	fixture_tree_deinit(&tree);
}

static void an_inquiry_does_not_wait_for_who_does_not_answer(void **state)
{
	struct hvp_inquiry_answer answer;
	struct hvp_inquiry *inquiry;
	struct fixture_tree tree;
	char path[128];
	int listener;

	(void)state;
	fixture_tree_init(&tree);
	snprintf(path, sizeof(path), "%s/qmp", tree.path);
	listener = listen_at(path);
	assert_ok(hvp_inquiry_create(&inquiry));
	assert_false(hvp_inquiry_next(inquiry, &answer));
	assert_ok(hvp_inquiry_ask(inquiry, 3, (uint32_t)getpid(), path));
	assert_ok(hvp_inquiry_ask(inquiry, 4, 1, path));
	hvp_inquiry_wait(inquiry, PATIENT);
	assert_true(hvp_inquiry_next(inquiry, &answer));
	assert_int_equal(answer.domain, 3);
	assert_error(answer.error, HVP_ERROR_OTHER, "another client");
	assert_true(hvp_inquiry_next(inquiry, &answer));
	assert_int_equal(answer.domain, 4);
	hvp_inquiry_answer_deinit(&answer);
	assert_false(hvp_inquiry_next(inquiry, &answer));
	/* One that nobody fetches. */
	assert_ok(hvp_inquiry_ask(inquiry, 5, 1, path));
	hvp_inquiry_destroy(inquiry);
	close(listener);
	fixture_tree_deinit(&tree);
}

#define QEMU "/usr/bin/qemu-system-x86_64"
#define UUID "11111111-2222-4333-8444-555555555555"

/* Emulated, stopped before its first instruction: it needs no KVM and no system to boot. */
static pid_t start_qemu(const char *monitor)
{
	pid_t pid = fork();

	if (!pid) {
		execl(QEMU, QEMU, "-S", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "16",
		      "-nodefaults", "-display", "none", "-name", "guest=real", "-uuid", UUID,
		      "-qmp", monitor, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void wait_for_file(const char *path, pid_t pid)
{
	while (access(path, F_OK)) {
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
		usleep(10000);
	}
}

/* The first clients may come before QEMU listens. */
static struct hvp_error *ask_patiently(const char *path, pid_t pid, struct hvp_qmp_answer *ret)
{
	struct hvp_error *err = hvp_qmp_ask(path, (uint32_t)pid, PATIENT, ret);

	while (err && hvp_error_errno(err) == ECONNREFUSED) {
		hvp_error_destroy(err);
		usleep(10000);
		err = hvp_qmp_ask(path, (uint32_t)pid, PATIENT, ret);
	}
	return err;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void a_real_qemu_answers_and_is_left_to_its_owner(void **state)
{
	struct hvp_qmp_answer answer;
	struct fixture_tree tree;
	char path[128], option[160], greeting[16];
	int status, owner;
	pid_t pid;

	(void)state;
	if (access(QEMU, X_OK)) {
		print_message("skipped: " QEMU " is not installed (apt install qemu-system-x86)\n");
		skip();
	}
	fixture_tree_init(&tree);
	snprintf(path, sizeof(path), "%s/qmp", tree.path);
	snprintf(option, sizeof(option), "unix:%s,server=on,wait=off", path);
	pid = start_qemu(option);
	wait_for_file(path, pid);
	assert_ok(ask_patiently(path, pid, &answer));
	assert_string_equal(answer.name, "real");
	assert_string_equal(answer.uuid, UUID);
	assert_int_equal(answer.num_vcpus, 2);
	for (uint32_t i = 0; i < 2; i++) {
		char task[64];

		assert_int_equal(answer.vcpus[i].vcpu, i);
		snprintf(task, sizeof(task), "/proc/%d/task/%u", pid, answer.vcpus[i].tid);
		assert_int_equal(access(task, F_OK), 0);
	}
	hvp_qmp_answer_deinit(&answer);
	/* Its owner has the monitor: greeted, and not disturbed by us. */
	owner = connect_to(path);
	assert_true(read(owner, greeting, sizeof(greeting)) > 0);
	assert_error(hvp_qmp_ask(path, (uint32_t)pid, IMPATIENT, &answer), HVP_ERROR_OTHER,
		     "another client");
	assert_true(say(owner, "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(owner);
	fixture_tree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qemu_says_who_it_is_between_its_events),
		cmocka_unit_test(a_machine_without_name_and_uuid_says_so),
		cmocka_unit_test(a_monitor_that_is_busy_broken_or_hostile_is_left_alone),
		cmocka_unit_test(what_is_no_monitor_of_that_process_is_left_alone),
		cmocka_unit_test(an_inquiry_does_not_wait_for_who_does_not_answer),
		cmocka_unit_test(a_real_qemu_answers_and_is_left_to_its_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
