#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# wordcount_answer.sh - the example client gives the same answer as tr | sort |
# uniq -c, with either allocator and for all types of files. While its words are
# live, gomem's statistics agree with the client's own counters.
#
# make check: only in User-Mode Linux

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/wordcount.lib
. "$here/wordcount.lib"

# Number of results of a set of files: one for each allocator, and one for the
# statistics.
per_set=3

words=$(scaled 200000)

# make_words N DISTINCT: print N words from a random generator that gives the
# same numbers in every awk. Words with smaller numbers are more frequent.
make_words()
{
	awk -v n="$1" -v distinct="$2" 'BEGIN {
		for (x = 1; n; n--) {
			x = (x * 16807) % 2147483647
			y = x / 2147483647
			printf "%s%d%s", x % 3 ? "distinction" : "Distinct", int(y * y * y * distinct),
				n % 10 ? " " : ".\n"
		}
	}'
}

# long_word LENGTH: print a word of LENGTH letters.
long_word()
{
	head -c "$1" /dev/zero | tr '\0' x
}

# violated: print the first rule that the statistics break.
violated()
{
	cat "$gomem_stats" $wordcount/summary | awk '
	{ v[substr($1, 1, length($1) - 1)] = $2 }
	function rule(holds, text) {
		if (!holds && !broken) {
			print text
			broken = 1
		}
	}
	END {
		rule("sys" in v && "objects" in v, "statistics and summary are there")
		rule(v["mallocs"] - v["frees"] == v["heap_objects"], "mallocs - frees == heap_objects")
		rule(v["heap_objects"] == v["objects"], "heap_objects == the objects of the client")
		# The client counts an object of less than 16 bytes, which may
		# share a block, as 8 or 16 bytes.
		tiny = v["tiny_allocs"] - v["tiny_frees"]
		shared = v["bytes_held"] - (v["heap_alloc"] - 16 * v["tiny_blocks"])
		rule(shared >= 8 * tiny && shared <= 16 * tiny,
		     "heap_alloc == the bytes the client holds, but for shared blocks")
		rule(v["bytes_held"] >= v["bytes_requested"], "bytes_held >= bytes_requested")
		rule(v["heap_alloc"] + v["heap_cached"] <= v["heap_inuse"],
		     "heap_alloc + heap_cached <= heap_inuse")
		rule(v["heap_inuse"] + v["heap_idle"] == v["heap_sys"],
		     "heap_inuse + heap_idle == heap_sys")
		rule(v["mspan_inuse"] <= v["mspan_sys"], "mspan_inuse <= mspan_sys")
		rule(v["heap_sys"] + v["scratch_sys"] + v["mspan_sys"] + v["mcache_sys"] + v["meta_sys"] == v["sys"],
		     "heap_sys + scratch_sys + mspan_sys + mcache_sys + meta_sys == sys")
	}'
}

# load_right ALLOCATOR FILE...: succeeds if the client's answer is right.
load_right()
{
	wordcount_load "$@" && cmp "$tmp/want" $wordcount/counts >"$tmp/error" 2>&1
}

# check_answer NAME ALLOCATOR FILE...: pass if the client's answer is right. One
# result.
check_answer()
{
	answer_name="$1: the right answer with $2"
	shift
	if load_right "$@"; then
		ktap_test_pass "$answer_name"
	else
		ktap_test_fail "$answer_name"
		ktap_print_msg "$(cat "$tmp/error")"
	fi
}

# check_set NAME FILE...: check the answers for a set of files. $per_set
# results.
check_set()
{
	set_name=$1
	shift
	wordcount_reference "$@" >"$tmp/want"
	check_answer "$set_name" kmalloc "$@"
	unload wordcount
	check_answer "$set_name" gomem "$@"
	ktap_is "$(violated)" "" "$set_name: statistics agree"
	unload wordcount
}

# Use the licences if there are any, else these scripts.
check_texts()
{
	set -- /usr/share/common-licenses/*
	[ -e "$1" ] || set -- "$here"/*.sh
	# Quick runs count fewer files: the reference takes longer than the
	# module.
	[ -z "${KTAP_QUICK:-}" ] || set -- "$1" "$here"/c*.sh
	check_set "texts" "$@"
}

check_many_files()
{
	mkdir "$tmp/many"
	# User-Mode Linux takes module parameters of at most one page.
	many=200
	! user_mode_linux || many=100
	for i in $(seq $many); do
		echo "file $i has_words like a$i and the" >"$tmp/many/$i"
	done
	check_set "$many files" "$tmp"/many/*
}

# Check words with lengths around all limits of the client. Some words extend
# over the border between two blocks of text.
check_long_words()
{
	for i in 1 1000 65535 262143 262144 262145 1048575 1048576; do
		long_word "$i"
		printf '\n%s-' "$i"
	done >"$tmp/long"
	check_set "long words" "$tmp/long"
	awk 'BEGIN {
		word = sprintf("%997s", "")
		gsub(/ /, "y", word)
		for (i = 0; i < 600; i++)
			printf "%d %s|", i, word
	}' >"$tmp/cut"
	check_set "words across blocks" "$tmp/cut"
}

# check_refused MESSAGE PARAMETER...: the client does not load, and logs
# MESSAGE.
check_refused()
{
	message=$1
	shift
	load wordcount "$@" 2>/dev/null
	said=$(dmesg | sed -n 's/.*\] wordcount: //p' | tail -n 1)
	loaded wordcount && said="it has loaded"
	ktap_is "$said" "$message" "refused: $message"
	unload wordcount
}

check_all_refused()
{
	check_refused "files=: a file name is missing"
	check_refused "files=: a file name is missing" files="$tmp/tiny,"
	check_refused "allocator=slob: must be gomem or kmalloc" files="$tmp/tiny" allocator=slob
	check_refused "top=101: must be 0 to 100" files="$tmp/tiny" top=101
	check_refused "\`-1' invalid for parameter \`top'" files="$tmp/tiny" top=-1
	check_refused "/nowhere: cannot be read: $1" files="$tmp/tiny,/nowhere"
	check_refused "/dev: cannot be read: $2, it is no regular file" files=/dev
	long_word 1048577 >"$tmp/long"
	check_refused "counting failed: $3" files="$tmp/long"
}

# The kernel prints errors by name with CONFIG_SYMBOLIC_ERRNAME, otherwise by
# number.
check_refusals()
{
	load wordcount files=/nowhere 2>/dev/null
	if dmesg | grep -q '/nowhere: cannot be read: -ENOENT'; then
		check_all_refused -ENOENT -EINVAL -EFBIG
	else
		check_all_refused -2 -22 -27
	fi
}

check_all_freed()
{
	ktap_is "$(gomem_stat heap_objects)" 0 "no object is live after all"
	ktap_is "$(gomem_stat frees)" "$(gomem_stat mallocs)" "as many frees as mallocs"
	ktap_is "$(gomem_check)" ok "the heap is consistent"
}

ktap_print_header
wordcount_need
ktap_set_plan $((per_set * 9 + 8 + 4))

check_texts
echo "Hello, hello world: hello" >"$tmp/tiny"
check_set "tiny file" "$tmp/tiny"
: >"$tmp/empty"
check_set "empty file" "$tmp/empty"
check_set "tiny and empty files" "$tmp/empty" "$tmp/tiny" "$tmp/empty"
head -c $(($(scaled 1048576) * 2)) /proc/self/exe >"$tmp/binary"
check_set "binary file" "$tmp/binary"
make_words "$words" $((words / 7)) >"$tmp/large"
check_set "$words words" "$tmp/large"
check_many_files
check_long_words
check_refusals
check_all_freed
gomem_finished
