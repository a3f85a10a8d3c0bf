#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Writes the commits of a Linux tree as the series of this folder: what came after its tag `debian`, which is Debian's source
# as it was unpacked. The cover letter stays as it is.
#
# usage: export.sh TREE [REVISION]    TREE: a git repository of Linux; REVISION: the last commit (default: HEAD)
# exit status: 0 done; 1 git fails; 2 usage
set -euo pipefail
series=$(dirname "$(realpath "$0")")/6.12

[ $# = 1 ] || [ $# = 2 ] || { echo "usage: export.sh TREE [REVISION]" >&2; exit 2; }
tree=$1
git -C "$tree" rev-parse -q --verify "debian^{commit}" >/dev/null || {
	echo "export.sh: $tree has no tag \"debian\" on Debian's unchanged source; \"git tag debian COMMIT\" sets it" >&2
	exit 2
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git -C "$tree" format-patch -q --zero-commit --no-signature --no-renames -o "$scratch" "debian..${2:-HEAD}"
find "$series" -name '[0-9]*.patch' -delete
: >"$series/series"
for patch in "$scratch"/*.patch; do
	[ -e "$patch" ] || continue
	cp "$patch" "$series"
	basename "$patch" >>"$series/series"
done
echo "export.sh: $(wc -l <"$series/series") patches in $series"
