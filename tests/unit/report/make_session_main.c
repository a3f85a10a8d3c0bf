/* SPDX-License-Identifier: GPL-2.0-or-later */
/* make_session KIND FILE: writes a session made by code, for the goldens of the command line. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/report/make_session.h"

static const char *const kinds[] = {
	[MADE_SMALL] = "small",		  [MADE_HOSTILE] = "hostile", [MADE_NO_GUEST] = "no-guest",
	[MADE_TWO_EVENTS] = "two-events", [MADE_EMPTY] = "empty",     [MADE_KILLED] = "killed",
	[MADE_SPACES] = "spaces",
};

int main(int argc, char **argv)
{
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: make_session KIND FILE\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(argv[1], kinds[i]))
			continue;
		fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0) {
			perror(argv[2]);
			return 1;
		}
		made_write(fd, i);
		return close(fd) ? 1 : 0;
	}
	fprintf(stderr, "make_session: no kind \"%s\"\n", argv[1]);
	return 2;
}
