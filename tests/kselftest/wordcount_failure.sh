#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# wordcount_failure.sh - run the example client while the kernel refuses pages
# to gomem, or any memory to the client, at every step. Either the answer is
# right, or the client does not load for lack of memory. No memory is lost.
#
# Memory is refused only to gomem and the client, whichever task runs their
# code: the kernel looks for their code in the call stack of the request.
#
# machine: --cpus=1
# make check: not on an older kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/wordcount.lib
. "$here/wordcount.lib"

step=30
some="times=1 times=2 times=3 times=4 times=6 times=9 interval=2 interval=3 probability=10 probability=50"
spaces="0 100 500 2000 100000"
if [ -n "${KTAP_QUICK:-}" ]; then
	step=60
	some="times=1 times=3 times=9 interval=2 probability=50"
	! debug_kernel || some="times=1 interval=2 probability=50"
	spaces="0 500 100000"
fi

pages=/sys/kernel/debug/fail_page_alloc
slab=/sys/kernel/debug/failslab

# shellcheck disable=SC2317 # the trap calls it
cleanup()
{
	stop_failing
	unload wordcount
	unload gomem
	rm -rf "$tmp"
}

# set_knobs DIRECTORY KNOB=VALUE...: write the files of a fault injection
# directory.
set_knobs()
{
	knobs=$1
	shift
	for knob; do
		echo "${knob#*=}" >"$knobs/${knob%%=*}" ||
			echo "$knobs/$knob is refused" >>"$tmp/wrong"
	done
}

# range WORD FUNCTION: print the function's addresses as two knobs, WORD-start
# and WORD-end.
range()
{
	awk -v word="$1" -v name="$2" '
		{ sub(/\..*/, "", $3) }
		!start && $3 == name { start = $1 }
		start && $1 != start {
			print word "-start=0x" start, word "-end=0x" $1
			exit
		}' /proc/kallsyms
}

# fail DIRECTORY KNOB=VALUE...: make all requests fail, or those that the knobs
# select. Until all knobs are set, the task filter keeps the script's own
# requests from failing.
fail()
{
	where=$1
	shift
	set_knobs "$where" task-filter=Y verbose=0 ignore-gfp-wait=N stacktrace-depth=32 \
		interval=1 times=-1 space=0 probability=100 "$@" task-filter=N
}

stop_failing()
{
	for knobs in "$pages" "$slab"; do
		[ ! -e "$knobs/probability" ] || echo 0 >"$knobs/probability"
	done
}

# wrong: print what is wrong after an attempt to load the client, if anything.
wrong()
{
	[ "$(gomem_stat heap_objects)" = 0 ] || echo "objects are live: $(gomem_stat heap_objects)"
	[ "$(gomem_stat mallocs)" = "$(gomem_stat frees)" ] || echo "more mallocs than frees"
	gomem_check | grep -vx ok
}

# attempt ALLOCATOR: load the client and print what is wrong.
attempt()
{
	wordcount_load "$1" "$tmp/text" "$tmp/text.2"
	stop_failing
	if loaded wordcount; then
		echo >>"$tmp/loaded"
		# The client may have had no memory for its debugfs files.
		[ ! -e $wordcount/counts ] || cmp "$tmp/want" $wordcount/counts 2>&1
		rmmod wordcount
	else
		echo >>"$tmp/refused"
		grep -qi 'cannot allocate memory' "$tmp/error" || cat "$tmp/error"
	fi
	wrong
}

# without_pages KNOB=VALUE...: refuse pages to gomem. Reload it first, since a
# heap that has free memory would need no pages. Set the filter again: gomem's
# address changes with each load. kmemleak, which gomem calls, may still
# allocate slabs.
without_pages()
{
	unload gomem
	load gomem || echo "gomem does not load" >>"$tmp/wrong"
	text=$(cat /sys/module/gomem/sections/.text)
	size=$(cat /sys/module/gomem/coresize)
	# shellcheck disable=SC2046 # two words
	fail $pages min-order=0 require-start="$text" \
		require-end="$(add_hex "$text" "$size")" $(range reject ___slab_alloc) "$@"
	attempt gomem | sed "s|^|pages, $*: |" >>"$tmp/wrong"
}

# without_slab ALLOCATOR KNOB=VALUE...: refuse slab memory to requests below
# do_one_initcall(), which calls the client's init function.
without_slab()
{
	without=$1
	shift
	# shellcheck disable=SC2046 # two words
	fail $slab $(range require do_one_initcall) "$@"
	attempt "$without" | sed "s|^|slab, $without, $*: |" >>"$tmp/wrong"
}

begin()
{
	: >"$tmp/wrong"
	: >"$tmp/loaded"
	: >"$tmp/refused"
}

# lines FILE: print the number of lines.
lines()
{
	wc -l <"$1"
}

# verdict NAME: two results. The second one fails if all loads of the client
# succeeded, or none did: then the test shows nothing.
verdict()
{
	ktap_is "$(head -n 5 "$tmp/wrong")" "" "$1"
	ktap_is "$([ -s "$tmp/loaded" ] && [ -s "$tmp/refused" ] && echo both)" both \
		"$1: loading worked at times, and failed at others"
	ktap_print_msg "loaded $(lines "$tmp/loaded") times, refused $(lines "$tmp/refused") times"
}

# In each attempt, grant 0, $step, 2 * $step ... pages, and refuse all later
# ones.
check_from_then_on()
{
	begin
	for space in $(seq 0 $step 240); do
		without_pages space="$space"
	done
	verdict "no more pages from some point on"
}

# Refuse some pages only. gomem first asks without reclaim ("light") and tries
# again if that fails. A refused light request does no harm, others do.
check_some()
{
	begin
	for which in $some; do
		without_pages "$which"
	done
	without_pages
	verdict "some pages are refused"
}

# check_slab ALLOCATOR: in each attempt, refuse slab memory after some bytes:
# one request, or all later ones.
check_slab()
{
	begin
	for space in $spaces; do
		for times in -1 1; do
			without_slab "$1" "space=$space" times=$times
		done
	done
	verdict "the kernel's own structures are refused, with $1"
}

ktap_print_header
if [ ! -e $pages/require-start ] || [ ! -e $slab/require-start ]; then
	skip_test "needs CONFIG_FAULT_INJECTION_STACKTRACE_FILTER, _FAIL_PAGE_ALLOC, _FAILSLAB"
fi
wordcount_need
ktap_set_plan 10

awk 'BEGIN {
	for (x = n = 1; n <= 5000; n++) {
		x = (x * 16807) % 2147483647
		printf "word%d\n", x % 3000
	}
}' >"$tmp/text"
cp "$tmp/text" "$tmp/text.2"
wordcount_reference "$tmp/text" "$tmp/text.2" >"$tmp/want"
ktap_is "$([ "$(lines "$tmp/want")" -gt 2000 ] && echo enough)" enough "there are words to count"

check_from_then_on
check_some
check_slab gomem
check_slab kmalloc
gomem_finished
