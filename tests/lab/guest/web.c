/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * web - a server that parses requests and signs its answers.
 *
 * User space: hot_web_parse(), and some time in libc, which has a random address in the guest and
 * therefore stays unresolved from outside. Kernel: SHA-1 through AF_ALG, which is in the kernel
 * itself.
 */
#include "hash.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

static const char request[] =
	"GET /index.html?session=4711&lang=en HTTP/1.1\r\n"
	"Host: www.example.org\r\nAccept: text/html, text/plain;q=0.8\r\n"
	"Cookie: id=0123456789abcdef; theme=dark\r\nConnection: close\r\n\r\n";

__attribute__((noinline, noclone)) static unsigned long hot_web_parse(const char *text)
{
	unsigned long fields = 0, hash = 5381;

	for (const char *p = text; *p; p++) {
		switch (*p) {
		case ':':
		case '=': fields++; break;
		case '\r': break;
		case '\n': hash ^= fields; break;
		default: hash = hash * 33 + (unsigned char)*p;
		}
	}
	return hash + fields;
}

static int compare_bytes(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

static void web_user_step(void)
{
	char copy[48];

	for (int i = 0; i < 200; i++)
		workload_consume(hot_web_parse(request));
	memcpy(copy, request, sizeof(copy));
	qsort(copy, sizeof(copy), 1, compare_bytes);
	workload_consume(copy[0]);
}

static void web_init(void)
{
	hash_open("sha1");
}

const struct workload workload = {
	.name = "web",
	.init = web_init,
	.user_step = web_user_step,
	.kernel_step = hash_step,
};
