// SPDX-License-Identifier: GPL-2.0
/*
 * check_kunit.c - gomem_check_all() while another task changes the heaps.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/workqueue.h>

#include "books.h"
#include "fixture.h"
#include "base/queue.h"
#include "run/check.h"
#include "run/epoch.h"

static void scavenge_now(struct work_struct *work)
{
	gomem_scavenge_all();
}

/*
 * gomem_check_all() finds no violation while a work item drains the caches and
 * gives free pages back. No object is allocated or freed meanwhile.
 */
static void test_check_meanwhile(struct kunit *test)
{
	struct stats_fixture *f = test->priv;
	struct work_struct work;
	const char *err = NULL;
	unsigned int i;

	INIT_WORK_ONSTACK(&work, scavenge_now);
	for (i = 0; i < 50 && !err; i++) {
		while (f->nr < 500)
			books_make(f, 128 + below(&f->base.rnd, 2048),
				   GFP_KERNEL);
		while (f->nr)
			books_unmake(f, f->nr - 1);
		queue_work(gomem_unbound_wq, &work);
		udelay(below(&f->base.rnd, 300));
		err = gomem_check_all();
		flush_work(&work);
	}
	destroy_work_on_stack(&work);
	KUNIT_EXPECT_NULL_MSG(test, err, "%s, round %u", err, i);
	books_expect(test);
}

static struct kunit_case check_cases[] = {
	KUNIT_CASE(test_check_meanwhile),
	{}
};

static struct kunit_suite check_suite = {
	.name = "gomem_check",
	.init = books_init,
	.exit = books_exit,
	.test_cases = check_cases,
};

kunit_test_suite(check_suite);
