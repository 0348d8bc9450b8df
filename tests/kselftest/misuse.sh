#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# misuse.sh - gomem reports each type of misuse once, with caller and object,
# counts it under its own key, and works on.
#
# machine: --cpus=1
# make check: in User-Mode Linux

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=scripts/lib/reports.sh
. /lib/gomem/reports.sh

KINDS="double_frees_detected interior_pointers_detected foreign_pointers_detected
writes_after_free_detected uses_after_free_detected size_overflows_refused too_large_refused bad_gfp_refused
bad_node_refused bad_order_refused wrong_functions_detected bad_arenas_detected
arena_writes_after_destroy_detected bad_caches_detected bad_cache_args_refused
caches_destroyed_in_use nmi_refused kfrees_detected bad_usercopies_detected bad_accounts_detected
left_accounts_detected left_cleanups_detected left_constructors_detected"

# The cases: a name, the key that must rise by one, and what the report must
# say.
cases=/sys/kernel/debug/gomem_misuse

# Files of one case: gomem's stats before and after it, and the kernel's log
# since the previous case. A debug kernel takes a tenth of a second to start a
# program, so few programs read them.
before=/tmp/misuse.before
after=/tmp/misuse.after
log=/tmp/misuse.log
all=/tmp/misuse.all

# begin: start a case, which lasts until the next end.
begin()
{
	dmesg -c >/dev/null
	cat "$gomem_stats" >$before
}

end()
{
	cat "$gomem_stats" >$after
	dmesg -c >$log
	cat $log >>$all
}

# pace KEY: sleep if there were many reports of this type. gomem prints at most
# ten reports of a type in five seconds.
pace()
{
	n=0
	eval "n=\$((\${seen_$1:-0} + 1)); seen_$1=\$n"
	[ $((n % 9)) != 0 ] || sleep 6
}

# judge KEY WANT: print what is wrong with a case. Of the counters in KINDS,
# only KEY may change, by one. There have to be WANT reports, and they have to
# name the caller. Lines that only add what the kernel or the profile knows
# about the object do not count as reports.
judge()
{
	awk -v kinds="$KINDS" -v key="$1" -v want="$2" '
		BEGIN { for (n = split(kinds, k); n; n--) is_kind[k[n] ":"] = 1; n = 0 }
		FNR == 1 { file++ }
		file == 1 && $1 in is_kind { old[$1] = $2 }
		file == 2 && $1 in is_kind { delta[$1] = $2 - old[$1] }
		file == 3 && / gomem: / && !/ gomem: (that is slab |allocated: |freed: |at: )/ { n++ }
		file == 3 && /by .*\[gomem_misuse\]/ { named = 1 }
		END {
			for (kind in delta)
				if (delta[kind] != (kind == key ":"))
					print kind, "changed by", delta[kind]
			if (n != want)
				print n, "reports instead of", want
			else if (want && !named)
				print "caller not named"
		}' $before $after $log
}

# one_case NAME KEY TEXT: run a case. Pass if only the counter KEY rises, by
# one, and a report matches TEXT. If KEY or TEXT is empty, there must be none.
one_case()
{
	[ -z "$2" ] || pace "$2"
	rc=0 want=0
	[ -z "$3" ] || want=1
	echo "$1" >/sys/module/gomem_misuse/parameters/case || rc=1
	end
	problem=$(judge "$2" $want)
	mv $after $before
	[ $rc = 0 ] || problem="$problem; the client found an effect"
	[ -z "$3" ] || grep ' gomem: ' $log | grep -q "$3" || problem="$problem; no report of: $3"

	if [ -z "$problem" ]; then
		ktap_test_pass "$1"
	else
		ktap_test_fail "$1"
		ktap_print_msg "$problem"
		ktap_print_msg "$(grep ' gomem: ' $log)"
	fi
}

