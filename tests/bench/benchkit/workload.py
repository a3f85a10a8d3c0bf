# SPDX-License-Identifier: GPL-2.0-or-later
"""The work that is profiled: a mix of short and long processes, kernel and user code, and idle time.

One worker for each CPU goes round and round: compile C files, run Python, sort, compress with gzip and xz, unpack, list a tree, and
do nothing for a while. A round is about two seconds, so that a recording of some rounds sees the same mix whenever it begins.
"""

import os
import pathlib
import signal
import subprocess

SOURCE = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { struct node *left, *right; char key[16]; };
static struct node *add(struct node *n, const char *key) {
	if (!n) { n = calloc(1, sizeof(*n)); strncpy(n->key, key, 15); return n; }
	if (strcmp(key, n->key) < 0) n->left = add(n->left, key); else n->right = add(n->right, key);
	return n;
}
static int depth(const struct node *n) {
	int l, r;
	if (!n) return 0;
	l = depth(n->left); r = depth(n->right);
	return 1 + (l > r ? l : r);
}
int main(void) {
	struct node *root = NULL;
	char key[16];
	for (int i = 0; i < %d; i++) { snprintf(key, sizeof(key), "%%d", i * 7919 %% 100003); root = add(root, key); }
	printf("%%d\\n", depth(root));
	return 0;
}
"""

ROUND = r"""
set -e
cd "$1"
while :; do
	for i in 1 2 3; do cc -O2 -o tree$i tree.c; done
	./tree1 >/dev/null
	python3 -c 'import json; d = [{"k": str(i), "v": [i] * 5} for i in range(20000)]; json.loads(json.dumps(d))'
	sort -r numbers >sorted
	gzip -c numbers >numbers.gz
	xz -0 -c numbers >numbers.xz
	gzip -dc numbers.gz | md5sum >/dev/null
	find /usr/include -name '*.h' >/dev/null
	sleep 0.4
done
"""


class Workload:
    """Runs while the `with` block does."""

    def __init__(self, folder, workers=None):
        self.folder = pathlib.Path(folder)
        self.workers = workers or os.cpu_count()
        self.processes = []

    def __enter__(self):
        for number in range(self.workers):
            place = self.folder / f"worker{number}"
            place.mkdir(parents=True, exist_ok=True)
            (place / "tree.c").write_text(SOURCE % (150000 + 10000 * number), encoding="ascii")
            (place / "numbers").write_text(
                "".join(f"{i * 7919 % 1000003}\n" for i in range(200000)), encoding="ascii")
            self.processes.append(subprocess.Popen(
                ["sh", "-c", ROUND, "worker", place], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True))
        return self

    def __exit__(self, *error):
        for process in self.processes:
            # A worker leads a session of its own: whatever it runs ends with it.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
