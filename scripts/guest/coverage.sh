#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# coverage.sh [TEST...] - run the KUnit suites and the self-tests TEST, and print
# gcov's counters of gomem as a base64-encoded archive after the line
# "counters:".
#
# This runs inside a test machine whose kernel has CONFIG_GCOV_KERNEL.

set -e
gcov=/sys/kernel/debug/gcov
copy=/tmp/coverage

./kunit-run || true
if [ $# != 0 ]; then
	kselftest/batch --quick "$@" || true
fi

# The kernel reports a size of 0 for the files with the counters, so tar would
# store nothing. So copy the files first. The kernel also keeps the counters of a
# module that was unloaded.
mkdir -p $copy
find $gcov -name '*.gcda' | while read -r file; do
	mkdir -p "$copy${file%/*}"
	cat "$file" >"$copy$file"
done
echo counters:
tar -cz -C "$copy$gcov" . | base64
