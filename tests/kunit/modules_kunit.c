// SPDX-License-Identifier: GPL-2.0
/*
 * modules_kunit.c - the contents of the debugfs file "modules": estimates with
 * their error, and the module of each large object.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fixture.h"
#include "base/sample.h"
#include "map/pagemap.h"
#include "cpu/arm.h"
#include "api/client.h"
#include "api/profile.h"

struct modules_fixture {
	struct fixture base;
	unsigned long rate;
};

static void set_rate(unsigned long rate)
{
	gomem_sample_set_rate(rate);
	gomem_arm_all();
}

static int modules_init(struct kunit *test)
{
	struct modules_fixture *f = fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->rate = gomem_profile_rate;
	return 0;
}

static void modules_exit(struct kunit *test)
{
	struct modules_fixture *f = test->priv;

	if (!f)
		return;
	fixture_exit(test);
	set_rate(f->rate);
}

/*
 * Estimate the bytes of live objects of one size that were recorded at one
 * rate, and the error of the estimate.
 */
static void get_estimate(struct kunit *test, u32 size, unsigned long rate,
			 u64 *bytes, u64 *error)
{
	struct gomem_profile_row *rows;
	u64 variance = 0, live;
	unsigned int i, n;

	rows = gomem_profile_snapshot(&n, false);
	KUNIT_ASSERT_NOT_NULL(test, rows);
	*bytes = 0;
	for (i = 0; i < n; i++) {
		if (rows[i].b->size != size || rows[i].b->rate != rate)
			continue;
		live = rows[i].allocs - rows[i].frees;
		*bytes += gomem_profile_scale(live, size, rate) * size;
		*error = gomem_profile_error(&rows[i]);
		variance += *error * *error;
	}
	*error = int_sqrt64(variance);
	kvfree(rows);
}

static void alloc_at_rate(struct kunit *test, void **p, unsigned int n,
			  unsigned long rate)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		/*
		 * Thinned samples (see base/sample.h) are rarer than @rate
		 * says, so the estimate would have a larger error. Setting the
		 * rate ends the thinning. Do so often: each record may begin
		 * it anew.
		 */
		if (i % 16 == 0)
			set_rate(rate);
		p[i] = gomem_alloc(64, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
	}
}

/*
 * At a rate of 4 KiB, about 15.5 of 1000 objects of 64 bytes are recorded. So
 * the standard deviation of an estimate is 1 / sqrt(15.5) = 25 % of it, or more
 * if samples are thinned. If the deviation was known, 19 of 20 estimates would
 * be off by less than two deviations. Here the deviation, too, is estimated
 * from few records. So expect this of only 14 of 20 estimates.
 */
static void test_error(struct kunit *test)
{
	struct modules_fixture *f = test->priv;
	const unsigned int n = 1000, rounds = 40;
	unsigned int i, j, right = 0;
	u64 bytes, error, errors = 0;

	for (i = 0; i < rounds; i++) {
		alloc_at_rate(test, f->base.objs, n, SZ_4K);
		get_estimate(test, 64, SZ_4K, &bytes, &error);
		errors += error;
		if (abs((s64)bytes - (s64)n * 64) <= 2 * error)
			right++;
		for (j = 0; j < n; j++)
			gomem_free(f->base.objs[j]);
	}
	KUNIT_EXPECT_GE(test, right, rounds * 7 / 10);
	KUNIT_EXPECT_GE(test, errors, rounds * 8000);
	KUNIT_EXPECT_LE(test, errors, rounds * 50000);
	get_estimate(test, 64, SZ_4K, &bytes, &error);
	KUNIT_EXPECT_EQ(test, bytes, 0);
	KUNIT_EXPECT_EQ(test, error, 0);
	alloc_at_rate(test, f->base.objs, 10, 1);
	get_estimate(test, 64, 1, &bytes, &error);
	KUNIT_EXPECT_EQ(test, bytes, 640);
	KUNIT_EXPECT_EQ(test, error, 0);
	for (j = 0; j < 10; j++)
		gomem_free(f->base.objs[j]);
}

struct client_of {
	unsigned int id;
	char name[MODULE_NAME_LEN];
};

static void note_client(struct gomem_client *client, void *arg)
{
	struct client_of *c = arg;

	if (client->id == c->id && client->mod)
		strscpy(c->name, client->name, sizeof(c->name));
}

/* Expect that a large object is counted for this module. */
static void expect_ours(struct kunit *test, void *p, unsigned int i)
{
	struct client_of c = { };

	KUNIT_ASSERT_FALSE(test, ZERO_OR_NULL_PTR(p));
	c.id = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p)->client;
	gomem_client_visit(note_client, &c);
	KUNIT_EXPECT_STREQ_MSG(test, c.name, KBUILD_MODNAME, "object %u", i);
}

/*
 * A large object is counted for the module that called gomem. This holds even
 * if the function that the module called allocates the object by a call of
 * another function of gomem, and after a resize in place.
 */
static void test_client(struct kunit *test)
{
	struct modules_fixture *f = test->priv;
	void **p = f->base.objs;
	unsigned int n = 0, i;

	if (!__is_defined(MODULE))
		kunit_skip(test, "built in");
	p[n++] = gomem_alloc(40000, GFP_KERNEL);
	p[n++] = gomem_alloc_noscan(40000, GFP_ATOMIC);
	p[n++] = gomem_alloc_node(40000, GFP_KERNEL, 0);
	p[n++] = gomem_calloc(10, 4000, GFP_KERNEL);
	p[n++] = gomem_memdup(p[0], 33000, GFP_KERNEL);
	p[n++] = gomem_realloc(NULL, 40000, GFP_KERNEL);
	p[n++] = gomem_realloc(gomem_alloc(100, GFP_KERNEL), 40000, GFP_KERNEL);
	p[n++] = gomem_realloc(gomem_alloc(40000, GFP_KERNEL), 80000,
			       GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, 1, gomem_alloc_bulk(40000, GFP_KERNEL, 1, p + n));
	n++;
	for (i = 0; i < n; i++) {
		expect_ours(test, p[i], i);
		gomem_free(p[i]);
	}
}

static struct kunit_case modules_cases[] = {
	KUNIT_CASE(test_error),
	KUNIT_CASE(test_client),
	{ }
};

static struct kunit_suite modules_suite = {
	.name = "gomem_modules",
	.init = modules_init,
	.exit = modules_exit,
	.test_cases = modules_cases,
};

kunit_test_suite(modules_suite);
