#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# modules.sh - the file modules names the module whose code allocated the most
# live memory. It keeps the row of an unloaded module while objects of that
# module are live.
#
# machine: --cpus=1
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

FILE=/sys/kernel/debug/gomem/modules
RATE=/sys/module/gomem/parameters/profile_rate

ktap_print_header
ktap_set_plan 20

# row MODULE: print the numbers of a module, except for the error of the
# estimate, and what follows its name.
row()
{
	awk -v m="$1" '$6 == m { print $1, $3, $4, $5 ($7 ? " " $7 : "") }' $FILE
}

# error MODULE: print the error of the estimate of the module's bytes.
error()
{
	awk -v m="$1" '$6 == m { print $2 }' $FILE
}

# estimate: load and unload gomem_holds. Print the estimate of its bytes, and
# the error of the estimate. The pause lets the CPUs earn the right to record all
# samples of the load, however fast the machine is: see gomem/base/sample.h.
estimate()
{
	sleep 0.5
	insmod gomem_holds.ko mib=20 turns=1000
	awk '$6 == "gomem_holds" { print $1, $2 }' $FILE
	rmmod gomem_holds
}

need_insmod gomem.ko
ktap_is "$(head -n 1 $FILE)" "gomem modules - version: 2" "the file has a header"
ktap_is "$(stat -c %a $FILE)" 400 "only root may read it"
ktap_is "$(grep -c 'estimated from one sample in 524288 bytes' $FILE)" 1 "it says that it estimates"

# 20 MiB are 40 samples, so the standard deviation is 16 %.
insmod gomem_holds.ko mib=20 turns=1000
got=$(row gomem_holds | cut -d ' ' -f 1)
ktap_test_result "at the default rate the bytes of a module are estimated (${got:-none} of 22020096)" \
	[ "${got:-0}" -ge 5000000 ] && [ "${got:-0}" -le 90000000 ]
error=$(error gomem_holds)
ktap_test_result "their error is stated ($error)" [ "${error:-0}" -gt 500000 ]
rmmod gomem_holds
ktap_is "$(row gomem_holds)" "" "the row of a module without objects goes with it"

# Two of three estimates should be off by less than the shown error, and 19 of
# 20 by less than twice the error.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	estimate
done >/tmp/estimates
ktap_is "$(grep -c . /tmp/estimates)" 10 "ten estimates"
right=$(awk '{ off = $1 - 22020096; if (off < 0) off = -off; if (off <= 3 * $2) n++ } END { print n + 0 }' /tmp/estimates)
ktap_test_result "$right of 10 are off by less than three times their error" [ "$right" -ge 7 ]
ktap_print_msg "$(cat /tmp/estimates)"

# gomem_holds keeps 2 MiB in objects of 256 bytes and 1 MiB in objects of 1024
# bytes. It loses 5 of 5000 objects of 96 bytes.
echo 1 >$RATE
insmod gomem_holds.ko mib=2 turns=5000 leak=1
ever=$(row gomem_holds | cut -d ' ' -f 3-4)
ktap_is "$(row gomem_holds | cut -d ' ' -f 1-2)" "3146208 9221" "exact: bytes and objects in use"
# The bytes ever allocated include estimates from earlier loads, so they are not
# exact.
ktap_test_result "exact: ever allocated ($ever)" [ "${ever%% *}" -ge 3625728 ]
ktap_is "$(error gomem_holds)" 0 "exact numbers have no error"
ktap_is "$(awk '!/#|^gomem/ { print $6; exit }' $FILE)" gomem_holds "the module with the most bytes comes first"
ktap_is "$(awk "/^ *[0-9]/ { if (n++ && \$1 > last) print; last = \$1 }" $FILE)" "" "the rows are sorted"
rmmod gomem_holds
ktap_is "$(row gomem_holds | cut -d ' ' -f 1,2,5)" "480 5 unloaded" "a module that is gone keeps its row for what it left"
insmod gomem_holds.ko mib=2 turns=5000
ktap_is "$(row gomem_holds | cut -d ' ' -f 1,2)" "3146688 9226" "and the row counts on when it is back"
rmmod gomem_holds

# Objects of more than 32 KiB are counted, whatever the rate is. gomem_paths has
# 20 of them. gomem_misuse loses one, and smaller objects, which are not counted
# at rate 0.
echo 0 >$RATE
insmod gomem_paths.ko
ktap_is "$(row gomem_paths | cut -d ' ' -f 1,2) $(error gomem_paths)" "819200 20 0" "large objects are exact without a profile"
echo 524288 >$RATE
ktap_is "$(row gomem_paths | cut -d ' ' -f 1,2) $(error gomem_paths)" "819200 20 0" "a profile that begins later has nothing to add"
rmmod gomem_paths
ktap_is "$(row gomem_paths)" "" "and they are gone when they are freed"
echo 0 >$RATE
insmod gomem_misuse.ko case=leak
ktap_is "$(row gomem_misuse | cut -d ' ' -f 1,2)" "106496 1" "a large object of another module"
rmmod gomem_misuse
# gomem_paths may be loaded to the same address.
insmod gomem_paths.ko
ktap_is "$(row gomem_misuse | cut -d ' ' -f 1,2,5)" "106496 1 unloaded" "it stays that module's when the module is gone"
rmmod gomem_paths

rmmod gomem
dmesg -c >/dev/null
# Not gomem_finished: objects that the client loses stay.
ktap_finished
