// SPDX-License-Identifier: GPL-2.0
/*
 * override_usercopy_kunit.c - checks of copies between user space and objects
 * of gomem, in a module that includes linux/gomem_override.h.
 */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/namei.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "fixture.h"
#include "api/usercopy.h"
#include "base/compat.h"
#include "override/override_twin.h"

/* Check a copy as the kernel does, even if hardened_usercopy=off is set. */
static void check_copy(const void *p, size_t n, bool to_user)
{
#ifdef CONFIG_HARDENED_USERCOPY
	__check_object_size(p, n, to_user);
#endif
}

/*
 * Expect that up to @right bytes at @p may be copied to and from user space. If
 * gomem owns @p (not @foreign), also expect that longer copies are refused. The
 * kernel ends a task whose copy is refused. So for longer copies, call only
 * gomem_override_may_copy(), which decides. The selftest usercopy.sh tests that
 * the task ends.
 */
static void expect_copies(struct kunit *test, void *p, size_t right,
			  bool foreign)
{
	size_t n;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (n = 0; n <= right; n += 1 + n / 16) {
		check_copy(p, n, true);
		check_copy(p + right - n, n, false);
	}
	check_copy(p, right, true);
	expect_misuses(test, GOMEM_BAD_USERCOPY, 0);
	if (foreign)
		return;
	KUNIT_EXPECT_FALSE(test, gomem_override_may_copy(p, right + 1, true,
							 _THIS_IP_));
	KUNIT_EXPECT_FALSE(test, gomem_override_may_copy(p, SIZE_MAX, false,
							 _THIS_IP_));
	expect_misuses(test, GOMEM_BAD_USERCOPY, 2);
}

static void test_usercopy(struct kunit *test)
{
	static u8 data[100];
	u8 stack[100];
	void *p;

	p = kmalloc(64, GFP_KERNEL);
	expect_copies(test, p, 64, false);
	expect_copies(test, p + 40, 24, false);
	kfree(p);
	expect_copies(test, p, 0, false);
	p = kvmalloc(SZ_64K + 1, GFP_KERNEL);
	expect_copies(test, p, ksize(p), false);
	expect_copies(test, p + SZ_32K, ksize(p) - SZ_32K, false);
	kvfree(p);
	expect_copies(test, p, 0, false);
	p = gomem_alloc_noscan(4, GFP_KERNEL);
	expect_copies(test, p, gomem_usable_size(p), false);
	kfree(p);

	p = gomem_kernel_kmalloc(64, GFP_KERNEL);
	expect_copies(test, p, 64, true);
	kfree(p);
	p = vmalloc(SZ_64K);
	expect_copies(test, p, SZ_64K, true);
	vfree(p);
	expect_copies(test, data, sizeof(data), true);
	expect_copies(test, stack, sizeof(stack), true);
	expect_misuses(test, GOMEM_BAD_USERCOPY, 0);
}

/* A type whose cache declares no bytes that user space may read or write. */
struct windowless {
	u64 number;
	char text[40];
};

static void test_usercopy_window(struct kunit *test)
{
	struct kmem_cache *s =
		kmem_cache_create_usercopy("kunit", 100, 0, 0, 16, 32, NULL);
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_copies(test, p + 16, 32, false);
	expect_copies(test, p + 40, 8, false);
	expect_copies(test, p, 0, false);
	expect_copies(test, p + 48, 0, false);
	kmem_cache_free(s, p);
	expect_copies(test, p + 16, 0, false);
	kmem_cache_destroy(s);
	s = KMEM_CACHE(windowless, 0);
	KUNIT_ASSERT_NOT_NULL(test, s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	expect_copies(test, p, 0, false);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
}

static struct kunit_case override_usercopy_cases[] = {
	KUNIT_CASE(test_usercopy),
	KUNIT_CASE(test_usercopy_window),
	{}
};

static struct kunit_suite override_usercopy_suite = {
	.name = "gomem_override_usercopy",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = override_usercopy_cases,
};

kunit_test_suite(override_usercopy_suite);
