#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# zero_on_free.sh - cleared memory is zero on a kernel that clears pages when
# they are freed.
#
# machine: --numa=2 --append=init_on_free=1
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=tests/kselftest/zero.lib
. "$(dirname "$0")/zero.lib"

zero_test yes
