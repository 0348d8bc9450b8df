#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# module_accounts.sh - the file accounts has a row for each module, with the
# bytes that are not charged to an account, and sets limits for a module.
#
# machine: --cpus=1
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

FILE=/sys/kernel/debug/gomem/accounts
RATE=/sys/module/gomem/parameters/profile_rate

ktap_print_header
ktap_set_plan 27

# column N: print a column of the account's row.
column()
{
	awk -v c="$1" '$12 == "gomem\\040paths" { print $c }' $FILE
}

# module NAME N: print a column of a module's row.
module()
{
	awk -v m="$1" -v c="$2" '$11 == "module" && $12 == m { print $c }' $FILE
}

# limit TEXT: set limits, and print the error.
limit()
{
	write_error "$1" $FILE
}

need_insmod gomem.ko
# A module has a row while it is loaded. Bytes that are charged to an account
# are not in that row.
need_insmod gomem_keeper.ko
ktap_is "$(module gomem_keeper 1) $(module gomem_keeper 10)" "0 live" "a module that is linked to gomem has a row when it is loaded"
ktap_is "$(grep -vc '#\|version' $FILE)" 1 "other modules have none"
rmmod gomem_keeper
ktap_is "$(module gomem_keeper 1)" "" "the row goes with the module"

insmod gomem_holds.ko mib=20 turns=0
ktap_is "$(grep -c gomem_holds $FILE)" 1 "a module has one row"
bytes=$(module gomem_holds 1)
error=$(module gomem_holds 2)
ktap_test_result "at the default rate its bytes are estimated ($bytes of 22020096, error $error)" \
	[ "$bytes" -ge 5000000 -a "$bytes" -le 90000000 -a "$error" -gt 500000 ]
of_file=$(awk '$6 == "gomem_holds" { print $1 }' /sys/kernel/debug/gomem/modules)
off=$(((of_file - bytes) * 1000 / bytes))
ktap_test_result "as in the file modules ($of_file)" [ "$off" -ge -5 -a "$off" -le 5 ]
ktap_test_result "so is the peak ($(module gomem_holds 4))" [ "$(module gomem_holds 4)" -ge "$bytes" ]
rmmod gomem_holds

echo 1 >$RATE
insmod gomem_paths.ko
all="$(module gomem_paths 1) $(module gomem_paths 2) $(module gomem_paths 3)"
rmmod gomem_paths
insmod gomem_paths.ko account=Y
rest="$(module gomem_paths 1) $(module gomem_paths 2) $(module gomem_paths 3)"
ktap_is "$((${all%% *} - ${rest%% *})) 0 $((${all##* } - ${rest##* }))" "$(column 1) $(column 2) $(column 3)" \
	"what its account pays for is not in the row of the module ($all: $rest)"
ktap_test_result "not even at the peak ($(module gomem_paths 4) of $(column 4))" \
	[ "$(module gomem_paths 4)" -lt "$(column 4)" ]
rmmod gomem_paths
echo 0 >$RATE
insmod gomem_paths.ko
ktap_is "$(module gomem_paths 1) $(module gomem_paths 3)" "819200 20" "large objects are exact without a profile"
rmmod gomem_paths
insmod gomem_paths.ko account=Y
ktap_is "$(module gomem_paths 1) $(module gomem_paths 3)" "0 0" "and an account that pays for them has them"
rmmod gomem_paths
echo 1 >$RATE

# gomem_holds keeps 2 MiB, and loses 5 of 5000 objects of 96 bytes.
insmod gomem_holds.ko mib=1 turns=5000 leak=1
ktap_is "$(module gomem_holds 1) $(module gomem_holds 4)" "2097632 $((2097632 + 96))" \
	"exact: the bytes, and the peak, with the object that was freed last"
rmmod gomem_holds
ktap_is "$(module gomem_holds 1) $(module gomem_holds 3) $(module gomem_holds 10)" "480 5 unloaded" \
	"a module that left objects keeps its row for them"

# Wrong limits are refused, and others take effect.
ktap_is "$(limit "no_such_module soft=1M")" "No such file or directory" "a module that was never loaded has no limit"
ktap_is "$(limit "gomem_holds soft=1M hard=x")" "Invalid argument" "a limit that is no number is refused"
ktap_is "$(limit "gomem_holds most=1M")" "Invalid argument" "and one of another kind"
ktap_is "$(module gomem_holds 5) $(module gomem_holds 6)" "0 0" "they change nothing"
ktap_is "$(limit "gomem_holds soft=1M hard=64M")" "" "limits are set"
ktap_is "$(module gomem_holds 5) $(module gomem_holds 6)" "1048576 67108864" "and shown"
dmesg -c >/dev/null
insmod gomem_holds.ko mib=4 turns=10
ktap_is "$(dmesg | grep -c 'gomem: module gomem_holds has about .* bytes, above its soft limit of 1048576')" 1 \
	"the soft limit is reported once"
ktap_is "$(module gomem_holds 9)" 1 "and counted"
rmmod gomem_holds
limit "gomem_holds hard=3M"
insmod gomem_holds.ko mib=4 turns=10 2>/dev/null
ktap_is "$(module gomem_holds 10)" unloaded "at the hard limit allocations fail"
ktap_test_result "and are counted ($(module gomem_holds 7))" [ "$(module gomem_holds 7)" -ge 1 ]
ktap_test_result "the module stays within it ($(module gomem_holds 4))" [ "$(module gomem_holds 4)" -le $((3145728 + 4096)) ]
insmod gomem_paths.ko
ktap_is "$(module gomem_paths 7)" 0 "other modules do not fail"
rmmod gomem_paths
limit "gomem_holds hard=0 soft=0"
insmod gomem_holds.ko mib=4 turns=10
ktap_is "$(module gomem_holds 10) $(module gomem_holds 7)" "live 0" "without the limit they succeed"
rmmod gomem_holds
echo 524288 >$RATE

ktap_is "$(gomem_check)" ok "the heap is consistent"
rmmod gomem
dmesg -c >/dev/null
# Not gomem_finished: objects that the client loses stay.
ktap_finished
