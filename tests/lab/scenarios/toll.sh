# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1010,SC1091
# What the virtual PMU costs a guest on a host of one processor (guest/toll), and how often the host's kernel executes WRMSR
# while the guest counts and does nothing but leave and come back (the machine's device isa-truth).
. /lab/lab.sh

# Waits for a word of the guest without running meanwhile: a program that looks now and then would be in the guest's time.
toll_wait()
{
	local word

	read -r word <&3
	word=$(echo "$word" | tr -d '\r')
	[ "$word" = "$1" ] || die "the guest says $word, not $1"
	event "toll_$1"
}

# Linux's own event on a counter, which is no part of this.
echo 0 >/proc/sys/kernel/nmi_watchdog
vm_start toll
vm_wait_for toll ready
exec 3<>/run/vm/toll/control.out
toll_wait steady
sleep 0.1
truthmark 1 >>/out/truth.marks || die "the machine has no device isa-truth"
sleep 0.1
truthmark 0 >>/out/truth.marks
toll_wait done
mkdir /out/guests/toll/figures
tar -x -f /run/vm/toll/out.raw -C /out/guests/toll/figures || die "no figures from the guest"
vm_kill toll
