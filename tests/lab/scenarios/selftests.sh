# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC1091
# KVM's own tests of a guest's PMU: words "parameter of KVM,parameter...:test,argument...". Theirs is an exit status of 0, or 4 if there is
# nothing to test here.
. /lab/lab.sh

# reload PARAMETER,...: takes KVM away and loads it again
reload()
{
	rmmod "$VENDOR_MODULE" && rmmod kvm || die "KVM cannot be unloaded"
	# shellcheck disable=SC2046 # "none" is no parameter
	insmod /lib/modules/kvm.ko $([ "$1" = none ] || echo "$1" | tr , ' ') || die "KVM cannot be loaded with $1"
	insmod "/lib/modules/$VENDOR_MODULE.ko" || die "$VENDOR_MODULE cannot be loaded"
	mkdir -p "/out/selftests/$1"
}

loaded=
for wanted in $SELFTESTS_WANTED; do
	parameter=${wanted%%:*}
	test=${wanted#*:}
	[ "$parameter" = "$loaded" ] || reload "$parameter"
	loaded=$parameter
	event "selftest $parameter $test"
	# shellcheck disable=SC2046 # a list
	/lab/selftests/$(echo "$test" | tr , ' ') >"/out/selftests/$parameter/$test.log" 2>&1
	echo $? >"/out/selftests/$parameter/$test.status"
done
