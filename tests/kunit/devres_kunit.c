// SPDX-License-Identifier: GPL-2.0
/*
 * devres_kunit.c - objects that are freed with their device, or at the end of
 * their scope.
 *
 * The reports of misuse that the cases leave in the log are expected.
 */
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/gomem.h>
#include <linux/sizes.h>

#include "fixture.h"

struct devres_fixture {
	struct fixture base;
	struct device *dev;
};

static void expect_live(struct kunit *test, unsigned int n)
{
	struct devres_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, f->base.balance.live + n, live_objects());
}

static void drop_device(struct devres_fixture *f)
{
	root_device_unregister(f->dev);
	f->dev = NULL;
}

static void test_freed_with_device(struct kunit *test)
{
	static const size_t sizes[] = { 1, 8, 100, 4096, 32768, 100000, SZ_1M };
	struct devres_fixture *f = test->priv;
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = devm_gomem_alloc(f->dev, sizes[i], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_GE(test, gomem_usable_size(p), sizes[i]);
		fill(p, gomem_usable_size(p));
		p = devm_gomem_zalloc(f->dev, sizes[i], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_TRUE(test, is_zero(p, gomem_usable_size(p)));
	}
	expect_live(test, 2 * i);
	drop_device(f);
	expect_live(test, 0);
}

static void test_freed_early(struct kunit *test)
{
	struct devres_fixture *f = test->priv;
	void *p[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		p[i] = devm_gomem_alloc(f->dev, 100, GFP_KERNEL);
	devm_gomem_free(f->dev, p[1]);
	expect_live(test, 2);
	devm_gomem_free(f->dev, NULL);
	devm_gomem_free(f->dev, ZERO_SIZE_PTR);
	expect_live(test, 2);
	drop_device(f);
	expect_live(test, 0);
}

static void test_nothing(struct kunit *test)
{
	struct devres_fixture *f = test->priv;

	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    devm_gomem_alloc(f->dev, 0, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test,
			  devm_gomem_alloc(f->dev, SZ_4M + 1, GFP_KERNEL));
	expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
	KUNIT_EXPECT_NULL(test, devm_gomem_alloc(f->dev, 100,
						 GFP_KERNEL | __GFP_DMA));
	expect_misuses(test, GOMEM_BAD_GFP, 1);
	expect_live(test, 0);
}

static void test_not_the_devices(struct kunit *test)
{
	void *p = gomem_alloc(100, GFP_KERNEL), *q;
	struct devres_fixture *f = test->priv;
	int here;

	devm_gomem_free(f->dev, p);
	expect_misuses(test, GOMEM_WRONG_FUNCTION, 1);
	devm_gomem_free(f->dev, p + 8);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	devm_gomem_free(f->dev, &here);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 1);
	gomem_free(p);
	q = devm_gomem_alloc(f->dev, 200, GFP_KERNEL);
	devm_gomem_free(f->dev, q);
	devm_gomem_free(f->dev, q);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
}

#ifdef DEFINE_FREE
static void *in_scope(size_t size, bool keep)
{
	void *p __free(gomem) = gomem_alloc(size, GFP_KERNEL);
	void *none __free(gomem) = NULL;
	void *error __free(gomem) = ERR_PTR(-EINVAL);
	void *empty __free(gomem) = ZERO_SIZE_PTR;

	if (keep)
		return no_free_ptr(p);
	return NULL;
}

static void test_scope(struct kunit *test)
{
	void *p;

	KUNIT_EXPECT_NULL(test, in_scope(100, false));
	KUNIT_EXPECT_NULL(test, in_scope(100000, false));
	expect_live(test, 0);
	p = in_scope(100, true);
	KUNIT_EXPECT_NOT_NULL(test, p);
	expect_live(test, 1);
	gomem_free(p);
}
#endif

static int devres_test_init(struct kunit *test)
{
	struct devres_fixture *f = fixture_alloc(test, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->dev = root_device_register("gomem_test");
	if (!IS_ERR(f->dev))
		return 0;
	err = PTR_ERR(f->dev);
	f->dev = NULL;
	return err;
}

static void devres_test_exit(struct kunit *test)
{
	struct devres_fixture *f = test->priv;

	if (!f)
		return;
	if (f->dev)
		drop_device(f);
	fixture_exit(test);
}

static struct kunit_case devres_cases[] = {
	KUNIT_CASE(test_freed_with_device),
	KUNIT_CASE(test_freed_early),
	KUNIT_CASE(test_nothing),
	KUNIT_CASE(test_not_the_devices),
#ifdef DEFINE_FREE
	KUNIT_CASE(test_scope),
#endif
	{}
};

static struct kunit_suite devres_suite = {
	.name = "gomem_devres",
	.init = devres_test_init,
	.exit = devres_test_exit,
	.test_cases = devres_cases,
};

kunit_test_suite(devres_suite);
