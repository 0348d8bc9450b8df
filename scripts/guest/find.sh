#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# find.sh - the part of scripts/bench that measures searches for pages. It
# prints the lines of gomem_find.ko.

insmod gomem_find.ko || exit 1
dmesg | sed -n 's/.*gomem_find: //p'
rmmod gomem_find && echo "done"
