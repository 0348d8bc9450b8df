// SPDX-License-Identifier: GPL-2.0
/*
 * kunit_main.c - the module that the suites are linked into.
 *
 * The suites need no code here: kunit_test_suite() leaves a pointer in the
 * section .kunit_test_suites, the linker joins those of all objects, and KUnit
 * runs them when the module has loaded, or when the kernel boots.
 */
#include <linux/gomem.h>
#include <linux/module.h>

#include "heap/goal.h"

#ifndef MODULE
/*
 * In a kernel that the suites are built into, let no epoch end while they run,
 * unless the command line says otherwise. tests/kunit/run loads gomem so.
 */
static int __init stretch_epoch(void)
{
	if (gomem_epoch_ms == GOMEM_EPOCH_MS)
		gomem_epoch_ms = 24 * 60 * 60 * MSEC_PER_SEC;
	return 0;
}
core_initcall(stretch_epoch);
#endif

MODULE_IMPORT_NS(GOMEM_NS);

/*
 * MODULE_IMPORT_NS() of the namespace of EXPORT_SYMBOL_IF_KUNIT(), spelt out:
 * 6.13 turned its bare word into a string, and this is the same in all.
 */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");

MODULE_DESCRIPTION("KUnit tests of gomem");
MODULE_LICENSE("GPL");
