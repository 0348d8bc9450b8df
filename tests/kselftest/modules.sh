#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# modules.sh - the file modules names the module whose code has the most memory,
# and keeps the row of a module that is gone while objects of it are left.
#
# machine: --cpus=1
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

FILE=/sys/kernel/debug/gomem/modules
RATE=/sys/module/gomem/parameters/profile_rate

ktap_print_header
ktap_set_plan 11

# row MODULE: print the numbers of a module, and what follows its name.
row()
{
	awk -v m="$1" '$5 == m { print $1, $2, $3, $4 ($6 ? " " $6 : "") }' $FILE
}

need_insmod gomem.ko
ktap_is "$(head -n 1 $FILE)" "gomem modules - version: 1" "the file has a header"
ktap_is "$(stat -c %a $FILE)" 400 "only root may read it"
ktap_is "$(grep -c 'estimated from one sample in 524288 bytes' $FILE)" 1 "it says that it estimates"

# 20 MiB are 40 samples, so 16 % is the deviation. One sample of gomem_holds is
# in its init function.
insmod gomem_holds.ko mib=20 turns=1000
got=$(row gomem_holds | cut -d ' ' -f 1)
ktap_test_result "at the default rate the bytes of a module are estimated (${got:-none} of 22020096)" \
	[ "${got:-0}" -ge 5000000 ] && [ "${got:-0}" -le 90000000 ]
rmmod gomem_holds
ktap_is "$(row gomem_holds)" "" "the row of a module without objects goes with it"

# 2 MiB in objects of 256 bytes, 1 MiB in objects of 1024, and of 5000 objects of
# 96 bytes 5 stay.
echo 1 >$RATE
insmod gomem_holds.ko mib=2 turns=5000 leak=1
ever=$(row gomem_holds | cut -d ' ' -f 3-4)
ktap_is "$(row gomem_holds | cut -d ' ' -f 1-2)" "3146208 9221" "exact: bytes and objects in use"
# The estimates of the first load are part of what was ever allocated.
ktap_test_result "exact: ever allocated ($ever)" [ "${ever%% *}" -ge 3625728 ]
ktap_is "$(awk '!/#|^gomem/ { print $5; exit }' $FILE)" gomem_holds "the module with the most bytes comes first"
ktap_is "$(awk "/^ *[0-9]/ { if (n++ && \$1 > last) print; last = \$1 }" $FILE)" "" "the rows are sorted"
rmmod gomem_holds
ktap_is "$(row gomem_holds | cut -d ' ' -f 1,2,5)" "480 5 unloaded" "a module that is gone keeps its row for what it left"
insmod gomem_holds.ko mib=2 turns=5000
ktap_is "$(row gomem_holds | cut -d ' ' -f 1,2)" "3146688 9226" "and the row counts on when it is back"
rmmod gomem_holds

rmmod gomem
dmesg -c >/dev/null
# Not gomem_finished: objects that the client loses stay.
ktap_finished
