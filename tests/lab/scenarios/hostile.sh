# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1091
# A hostile user of the partitioned PMU (tests/lab/hostile), before and after KVM was taken away and came back. labkit/hostile.py judges.
. /lab/lab.sh

# attack NAME TEST...
attack()
{
	local name=$1

	shift
	event "hostile $name"
	hostile "$@" >"/out/$name.tap" 2>&1
	echo "# ended with status $?" >>"/out/$name.tap"
}

# All counters are the host's own when there is no guest, and tests count them.
echo 0 >/proc/sys/kernel/nmi_watchdog
# KVM says of each register that is not there that it was accessed.
echo 1 >/proc/sys/kernel/printk
attack first $HOSTILE_TESTS
event "reload"
rmmod "$VENDOR_MODULE" && rmmod kvm || die "KVM cannot be unloaded"
# shellcheck disable=SC2086 # a list
insmod /lib/modules/kvm.ko $RELOADED_PARAMETERS || die "KVM cannot be loaded"
insmod "/lib/modules/$VENDOR_MODULE.ko" || die "$VENDOR_MODULE cannot be loaded"
attack reloaded isolation migration
