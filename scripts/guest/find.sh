#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# find.sh - the part of scripts/bench that measures searches for free pages. It
# prints the lines that gomem_find.ko logs.

insmod gomem_find.ko || exit 1
dmesg | sed -n 's/.*gomem_find: //p'
rmmod gomem_find && echo "done"
