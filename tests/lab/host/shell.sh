# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# The interactive lab: the guests that /lab/env names run, and a shell has the console.
for name in $SHELL_GUESTS; do
	vm_start "$name"
done
for name in $SHELL_GUESTS; do
	vm_wait "$name"
done
cat <<T

This is the host of the lab ($MACHINE), $(nproc) processors, Linux $(uname -r), KVM.
  ps | grep qemu                  the guests, each in its own QEMU
  hvprof list                     what hvprof sees (when it was given with --hvprof)
  hvprof record -a -o /out/hvprof.data -- sleep 10
  perf record -a -o /out/perf.data -- sleep 10
  . /lab/lab.sh                   vm_start, vm_wait, vm_kill NAME (web, db, batch)
What lies in /out when this shell ends (Ctrl-D) is carried out of the lab.

T
setsid cttyhack sh
