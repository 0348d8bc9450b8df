#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# numa.sh - objects come from the node of the CPU that asks, or from the one that it
# asks for; freed anywhere, their memory goes home. A node that has no memory left is
# no reason to fail. Where an object is, its page says, not gomem.
#
# machine: --numa=2 --cpus=4 --memory=1G
# machine debug: --append=kmemleak=off
# make check: not on an older kernel
#
# What needs a CPU on a node that has none is skipped.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

mebibytes=64
! debug_kernel || mebibytes=32
bytes=$((mebibytes << 20))

# What CPUs keep of the pages of objects that are free, some MiB at most.
slack=$((8 << 20))

# inuse NODE: from the table of nodes, by the column's name
inuse()
{
	awk -v node="$1" '
		NR == 2 { sub(/^#/, ""); for (i = 1; i <= NF; i++) column[$i] = i }
		NR > 2 && $column["node"] == node { print $column["inuse"]; found = 1; exit }
		END { exit !found }' $gomem_dir/nodes
}

# node_of_cpu CPU: as the kernel's allocator sees it
node_of_cpu()
{
	fill_set cpu "$1"
	fill_cmd verify && fill_stat worker_node
}

# cpu_on_node NODE: prints the first online one
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

# share NODE: percent of the live bytes that lie there
share()
{
	echo $(($(fill_stat "node$1") * 100 / $(fill_stat usable)))
}

# What slots hold keeps spans in use.
settle()
{
	echo 1 >$gomem_dir/scavenge
}

# placed NODE CPU ASKED NAME: allocates on a CPU, asking for a node or (-1) not. Three
# results; the objects live on.
placed()
{
	settle
	before=$(inuse "$1")
	fill_set cpu "$2"
	fill_set node "$3"
	fill_cmd fill ${mebibytes}M
	ktap_is $? 0 "$4: $mebibytes MiB"
	ktap_true "$4: $(share "$1") % of them on node $1, at least 95" [ "$(share "$1")" -ge 95 ]
	grown=$(($(inuse "$1") - before))
	ktap_true "$4: node $1 has $(mib $grown) MiB more in use" [ $grown -ge $((bytes * 95 / 100)) ]
}

# freed CPU NODE NAME: frees all there; what the node had in use is as before placed.
freed()
{
	fill_set cpu "$1"
	fill_cmd free random
	ktap_is $? 0 "$3: freed, undamaged"
	settle
	left=$(($(inuse "$2") - before))
	ktap_true "$3: node $2 has it back, but for $(mib $left) MiB" [ $left -le $slack ]
}

remote_frees_grew()
{
	now=$(gomem_stat remote_frees)
	ktap_true "$1: $((now - remote)) frees were remote" [ $((now - remote)) -gt 0 ]
}

# local_case NODE CPU: allocated and freed at home
local_case()
{
	if [ -z "$2" ]; then
		for what in allocated "on the node" "in its table" freed back; do
			ktap_skip "node $1 by default: $what" "it has no CPU"
		done
		return
	fi
	placed "$1" "$2" -1 "node $1 by default"
	freed "$2" "$1" "node $1 by default"
}

# remote_case NAME NODE CPU ASKED CPU_THAT_FREES
remote_case()
{
	if [ -z "$3" ] || [ -z "$5" ]; then
		for what in allocated "on the node" "in its table" freed back counted; do
			ktap_skip "$1: $what" "a node has no CPU"
		done
		return
	fi
	placed "$2" "$3" "$4" "$1"
	remote=$(gomem_stat remote_frees)
	freed "$5" "$2" "$1"
	remote_frees_grew "$1"
}

# exhausted NAME NODE: more is allocated than the node has, as the client is set up
exhausted()
{
	# Long blocks may be used up on both, before memory is.
	fill_set size 2000
	fill_cmd fill 70
	ktap_is $? 0 "$1: 70 % of all memory"
	there=$(share "$2")
	ktap_true "$1: $there % on node $2, the rest elsewhere" \
		[ "$there" -ge 40 -a "$there" -le 90 ]
	fill_cmd free fifo
	ktap_is $? 0 "$1: freed, undamaged"
	fill_set size 0
	ktap_is "$(heap_verdict)" ok "$1: the heap is sound"
}

[ -e /sys/devices/system/node/node1 ] || ktap_skip_all "this machine has one node"
insmod gomem.ko epoch_ms=3600000 || exit 1
need_files nodes
need_keys remote_frees
insmod gomem_fill.ko || exit 1

ktap_header
ktap_plan 48
dmesg -c >/dev/null
ktap_is "$(head -n 1 $gomem_dir/nodes)" "gomem nodes - version: 1" "nodes: versioned"
ktap_is "$(sed -n 2p $gomem_dir/nodes | cut -c1)" "#" "nodes: columns are named"
ktap_is "$(awk 'NR > 2' $gomem_dir/nodes | wc -l)" 2 "nodes: a row for each"
cpu0=$(cpu_on_node 0)
cpu1=$(cpu_on_node 1)
ktap_diag "node 0 has CPU ${cpu0:-none}, node 1 has CPU ${cpu1:-none}"

local_case 0 "$cpu0"
local_case 1 "$cpu1"
remote_case "node 1 on request" 1 "$cpu0" 1 "$cpu0"
# What came back to node 1 by way of a CPU of node 0 is not for that CPU.
local_case 0 "$cpu0"
remote_case "node 0 freed by node 1" 0 "$cpu0" -1 "$cpu1"
remote_case "node 1 freed by node 0" 1 "$cpu1" -1 "$cpu0"

fill_set cpu "$cpu0"
fill_set node -1
exhausted "node 0 exhausted" 0
fill_set node 1
exhausted "node 1 on request, exhausted" 1

ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
ktap_is "$(trouble)" "" "the kernel has nothing to say about it"
unload_all
ktap_finish
