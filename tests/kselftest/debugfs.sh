#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# debugfs.sh - gomem's debugfs files have the documented format, only root may
# access them, and they refuse garbage.
#
# machine: --cpus=1
# make check: in User-Mode Linux

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

dir=/sys/kernel/debug/gomem
KEYS="heap_alloc heap_objects total_alloc mallocs frees heap_sys heap_inuse heap_idle
heap_released scratch_inuse scratch_sys tiny_blocks tiny_sys tiny_allocs tiny_frees mspan_inuse mspan_sys mcache_inuse mcache_sys meta_sys sys"

ktap_print_header
ktap_set_plan 38
need_insmod gomem.ko

# keys_of FILE: print the lines that are no headings.
keys_of()
{
	grep -v '^#' "$1"
}

ktap_is "$(head -n 1 $dir/stats)" "# gomem stats - version: 1" "stats: versioned"
ktap_is "$(keys_of $dir/stats | grep -cvE '^[a-z_]+: [0-9]+$')" 0 "stats: each line is key: value"
ktap_is "$(keys_of $dir/stats | cut -d: -f1 | sort | uniq -d)" "" "stats: no key twice"
ktap_is "$(awk '/^# [A-Z]/ { if (title) print title; title = $0 } !/^#/ { title = "" }
	END { if (title) print title }' $dir/stats | grep -v Documentation)" "" \
	"stats: each heading has keys"
missing=
for key in $KEYS; do
	[ -n "$(gomem_stat "$key")" ] || missing="$missing $key"
done
ktap_is "$missing" "" "stats: Go's names are there"
ktap_is "$(head -n 1 $dir/classes)" "gomem classes - version: 1" "classes: versioned"
# rows_of FILE: print its lines without the version and the legend.
rows_of()
{
	sed -e 1d -e '/^#/d' "$1"
}

# columns_of FILE: print the last comment line of the file, which names the
# columns.
columns_of()
{
	grep '^#' "$1" | tail -n 1 | tr -s ' '
}

for file in classes classes_all; do
	ktap_is "$(columns_of $dir/$file)" \
		"# size noscan span objects spans live cached mallocs frees slack" \
		"$file: columns are named"
done
ktap_is "$(rows_of $dir/classes_all | awk 'NF != 10' | wc -l)" 0 "classes_all: ten columns"
ktap_is "$(rows_of $dir/classes_all | wc -l)" 138 \
	"classes_all: 67 classes and handles, scan and noscan, one that is shared, and a total"

