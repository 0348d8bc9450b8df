#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# accounts.sh - the file accounts shows what each account is charged with. A
# destroyed account is shown until its last object is freed.
#
# machine: --cpus=1
# make check: in User-Mode Linux

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

FILE=/sys/kernel/debug/gomem/accounts

ktap_print_header
ktap_set_plan 18

# column N: print a column of the account's row.
column()
{
	awk -v c="$1" '$12 == "gomem\\040paths" { print $c }' $FILE
}

need_insmod gomem.ko
ktap_is "$(head -n 1 $FILE)" "gomem accounts - version: 2" "the file has a header"
ktap_is "$(stat -c %a $FILE)" 600 "only root may read and write it"
ktap_is "$(grep -c live $FILE)" 0 "there is no account"

# 20 objects by each of nine functions, and the blocks of an arena. The objects
# of 112 bytes that gomem_realloc() moved are not charged any more.
insmod gomem_paths.ko account=Y
ktap_is "$(column 10)" live "an account is listed by its name"
objects=$(column 3)
ktap_test_result "each object and each block is charged ($objects)" \
	[ "$objects" -gt 200 ] && [ "$objects" -le 210 ]
bytes=$(column 1)
# The objects have 20 * (4 * 80 + 16 + 144 + 2 * 88 + 3072 + 40960) bytes. The
# arena's objects have 20 * 3000 bytes, and its blocks more.
ktap_test_result "their bytes are those of their classes ($bytes)" \
	[ "$bytes" -ge $((893760 + 60000)) ] && [ "$bytes" -le $((893760 + 200000)) ]
ktap_is "$(column 4)" "$bytes" "so is the peak: gomem_realloc() moves a charge, and frees none"
ktap_is "$(column 5) $(column 6) $(column 7) $(column 8) $(column 9)" "0 0 0 0 0" \
	"there is no limit, and no failure"
rmmod gomem_paths
ktap_is "$(column 10)" "" "a destroyed account without objects is gone"

# A hard limit that is too small for the objects of 40000 bytes.
insmod gomem_paths.ko account=Y hard=300000
ktap_test_result "at the hard limit allocations fail" [ "$(column 7)" -gt 0 ]
ktap_test_result "and the account stays below it ($(column 1))" [ "$(column 1)" -le 300000 ]
rmmod gomem_paths

insmod gomem_paths.ko account=Y orphan=Y
ktap_is "$(column 10)" destroyed "a destroyed account with objects is listed as destroyed"
ktap_is "$(column 3)" "$objects" "with all of its objects"
rmmod gomem_paths
ktap_is "$(column 10)" "" "until the last one is freed"

# Each limit of a module may be given once.
need_insmod gomem_keeper.ko
limits()
{
	awk '$11 == "module" && $12 == "gomem_keeper" { print $5, $6 }' $FILE
}
accepted=
for bad in 'soft=1M soft=2M' 'hard=1M soft=1M hard=1M' 'soft=1M hard=2M x' 'soft=1M\nhard=1M' \
	'soft=1M\0hard=1M' 'soft=1Mx' 'soft=1M  hard=2M'; do
	if printf %b "gomem_keeper $bad" 2>/dev/null >$FILE; then
		accepted="$accepted $bad"
	fi
done
ktap_is "$accepted$(limits)" "0 0" "a limit that is given twice is refused, as is other garbage"
echo "gomem_keeper hard=2M soft=1M" >$FILE
echo "gomem_keeper hard=3M" >$FILE
ktap_is "$(limits)" "1048576 3145728" "a limit that is not given stays"
rmmod gomem_keeper

ktap_is "$(gomem_check)" ok "the heap is consistent"

gomem_finished
