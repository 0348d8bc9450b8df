#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The example client, while the kernel refuses pages to gomem, or any memory to
# the client, at every step: it either gives the right answer or does not load
# for want of memory, and nothing is lost.
#
# Memory is refused to them alone, whichever task they run in: the kernel looks
# for their code in the stack of the request.

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

# set_knobs DIRECTORY KNOB=VALUE...
set_knobs()
{
	knobs=$1
	shift
	for knob; do
		echo "${knob#*=}" >"$knobs/${knob%%=*}" ||
			echo "$knobs/$knob is refused" >>"$tmp/wrong"
	done
}

# range WORD FUNCTION: its addresses as two knobs, WORD-start and WORD-end
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

# fail DIRECTORY KNOB=VALUE...: all requests, or those that the knobs say. The
# filter keeps the kernel from failing requests of ours until all is set.
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

# wrong: prints what is wrong after an attempt to load the client, if anything
wrong()
{
	[ "$(gomem_stat heap_objects)" = 0 ] || echo "objects are live: $(gomem_stat heap_objects)"
	[ "$(gomem_stat mallocs)" = "$(gomem_stat frees)" ] || echo "more mallocs than frees"
	echo 1 >/sys/kernel/debug/gomem/check
	grep -vx ok /sys/kernel/debug/gomem/check
}

# attempt ALLOCATOR: loads the client, prints what is wrong
attempt()
{
	wordcount_load "$1" "$tmp/text" "$tmp/text.2"
	stop_failing
	if loaded wordcount; then
		echo >>"$tmp/loaded"
		# Its files may be what there was no memory for.
		[ ! -e $wordcount/counts ] || cmp "$tmp/want" $wordcount/counts 2>&1
		rmmod wordcount
	else
		echo >>"$tmp/refused"
		grep -qi 'cannot allocate memory' "$tmp/error" || cat "$tmp/error"
	fi
	wrong
}

# gomem starts with no memory, or else it would need no pages. Where it lies
# changes. The leak detector, which it calls, may have its slabs.
without_pages()
{
	unload gomem
	load gomem || echo "gomem does not load" >>"$tmp/wrong"
	text=$(cat /sys/module/gomem/sections/.text)
	size=$(cat /sys/module/gomem/coresize)
	# shellcheck disable=SC2046 # two words
	fail $pages min-order=0 require-start="$text" \
		require-end="$(printf '%#x' $((text + size)))" $(range reject ___slab_alloc) "$@"
	attempt gomem | sed "s|^|pages, $*: |" >>"$tmp/wrong"
}

# The client's init function runs below do_one_initcall().
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

# lines FILE
lines()
{
	wc -l <"$1"
}

# verdict NAME: two results. Where nothing failed, or everything did, the test
# did not do its work.
verdict()
{
	ktap_is "$(head -n 5 "$tmp/wrong")" "" "$1"
	ktap_is "$([ -s "$tmp/loaded" ] && [ -s "$tmp/refused" ] && echo both)" both \
		"$1: loading worked at times, and failed at others"
	ktap_diag "loaded $(lines "$tmp/loaded") times, refused $(lines "$tmp/refused") times"
}

# What comes after so many pages is refused.
check_from_then_on()
{
	begin
	for space in $(seq 0 $step 240); do
		without_pages space="$space"
	done
	verdict "no more pages from some point on"
}

# Some are refused: gomem's modest first tries, and those that count.
check_some()
{
	begin
	for which in $some; do
		without_pages "$which"
	done
	without_pages
	verdict "some pages are refused"
}

# check_slab ALLOCATOR
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

ktap_header
if [ ! -e $pages/require-start ] || [ ! -e $slab/require-start ]; then
	ktap_skip_all "needs CONFIG_FAULT_INJECTION_STACKTRACE_FILTER, _FAIL_PAGE_ALLOC, _FAILSLAB"
fi
wordcount_need
ktap_plan 9

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
ktap_finish
