/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/debug_package.h"

static void only_kernels_of_a_package_have_a_command(void **state)
{
	static const struct {
		const char *release, *expected;
	} table[] = {
		{"6.1.0-9-amd64", "apt-get install linux-image-6.1.0-9-amd64-dbg"},
		{"6.1.0-9-custom", NULL},
		{"x/../linux-image-6.1.0-9-amd64", NULL},
		{"6.1; reboot", NULL},
		{"", NULL},
		{NULL, NULL},
	};
	char dir[] = "/tmp/hvprof-dpkg-XXXXXX", path[128], command[128];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/linux-image-6.1.0-9-amd64.list", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool has =
			hvp_debug_package_command(dir, table[i].release, command, sizeof(command));

		assert_int_equal(has, table[i].expected != NULL);
		if (has)
			assert_string_equal(command, table[i].expected);
	}
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_kernels_of_a_package_have_a_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
