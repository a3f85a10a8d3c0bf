#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Writes the commits of a Linux tree as the series of this folder: what came after its tag `debian`, which is Debian's source
# as it was unpacked. Of the cover letter only the number of patches changes.
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
git -C "$tree" format-patch -q --zero-commit --no-signature --no-renames --abbrev=12 -o "$scratch" "debian..${2:-HEAD}"
find "$series" -name '[0-9]*.patch' -delete
: >"$series/series"
for patch in "$scratch"/*.patch; do
	[ -e "$patch" ] || continue
	cp "$patch" "$series"
	basename "$patch" >>"$series/series"
done
count=$(wc -l <"$series/series")
sed -i "1s|\[PATCH 0/[0-9N]*\]|[PATCH 0/$count]|" "$series/0000-cover-letter.txt"
echo "export.sh: $count patches in $series"
