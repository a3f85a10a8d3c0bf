/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hash.h"
#include "workload.h"

#include <linux/if_alg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_BYTES 4096
#define MAX_DIGEST_BYTES 64

static __thread int hash_fd = -1;

void hash_open(const char *algorithm)
{
	struct sockaddr_alg address = {.salg_family = AF_ALG, .salg_type = "hash"};
	int socket_fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (socket_fd < 0)
		workload_die("cannot open an AF_ALG socket");
	memcpy(address.salg_name, algorithm, strlen(algorithm) + 1);
	if (bind(socket_fd, (const struct sockaddr *)&address, sizeof(address)))
		workload_die("cannot bind to the hash");
	hash_fd = accept(socket_fd, NULL, NULL);
	if (hash_fd < 0)
		workload_die("cannot accept on the hash socket");
	close(socket_fd);
}

void hash_step(void)
{
	static const unsigned char input[INPUT_BYTES];
	unsigned char digest[MAX_DIGEST_BYTES];

	if (send(hash_fd, input, sizeof(input), 0) < 0)
		workload_die("cannot send to the hash socket");
	if (read(hash_fd, digest, sizeof(digest)) <= 0)
		workload_die("cannot read from the hash socket");
}
