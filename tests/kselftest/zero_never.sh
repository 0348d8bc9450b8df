#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# zero_never.sh - cleared memory is zero on a kernel that does not clear pages.
#
# machine: --numa=2 --append=init_on_alloc=0
# make check: not on a debug kernel
# make check: not on an older kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=tests/kselftest/zero.lib
. "$(dirname "$0")/zero.lib"

zero_test no
