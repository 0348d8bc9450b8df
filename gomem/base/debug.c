// SPDX-License-Identifier: GPL-2.0
/*
 * debug.c - the debug level and its module parameter.
 */
#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "base/debug.h"

unsigned int gomem_debug_level __read_mostly;
EXPORT_SYMBOL_IF_KUNIT(gomem_debug_level);

static int set_level(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, GOMEM_DEBUG_MAX);
}

static const struct kernel_param_ops level_ops = {
	.set = set_level,
	.get = param_get_uint,
};

module_param_cb(debug, &level_ops, &gomem_debug_level, 0644);
MODULE_PARM_DESC(debug,
		 "1: poison the memory of destroyed arenas, keep it until the epoch ends, and report writes to it (default 0)");
