#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copies the core of hv-pmu/ into a Linux tree, or tells whether the copy there is the same. Nobody edits the copy.
#
# usage: import.sh [--check] TREE    TREE: a Linux source tree
# exit status: 0 done, or the same; 1 --check found a difference, which it prints; 2 usage
set -euo pipefail
root=$(dirname "$(dirname "$(realpath "$0")")")/hv-pmu

usage()
{
	echo "usage: import.sh [--check] TREE" >&2
	exit 2
}

# Every file of the copy: what it is here, what it is there.
list()
{
	local file
	for file in "$root"/core/*.[ch]; do
		# The consumer's side of a ring is the collector's.
		[ "${file##*/}" = ring_reader.c ] || echo "$file arch/x86/kvm/hvpmu/core/${file##*/}"
	done
	for file in "$root"/include/hvpmu/*.h; do
		echo "$file arch/x86/kvm/hvpmu/include/hvpmu/${file##*/}"
	done
	echo "$root/env/linux/hvpmu_env.h arch/x86/kvm/hvpmu/env/hvpmu_env.h"
	echo "$root/env/linux/uapi/hvpmu.h include/uapi/linux/hvpmu.h"
}

check=
[ "${1-}" != --check ] || { check=1 && shift; }
[ $# = 1 ] || usage
tree=$1
[ -f "$tree/arch/x86/kvm/Makefile" ] || { echo "import.sh: $tree is no Linux source tree: it has no arch/x86/kvm/Makefile" >&2; exit 2; }

if [ -n "$check" ]; then
	same=0
	while read -r here there; do
		diff -u "$tree/$there" "$here" || same=1
	done < <(list)
	alien=$(comm -13 <(list | cut -d' ' -f2 | grep '^arch' | sort) <(cd "$tree" && find arch/x86/kvm/hvpmu -mindepth 2 -name '*.[ch]' | sort))
	[ -z "$alien" ] || { echo "import.sh: not of the core: $alien" >&2; same=1; }
	exit "$same"
fi
while read -r here there; do
	install -D -m 644 "$here" "$tree/$there"
done < <(list)
