#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# numa_distance.sh - if a node has no memory left, gomem takes memory from the
# nearest node, and then from the next nearest. Nodes 0 and 2 are near each
# other, and so are nodes 1 and 3.
#
# gomem takes memory from the CPU's node and ignores a task's cpuset. This also
# holds for a CPU that comes online for the first time after gomem was loaded.
#
# machine: --numa=4 --cpus=4 --memory=2G --append=maxcpus=3
# machine: --distance=0,1,40 --distance=0,2,12 --distance=0,3,30
# machine: --distance=1,2,30 --distance=1,3,12 --distance=2,3,40
# make check: not on a debug kernel
# make check: not on an older kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

nodes=/sys/devices/system/node

# on NODE: print the MiB of live objects on a node.
on()
{
	echo $(($(fill_stat "node$1") >> 20))
}

free_on()
{
	awk '/MemFree/ { print int($4 / 1024) }' $nodes/node"$1"/meminfo
}

cpu_of()
{
	sed 's/[,-].*//' $nodes/node"$1"/cpulist
}

# overflow NODE NEXT SIZE NAME: on NODE's CPU, allocate all memory that NODE has
# free and 200 MiB more. These have to come from the node NEXT.
overflow()
{
	fill_set cpu "$(cpu_of "$1")"
	fill_set size "$3"
	fill_cmd fill $(($(free_on "$1") + 200))M
	ktap_is $? 0 "$4: filled from node $1"
	there="$(on 0) $(on 1) $(on 2) $(on 3)"
	others=$(($(on 0) + $(on 1) + $(on 2) + $(on 3) - $(on "$1") - $(on "$2")))
	ktap_test_result "$4: $there MiB on nodes 0 to 3, next is node $2" \
		[ "$(on "$2")" -ge 150 -a $others -le 10 ]
}

# empty NAME: free all objects, and give the free pages back. One result.
empty()
{
	fill_cmd free fifo
	ktap_is $? 0 "$1: freed, undamaged"
	echo 1 >$gomem_dir/scavenge
}

[ "$(cat $nodes/node0/distance 2>/dev/null)" = "10 40 12 30" ] ||
	skip_test "the nodes of this machine are not at the distances asked for"
need_insmod gomem.ko epoch_ms=86400000
need_insmod gomem_fill.ko
echo 1 >/sys/devices/system/cpu/cpu3/online
dmesg -c >/dev/null

ktap_print_header
ktap_set_plan 26
overflow 0 2 0 "all sizes"
# Fill the nearest node, too. Then memory has to come from the next nearest.
fill_cmd fill $(($(fill_stat requested) / 1048576 + $(free_on 2) + 150))M
ktap_is $? 0 "all sizes: more"
ktap_test_result "all sizes: $(on 3) MiB on node 3, $(on 1) MiB on node 1" \
	[ "$(on 3)" -ge 100 -a "$(on 1)" -le 10 ]
empty "all sizes"
overflow 3 1 0 "from the last node"
empty "from the last node"
overflow 1 3 200 "200 bytes"
empty "200 bytes"
overflow 2 0 2000000 "2 MB"
empty "2 MB"
ktap_is "$(gomem_check)" ok "the heap is sound"

# If a CPU of node 0 requests memory of node 3, which has none left, the memory
# comes from the node that is nearest to node 3.
fill_set size 0
fill_set node 3
fill_set cpu "$(cpu_of 0)"
fill_cmd fill $(($(free_on 3) + 200))M
ktap_is $? 0 "asked for node 3: filled from node 0"
ktap_test_result "asked for node 3: $(on 1) MiB on node 1, $(on 0) and $(on 2) on 0 and 2" \
	[ "$(on 1)" -ge 150 -a $(($(on 0) + $(on 2))) -le 10 ]
empty "asked for node 3"
fill_set node -1

mkdir -p /tmp/cgroup
if mount -t cgroup2 none /tmp/cgroup && echo +cpuset >/tmp/cgroup/cgroup.subtree_control; then
	mkdir /tmp/cgroup/far
	echo 1 >/tmp/cgroup/far/cpuset.mems
	fill_set cpu -2
	(
		sh -c "echo \$PPID" >/tmp/cgroup/far/cgroup.procs
		taskset -p "$(printf %x $((1 << $(cpu_of 0))))" "$(sh -c "echo \$PPID")" >/dev/null
		fill_cmd fill 100M
	)
	ktap_is $? 0 "cpuset: filled by a task on node 0 that may only have memory of node 1"
	ktap_test_result "cpuset: $(on 0) MiB on node 0, where the CPU is" [ "$(on 0)" -ge 95 ]
	fill_set cpu -1
	empty "cpuset"
else
	for what in filled "on the CPU's node" freed; do
		ktap_test_skip "cpuset: $what" "no cgroup with cpusets"
	done
fi

ktap_is "$(gomem_check)" ok "the heap is still sound"
ktap_is "$(trouble)" "" "the kernel has nothing to say about it"
unload_all
gomem_finished
