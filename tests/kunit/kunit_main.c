// SPDX-License-Identifier: GPL-2.0
/*
 * kunit_main.c - the module that the suites are linked into.
 *
 * There is no code: kunit_test_suite() leaves a pointer in the section
 * .kunit_test_suites, the linker joins those of all objects, and KUnit runs
 * them when the module has loaded.
 */
#include <linux/gomem.h>
#include <linux/module.h>

MODULE_IMPORT_NS(GOMEM_NS);

/*
 * MODULE_IMPORT_NS() of the namespace of EXPORT_SYMBOL_IF_KUNIT(), spelt out:
 * 6.13 turned its bare word into a string, and this is the same in all.
 */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");

MODULE_DESCRIPTION("KUnit tests of gomem");
MODULE_LICENSE("GPL");
