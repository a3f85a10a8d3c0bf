# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1010,SC1091,SC2034
# What the virtual PMU of a stock KVM gives to a guest, alone and while the host records everything: for each
# phase a guest is booted that measures a program of known length with perf (guest/meter).
. /lab/lab.sh

meter_wait()
{
	until grep -q "lab: guest $1" /out/guests/meter/console.log 2>/dev/null; do
		assert_runs meter
		sleep 0.2
	done
	event "meter_$1 $phase"
}

# phase NAME [PROFILER OPTION...]
phase()
{
	phase=$1
	PROFILER=$2
	mkdir -p "/out/phases/$phase"
	vm_start meter
	meter_wait ready
	if [ -n "$PROFILER" ]; then
		shift 2
		PROFILER_OPTIONS="$*"
		profile_start
	fi
	meter_wait measured
	if [ -n "$PROFILER" ]; then
		profile_stop
		mv /out/profiler.log /out/*.data "/out/phases/$phase"
	fi
	meter_wait done
	tar -x -f /run/vm/meter/out.raw -C "/out/phases/$phase" || die "no figures from the guest"
	vm_kill meter
	mv /out/guests/meter/console.log "/out/phases/$phase"
}

FREQUENCY=
phase alone
# The host's own watchdog holds a counter.
echo 0 >/proc/sys/kernel/nmi_watchdog
phase unwatched
echo 1 >/proc/sys/kernel/nmi_watchdog
phase hvprof hvprof -e cycles -e instructions -c 98129
phase perf perf -e cycles:GH -e instructions:GH -c 98129
phase crowd hvprof -e cycles -e instructions -e branches -e branch-misses -e cache-references \
	-e cache-misses -c 98129
