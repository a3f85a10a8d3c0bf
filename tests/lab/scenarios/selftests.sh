# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1091
# KVM's own tests of a guest's PMU, with each of the parameters of KVM that are asked for. Theirs is an exit status of 0, or 4 for
# what they cannot test here.
. /lab/lab.sh

# reload PARAMETER: takes KVM away and loads it again
reload()
{
	rmmod "$VENDOR_MODULE" && rmmod kvm || die "KVM cannot be unloaded"
	# shellcheck disable=SC2046 # "none" is no parameter
	insmod /lib/modules/kvm.ko $([ "$1" = none ] || echo "$1") || die "KVM cannot be loaded with $1"
	insmod "/lib/modules/$VENDOR_MODULE.ko" || die "$VENDOR_MODULE cannot be loaded"
}

for parameter in $SELFTEST_PARAMETERS; do
	reload "$parameter"
	mkdir -p "/out/selftests/$parameter"
	for test in /lab/selftests/*; do
		name=${test##*/}
		event "selftest $parameter $name"
		"$test" >"/out/selftests/$parameter/$name.log" 2>&1
		echo $? >"/out/selftests/$parameter/$name.status"
	done
done
