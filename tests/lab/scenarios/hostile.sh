# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1091
# A hostile user of the partitioned PMU (tests/lab/hostile), before and after KVM was taken away and came back. labkit/host_tests.py judges.
. /lab/lab.sh
. /lab/tap.sh

# All counters are the host's own when there is no guest, and tests count them.
echo 0 >/proc/sys/kernel/nmi_watchdog
# KVM says of each register that is not there that it was accessed.
echo 1 >/proc/sys/kernel/printk
# Of the machine, as the test `skid` has to know.
export PMU_SKID
in_host=
for name in $HOST_TESTS; do
	case $name in
	nested | direct | totals) ;;
	*) in_host="$in_host $name" ;;
	esac
done

is_wanted()
{
	case " $HOST_TESTS " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# shellcheck disable=SC2086 # a list
tap first hostile ${in_host:-migration}
if is_wanted nested; then
	vm_start nest
	vm_wait_for nest "done"
	mkdir /out/guests/nest/figures
	tar -x -f /run/vm/nest/out.raw -C /out/guests/nest/figures || die "no log from the guest"
	mv /out/guests/nest/figures/nested.tap /out
	vm_kill nest
fi
if [ -n "$RELOADED_PARAMETERS" ]; then
	reload_kvm "$RELOADED_PARAMETERS"
	tap reloaded hostile isolation migration
fi
# Its guests are trusted with the host's counters, not with each other's.
if is_wanted direct; then
	reload_kvm "hvpmu=4 hvpmu_fixed=3 hvpmu_rdpmc=1"
	tap direct hostile direct migration filters emulated pmi
fi
if is_wanted totals; then
	reload_kvm "$TOTALS_PARAMETERS"
	event "totals"
	# shellcheck disable=SC2016 # the other shell's
	hvprof stat --format=csv -- /bin/busybox sh -c '(hostile totals; echo "# ended with status $?") >/out/totals.tap 2>&1' \
		>/out/totals.csv 2>/out/totals.log
	event "totals_end $?"
fi