insmod gomem_torture.ko seconds=2
rmmod gomem_torture
# Read each file only once, since the scavenger may change the counts in the
# meantime.
classes=$(cat $dir/classes)
sums=$(echo "$classes" | awk '
	NR > 1 && !/^#/ && $1 != "total" { s += $5; l += $6; c += $7; m += $8; f += $9; k += $10 }
	END { printf "%d %d %d %d %d %d", s, l, c, m, f, k }')
total=$(echo "$classes" | awk '$1 == "total" { print $5, $6, $7, $8, $9, $10 }')
ktap_is "$sums" "$total" "classes: the total is the sum"
ktap_is "$(echo "$classes" | sed -e 1d -e '/^#/d' | awk '{ print $1, $2, $4 }')" \
	"$(rows_of $dir/classes_all | awk '$5 > 0 || $8 > 0 { print $1, $2, $4 }')" \
	"classes: only rows that were used"
stats=$(cat $dir/stats)
stat_of()
{
	echo "$stats" | awk -v key="$1:" '$1 == key { print $2 }'
}

ktap_is $(($(stat_of heap_inuse) + $(stat_of heap_idle))) "$(stat_of heap_sys)" \
	"stats: heap_sys = heap_inuse + heap_idle"
ktap_is $(($(stat_of mallocs) - $(stat_of frees))) "$(stat_of heap_objects)" \
	"stats: heap_objects = mallocs - frees"
ktap_is $(($(stat_of heap_sys) + $(stat_of scratch_sys) + $(stat_of mspan_sys) + \
	$(stat_of mcache_sys) + $(stat_of meta_sys))) "$(stat_of sys)" "stats: sys is the sum of its parts"
ktap_is "$(awk '$1 == "total" { print $8 }' $dir/classes)" \
	$(($(gomem_stat mallocs) - $(gomem_stat large_mallocs))) "stats and classes count the same"

ktap_is "$(awk '$1 == "total" { print $8, $9 }' $dir/classes_all)" \
	"$(awk '$1 == "total" { print $8, $9 }' $dir/classes)" "classes_all: the same total"
ktap_is "$(rows_of $dir/map | grep -cvE '^ *[0-9]+ +[0-9]+ \|[ .:1234LSA]{64}\|$')" 0 \
	"map: each line is as the legend says"

# Load a client with a typed cache, which is destroyed when the client is
# unloaded.
ever="$(gomem_stat mallocs) $(gomem_stat frees) $(gomem_stat total_alloc)"
insmod gomem_records.ko
cache=$(rows_of $dir/caches)
rmmod gomem_records
echo "$ever $(gomem_stat mallocs) $(gomem_stat frees) $(gomem_stat total_alloc)" |
	awk '{ exit !($4 > $1 + 99 && $5 > $2 + 99 && $6 > $3) }'
ktap_is $? 0 "stats: what a cache counted stays counted"
ktap_is "$(echo "$cache" | awk '$1 == "example_record" { print NF, $13 }')" "13 c-" \
	"caches: a row for a client's cache"

ktap_is "$(rows_of $dir/nodes | awk 'NF != 10 || $2 != $3 + $4' | wc -l)" 0 \
	"nodes: heap_sys = inuse + idle"
ktap_is "$(keys_of $dir/scavenge | grep -cvE '^[a-z_]+: [0-9]+$')" 0 \
	"scavenge: each line is key: value"

ktap_is "$(find $dir -type f ! -perm 400 ! -perm 600)" "" "files are root's alone"
for garbage in banana '' 17 0; do
	if echo "$garbage" 2>/dev/null >$dir/check; then
		accepted=$garbage
	fi
done
ktap_is "$accepted" "" "check refuses garbage"
echo 1 >$dir/check
ktap_is "$(cat $dir/check)" ok "check takes 1"

ktap_is "$(cat $dir/whatis)" "no address yet: write one in hexadecimal to this file" "whatis: says how to ask"
accepted=
for garbage in banana '' -1 0xfffffffffffffffff '12 34'; do
	if echo "$garbage" 2>/dev/null >$dir/whatis; then
		accepted="$accepted $garbage"
	fi
done
ktap_is "$accepted" "" "whatis: refuses garbage"
echo 0x10 >$dir/whatis
ktap_is "$(cat $dir/whatis)" "address: 10
what: not gomem's: nothing, in the page at NULL" "whatis: takes an address"
# A zombie: its parent, which has become "sleep", does not wait for it.
sh -c 'true & exec sleep 600' &
parent=$!
until grep -qs '^State:.Z' /proc/[0-9]*/status; do
	sleep 1
done
echo 0x10 >$dir/whatis
ktap_is "$(sed -n 2p $dir/whatis)" "what: not gomem's: nothing, in the page at NULL" \
	"whatis: a task that has ended has no stack"
kill $parent
awk '$3 == "kfree" { print $1 }' /proc/kallsyms >$dir/whatis
ktap_is "$(sed -n 2p $dir/whatis)" "what: not gomem's: kfree, static, nobody frees it" \
	"whatis: names what is the kernel's"

# A byte 0, or a limit of the length, must not hide a part of what is written.
zeros=$(printf '%070d' 0)
accepted=
for garbage in '1\0x' "${zeros}1" '1 1' '1\n1' '1x'; do
	for file in whatis check scavenge; do
		if printf %b "$garbage" 2>/dev/null >$dir/$file; then
			accepted="$accepted $file:$garbage"
		fi
	done
done
ktap_is "$accepted" "" "numbers with text behind them are refused"
accepted=
for garbage in 'scan\0x' 'scan x' 'holder ffff888000000000xyz' 'holder ffff888000000000 1' \
	'holder ffff888000000000\0' 'holderffff888000000000' 'holder'; do
	if printf %b "$garbage" 2>/dev/null >$dir/leaks; then
		accepted="$accepted $garbage"
	fi
done
ktap_is "$accepted" "" "leaks: so are commands"
ktap_test_result "leaks: takes an address" sh -c "printf 'holder ffff888000000000\n' >$dir/leaks"

insmod gomem_torture.ko seconds=0 2>/dev/null
ktap_is $(($? != 0)) 1 "a client's bad parameter is refused"
rmmod gomem
insmod gomem.ko report_stacks=banana 2>/dev/null
ktap_is $(($? != 0)) 1 "a bad parameter is refused"
insmod gomem.ko debug=2 2>/dev/null
ktap_is $(($? != 0)) 1 "so is a debug level that there is not"
insmod gomem.ko debug=1
for garbage in banana '' 2 -1; do
	if echo "$garbage" 2>/dev/null >/sys/module/gomem/parameters/debug; then
		accepted=$garbage
	fi
done
ktap_is "$accepted$(cat /sys/module/gomem/parameters/debug)" 1 "at run time, too"
rmmod gomem 2>/dev/null
gomem_finished
