/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slow.h - mark slow cases: those that take ten seconds or more on an emulated
 * machine with KASAN and two CPUs, and that test no more with two CPUs than
 * with one. kunit.filter="speed>slow" skips them.
 */
#ifndef GOMEM_TEST_SLOW_H
#define GOMEM_TEST_SLOW_H

#include <kunit/test.h>

/* Linux 6.1 has no attributes of cases, and runs all cases. */
#ifdef KUNIT_CASE_SLOW
#define SLOW_CASE(fn)			KUNIT_CASE_SLOW(fn)
#define SLOW_CASE_PARAM(fn, gen)					\
	{ .run_case = fn, .name = #fn, .generate_params = gen,		\
	  .attr.speed = KUNIT_SPEED_SLOW, .module_name = KBUILD_MODNAME }
#else
#define SLOW_CASE(fn)			KUNIT_CASE(fn)
#define SLOW_CASE_PARAM(fn, gen)	KUNIT_CASE_PARAM(fn, gen)
#endif

#endif /* GOMEM_TEST_SLOW_H */
