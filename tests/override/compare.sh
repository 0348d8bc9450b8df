#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# compare.sh ROUNDS MODULE... - compare the memory of modules that were built
# twice: with the kernel's allocator, in /lib/modules-kernel, and on gomem, in
# /lib/modules. In each round, load the modules of one build and then of the
# other, in the order of the arguments, run the shell command $RUN, and unload
# them. Prints the output of the commands, a line "wrong: ..." for each fault,
# and the table of compare.awk.
#
# gomem itself is loaded before the first round, and stays: modules share it, so
# its own memory is no module's, and the table has it in a line of its own.

here=$(cd "$(dirname "$0")" && pwd)
# For gomem_stat only.
# shellcheck source=tests/kselftest/ktap.sh
. "$here/../kselftest/ktap.sh"
# shellcheck source=tests/override/balance.lib
. "$here/balance.lib"
# shellcheck source=tests/override/modules.lib
. "$here/modules.lib"

rounds=$1
shift
results=/tmp/results
faults=0

wrong()
{
	echo "wrong: $*"
	faults=$((faults + 1))
}

# Let the kernel and both allocators give back what they do not need. Inodes,
# dentries and what is left of processes go back after a grace period, so empty the
# slab caches after it. From then on start no process, whose memory would count.
settle()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 0.5
	[ ! -e /sys/kernel/debug/gomem ] || echo 1 >/sys/kernel/debug/gomem/scavenge
	for cache in /sys/kernel/slab/*; do
		[ -L "$cache" ] || [ ! -e "$cache/shrink" ] || echo 1 >"$cache/shrink"
	done
	# Add the CPUs' differences to the kernel's counters of pages.
	[ ! -e /proc/sys/vm/stat_refresh ] || read -r _ </proc/sys/vm/stat_refresh
}

# read_numbers FILE: add the numbers of a file to those of measure.
read_numbers()
{
	while read -r key number _; do
		case $key in
		Slab:) slab=$number ;;
		MemFree: | 'Active(file):' | 'Inactive(file):') pages=$((pages + number)) ;;
		count:) pages=$((pages + 4 * number)) ;;
		heap_alloc:) live=$number ;;
		sys:) held=$number ;;
		esac
	done <"$1"
}

# Set numbers to the KiB of slab memory and of pages that are free or hold file
# data, and to the bytes of gomem's live objects and of all that it holds. The
# CPUs' lists of free pages, whose lengths /proc/zoneinfo has, are no part of
# MemFree. A page has 4 KiB here.
measure()
{
	pages=0
	live=0
	held=0
	settle
	read_numbers /proc/meminfo
	read_numbers /proc/zoneinfo
	[ ! -e "$gomem_stats" ] || read_numbers "$gomem_stats"
	numbers="$slab $pages $live $held"
}

# use BUILD: let modprobe find the modules of this build.
use()
{
	rm -f /lib/modules
	ln -s "/lib/modules-$1" /lib/modules
}

# load_all MODULE...: set loaded to the modules whose device is not missing. They
# have to be the same each time.
load_all()
{
	loaded=
	modules_load_generic
	for module; do
		module_load "$module"
		case $? in
		0) loaded="$loaded $module" ;;
		4) echo "$build, round $round: $module is skipped: $(tail -n 1 /tmp/error)" ;;
		*) wrong "$build: $module cannot be loaded: $(cat /tmp/error)" ;;
		esac
	done
	[ -n "$loaded" ] || wrong "$build: no module is loaded"
	[ "$loaded" = "${first:=$loaded}" ] || wrong "$build: loaded are$loaded, not$first"
}

# Run the command. Its output must not be in a file while memory is measured.
run_command()
{
	[ -n "$RUN" ] || return
	modules_run "$RUN"
	status=$?
	[ ! -s /tmp/output ] || sed "s/^/$build, round $round: /" /tmp/output
	rm -f /tmp/output
	echo "status $build $status" >>$results
	[ $status = 0 ] || wrong "$build: the command's exit status is $status"
}

# warm_up MODULE...: load and unload each build once, so that the first round does
# not count what the kernel and gomem take once and keep.
warm_up()
{
	round=0
	for build in kernel gomem; do
		use "$build"
		load_all "$@"
		modules_unload
	done
	measure
}

# turn MODULE...: load $build, use and unload it. The memory before is what was
# measured last, after the previous turn. Fail if a module stays: then the other
# build cannot be loaded.
turn()
{
	use "$build"
	balance_start
	echo "note $build $round before $numbers" >>$results
	load_all "$@"
	run_command
	measure
	echo "note $build $round used $numbers" >>$results
	modules_unload
	stays=$(modules_loaded | xargs)
	[ -z "$stays" ] || wrong "$build: cannot be unloaded: $stays"
	balance=$(balance_wrong | xargs)
	[ -z "$balance" ] || wrong "$build: gomem reports: $balance"
	measure
	echo "note $build $round left $numbers" >>$results
	[ -z "$stays" ]
}

: >$results
mv /lib/modules /lib/modules-gomem
use gomem
# Let the kernel write no line to its log each time that caches are dropped.
echo 4 >/proc/sys/vm/drop_caches
measure
echo "gomem $numbers" >>$results
modprobe gomem || exit 1
measure
echo "gomem $numbers" >>$results
warm_up "$@"
for round in $(seq "$rounds"); do
	for build in kernel gomem; do
		turn "$@" || exit 1
	done
done
echo "gomem $numbers" >>$results
awk -f "$here/compare.awk" $results
[ $faults = 0 ]
