#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Cleared memory is zero on a kernel that clears no pages by itself.
#
# machine: --numa=2 --append=init_on_alloc=0
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=tests/kselftest/zero.lib
. "$(dirname "$0")/zero.lib"

zero_test no
