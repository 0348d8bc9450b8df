#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# lifetimes.sh - the file lifetimes tells objects that are freed at once from
# those that live longer.
#
# machine: --cpus=1
# make check: not on a debug kernel

# shellcheck disable=SC2016 # awk expands the fields
# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

FILE=/sys/kernel/debug/gomem/lifetimes

ktap_print_header
ktap_set_plan 11

# of FUNCTION COMMAND: run an awk command for each row of the function's
# histogram of lifetimes. $1 is a time, $2 its unit, $3 the number of objects.
of()
{
	awk -v f="$1" '/allocated at$/ { head = $0; mine = 0; getline; if ($3 ~ "^" f "[.+]") mine = 1 }
		mine && /^ *[0-9]+ (us|ms|s) / { '"$2"' }' $FILE
}

# head_of FUNCTION: print the first three numbers of the function's heading: the
# objects freed, the objects live, and the percentage.
head_of()
{
	awk -v f="$1" '/allocated at$/ { a = $1; b = $2; c = $3; getline; if ($3 ~ "^" f "[.+]") print a, b, c }' $FILE
}

need_insmod gomem.ko profile_exact=gomem_paths
ktap_is "$(head -n 1 $FILE)" "gomem lifetimes - version: 1" "the file has a header"
ktap_is "$(stat -c %a $FILE)" 400 "only root may read it"
ktap_is "$(grep -c 'allocated at' $FILE)" 0 "nothing was freed yet"

# gomem_paths frees 160 objects at once, and 10 objects after 20 ms or more.
insmod gomem_paths.ko busy=160
ktap_is "$(head_of short_lived | cut -d ' ' -f 1-2)" "160 0" "each free is counted"
ktap_is "$(of short_lived 'n += $3; print n' | tail -n 1)" 160 "and has a lifetime"
late=$(of short_lived 'if ($2 != "us") n += $3; print n + 0' | tail -n 1)
ktap_test_result "nearly all of short_lived() died within a millisecond (but $late)" [ "$late" -le 8 ]
share=$(head_of short_lived | cut -d ' ' -f 3)
ktap_test_result "and together ($share)" [ "${share%\%}" -ge 80 ]
ktap_is "$(head_of long_lived | cut -d ' ' -f 1-2)" "10 0" "long_lived() freed ten"
ktap_is "$(of long_lived 'if ($2 == "us" || ($2 == "ms" && $1 < 16)) n += $3; print n + 0' | tail -n 1)" 0 \
	"none of which died within 16 ms"
ktap_is "$(head_of long_lived | cut -d ' ' -f 3)" "0%" "nor together"
rmmod gomem_paths

gomem_finished
