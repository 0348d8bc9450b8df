#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# memory_hotplug.sh - memory that is plugged in after gomem was loaded is used, by
# gomem, too; it can be removed again when nothing of gomem's lives there, and is not
# when something does.
#
# machine: --hotplug --memory=1G --cpus=2
# make check: not on a debug kernel
# make check: not on an older kernel
#
# The kernel offers the new memory first: before gomem's tables followed it, each
# growth failed from then on. The kernels built here know no memory hotplug.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

blocks=/sys/devices/system/memory
seen=

# The host listens at the port that tells it how the command ended.
host()
{
	echo "$*" >/dev/ttyS2
}

block_list()
{
	(cd $blocks && echo memory[0-9]*)
}

# new_blocks: those that were not there when the test began
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

# online: each new block, for the kernel's own use and gomem's
online()
{
	for block in $(new_blocks); do
		[ "$(cat "$blocks/$block/state")" = online ] ||
			(echo online_kernel >"$blocks/$block/state") 2>/dev/null
	done
}

# note_trouble: what is wrong in the log since then, as trouble() has it. The kernel
# describes the page for which a block stays online: that is no trouble.
note_trouble()
{
	dmesg -c | grep -v 'page dumped because: unmovable page' >/tmp/log
	seen=$seen$(first_report </tmp/log)$(grep -E "$OUT_OF_MEMORY|gomem: " /tmp/log)
}

# offline: each new block, if nothing lives there. The console need not show the pages
# that do.
offline()
{
	level=$(cut -f 1 /proc/sys/kernel/printk)
	echo 1 >/proc/sys/kernel/printk
	note_trouble
	for block in $(new_blocks); do
		(echo offline >"$blocks/$block/state") 2>/dev/null
	done
	# A thread prints what is left, by the level of then.
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

# In how many blocks did offline meet a page of gomem's? It holds 2^30 references.
nr_ours()
{
	dmesg | grep -cE 'refcount:10737[0-9]{5}'
}

# wait_for N: until there are so many new blocks
wait_for()
{
	for _ in $(seq 300); do
		[ "$(nr_new)" -ne "$1" ] || return 0
		sleep 0.2
	done
	return 1
}

# fill_case NAME MIB: more than there was before; four results
fill_case()
{
	fill_cmd fill "$2M"
	ktap_is $? 0 "$1: $2 MiB"
	fill_cmd verify
	ktap_is $? 0 "$1: undamaged"
	ktap_is "$(gomem_stat grow_out_of_range)" 0 "$1: no block was out of range"
	ktap_is "$(heap_verdict)" ok "$1: the heap is sound"
}

[ -e $blocks/block_size_bytes ] || ktap_skip_all "this kernel knows no memory hotplug"
size=$((0x$(cat $blocks/block_size_bytes)))
old_blocks=$(block_list)

insmod gomem.ko epoch_ms=3600000 || exit 1
need_keys grow_out_of_range
insmod gomem_fill.ko || exit 1
dmesg -c >/dev/null

ktap_header
ktap_plan 34
before=$(meminfo MemTotal)
fill_cmd fill 50M
ktap_is $? 0 "50 MiB before"
host "plug dimm0 1024"
wait_for $(((1 << 30) / size))
ktap_is $? 0 "a DIMM of 1 GiB is seen"
online
ktap_is "$(nr_online)" "$(nr_new)" "all its blocks are online"
now=$(meminfo MemTotal)
ktap_true "$(mib $((now - before))) MiB more memory" [ $((now - before)) -ge $((900 << 20)) ]

fill_case "more than there was" 1300
fill_cmd free 90 random
ktap_is $? 0 "a tenth is left"
offline
ktap_true "$(nr_online) of $(nr_new) blocks stay online, $(nr_ours) of them for gomem" \
	[ "$(nr_ours)" -gt 0 ]
fill_cmd verify
ktap_is $? 0 "what lives there is undamaged"
ktap_is "$(heap_verdict)" ok "the heap is sound"
online
ktap_is "$(nr_online)" "$(nr_new)" "all blocks are online again"
fill_case "after that" 1000

fill_cmd free fifo
ktap_is $? 0 "all is freed"
echo 1 >$gomem_dir/scavenge
offline
ktap_diag "$(nr_online) of $(nr_new) blocks stay online: the kernel has slabs and tables there"
ktap_is "$(nr_ours)" 0 "no block stays online for gomem"
ktap_is "$(heap_verdict)" ok "the heap is sound without them"
fill_case "without them" 300

# A second DIMM, behind the first one.
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
ktap_finish
