# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1010,SC1091,SC2034
# Two guests with three vCPUs on two CPUs, then three with four, measure a program of known length, each with its perf, alone and at the
# same time, while the host records everything and while it does not. labkit/partition.py has the phases, too.
. /lab/lab.sh

# step NAME GUEST...: all of them at the same time
step()
{
	local guest name=$1

	shift
	event "step $phase $name"
	for guest in "$@"; do
		vm_tell "$guest" "$phase $name"
	done
	for guest in "$@"; do
		vm_wait_for "$guest" "did $phase $name"
	done
	event "done $phase $name"
}

is_wanted()
{
	case " $PHASES_WANTED " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# phase NAME GUEST...: the three measurements
phase()
{
	is_wanted "$1" || return 0
	phase=$1
	shift
	step stat "$@"
	step cycles "$@"
	step instructions "$@"
}

# recorded NAME GUEST...: a phase while hvprof records, and guests that want more than there is
recorded()
{
	is_wanted "$1" || return 0
	profile_start
	phase "$@"
	shift
	step greedy "$@"
	profile_stop
	mkdir -p "/out/phases/$phase"
	mv /out/profiler.log /out/*.data "/out/phases/$phase"
}

vm_start alpha
vm_start beta
vm_wait_for alpha ready
vm_wait_for beta ready
FREQUENCY=
# It would be a third event on the two counters that are left to an AMD host.
echo 0 >/proc/sys/kernel/nmi_watchdog
phase alone alpha
phase both alpha beta
recorded both-recorded alpha beta
vm_pin alpha 0 1
vm_pin beta 1
recorded pinned-recorded alpha beta
guests="alpha beta"
if is_wanted crowded-recorded; then
	vm_start gamma
	vm_wait_for gamma ready
	guests="$guests gamma"
fi
recorded crowded-recorded alpha beta gamma
for guest in $guests; do
	step carry "$guest"
	mkdir "/out/guests/$guest/figures"
	tar -x -f "/run/vm/$guest/out.raw" -C "/out/guests/$guest/figures" || die "no figures from $guest"
done
vm_kill_all
