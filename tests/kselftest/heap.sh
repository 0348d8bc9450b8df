#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# heap.sh - the heap profile names the function that holds the most memory, and
# the function that loses one object of a thousand. When a client is unloaded,
# gomem reports what the client's code lost. tests/modules/gomem_holds.c is the
# client.
#
# machine: --cpus=1
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

DIR=/sys/kernel/debug/gomem
RATE=/sys/module/gomem/parameters/profile_rate

# MiB that the client keeps. With sampling it keeps much, so that there are enough
# samples. When each object is recorded, it keeps less on the debug kernel, where
# recording is slow.
mib=50
case $(uname -r) in
*debug*) exact_mib=2 lost=5 ;;
*) exact_mib=50 lost=100 ;;
esac
bytes=$((mib * 1048576))

load()
{
	insmod gomem_holds.ko mib=$mib turns=$((lost * 1000)) "$@"
}

ktap_print_header
ktap_set_plan 34

# first_holder: print the function of the first row of the file leaks. It is the
# function with the most bytes.
first_holder()
{
	sed -n '/allocated at$/{n;s/^#\t0x[0-9a-f]*\t//;s/+.*//p;q}' $DIR/leaks
}

# live FUNCTION COLUMN: print the objects (1) or the bytes (2) that the file
# leaks has for a function as the innermost frame.
live()
{
	awk -v f="$1" -v c="$2" '/allocated at$/ { n = $c; getline; if ($3 ~ "^" f "\\+") sum += n }
		END { print sum + 0 }' $DIR/leaks
}

# row FUNCTION: print the function's row in /tmp/leaks, without the ages.
row()
{
	grep -B 1 "^#.0x[0-9a-f]*.$1+" /tmp/leaks | awk '/allocated at$/ { $4 = $5 = ""; print }' |
		tr -s ' '
}

# between LOW VALUE HIGH: succeed if VALUE is from LOW to HIGH.
between()
{
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ]
}

# Print the sums of the columns of the file heap: objects and bytes in use, and
# objects and bytes ever allocated.
sum_lines()
{
	sed -n 's/^\([0-9]*\): \([0-9]*\) \[\([0-9]*\): \([0-9]*\)\] @ 0x.*/\1 \2 \3 \4/p' $DIR/heap |
		awk '{ a += $1; b += $2; c += $3; d += $4 } END { print a + 0, b + 0, c + 0, d + 0 }'
}

head_line()
{
	sed -n '1s/^heap profile: \([0-9]*\): \([0-9]*\) \[\([0-9]*\): \([0-9]*\)\] @ heap.*/\1 \2 \3 \4/p' \
		$DIR/heap
}

need_insmod gomem.ko
ktap_is "$(cat $RATE)" 524288 "the default rate"
ktap_is "$(head -n 1 $DIR/heap)" "heap profile: 0: 0 [0: 0] @ heap/1048576" "an empty profile"

# 50 MiB are 100 samples, so the standard deviation is 10 %.
load
ktap_is $? 0 "a client that holds memory"
ktap_is "$(first_holder)" holds_much "at the default rate the file leaks names the largest holder"
got=$(live holds_much 2)
between $((bytes / 4)) "$got" $((bytes * 4))
ktap_is $? 0 "and estimates its bytes ($got of $bytes)"
ktap_is "$(sum_lines)" "$(head_line)" "the lines of the profile add up to its first line"
ktap_test_result "and says how far off they may be" grep -q '^# error: [1-9][0-9]* bytes$' $DIR/leaks
echo 1 >$RATE
insmod gomem_mixed.ko
ktap_is "$(grep -c '^# estimated in part' $DIR/leaks)" 1 "samples stay estimates at the rate 1"
ktap_is "$(sed -n '2s/^\(# estimated from samples\): [1-9][0-9]*: .*/\1/p' $DIR/heap)" \
	"# estimated from samples" "the file heap says so, too"
