#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# hunt.sh - the scan for leaks reports each object that nothing points to, and
# the function that allocated it. It reports no object that is referenced in any
# way, not even if pointers move while the scan runs. See tests/modules/gomem_hunt.c
# and gomem_hunt_moves.c for the objects.
#
# machine: --memory=512M
# own machine: memory that other tests freed may have stale copies of pointers
# make check: in User-Mode Linux
# make check: not on an older kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

DIR=/sys/kernel/debug/gomem

# Functions that lose objects, and how many objects each call loses. The objects
# of a cycle or a chain point only to each other.
LOST="lost_arena 1
lost_below_running 1
lost_below_stack 1
lost_by_pages 1
lost_chain 3
lost_cycle 2
lost_in_freed 1
lost_in_freed_pages2 1
lost_in_freed_pages4 1
lost_in_freed_pages8 1
lost_in_noscan 1
lost_large 1
lost_noscan 1
lost_on_dead_stacks 1
lost_plain 1
lost_tiny 1
lost_typed 1"
COPIES=6
EACH=20
# In User-Mode Linux gomem_hunt loses no objects in unused parts of stacks, or
# on stacks of ended tasks.
! user_mode_linux || EACH=17
ALL=$((EACH * COPIES))

# found: print the functions of gomem_hunt whose objects were reported, and the
# number of these objects. In the file leaks, the line after the number is the
# innermost frame of the stack.
found()
{
	awk '/unreachable, from$/ { n = $1; getline; sub(/\+.*/, "", $3); sum[$3] += n }
		END { for (f in sum) print f, sum[f] }' $DIR/leaks | sort
}

# scan_key KEY: print the first word of the value of "scan_KEY: VALUE".
scan_key()
{
	sed -n "s/^scan_$1: \([^ ]*\).*/\1/p" $DIR/leaks
}

# all_found: print what is missing in the report, or should not be there. Stale
# pointers may hide some objects, but not all that one function lost, and not
# more than a fourth of all.
all_found()
{
	found | awk -v copies=$COPIES -v all=$ALL -v lost="$(echo "$LOST" | tr '\n' ' ')" '
		BEGIN { n = split(lost, w, " "); for (i = 1; i < n; i += 2) most[w[i]] = copies * w[i + 1] }
		{ got[$1] = 1; sum += $2 }
		$2 > most[$1] { print "too many:", $0 }
		END {
			for (f in most) if (!(f in got)) print "not found:", f
			if (sum < all * 3 / 4) print "only", sum
		}'
}

write_scan()
{
	echo scan >$DIR/leaks
}

# holder ADDRESS: print what points to the object at ADDRESS.
holder()
{
	echo "holder $1" >$DIR/leaks
	sed '1,/^held:/d' $DIR/leaks
}

# holder_of PARAMETER: print what points to the object of gomem_hunt whose
# address is in that parameter.
holder_of()
{
	holder "$(cat /sys/module/gomem_hunt/parameters/"$1")"
}

# hiders: print what points to lost objects.
hiders()
{
	for lost in $(tr '\n' ' ' </sys/module/gomem_hunt/parameters/lost); do
		holder "$lost" | grep -v '^holder: nothing$'
	done | head -n 20
}

# scan N: scan N times. Print what is wrong with the results.
scan()
{
	for _ in $(seq "$1"); do
		write_scan || echo "scan failed"
		if user_mode_linux; then
			# The report has no stacks there, so count the objects.
			n=$(scan_key unreachable)
			[ "$n" -le $ALL ] && [ "$n" -ge $((ALL * 3 / 4)) ] || echo "$n"
		else
			wrong=$(all_found)
			[ -z "$wrong" ] || { echo "$wrong"; hiders; }
		fi
	done
}

# Objects that gomem_hunt_moves loses.
LOST_AMONG_MOVING=20

# scan_moves N: scan N times while gomem_hunt_moves is loaded. Print what is wrong
# with the results. Stale pointers may hide a fourth of the lost objects.
scan_moves()
{
	for _ in $(seq "$1"); do
		write_scan || echo "scan failed"
		n=$(scan_key unreachable)
		[ "$n" -le $LOST_AMONG_MOVING ] && [ "$n" -ge $((LOST_AMONG_MOVING * 3 / 4)) ] ||
			echo "$n unreachable"
		user_mode_linux || found | grep -v '^lost_among_moving '
	done
}

ktap_print_header
ktap_set_plan 26

