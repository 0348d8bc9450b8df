// SPDX-License-Identifier: GPL-2.0
/*
 * kunit_main.c - the module that the suites are linked into.
 *
 * The suites need no code here: kunit_test_suite() leaves a pointer in the
 * section .kunit_test_suites, and the linker joins the pointers of all files.
 * KUnit runs the suites when the module has loaded, or when the kernel boots.
 */
#include <linux/gomem.h>
#include <linux/module.h>

#include "heap/goal.h"

#ifndef MODULE
/*
 * If the suites are built into the kernel, make the epoch a day, so that gomem
 * makes no look while the suites run. An epoch_ms on the command line prevails,
 * unless it is the default. tests/kunit/run loads the module with an epoch of a
 * day, too.
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
 * Import the namespace of EXPORT_SYMBOL_IF_KUNIT(). MODULE_IMPORT_NS() takes a
 * string since Linux 6.13, and a bare word before: linux/gomem.h defines
 * GOMEM_NS accordingly. MODULE_INFO() takes a string in all kernels.
 */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");

MODULE_DESCRIPTION("KUnit tests of gomem");
MODULE_LICENSE("GPL");
