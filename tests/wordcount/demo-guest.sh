#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# demo-guest.sh DIR - the part of scripts/demo that runs in its virtual machine.
# It frees an object twice, counts the words of the files in DIR with gomem and
# then with kmalloc(), and checks that gomem got all its memory back.
#
# It runs in busybox and expects the modules in the current directory. Lines
# that begin with "==" announce the next step. Exit status 0 means that all is
# well.

dir=${1:?which directory?}
gomem=/sys/kernel/debug/gomem
wordcount=/sys/kernel/debug/wordcount
tmp=/tmp/demo.$$
mkdir -p $tmp

step()
{
	echo
	echo "== $*"
}

fail()
{
	echo "FAILED: $*"
	dmesg | tail -n 20
	exit 1
}

indent()
{
	sed 's/^/    /'
}

# get FILE KEY: print the value of a "key: value" line.
get()
{
	sed -n "s/^$2: //p" "$1"
}

# count ALLOCATOR: load the client with this allocator, and store its results.
count()
{
	insmod wordcount.ko files="$files" allocator="$1" || fail "wordcount.ko does not load"
	cat $wordcount/summary >$tmp/"$1".summary
	cat $wordcount/counts >$tmp/"$1".counts
}

# Count the same words with other programs.
reference()
{
	for file in "$dir"/*; do
		tr -cs A-Za-z0-9 '\n' <"$file"
		echo
	done | grep . | LC_ALL=C sort | uniq -c
}

# compare TITLE KEY: print a value of both allocators in one line.
compare()
{
	printf '%-28s %12s %12s\n' "$1" "$(get $tmp/gomem.summary "$2")" \
		"$(get $tmp/kmalloc.summary "$2")"
}

# percent ALLOCATOR: print the bytes held in percent of the bytes requested.
percent()
{
	awk -F': ' '{ v[$1] = $2 } END { printf "%.1f %%", 100 * v["bytes_held"] / v["bytes_requested"] }' \
		$tmp/"$1".summary
}

# free_twice ALLOCATOR: print what the module and gomem log about a double free.
free_twice()
{
	dmesg -c >/dev/null
	insmod gomem_twice.ko of="$1" || fail "gomem_twice.ko does not load"
	rmmod gomem_twice
	dmesg | sed -n 's/^\[[^]]*\] \(gomem\(_twice\)*: .*\)/\1/p' | grep -v taints | indent
}

files=$(printf '%s,' "$dir"/*)
files=${files%,}

insmod gomem.ko || fail "gomem.ko does not load"

step "freeing an object twice, then allocating 256 of its size"
# Free an object from kmalloc() twice only where SLUB has sheaves, per-CPU
# arrays of free objects. Without these, the kernel may crash.
[ ! -e /sys/kernel/slab/kmalloc-128/sheaf_capacity ] || free_twice kmalloc
free_twice gomem
[ "$(get $gomem/stats double_frees_detected)" = 1 ] || fail "gomem did not notice"

step "loading wordcount.ko, which counts the words of $dir/*"
count gomem
indent <$tmp/gomem.summary
echo
echo "    the ten most frequent words:"
sort -k1,1nr -k2 $tmp/gomem.counts | head -n 10 | indent

step "what gomem has to say while these words are live"
grep -E '^(heap_|mallocs|frees|mspan_|mcache_|meta_|sys|large_|spans|chunks)' $gomem/stats | indent
echo
awk '/^ / || /^# +size/' $gomem/classes | indent

step "the same with kmalloc()"
rmmod wordcount || fail "wordcount.ko does not unload"
count kmalloc
{
	printf '%-28s %12s %12s\n' "" gomem kmalloc
	compare "live objects" objects
	compare "bytes requested" bytes_requested
	compare "bytes held" bytes_held
	printf '%-28s %12s %12s\n' "held of requested" "$(percent gomem)" "$(percent kmalloc)"
	compare "bytes held at the peak" bytes_held_peak
	echo "held: gomem_usable_size() or ksize() of each object, without unused parts of pages"
} | indent

step "comparing both answers with that of tr | sort | uniq -c"
reference >$tmp/counts
cmp $tmp/counts $tmp/gomem.counts || fail "the counts are wrong with gomem"
cmp $tmp/counts $tmp/kmalloc.counts || fail "the counts are wrong with kmalloc()"
echo "    the same $(wc -l <$tmp/counts) lines"

step "unloading wordcount.ko and gomem.ko"
rmmod wordcount || fail "wordcount.ko does not unload"
cat $gomem/stats >$tmp/stats
rmmod gomem || fail "gomem.ko does not unload"
dmesg | sed -n 's/^\[[^]]*\] \(wordcount: freed\)/\1/p' | indent

mallocs=$(get $tmp/stats mallocs)
frees=$(get $tmp/stats frees)
echo
echo "objects: $mallocs allocated, $frees freed"
[ "$mallocs" -gt 0 ] || fail "gomem was not used"
[ "$mallocs" = "$frees" ] || fail "objects are missing"
! dmesg | grep 'gomem: leaked' || fail "gomem says that objects leaked"
verdict=$(dmesg | sed -n 's/^\[[^]]*\] \(gomem: unloaded: every object and page came back\)$/\1/p')
[ -n "$verdict" ] || fail "gomem does not say that every page came back"
echo "pages:   $verdict"
