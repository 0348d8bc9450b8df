#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# toggle.sh - profile_exact and profile_rate change all the time, while threads
# and interrupts allocate and free in all ways. Afterwards no record is left in
# the profile, and the heap is sound.
#
# Each change of a parameter changes code. If the emulated CPUs have threads of
# their own, QEMU 7.2 often kills the kernel by that: see is_emulator_race() in
# scripts/lib/results.sh. So here they take turns.
#
# machine: --accel=single
# make check: not on a debug kernel
# make check: not on an older kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

DIR=/sys/kernel/debug/gomem
PARAMETERS=/sys/module/gomem/parameters
RUNNING=/run/toggle.running

seconds=$(scaled 24)
[ "$seconds" -ge 4 ] || seconds=4

ktap_print_header
ktap_set_plan 16

# Print how often the parameters were changed.
toggle()
{
	n=0
	while [ -e $RUNNING ]; do
		for exact in gomem_torture "" all gomem_rcu,gomem_paths gomem_paths all; do
			for rate in 524288 1 0 4096; do
				echo "$exact" >$PARAMETERS/profile_exact || echo "failed: $exact"
				echo $rate >$PARAMETERS/profile_rate || echo "failed: $rate"
				n=$((n + 2))
			done
		done
	done
	echo "$n"
}

# Load and unload clients that allocate in each way, with typed caches, accounts
# and arenas. Read a file of the profile each time, but not those that print all
# of the thousands of stacks and take many seconds. Print the number of rounds.
come_and_go()
{
	n=0
	while [ -e $RUNNING ]; do
		insmod gomem_paths.ko busy=32 || echo failed
		rmmod gomem_paths || echo failed
		insmod gomem_paths.ko account=Y || echo failed
		cat $DIR/modules >/dev/null || echo failed
		rmmod gomem_paths || echo failed
		n=$((n + 2))
	done
	echo "$n"
}

# in_use FILE: print the number of live objects that a file of the profile
# shows.
in_use()
{
	case $1 in
	heap) sed -n '1s/^heap profile: \([0-9]*: [0-9]*\) .*/\1/p' $DIR/heap ;;
	leaks) awk '/allocated at$/ { n += $1 } END { print n + 0 }' $DIR/leaks ;;
	modules) awk '/^ *[0-9]/ { n += $3; error += $2 } END { print n + 0, error + 0 }' $DIR/modules ;;
	esac
}

need_insmod gomem.ko
: >$RUNNING
toggle >/tmp/toggle.turns 2>&1 &
come_and_go >/tmp/toggle.loads 2>&1 &
insmod gomem_rcu.ko seconds="$seconds" &
rcu=$!
insmod gomem_torture.ko seconds="$seconds" max_size=100000
ktap_is $? 0 "torture for $seconds s"
wait $rcu
ktap_is $? 0 "and frees after a grace period"
rm $RUNNING
wait
ktap_test_result "the profile was changed $(cat /tmp/toggle.turns) times" \
	[ "$(cat /tmp/toggle.turns)" -ge 48 ]
ktap_test_result "clients were loaded $(cat /tmp/toggle.loads) times meanwhile" \
	[ "$(cat /tmp/toggle.loads)" -ge 2 ]
ktap_test_result "objects were recorded ($(gomem_stat profile_samples))" \
	[ "$(gomem_stat profile_samples)" -gt 1000 ]

rmmod gomem_torture gomem_rcu 2>/dev/null
ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
ktap_is "$(in_use heap)" "0: 0" "heap: nothing is in use"
ktap_is "$(in_use leaks)" 0 "leaks: no object is left"
ktap_is "$(in_use modules)" "0 0" "modules: nor of any module, nor an error"
ktap_is "$(dmesg | grep -c 'gomem: leaked by')" 0 "nothing was reported as leaked"
ktap_is "$(gomem_check)" ok "the heap is sound"
ktap_is "$(awk '/_(detected|refused): / && $2 != 0' $DIR/stats)" "" "no misuse was found"

# The profile works as before. A compiler that unrolls the loop of calls makes
# several stacks of one.
echo >$PARAMETERS/profile_exact
echo 1 >$PARAMETERS/profile_rate
insmod gomem_paths.ko
ktap_is "$(awk '/allocated at$/ { n = $1; getline; if ($3 ~ "^via_alloc[.+]") sum += n }
	END { print sum }' $DIR/leaks)" 20 \
	"the profile still records each object"
rmmod gomem_paths
ktap_is "$(in_use modules)" "0 0" "and its free"
echo 524288 >$PARAMETERS/profile_rate
ktap_is "$(gomem_check)" ok "the heap is still sound"
gomem_finished
