# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1091
# Two guests and a host program, none of which comes or goes: for comparing profilers.
. /lab/lab.sh

vm_start web
vm_start db
vm_wait web
vm_wait db
hostburn &

profile_start
sleep "$SECONDS_WANTED"
profile_stop
vm_kill_all
