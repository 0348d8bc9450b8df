/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slow.h - mark slow cases, which kunit.filter="speed>slow" skips.
 *
 * A case is marked if it takes ten seconds or more on an emulated machine with
 * KASAN and two CPUs, and if one CPU is enough for what it tests. A run on such
 * a machine may skip it, since User-Mode Linux runs all cases, with one CPU, at
 * the speed of the host: see stage_kunit() of scripts/runtests.
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
