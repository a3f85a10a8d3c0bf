# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# For scenarios of test programs that run in the host.

# tap NAME PROGRAM TEST...: its log is NAME.tap.
tap()
{
	local name=$1

	shift
	event "tap $name"
	"$@" >"/out/$name.tap" 2>&1
	echo "# ended with status $?" >>"/out/$name.tap"
}

# reload_kvm PARAMETERS: KVM goes and comes.
reload_kvm()
{
	event "reload $1"
	rmmod "$VENDOR_MODULE" && rmmod kvm || die "KVM cannot be unloaded"
	# shellcheck disable=SC2086 # a list
	insmod /lib/modules/kvm.ko $1 || die "KVM cannot be loaded"
	insmod "/lib/modules/$VENDOR_MODULE.ko" || die "$VENDOR_MODULE cannot be loaded"
}