rmmod gomem_mixed
echo 524288 >$RATE
rmmod gomem_holds
ktap_is "$(sum_lines)" "$(head_line)" \
	"after the frees the sums agree"
ktap_is "$(live holds_much 1)" 0 "what was freed is not live"

# At rate 1 each object is recorded.
mib=$exact_mib
bytes=$((mib * 1048576))
echo 1 >$RATE
ktap_is "$(cat $RATE)" 1 "each object can be recorded"
load leak=1
ktap_is "$(live holds_much 1) $(live holds_much 2)" "$((bytes / 256)) $bytes" "exact: the largest holder"
ktap_is "$(live holds_little 1) $(live holds_little 2)" "1024 1048576" "exact: the small one"
ktap_is "$(live leaks_some 1) $(live leaks_some 2)" "$lost $((lost * 96))" "exact: one object of a thousand"
ktap_is "$(sum_lines)" "$(head_line)" "the sums agree"
ktap_is "$(grep -c '^# e' $DIR/leaks)" 0 "when no sampled object is left, leaks is exact"
ktap_is "$(grep -c '^# estimated in part' $DIR/modules)" 1 "but not the sums of all allocations"
dmesg -c >/dev/null
rmmod gomem_holds
ktap_is "$(dmesg | grep -c "gomem: leaked by gomem_holds: $lost objects of 96 bytes, allocated at leaks_some+")" 1 \
	"at its unload the client's losses are reported, with their function"
ktap_is "$(dmesg | grep -c 'leaked by')" 1 "and nothing else"
ktap_is "$(live leaks_some 1)" "$lost" "the function's name outlives the client"
ktap_is "$(live holds_much 1)" 0 "what was freed is gone"

dmesg -c >/dev/null
load && rmmod gomem_holds
ktap_log_lacks 'leaked by' "a client that loses nothing is not reported"

# A function that holds most, but of no single size, has one row: the first one.
dmesg -c >/dev/null
insmod gomem_mixed.ko leak=1
cat $DIR/leaks >/tmp/leaks
ktap_is "$(first_holder)" mixes_sizes "a function with many sizes is the largest holder"
ktap_is "$(row mixes_sizes)" "4088 589824 +4088 objects of 32 to 8192 bytes, allocated at" \
	"all sizes of a stack are one row"
ktap_is "$(row one_size)" "1024 196608 +1024 192-byte objects, allocated at" "one size is named"
cat $DIR/leaks >/tmp/leaks
ktap_is "$(row mixes_sizes | cut -d ' ' -f 3)" +0 "a row of many sizes grows by what is new"
rmmod gomem_mixed
ktap_is "$(dmesg | sed -n 's/.*gomem: leaked by gomem_mixed: \(.*\)+.*/\1/p')" \
	"9 objects of 32 to 8192 bytes, 16352 bytes in all, allocated at mixes_sizes" \
	"what a function lost of many sizes is one report"

# At rate 0 no object is recorded.
echo 0 >$RATE
before=$(gomem_stat profile_samples)
load && rmmod gomem_holds
ktap_is "$(gomem_stat profile_samples)" "$before" "without a profile nothing is recorded"
for bad in x -1 "" 99999999999999999999; do
	echo "$bad" >$RATE
done 2>/dev/null
ktap_is "$(cat $RATE)" 0 "other rates are refused"
ktap_is "$(gomem_stat profile_dropped)" 0 "no sample was dropped"
ktap_is "$(stat -c %a $DIR/heap $DIR/leaks | tr '\n' ' ')" "400 600 " "only root may read the files"
ktap_is "$(gomem_check)" ok "the heap is consistent"

# The lost objects are reported at unload. Remove the report from the log, where
# later tests would find it.
dmesg -c >/dev/null
rmmod gomem
ktap_is "$(dmesg | grep -c "gomem: leaked: $lost objects of 96 bytes")" 1 \
	"at its unload gomem counts what was lost"
dmesg -c >/dev/null
# Not gomem_finished: objects that the client loses stay.
ktap_finished
