# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the scripts beside: packages of Debian as files in a cache, so that later runs need no network and nothing is installed.
# Sourced by: linux, xen.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/hvprof/surroundings
mkdir -p "$cache"

skip()
{
	echo "$(basename "$0"): skipped: $*" >&2
	exit 77
}

# once NAME COMMAND...: runs the command in a new folder, which becomes $cache/NAME if it succeeds; nothing if that is
# there. Two at a time are harmless: the later one's is thrown away.
once()
{
	local name=$1 scratch
	shift
	[ ! -d "$cache/$name" ] || return 0
	scratch=$(mktemp -d "$cache/.XXXXXX")
	if (cd "$scratch" && "$@") >"$scratch.log" 2>&1; then
		mv -T "$scratch" "$cache/$name" 2>/dev/null || rm -rf "$scratch"
		rm -f "$scratch.log"
		return 0
	fi
	tail -n 3 "$scratch.log" >&2
	rm -rf "$scratch" "$scratch.log"
	return 1
}

# newest PATTERN: the newest folder of the cache that matches, for runs without apt's lists.
newest()
{
	find "$cache" -maxdepth 1 -type d -name "$1" -printf '%T@ %f\n' | sort -rn | sed -n '1s/^[^ ]* //p'
}
