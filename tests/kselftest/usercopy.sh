#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# usercopy.sh - a module that lets user space choose a length, and was built with
# linux/gomem_override.h, copies no byte beyond its object: gomem reports the copy, and
# the kernel ends the task, as it does for an object of its own. Right copies go on.
#
# machine: --append=hardened_usercopy=1

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

DEVICE=/dev/gomem_usercopy

# Case, and how many bytes may be copied. Of the kernel's memory gomem counts nothing.
CASES="small:64 interior:24 freed:0 large:73728 window:32 windowed:0 tiny:5"

# copied DIRECTION BYTES: the bytes that a task copied before it was ended.
copied()
{
	case $1 in
	to) dd if=$DEVICE of=/tmp/copy bs="$2" count=1 2>/dev/null ;;
	from) dd if=/dev/zero of=$DEVICE bs="$2" count=1 2>/dev/null ;;
	esac && echo "$2"
}

# refused DIRECTION BYTES WHAT
refused()
{
	dmesg -c >/dev/null
	before=$(gomem_stat bad_usercopies_detected)
	ktap_is "$(copied "$1" "$2" 2>/dev/null)" "" "$3: $2 bytes $1 user space are refused"
	text="gomem: copy of $2 bytes $1 user space: .* by usercopy_\(read\|write\)"
	ktap_is "$(dmesg | grep -c "$text") $(($(gomem_stat bad_usercopies_detected) - before))" \
		"1 1" "$3: gomem reports it once, and who did it"
	dmesg | grep -qE 'usercopy: Kernel memory (exposure|overwrite) attempt detected'
	ktap_is $? 0 "$3: the kernel ends the task"
}

# hardened: false on a kernel that checks no copies
hardened()
{
	insmod gomem_usercopy.ko case=of_the_kernel || return 1
	copied to 65 >/dev/null 2>&1
	dmesg | grep -qE 'usercopy: Kernel memory (exposure|overwrite) attempt detected'
	rc=$?
	rmmod gomem_usercopy
	return $rc
}

ktap_header
# Not even an emergency is for the console, where it would count as a failure.
echo 0 >/proc/sys/kernel/printk
touch /run/reports-expected
echo 0 >/proc/sys/kernel/panic_on_oops
insmod gomem.ko report_stacks=0 || exit 1
hardened || ktap_skip_all "this kernel does not check copies"
ktap_plan 38
ktap_is "$(gomem_stat bad_usercopies_detected)" 0 "the kernel judges its own objects"
for entry in $CASES; do
	name=${entry%:*}
	right=${entry#*:}
	insmod gomem_usercopy.ko case="$name" || ktap_diag "$name cannot be loaded"
	if [ "$right" -gt 0 ]; then
		ktap_is "$(copied to "$right") $(copied from "$right")" "$right $right" \
			"$name: $right bytes are copied"
	fi
	refused to $((right + 1)) "$name"
	case $name in
	small)
		refused to 128 "$name"
		refused from 128 "$name"
		refused to 6000 "$name"
		;;
	esac
	rmmod gomem_usercopy
done
dmesg -c >/dev/null
echo 1 >/sys/kernel/debug/gomem/check
ktap_is "$(cat /sys/kernel/debug/gomem/check)" ok "the heap is sound"
rmmod gomem
dmesg | grep -q 'gomem: unloaded: every object and page came back'
ktap_is $? 0 "unload, with every page"
echo 7 >/proc/sys/kernel/printk
ktap_finish