# At this rate gomem records the allocation of each object.
need_insmod gomem.ko profile_rate=1
ktap_is "$(stat -c %a $DIR/leaks)" 600 "only root may scan"
ktap_is "$(grep -c scan $DIR/leaks)" 0 "no result before a scan"
need_insmod gomem_hunt.ko
ktap_is "$(scan 1)" "" "each lost object is found, and nothing else"
ktap_is "$(scan "$(scaled 8)")" "" "again and again, while other objects come and go"
ktap_is "$(sed '1,/^scan:/d' $DIR/leaks | grep -c 'held_\|move+')" 0 \
	"no object that is held is in the result"

# A row of the report has an address, which the file whatis must know, and an
# age.
row=$(grep 'unreachable, from$' $DIR/leaks | grep ' 208-byte' | head -n 1)
# shellcheck disable=SC2086 # it is a row of words
set -- $row
echo "$5" >$DIR/whatis
ktap_is "$(grep -c '^what: 208-byte object' $DIR/whatis)" 1 "whatis knows the address that is shown"
ktap_is "$(grep '^state:' $DIR/whatis)" "state: live" "and the object is live"
sleep 2
echo scan >$DIR/leaks
age=$(awk '/unreachable, from$/ && $3 < 2' $DIR/leaks)
ktap_is "$age" "" "ages are shown"

# Ask what points to objects.
if user_mode_linux; then
	ktap_test_skip "stacks are not told apart here"
else
	ktap_is "$(holder_of of_stack | sed 's/^holder: [0-9a-f]*, //;s/[0-9]*$/N/')" \
		"stack of hunt_sleeper, task N" "the stack that holds an object is found"
fi
ktap_is "$(holder_of of_slab | grep -c '^holder: [0-9a-f]*, .*slab memory')" 1 "so is a slab"
ktap_is "$(holder_of of_chain | grep -c '^holder: [0-9a-f]*, 32-byte object')" 1 "so is another object"
ktap_test_result "and what holds that" [ "$(sed '1,/^held:/d' $DIR/leaks | grep -c ^holder)" -gt 1 ]
echo "holder $5" >$DIR/leaks
ktap_is "$(sed '1,/^held:/d' $DIR/leaks)" "holder: nothing" "and that nothing does"

# Bad commands are refused, and change nothing.
rounds=$(scan_key unreachable)
errors=0
for bad in x scanx "scan scan" "" SCAN scansscanscanscan holder "holder x" \
	"holder $5xyz" "holder $5 1" "holder $5 $5" "holder -1" "holder 1ffffffffffffffff" \
	"scan
scan"; do
	echo "$bad" >$DIR/leaks || errors=$((errors + 1))
done 2>/dev/null
ktap_is "$errors" 14 "other commands are refused"
ktap_is "$(write_error x $DIR/leaks)" "Invalid argument" "with EINVAL"
ktap_is "$(scan_key unreachable)" "$rounds" "and nothing is lost of the result"
rmmod gomem_hunt
echo scan >$DIR/leaks
ktap_is "$(scan_key unreachable)" 0 "what was freed is no leak"

need_insmod gomem_hunt.ko lose=0
ktap_test_result "a scan where nothing is lost" write_scan
ktap_is "$(scan_key unreachable) $(found)" "0 " "accuses no object"
live=$(scan_key live)
ktap_test_result "and has looked at $live" [ "$live" -gt 150 ]
rmmod gomem_hunt
rmmod gomem

# At the default rate gomem records few allocations. Lost objects are found
# nevertheless, except for those that a stale pointer hides.
need_insmod gomem.ko
need_insmod gomem_hunt.ko
echo scan >$DIR/leaks
n=$(scan_key unreachable)
ktap_test_result "objects without a record are found, too ($n)" [ $((n >= ALL * 3 / 4 && n <= ALL)) = 1 ]
ktap_is "$(awk '/ unreachable, / { n += $1 } / without a record$/ { rows++ } END { print n, (rows > 3) }' $DIR/leaks)" \
	"$n 1" "and counted by size"
rmmod gomem_hunt
rmmod gomem

# This part comes last: it may leave stale pointers, which hide objects.
# Of 2000 objects whose pointers move between two places all the time, three
# rounds of a scan would miss 2000 / 4^3 = 31.
need_insmod gomem.ko profile_rate=1
need_insmod gomem_hunt_moves.ko
ktap_is "$(scan_moves 1)" "" "no object whose pointer moves is accused, and each lost one is"
# With one CPU, the threads may not run between two rounds of a scan. So repeat
# the scan until they have.
more=
for _ in $(seq 100); do
	[ "$(scan_key moved)" -eq 0 ] || break
	more=$more$(scan_moves 1)
done
ktap_test_result "the scan saw that pointers move" [ "$(scan_key moved)" -gt 0 ]
ktap_is "$more$(scan_moves "$(scaled 4)")" "" "again and again"
rmmod gomem_hunt_moves
gomem_finished
