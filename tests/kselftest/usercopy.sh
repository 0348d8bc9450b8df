#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# usercopy.sh - a module built with linux/gomem_override.h lets user space
# choose how many bytes to copy. Copies within the object work. For a copy
# beyond the object gomem prints a report, and the kernel kills the task before
# it copies, as for objects of its own allocator.
#
# machine: --cpus=1 --append=hardened_usercopy=1

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

DEVICE=/dev/gomem_usercopy

# CASE:BYTES, where BYTES is the most that may be copied. The case of_the_kernel
# is not here: gomem does not count copies of the kernel's own objects.
CASES="small:64 interior:24 freed:0 large:73728 window:32 windowed:0 tiny:4"

# copied DIRECTION BYTES: let a task copy BYTES. Print BYTES if it succeeded,
# and nothing if it was killed.
copied()
{
	case $1 in
	to) dd if=$DEVICE of=/tmp/copy bs="$2" count=1 2>/dev/null ;;
	from) dd if=/dev/zero of=$DEVICE bs="$2" count=1 2>/dev/null ;;
	esac && echo "$2"
}

# refused DIRECTION BYTES WHAT: three results. A copy of BYTES has to be refused
# and reported.
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

# hardened: succeed if the kernel checks copies.
hardened()
{
	insmod gomem_usercopy.ko case=of_the_kernel || return 1
	copied to 65 >/dev/null 2>&1
	dmesg | grep -qE 'usercopy: Kernel memory (exposure|overwrite) attempt detected'
	rc=$?
	rmmod gomem_usercopy
	return $rc
}

ktap_print_header
# Keep even emergency messages off the console: scripts/vm would take them for a
# failure.
level=$(cut -f 1 /proc/sys/kernel/printk)
panic_on_oops=$(cat /proc/sys/kernel/panic_on_oops)
# shellcheck disable=SC2317 # the trap calls it
restore()
{
	echo "$level" >/proc/sys/kernel/printk
	echo "$panic_on_oops" >/proc/sys/kernel/panic_on_oops
}
trap 'ktap_at_exit $? restore' EXIT
echo 0 >/proc/sys/kernel/printk
touch /run/reports-expected
echo 0 >/proc/sys/kernel/panic_on_oops
# On arm64 before 6.5, kmalloc() aligns objects to 128 bytes, for DMA.
[ -e /sys/kernel/slab/kmalloc-64 ] || grep -qs '^kmalloc-64 ' /proc/slabinfo ||
	skip_test "kmalloc() rounds 64 bytes up, so a copy of 65 is no error"
need_insmod gomem.ko report_stacks=0
hardened || skip_test "this kernel does not check copies"
ktap_set_plan 39
ktap_is "$(gomem_stat bad_usercopies_detected)" 0 "the kernel judges its own objects"
for entry in $CASES; do
	name=${entry%:*}
	right=${entry#*:}
	insmod gomem_usercopy.ko case="$name" || ktap_print_msg "$name cannot be loaded"
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
ktap_is "$(gomem_check)" ok "the heap is sound"
rmmod gomem
gomem_came_back
gomem_finished
