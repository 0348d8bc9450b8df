#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# zero.sh - cleared memory is zero on a kernel that clears pages when it hands
# them out.
#
# machine: --numa=2 --append=init_on_alloc=1

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=tests/kselftest/zero.lib
. "$(dirname "$0")/zero.lib"

zero_test yes
