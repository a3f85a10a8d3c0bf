# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1091
# A hostile user of the partitioned PMU (tests/lab/hostile), before and after KVM was taken away and came back. labkit/host_tests.py judges.
. /lab/lab.sh
. /lab/tap.sh

# All counters are the host's own when there is no guest, and tests count them.
echo 0 >/proc/sys/kernel/nmi_watchdog
# KVM says of each register that is not there that it was accessed.
echo 1 >/proc/sys/kernel/printk
in_host=
for name in $HOST_TESTS; do
	[ "$name" = nested ] || in_host="$in_host $name"
done
# shellcheck disable=SC2086 # a list
tap first hostile ${in_host:-migration}
if [ "$in_host" != " $HOST_TESTS" ]; then
	vm_start nest
	vm_wait_for nest "done"
	mkdir /out/guests/nest/figures
	tar -x -f /run/vm/nest/out.raw -C /out/guests/nest/figures || die "no log from the guest"
	mv /out/guests/nest/figures/nested.tap /out
	vm_kill nest
fi
reload_kvm
tap reloaded hostile isolation migration
