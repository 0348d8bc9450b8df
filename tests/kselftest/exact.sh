#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# exact.sh - if profile_exact names a module, gomem records each object of that
# module, in whatever way the module allocates it. Objects of other modules are
# sampled.
#
# machine: --cpus=1

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

DIR=/sys/kernel/debug/gomem
EXACT=/sys/module/gomem/parameters/profile_exact
RATE=/sys/module/gomem/parameters/profile_rate

ktap_print_header
ktap_set_plan 34

# live FUNCTION COLUMN: print the objects (1) or the bytes (2) that the file
# leaks has for a function as the innermost frame. A name with a suffix, as of a
# copy that the compiler made, counts as the function.
live()
{
	awk -v f="$1" -v c="$2" '/allocated at$/ { n = $c; getline; if ($3 ~ "^" f "[.+]") sum += n }
		END { print sum + 0 }' $DIR/leaks
}

# of_module MODULE COLUMN: print a column of the module's row in the file
# modules.
of_module()
{
	awk -v m="$1" -v c="$2" '$6 == m { print $c }' $DIR/modules
}

need_insmod gomem.ko
ktap_is "$(cat $EXACT)" "" "no module is named at first"

# A list of modules that is refused changes nothing.
echo gomem_paths >$EXACT
ktap_is "$(cat $EXACT)" gomem_paths "a module is named before it is loaded"
long=$(printf '%060d' 0)
many=$(seq 1 17 | sed 's/^/m/' | tr '\n' ',')
for bad in "$long" ",a" "a," "a,,b" "a b" "a;b" "all,a" "../a" "${many%,}"; do
	echo "$bad"
done | while read -r bad; do
	echo "$bad" 2>/dev/null >$EXACT && echo "$bad"
done >/tmp/accepted
ktap_is "$(cat /tmp/accepted)" "" "odd names, too long ones and too many are refused"
ktap_is "$(cat $EXACT)" gomem_paths "what is refused changes nothing"
echo "gomem-paths,other" >$EXACT
ktap_is "$(cat $EXACT)" gomem_paths,other "names may have dashes, as for modprobe"

insmod gomem_paths.ko
for path in alloc noscan tiny zalloc bulk cache cache_bulk realloc large; do
	ktap_is "$(live via_$path 1)" 20 "via_$path: each object"
done
ktap_is "$(live via_size 1)" 20 "via_size: each object that did not move"
between=$(live via_arena 2)
ktap_test_result "via_arena: the blocks of 60000 bytes ($between)" \
	[ "$between" -ge 60000 ] && [ "$between" -le 200000 ]
ktap_is "$(sed -n 's/^# exact for what is allocated now by: //p' $DIR/leaks)" gomem_paths,other \
	"leaks says whose numbers are exact"

# Another module is sampled at the same time: about one sample is taken for each
# 512 KiB.
before=$(gomem_stat profile_samples)
insmod gomem_holds.ko mib=20 turns=1000
samples=$(($(gomem_stat profile_samples) - before))
ktap_test_result "another module is sampled ($samples samples)" \
	[ $samples -ge 5 ] && [ $samples -le 200 ]
got=$(live holds_much 2)
ktap_test_result "and its bytes are estimated ($got of 20971520)" \
	[ "$got" -ge 5000000 ] && [ "$got" -le 90000000 ]
ktap_is "$(sed -n '1s/.*@ //p' $DIR/heap)" heap/2 "the file heap has the rate 1"
rmmod gomem_holds
ktap_is "$(of_module gomem_holds 3)" "" "no object of the other one is left"
ktap_is "$(of_module gomem_paths 3)" "$(awk '/allocated at$/ { n += $1 } END { print n }' $DIR/leaks)" \
	"the file modules agrees with leaks"
# gomem_holds may have had the addresses that the init section of gomem_paths
# had before.
ktap_is "$(of_module gomem_paths 7)" "" "a module that is loaded is not taken for unloaded"
rmmod gomem_paths
ktap_is "$(of_module gomem_paths 3)" "" "no record outlives its object"

# The kernel allocates for a module with a memory pool: 20 objects, and the
# pool's reserve of one. The module loses the first of the 20. They are not
# refused, although the module has more than its hard limit by then: the kernel
# would wait for ever.
echo "gomem_paths hard=300000" >$DIR/accounts
insmod gomem_paths.ko
without=$(of_module gomem_paths 3)
ktap_test_result "a hard limit refuses objects ($without)" [ "$without" -lt 200 ]
rmmod gomem_paths
dmesg -c >/dev/null
insmod gomem_paths.ko pool=Y
ktap_is "$(($(of_module gomem_paths 3) - without))" 21 "objects of a memory pool are the module's"
rmmod gomem_paths
echo "gomem_paths hard=0" >$DIR/accounts
ktap_is "$(dmesg | sed -n 's/.*gomem: leaked by gomem_paths: \([^+.]*\)[+.].*/\1/p')" \
	"1 objects of 512 bytes, allocated at via_mempool" "so is a lost one"
echo "" >$EXACT
ktap_is "$(of_module gomem_paths 3)" 1 "which stays the module's when it is gone"
echo gomem_paths >$EXACT

# profile_exact changes at run time: for a module that is loaded, and for all.
echo >$EXACT
ktap_is "$(cat $EXACT)" "" "no module is named any more"
insmod gomem_holds.ko mib=1 turns=1000
echo all >$EXACT
before=$(gomem_stat profile_samples)
insmod gomem_paths.ko
ktap_test_result "all: each object of all modules" \
	[ $(($(gomem_stat profile_samples) - before)) -ge 220 ]
rmmod gomem_paths
echo 0 >$RATE
echo gomem_paths >$EXACT
insmod gomem_paths.ko
ktap_is "$(live via_alloc 1)" 20 "with profile_rate=0 the others are not sampled"
rmmod gomem_paths gomem_holds
echo "" >$EXACT
before=$(gomem_stat profile_samples)
insmod gomem_paths.ko
ktap_is "$(gomem_stat profile_samples)" "$before" "switched off, it records nothing"
rmmod gomem_paths
ktap_is "$(gomem_check)" ok "the heap is consistent"

# The lost object is reported at unload. Remove the report from the log, where
# later tests would find it.
dmesg -c >/dev/null
rmmod gomem
ktap_is "$(dmesg | sed -n 's/.*gomem: leaked: //p')" "1 objects of 512 bytes" \
	"at its unload gomem counts what was lost, and nothing else"
dmesg -c >/dev/null
# Not gomem_finished: the object stays lost.
ktap_finished
