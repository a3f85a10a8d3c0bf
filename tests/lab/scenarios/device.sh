# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1091
# A reader of /dev/hvpmu (tests/lab/device), beside partitioned guests and then beside others. labkit/host_tests.py judges.
. /lab/lab.sh
. /lab/tap.sh

# A host of the partition has two counters left, and sessions ask for two.
echo 0 >/proc/sys/kernel/nmi_watchdog
# The processors take turns while the clock goes on, so Linux would take a handler for slow, and may have done so.
echo 100000 >/proc/sys/kernel/perf_event_max_sample_rate
echo 0 >/proc/sys/kernel/perf_cpu_time_max_percent
echo 1 >/proc/sys/kernel/printk
VENDOR_MODULE_NAME=$(echo "$VENDOR_MODULE" | tr - _)
export VENDOR_MODULE VENDOR_MODULE_NAME
# shellcheck disable=SC2086 # a list
KVM_PARAMETERS=$RELOADED_PARAMETERS tap first hvpmu-dev $HOST_TESTS
reload_kvm "$RELOADED_PARAMETERS"
tap reloaded hvpmu-dev sample filter lost times chain
