# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1091
# Two guests and a host program run from before the session; in its middle web is killed and
# batch is started.
. /lab/lab.sh

vm_start web
vm_start db
vm_wait web
vm_wait db
hostburn &
ask_hvprof

profile_start
sleep 7
vm_kill web
vm_start batch
vm_wait batch
sleep 7
profile_stop
vm_kill_all
