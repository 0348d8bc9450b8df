// SPDX-License-Identifier: GPL-2.0
/*
 * trace.c - define the trace events of trace.h.
 */
#include <linux/string.h>

#define CREATE_TRACE_POINTS
#include "base/trace.h"
