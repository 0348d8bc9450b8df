#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# memory_hotplug.sh - gomem uses memory that is plugged in after it was loaded.
# A memory block can be removed if it has no gomem page, and cannot otherwise.
#
# only on x86: the machines of other architectures have no DIMMs without UEFI
# machine: --hotplug --memory=1G --cpus=2
# make check: not on a debug kernel
# make check: not on an older kernel
#
# The kernel takes new pages from the new memory first. If gomem's tables did
# not cover it, no heap could grow any more. The kernels that scripts/vm builds
# do not support memory hotplug, so the test runs only on others.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

blocks=/sys/devices/system/memory
seen=

# host COMMAND...: send a command to scripts/vm on the host. It listens at this
# serial port, which also reports the exit status of the guest's command.
host()
{
	echo "$*" >/dev/ttyS2
}

block_list()
{
	(cd $blocks && echo memory[0-9]*)
}

# new_blocks: print the memory blocks that did not exist when the test began.
new_blocks()
{
	for block in $(block_list); do
		case " $old_blocks " in
		*" $block "*) ;;
		*) echo "$block" ;;
		esac
	done
}

nr_new()
{
	new_blocks | wc -l
}

# online: set all new blocks online, as memory for unmovable allocations such as
# gomem's.
online()
{
	for block in $(new_blocks); do
		[ "$(cat "$blocks/$block/state")" = online ] ||
			(echo online_kernel >"$blocks/$block/state") 2>/dev/null
	done
}

# note_trouble: add to $seen what is wrong in the log since the last call, as
# trouble() prints it. If a block cannot go offline, the kernel describes the
# page that prevents this. That is no error.
note_trouble()
{
	seen=$seen$(log_whole)
	dmesg -c | grep -v 'page dumped because: unmovable page' >/tmp/log
	seen=$seen$(first_report </tmp/log)$(grep -E "$OUT_OF_MEMORY|gomem: " /tmp/log)
}

# offline: set all new blocks offline that can go offline. Keep the kernel's
# descriptions of pages that prevent this off the console.
offline()
{
	level=$(cut -f 1 /proc/sys/kernel/printk)
	echo 1 >/proc/sys/kernel/printk
	note_trouble
	for block in $(new_blocks); do
		(echo offline >"$blocks/$block/state") 2>/dev/null
	done
	# A kernel thread may print the last messages later, and would use the
	# restored console level. So wait for it.
	sleep 2
	echo "$level" >/proc/sys/kernel/printk
}

nr_online()
{
	n=0
	for block in $(new_blocks); do
		[ "$(cat "$blocks/$block/state")" != online ] || n=$((n + 1))
	done
	echo $n
}

# Print how many blocks could not go offline because of a gomem page. Such a
# page is known by its reference count: gomem holds 2^30 references to it.
nr_ours()
{
	dmesg | grep -cE 'refcount:10737[0-9]{5}'
}

# wait_for N: wait until there are N new blocks.
wait_for()
{
	for _ in $(seq 300); do
		[ "$(nr_new)" -ne "$1" ] || return 0
		sleep 0.2
	done
	return 1
}

# fill_case NAME MIB: allocate MIB megabytes of objects, more than the memory
# that the machine had at first. Four results.
fill_case()
{
	fill_cmd fill "$2M"
	ktap_is $? 0 "$1: $2 MiB"
	fill_cmd verify
	ktap_is $? 0 "$1: undamaged"
	ktap_is "$(gomem_stat grow_out_of_range)" 0 "$1: no block was out of range"
	ktap_is "$(gomem_check)" ok "$1: the heap is sound"
}

[ -e $blocks/block_size_bytes ] || skip_test "this kernel knows no memory hotplug"
# A serial port without hardware has type 0.
[ "$(cat /sys/class/tty/ttyS2/type 2>/dev/null || echo 0)" != 0 ] ||
	skip_test "no serial port to ask scripts/vm for memory"
size=$((0x$(cat $blocks/block_size_bytes)))
old_blocks=$(block_list)

need_insmod gomem.ko epoch_ms=86400000
need_keys grow_out_of_range
need_insmod gomem_fill.ko
dmesg -c >/dev/null

ktap_print_header
ktap_set_plan 43
before=$(meminfo MemTotal)
fill_cmd fill 50M
ktap_is $? 0 "50 MiB before"
host "plug dimm0 1024"
wait_for $(((1 << 30) / size))
ktap_is $? 0 "a DIMM of 1 GiB is seen"
online
ktap_is "$(nr_online)" "$(nr_new)" "all its blocks are online"
now=$(meminfo MemTotal)
ktap_test_result "$(mib $((now - before))) MiB more memory" [ $((now - before)) -ge $((900 << 20)) ]

fill_case "more than there was" 1300
fill_cmd free 90 random
ktap_is $? 0 "a tenth is left"
offline
ktap_test_result "$(nr_online) of $(nr_new) blocks stay online, $(nr_ours) of them for gomem" \
	[ "$(nr_ours)" -gt 0 ]
fill_cmd verify
ktap_is $? 0 "what lives there is undamaged"
ktap_is "$(gomem_check)" ok "the heap is sound"
online
ktap_is "$(nr_online)" "$(nr_new)" "all blocks are online again"
fill_case "after that" 1000

fill_cmd free fifo
ktap_is $? 0 "all is freed"
echo 1 >$gomem_dir/scavenge
offline
ktap_print_msg "$(nr_online) of $(nr_new) blocks stay online: the kernel has slabs and tables there"
ktap_is "$(nr_ours)" 0 "no block stays online for gomem"
ktap_is "$(gomem_check)" ok "the heap is sound without them"
fill_case "without them" 300

# When a block goes offline, gomem gives all free pages back, so that other
# blocks can go offline, too. A work on each CPU empties the CPU's caches.
fill_cmd free fifo
ktap_is $? 0 "freed again"
idle=$(gomem_stat heap_idle)
ktap_test_result "$(mib "$idle") MiB are free and stay, 200 at least" [ "$idle" -ge $((200 << 20)) ]
online
offline
idle=$(gomem_stat heap_idle)
ktap_test_result "$(mib "$idle") MiB are free after a block went offline, 1 at most" \
	[ "$idle" -le $((1 << 20)) ]
left=$(gomem_stat sys)
echo 1 >$gomem_dir/scavenge
left=$((left - $(gomem_stat sys)))
ktap_test_result "nor is there more than 64 KiB in caches of CPUs: $left bytes" [ $left -le 65536 ]
fill_case "once more" 300

# A second DIMM, at addresses above the first one.
host "plug dimm1 512"
wait_for $(((1 << 30) / size + (512 << 20) / size))
ktap_is $? 0 "another DIMM is seen"
online
ktap_is "$(nr_online)" "$(nr_new)" "all blocks are online"
fill_case "with both" 1700
fill_cmd free fifo
ktap_is $? 0 "freed, undamaged"

note_trouble
ktap_is "$seen" "" "the kernel has nothing to say about it"
unload_all
gomem_finished
