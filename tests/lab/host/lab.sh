# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1090,SC1091
# What scenarios are written with. Settings come from /lab/env, guests from /lab/guests/*.conf.
. /lab/env

say()
{
	echo "lab: $*"
}

die()
{
	say "failed: $*"
	exit 1
}

# A guest broke down: the emulator's doing, the run may be repeated (labkit/machine.py).
die_machine()
{
	say "failed: $*"
	exit 3
}

# Notes an event of the scenario with the time since boot in seconds (two decimals).
event()
{
	read -r uptime rest </proc/uptime
	echo "$uptime $*" >>/out/timeline
	say "$uptime $*"
}

# vm_start NAME: starts the guest's QEMU with KVM; its files are in /run/vm/NAME.
vm_start()
{
	local dir=/run/vm/$1

	. "/lab/guests/$1.conf"
	rm -rf "$dir" "/out/guests/$1"
	mkdir -p "$dir" "/out/guests/$1"
	truncate -s 32M "$dir/out.raw"
	[ -z "$CONTROL" ] || mkfifo "$dir/control.in" "$dir/control.out"
	event "vm_start $1"
	# shellcheck disable=SC2086 # NAME_OPTION and QMP are option lists
	qemu-system-x86_64 $NAME_OPTION -uuid "$UUID" -accel kvm -cpu "$GUEST_CPU" -smp "$VCPUS" \
		-m "$MEMORY" -nodefaults -no-user-config -display none -no-reboot $QMP \
		-kernel "$KERNEL" -initrd "/lab/guests/$1.cpio" \
		-append "console=ttyS0 panic=-1 quiet $GUEST_OPTIONS" \
		-drive "file=$dir/out.raw,format=raw,if=virtio" \
		-serial "file:/out/guests/$1/console.log" ${CONTROL:+-serial "pipe:$dir/control"} \
		>"/out/guests/$1/qemu.log" 2>&1 &
	echo $! >"$dir/pid"
	echo $! >"/out/guests/$1/pid"
}

# vm_tell NAME WORD...: a line for the guest's second serial port.
vm_tell()
{
	local dir=/run/vm/$1

	shift
	echo "$*" >"$dir/control.in"
}

# vm_wait_for NAME TEXT: waits for "lab: guest TEXT" on the guest's console.
vm_wait_for()
{
	until grep -q "lab: guest $2" "/out/guests/$1/console.log" 2>/dev/null; do
		assert_runs "$1"
		sleep 0.2
	done
}

# vm_pin NAME CPU...: its vCPUs on these CPUs, one for each.
vm_pin()
{
	local cpu name=$1 task vcpu=0

	shift
	for cpu in "$@"; do
		task=$(grep -lx "CPU $vcpu/KVM" /proc/"$(cat "/run/vm/$name/pid")"/task/*/comm) || die "no vCPU $vcpu of $name"
		task=${task%/comm}
		taskset -p "$(printf %x $((1 << cpu)))" "${task##*/}" >/dev/null || die "cannot pin vCPU $vcpu of $name"
		vcpu=$((vcpu + 1))
	done
}

# vm_wait NAME: waits until the guest's workload runs and takes its files out. How long that may take
# is for the one to say who sees the emulator's processor time (labkit/progress.py).
vm_wait()
{
	local dir=/run/vm/$1

	vm_wait_for "$1" ready
	event "vm_ready $1"
	tr '\0' '\n' <"/proc/$(cat "$dir/pid")/cmdline" >"/out/guests/$1/vmm.cmdline"
	tar -x -f "$dir/out.raw" -C "/out/guests/$1" || die "no files from guest $1"
}

# A guest that ended by itself broke down: its workload never ends, and a panic ends its VMM.
assert_runs()
{
	kill -0 "$(cat "/run/vm/$1/pid")" 2>/dev/null && return
	tail -n 20 "/out/guests/$1/console.log" "/out/guests/$1/qemu.log"
	die_machine "the VMM of $1 ended by itself"
}

# vm_kill NAME: SIGKILL to the VMM, as the out-of-memory killer does it.
vm_kill()
{
	assert_runs "$1"
	event "vm_kill $1"
	kill -KILL "$(cat "/run/vm/$1/pid")"
	wait "$(cat "/run/vm/$1/pid")" 2>/dev/null
	event "vm_gone $1"
	rm -r "/run/vm/$1"
}

vm_kill_all()
{
	local dir

	for dir in /run/vm/*; do
		[ -d "$dir" ] && vm_kill "${dir##*/}"
	done
}

# profile_start: the profiler in the background, on the whole machine, until profile_stop.
profile_start()
{
	event "profile_start $PROFILER"
	case $PROFILER in
	hvprof)
		# shellcheck disable=SC2086 # options are a list
		hvprof record -a ${FREQUENCY:+-F "$FREQUENCY"} -o /out/hvprof.data $PROFILER_OPTIONS \
			>/out/profiler.log 2>&1 &
		;;
	perf)
		# shellcheck disable=SC2086
		perf record -a ${FREQUENCY:+-F "$FREQUENCY"} -o /out/perf.data $PROFILER_OPTIONS \
			>/out/profiler.log 2>&1 &
		;;
	*)
		die "unknown profiler $PROFILER"
		;;
	esac
	PROFILER_PID=$!
	sleep 1
	kill -0 "$PROFILER_PID" 2>/dev/null || {
		cat /out/profiler.log
		die "$PROFILER record ended at once"
	}
}

# What hvprof says of this host and its guests, beside what it records.
ask_hvprof()
{
	local status

	[ "$PROFILER" = hvprof ] || return 0
	timeout -s KILL "$PROFILER_TIMEOUT" hvprof list domains vcpus --format=json >/out/list.json ||
		die "hvprof list failed or did not end in $PROFILER_TIMEOUT s: status $?"
	timeout -s KILL "$PROFILER_TIMEOUT" hvprof check >/out/check.txt 2>&1
	status=$?
	# 137: SIGKILL
	[ $status -ne 137 ] || die "hvprof check did not end in $PROFILER_TIMEOUT s"
	event "ask_hvprof $status"
}

# A profiler that hangs fails the run: the host, whose clock says so, is alive.
end_by_force()
{
	sleep "$PROFILER_TIMEOUT"
	say "$PROFILER record did not end $PROFILER_TIMEOUT s after SIGTERM"
	kill -KILL "$PROFILER_PID"
}

profile_stop()
{
	event "profile_stop"
	# Not SIGINT: a shell without job control starts background commands with it ignored.
	kill -TERM "$PROFILER_PID"
	end_by_force &
	wait "$PROFILER_PID"
	PROFILER_STATUS=$?
	kill $! 2>/dev/null
	event "profile_end $PROFILER_STATUS"
	cat /out/profiler.log
	[ $PROFILER_STATUS -eq 0 ] || [ "$PROFILER" = perf ] ||
		die "hvprof record ended with status $PROFILER_STATUS"
}
