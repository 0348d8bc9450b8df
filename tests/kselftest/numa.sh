#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# numa.sh - objects come from the node of the CPU that allocates, or from the
# requested node. Whichever CPU frees them, their memory returns to its node. If
# a node has no memory left, allocations do not fail. The test takes an object's
# node from its page, not from gomem.
#
# machine: --numa=2 --cpus=4 --memory=512M
# machine debug: --memory=1G
# make check: not on an older kernel
# make check: not on a debug kernel
#
# Cases that need a CPU on a node without one are skipped.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

mebibytes=64
! debug_kernel || mebibytes=32
bytes=$((mebibytes << 20))

# Pages of freed objects that CPUs may keep: 8 MiB.
slack=$((8 << 20))

# inuse NODE: print the node's bytes in use, from the column "inuse" of the file
# nodes.
inuse()
{
	awk -v node="$1" '
		$1 == "#" && $2 == "node" { for (i = 2; i <= NF; i++) column[$i] = i - 1 }
		NR > 1 && !/^#/ && $column["node"] == node { print $column["inuse"]; found = 1; exit }
		END { exit !found }' $gomem_dir/nodes
}

# node_of_cpu CPU: print the CPU's node, which numa_node_id() returns there.
node_of_cpu()
{
	fill_set cpu "$1"
	fill_cmd verify && fill_stat worker_node
}

# cpu_on_node NODE: print the node's first online CPU.
cpu_on_node()
{
	for dir in /sys/devices/system/cpu/cpu[0-9]*; do
		cpu=${dir##*cpu}
		if [ "$(node_of_cpu "$cpu")" = "$1" ]; then
			echo "$cpu"
			return
		fi
	done
	return 1
}

# share NODE: print the percentage of the live bytes on the node.
share()
{
	echo $(($(fill_stat "node$1") * 100 / $(fill_stat usable)))
}

# Empty the CPUs' slots: free objects in slots keep spans in use.
settle()
{
	echo 1 >$gomem_dir/scavenge
}

# placed NODE CPU ASKED NAME: allocate on CPU. ASKED is the requested node, or
# -1. The objects have to be on NODE. Three results; the objects stay live.
placed()
{
	settle
	before=$(inuse "$1")
	fill_set cpu "$2"
	fill_set node "$3"
	fill_cmd fill ${mebibytes}M
	ktap_is $? 0 "$4: $mebibytes MiB"
	ktap_test_result "$4: $(share "$1") % of them on node $1, at least 95" [ "$(share "$1")" -ge 95 ]
	grown=$(($(inuse "$1") - before))
	ktap_test_result "$4: node $1 has $(mib $grown) MiB more in use" [ $grown -ge $((bytes * 95 / 100)) ]
}

# freed CPU NODE NAME: free all objects on CPU. NODE's bytes in use have to
# return to the value that they had before placed() allocated. Two results.
freed()
{
	fill_set cpu "$1"
	fill_cmd free random
	ktap_is $? 0 "$3: freed, undamaged"
	settle
	left=$(($(inuse "$2") - before))
	ktap_test_result "$3: node $2 has it back, but for $(mib $left) MiB" [ $left -le $slack ]
}

remote_frees_grew()
{
	now=$(gomem_stat remote_frees)
	ktap_test_result "$1: $((now - remote)) frees were remote" [ $((now - remote)) -gt 0 ]
}

# local_case NODE CPU: allocate and free on a CPU of the node.
local_case()
{
	if [ -z "$2" ]; then
		for what in allocated "on the node" "in its table" freed back; do
			ktap_test_skip "node $1 by default: $what" "it has no CPU"
		done
		return
	fi
	placed "$1" "$2" -1 "node $1 by default"
	freed "$2" "$1" "node $1 by default"
}

# remote_case NAME NODE CPU ASKED CPU_THAT_FREES: allocate on CPU, free on
# another CPU. ASKED is the requested node, or -1. The objects have to be on
# NODE.
remote_case()
{
	if [ -z "$3" ] || [ -z "$5" ]; then
		for what in allocated "on the node" "in its table" freed back counted; do
			ktap_test_skip "$1: $what" "a node has no CPU"
		done
		return
	fi
	placed "$2" "$3" "$4" "$1"
	remote=$(gomem_stat remote_frees)
	freed "$5" "$2" "$1"
	remote_frees_grew "$1"
}

# free_on NODE: print the MiB of the node's free memory.
free_on()
{
	awk '/MemFree/ { print int($4 / 1024) }' "/sys/devices/system/node/node$1/meminfo"
}

# exhausted NAME NODE: allocate 60 MiB more than NODE has free: it has 140 to 236
# MiB, depending on where the kernel put its own pages at boot. The parameters of
# the client are set already. gomem goes to the other node only when the free
# memory of NODE is down to the kernel's watermarks. By then 95 to 99 % of it have
# become objects, with kmalloc() 98 % and more.
exhausted()
{
	# Use small objects: both nodes may run out of long blocks before they
	# run out of memory.
	fill_set size 2000
	settle
	echo 1 >/proc/sys/vm/drop_caches
	has=$(free_on "$2")
	fill_cmd fill $((has + 60))M
	ktap_is $? 0 "$1: $((has + 60)) MiB"
	took=$(($(fill_stat "node$2") >> 20))
	ktap_test_result "$1: of $has MiB, $took serve objects, at least 85 %" \
		[ $took -ge $((has * 85 / 100)) ]
	ktap_test_result "$1: $(share "$2") % on node $2, the rest elsewhere" \
		[ "$(share "$2")" -le 90 ]
	fill_cmd free fifo
	ktap_is $? 0 "$1: freed, undamaged"
	fill_set size 0
	ktap_is "$(gomem_check)" ok "$1: the heap is sound"
}

[ -e /sys/devices/system/node/node1 ] || skip_test "this machine has one node"
need_insmod gomem.ko epoch_ms=86400000
need_files nodes
need_keys remote_frees
need_insmod gomem_fill.ko

ktap_print_header
ktap_set_plan 51
dmesg -c >/dev/null
ktap_is "$(head -n 1 $gomem_dir/nodes)" "gomem nodes - version: 1" "nodes: versioned"
ktap_is "$(grep -c '^# *node .* chunks$' $gomem_dir/nodes)" 1 "nodes: columns are named"
ktap_is "$(sed -e 1d -e '/^#/d' $gomem_dir/nodes | wc -l)" 2 "nodes: a row for each"
cpu0=$(cpu_on_node 0)
cpu1=$(cpu_on_node 1)
ktap_print_msg "node 0 has CPU ${cpu0:-none}, node 1 has CPU ${cpu1:-none}"

local_case 0 "$cpu0"
local_case 1 "$cpu1"
remote_case "node 1 on request" 1 "$cpu0" 1 "$cpu0"
# In the case above, a CPU of node 0 freed memory of node 1. That CPU must now
# get memory of node 0 nevertheless.
local_case 0 "$cpu0"
remote_case "node 0 freed by node 1" 0 "$cpu0" -1 "$cpu1"
remote_case "node 1 freed by node 0" 1 "$cpu1" -1 "$cpu0"

fill_set cpu "$cpu0"
fill_set node -1
# Without a reserve: the client's reserve would take pages of node 0.
fill_set reserve 0
exhausted "node 0 exhausted" 0
fill_set node 1
exhausted "node 1 on request, exhausted" 1

ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
ktap_is "$(trouble)" "" "the kernel has nothing to say about it"
unload_all
gomem_finished