ktap_print_header
need_insmod gomem.ko
need_insmod gomem_misuse.ko case=none
ktap_set_plan $(($(wc -l <$cases) + 14))
# Silence the console: printing there takes longer than the whole test.
level=$(cut -f 1 /proc/sys/kernel/printk)
echo 1 >/proc/sys/kernel/printk
begin
while IFS=: read -r name key text; do
	case $name in
	foreign_user | foreign_hole | foreign_percpu | foreign_static_percpu | foreign_device | foreign_struct_page)
		if user_mode_linux; then
			ktap_test_skip "$name" "User-Mode Linux has no such addresses"
			continue
		fi
		;;
	esac
	one_case "$name" "$key" "$text"
done <$cases
grep -q 'gomem: that is slab gomem_misuse ' $all
ktap_is $? 0 "the cache of foreign_cache is named"

# With debug=1, destroyed arenas are in quarantine.
echo 1 >/sys/module/gomem/parameters/debug
one_case arena_double_destroy bad_arenas_detected 'arena was destroyed already'
one_case arena_write_destroyed arena_writes_after_destroy_detected \
	'written to after it was destroyed.*8192-byte block, 24 bytes from + 40'
echo 0 >/sys/module/gomem/parameters/debug
echo arena_write_destroyed >/sys/module/gomem_misuse/parameters/case
ktap_is "$(gomem_stat arena_writes_after_destroy_detected)" 1 "without debug that is not seen"

ktap_is "$(gomem_check)" ok "the heap is sound after all of it"
insmod gomem_torture.ko seconds=1
ktap_is $? 0 "and keeps serving"
rmmod gomem_torture
# One object stays allocated: that of write_after_free, which gomem never hands
# out again. The object of double_free_written was freed twice, but gomem undid
# one of these frees.
ktap_is $(($(gomem_stat mallocs) - $(gomem_stat frees))) 1 "nothing else was lost"

# If a cache is destroyed while it has live objects, it stays in memory. After a
# warning of the kernel, gomem adds that it may have missed a kfree().
missed=
[ $ktap_taint = 0 ] || missed='\(, or freed with kfree(), which leaves no trace (see kfree_probe)\)\{0,1\}'
begin
one_case cache_left caches_destroyed_in_use \
	"cache misuse: 3 objects of 100 bytes were never freed$missed: 8 KiB stay in use until they are freed"

# dumped CASE PATTERN...: run a case, and check that the log has a line for each
# pattern.
dumped()
{
	begin
	echo "$1" >/sys/module/gomem_misuse/parameters/case
	end
	name=$1
	shift
	missing=
	for pattern; do
		grep -q "gomem: $pattern" $log || missing="$missing; $pattern"
	done
	ktap_is "$missing" "" "$name: in the log"
}

dumped dump_live 'address: [0-9a-f]*, asked by dump_live+.*gomem_misuse' \
	'what: 96-byte object [0-9]* of 85 in its span, + 5' 'state: live' \
	'object: 5 bytes below, 96 bytes' 'above: 91 bytes above, ' 'owner: gomem_free() takes it back'
dumped dump_kmalloc "what: not gomem's: slab memory"

echo "$level" >/proc/sys/kernel/printk
ktap_is "$(first_report <$all)" "" "the kernel itself reported nothing"

# At its own unload, gomem names the objects that an unloaded client leaked, and
# does not free them.
echo leak >/sys/module/gomem_misuse/parameters/case
rmmod gomem_misuse
dmesg -c >/dev/null
rmmod gomem
ktap_is $? 0 "unload with leaked objects"
dmesg | grep -q 'leaked: 4 objects of 48 bytes' &&
	dmesg | grep -q 'leaked: 1 large objects, 106496 bytes' &&
	dmesg | grep -Eq 'leaked: 3 tiny objects in [123] shared blocks of 16 bytes' &&
	dmesg | grep -q 'leaked: 1 scratch buffers of 4096 bytes' &&
	dmesg | grep -q 'leaked in all: 9 objects, .* KiB of their pages are lost until the next boot'
ktap_is $? 0 "names them by number and size"
dmesg | grep -q 'leaked: arena [0-9a-f]*, 73728 bytes, never destroyed' &&
	dmesg | grep -q 'leaked in all: 1 arenas, 73728 bytes: lost until the next boot'
ktap_is $? 0 "and an arena by its bytes"
# Not gomem_finished: clients leak objects on purpose.
dmesg -c >/dev/null
ktap_finished
