# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1091
# As `steady`; meanwhile the emulated machine counts its instructions, so that the profile can be compared with the truth.
. /lab/lab.sh

vm_start web
vm_start db
vm_wait web
vm_wait db
hostburn &

profile_start
truthmark 1 >>/out/truth.marks || die "the machine has no device isa-truth"
sleep "$SECONDS_WANTED"
truthmark 0 >>/out/truth.marks
profile_stop
vm_kill_all
