#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# words.sh - how much memory a million short strings take, with gomem and with
# kmalloc(). make check tests only some lengths, and replaces no strings.
#
# machine: --memory=512M
# machine debug: --memory=2G
# make check: not on a debug kernel
# make check: not on an older kernel
# own machine: other tests leave pages on per-CPU lists: free memory changes
#
# Memory held is the decrease of the machine's free memory, for both allocators.
# It includes the allocator's own tables, and memory that CPUs keep. It does not
# include the index of the strings, which is allocated before. After the first
# fill, a random half of the strings is freed and allocated again. Then random
# strings are replaced, twice as many as there are strings.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

MIXES="1 2 3 4 5 6 7 8 9 15 uniform words"
[ -z "${KTAP_QUICK:-}" ] || MIXES="4 uniform words"
words_params=/sys/module/gomem_words/parameters

# Number of strings. With fewer, the pages that CPUs happen to keep would be too
# large a share.
n=1000000
# On the debug kernel, KASAN and kmemleak make each string slow, so there are
# fewer.
debug_kernel && n=5000

words_cmd()
{
	(echo "$*" >$words_params/cmd) 2>/dev/null || failed="$failed $*;"
}

# Before each measurement, give back gomem's free memory and empty slabs.
settle()
{
	echo 1 >"$gomem_dir/scavenge"
	for file in /sys/kernel/slab/kmalloc-*/shrink; do
		[ ! -e "$file" ] || echo 1 >"$file"
	done
	sleep 0.2
}

# held: print the memory held for each string, in hundredths of a byte.
held()
{
	echo $(((start - $(free_bytes)) * 100 / n))
}

# replace MIX: free half of the strings and allocate them again, then replace
# random strings. Set again and churned to the bytes held after these steps.
replace()
{
	words_cmd free 50
	words_cmd fill "$1"
	again=$(held)
	words_cmd churn "$1"
	words_cmd churn "$1"
	churned=$(held)
}

measure()
{
	insmod gomem_words.ko allocator="$1" places="$n" || failed="$failed insmod;"
	for mix in $MIXES; do
		settle
		start=$(free_bytes)
		words_cmd fill "$mix"
		full=$(held)
		again=0
		churned=0
		[ -n "${KTAP_QUICK:-}" ] || replace "$mix"
		words_cmd free 100
		echo "$1 $mix $full $again $churned"
	done
	rmmod gomem_words || failed="$failed rmmod;"
}

# of ALLOCATOR MIX COLUMN: print a column of the results for this allocator and
# mix.
of()
{
	echo "$results" | awk -v a="$1" -v m="$2" -v c="$3" '$1 == a && $2 == m { print $c }'
}

bytes()
{
	awk -v n="$1" 'BEGIN { printf "%.2f\n", n / 100 }'
}

print_table()
{
	echo "# bytes held for each of $n strings: filled, half of them freed and made anew,"
	echo "# and twice as many as there are replaced one by one (0: not measured)"
	format='# %-8s %7s %7s %6s   %7s %7s   %7s %7s\n'
	# shellcheck disable=SC2059
	printf "$format" bytes kmalloc gomem ratio kmalloc gomem kmalloc gomem
	for mix in $MIXES; do
		k=$(of kmalloc "$mix" 3)
		g=$(of gomem "$mix" 3)
		# shellcheck disable=SC2059
		printf "$format" "$mix" "$(bytes "$k")" "$(bytes "$g")" \
			"$(awk -v a="$g" -v b="$k" 'BEGIN { printf "%.2f", b ? a / b : 0 }')" \
			"$(bytes "$(of kmalloc "$mix" 4)")" "$(bytes "$(of gomem "$mix" 4)")" \
			"$(bytes "$(of kmalloc "$mix" 5)")" "$(bytes "$(of gomem "$mix" 5)")"
	done
}

# MIX:LIMIT, where LIMIT is a percentage of the bytes that kmalloc() holds.
BOUNDS="1:35 2:35 3:60 4:60 5:104 6:107 7:104 8:104 9:104 15:104 uniform:90 words:85"

# is_met MIX LIMIT: does gomem hold at most LIMIT percent of what kmalloc()
# holds?
is_met()
{
	[ $(($(of gomem "$1" 3) * 100)) -le $(($(of kmalloc "$1" 3) * $2)) ]
}

misses_bound()
{
	! debug_kernel || return 1
	for bound in $BOUNDS; do
		case " $MIXES " in
		*" ${bound%:*} "*) is_met "${bound%:*}" "${bound#*:}" || return 0 ;;
		esac
	done
	return 1
}

ktap_print_header
# shellcheck disable=SC2086 # words are what is wanted
ktap_set_plan $(($(printf '%s\n' $MIXES | wc -l) + 4))
need_insmod gomem.ko
failed=
# The kernel's own memory changes, too, by one percent of the sum. So the test
# fails only if a bound is exceeded in three measurements. If a command failed,
# there is only one.
for _ in 1 2 3; do
	results=$(measure gomem; measure kmalloc; echo "failed$failed")
	print_table
	[ "$(echo "$results" | grep '^failed')" = failed ] || break
	misses_bound || break
done
ktap_is "$(echo "$results" | grep '^failed')" failed "$n strings live and die undamaged"

for bound in $BOUNDS; do
	mix=${bound%:*}
	limit=${bound#*:}
	case " $MIXES " in
	*" $mix "*) ;;
	*) continue ;;
	esac
	name="$mix: at most $limit % of kmalloc()"
	if debug_kernel; then
		ktap_test_skip "$name" "KASAN is at work"
	else
		ktap_test_result "$name" is_met "$mix" "$limit"
	fi
done
ktap_is "$(gomem_check)" ok "the heap is sound"
rmmod gomem
gomem_came_back
gomem_finished
