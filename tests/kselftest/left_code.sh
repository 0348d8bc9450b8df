#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# left_code.sh - a module is unloaded while gomem still has pointers to its
# functions: cleanups and a constructor. gomem reports each once, and never
# calls it again.

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

USE=/sys/module/gomem_keeper/parameters/use
CALLS=/sys/module/gomem_keeper/parameters/calls
TAKEN=/sys/module/gomem_keeper/parameters/taken
RATE=/sys/module/gomem/parameters/profile_rate

ktap_print_header
ktap_set_plan 26

# left: print how many lines of the log name a function that the module left.
left()
{
	dmesg | grep -c 'gomem: .* of module gomem_quitter\|with module gomem_quitter'
}

need_insmod gomem.ko
echo 1 >$RATE
need_insmod gomem_keeper.ko

# Cleanups. gomem_keeper frees the objects after gomem_quitter was unloaded.
need_insmod gomem_quitter.ko leave=cleanup
dmesg -c >/dev/null
rmmod gomem_quitter
line='gomem: 3 cleanups of module gomem_quitter were not canceled: dropped. One is clean_up+0x.* \[gomem_quitter\] of .*64-byte object .*, registered by .*\[gomem_quitter\]'
ktap_is "$(dmesg | grep -c "$line")" 1 "cleanups are reported with their module, their number and a site"
ktap_is "$(left)" 1 "once"
ktap_test_result "with the stack that allocated the object" \
	sh -c "dmesg | grep -q 'leave_cleanup+0x.*gomem_quitter'"
ktap_is "$(gomem_stat left_cleanups_detected)" 3 "each is counted"
echo free >$USE
ktap_is "$(cat $CALLS)" 0 "a free does not call them"
ktap_is "$(gomem_check)" ok "the heap is consistent"

# Cleanups that run, or are about to run, while the module is unloaded.
need_insmod gomem_quitter.ko leave=rcu
dmesg -c >/dev/null
rmmod gomem_quitter
ktap_is "$(cat $CALLS)" 3 "cleanups of objects that wait for RCU run before the code goes"
ktap_is "$(left)" 0 "and are not reported"

need_insmod gomem_quitter.ko leave=cleanup slow=Y
dmesg -c >/dev/null
echo free >$USE &
sleep 0.2
rmmod gomem_quitter
wait
# The first cleanup runs when the unload begins. The unload may drop the others
# before they run.
calls=$(cat $CALLS)
dropped=$(($(gomem_stat left_cleanups_detected) - 3))
ktap_test_result "a cleanup that runs may end ($((calls - 3)) ran, $dropped dropped)" \
	[ "$((calls - 3 + dropped))" -eq 3 -a "$calls" -gt 3 ]
ktap_test_result "at most one report" [ "$(left)" -le 1 ]

# A load that fails ends with an unload. The insmod of busybox tries twice, by
# two system calls.
dmesg -c >/dev/null
before=$(gomem_stat left_cleanups_detected)
insmod gomem_quitter.ko leave=cleanup fail=Y 2>/dev/null
ktap_test_result "so are the cleanups of a module that fails to load" \
	[ $(($(gomem_stat left_cleanups_detected) - before)) -ge 3 ]
calls=$(cat $CALLS)
echo free >$USE
ktap_is "$(cat $CALLS)" "$calls" "which are not called, either"

# A typed cache whose constructor is unloaded.
need_insmod gomem_quitter.ko leave=constructor
echo take >$USE
ktap_is "$(cat $TAKEN)" 200 "a cache with a constructor"
calls=$(cat $CALLS)
dmesg -c >/dev/null
rmmod gomem_quitter
line='gomem: cache of quitter loses its constructor with module gomem_quitter: it constructs no more objects, 3 of 64 bytes are live'
ktap_is "$(dmesg | grep -c "$line")" 1 "the unload is reported"
ktap_is "$(left)" 1 "once"
ktap_is "$(gomem_stat left_constructors_detected)" 1 "and counted"
before=$(gomem_stat bad_caches_detected)
echo take >$USE
ktap_is "$(cat $TAKEN)" 0 "an allocation is refused"
line='gomem: allocation refused: the constructor of cache of quitter was unloaded with its module, by .*\[gomem_keeper\]'
ktap_is "$(dmesg | grep -c "$line")" 1 "and reported"
echo bulk >$USE
ktap_is "$(cat $TAKEN)" 0 "so is a bulk call"
ktap_is "$(($(gomem_stat bad_caches_detected) - before))" 2 "each is counted"
echo free >$USE
echo take >$USE
echo bulk >$USE
ktap_is "$(cat $TAKEN)" 0 "a bulk call is refused as a whole"
ktap_is "$(cat $CALLS)" "$calls" "no constructor was called"
dmesg -c >/dev/null
echo close >$USE
ktap_is "$(dmesg | grep -c gomem:)" 0 "the objects can be freed, and the cache destroyed"
ktap_is "$(gomem_check)" ok "the heap is consistent"
echo 524288 >$RATE
ktap_is "$(grep -c quitter /sys/kernel/debug/gomem/caches)" 0 "nothing is left of it"
gomem_finished
