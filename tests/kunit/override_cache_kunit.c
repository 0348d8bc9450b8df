// SPDX-License-Identifier: GPL-2.0
/*
 * override_cache_kunit.c - caches and mempools of modules that include
 * linux/gomem_override.h.
 */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/gomem.h>
#include <linux/mempool.h>
#include <linux/namei.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "fixture.h"
#include "base/compat.h"
#include "override/override_twin.h"

struct constructed {
	long number;
	char text[90];
};

static void construct(void *p)
{
	((struct constructed *)p)->number = 0xc0ffee;
}

/*
 * Allocate and free objects of a cache, and destroy it. @ours tells whether
 * gomem has to serve the cache. Of the caches used here, gomem serves all but
 * the one for a DMA zone and the one passed to gomem_kernel_cache().
 */
static void use_cache(struct kunit *test, struct kmem_cache *s, bool ours)
{
	struct fixture *f = test->priv;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_FALSE(test, gomem_owns(s));
	KUNIT_EXPECT_EQ(test, ours, !!gomem_twin_cache(s));
	KUNIT_EXPECT_EQ(test, sizeof(struct constructed), kmem_cache_size(s));
	f->objs[0] = kmem_cache_alloc(s, GFP_KERNEL);
	f->objs[1] = kmem_cache_alloc_node(s, GFP_KERNEL, 0);
	f->objs[2] = kmem_cache_alloc_lru(s, NULL, GFP_NOWAIT);
	KUNIT_EXPECT_TRUE(test,
			  kmem_cache_alloc_bulk(s, GFP_KERNEL, 5, f->objs + 3));
	for (i = 0; i < 8; i++) {
		KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
		KUNIT_EXPECT_EQ(test, ours, gomem_owns(f->objs[i]));
	}
	kmem_cache_free(s, f->objs[0]);
	kfree(f->objs[1]);
	kmem_cache_free_bulk(s, 6, f->objs + 2);
	kmem_cache_shrink(s);
	kmem_cache_destroy(s);
}

static void test_caches(struct kunit *test)
{
	const size_t size = sizeof(struct constructed);

	use_cache(test, kmem_cache_create("kunit", size, 0, 0, NULL), true);
	use_cache(test,
		  kmem_cache_create_usercopy("kunit", size, 8,
					     SLAB_HWCACHE_ALIGN, 8, 8, NULL),
		  true);
	use_cache(test,
		  KMEM_CACHE(constructed, SLAB_ACCOUNT | SLAB_RECLAIM_ACCOUNT),
		  true);
	use_cache(test, KMEM_CACHE_USERCOPY(constructed, SLAB_PANIC, text),
		  true);
	use_cache(test,
		  kmem_cache_create("kunit", size, 0, SLAB_TYPESAFE_BY_RCU,
				    NULL),
		  true);
	use_cache(test,
		  kmem_cache_create("kunit", size, 0, SLAB_CACHE_DMA32, NULL),
		  false);
	use_cache(test, gomem_kernel_cache(KMEM_CACHE(constructed, 0)), false);
	KUNIT_EXPECT_NULL(test, gomem_kernel_cache(NULL));
}

static void test_cache(struct kunit *test)
{
	struct constructed *p, *zeroed;
	struct kmem_cache *s;

	s = kmem_cache_create("kunit", sizeof(*p), 64, 0, construct);
	KUNIT_ASSERT_NOT_NULL(test, s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, 0xc0ffee, p->number);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p, 64));
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);

	/* A cache that was not created for a zone ignores a zone in the gfp. */
	s = KMEM_CACHE(constructed, 0);
	zeroed = kmem_cache_zalloc(s, GFP_KERNEL | GFP_DMA);
	KUNIT_ASSERT_NOT_NULL(test, zeroed);
	KUNIT_EXPECT_TRUE(test, is_zero(zeroed, sizeof(*zeroed)));
	kmem_cache_free(s, zeroed);
	kmem_cache_destroy(s);
}

#define NR_HANDLES	(GOMEM_TWIN_ENTRIES + 100)

/*
 * Return the handle of twin @i of test_twins(): an address in the array @area.
 * Nothing dereferences the handle. There are more handles than entries in the
 * table of twins, so some of them have the same hash.
 */
static const struct kmem_cache *handle(u8 *area, unsigned int i)
{
	return (void *)area + 64 * i;
}

static struct gomem_cache *behind(unsigned int i)
{
	return (void *)(unsigned long)(i + 1);
}

static void expect_handles(struct kunit *test, u8 *area, const bool *there)
{
	unsigned int i;

	for (i = 0; i < NR_HANDLES; i++)
		KUNIT_ASSERT_PTR_EQ_MSG(test, there[i] ? behind(i) : NULL,
					gomem_twin_cache(handle(area, i)), "%u",
					i);
}

/*
 * Fill the table of twins, and empty it in another order. Compare it with an
 * array of what it should hold.
 */
static void test_twins(struct kunit *test)
{
	bool *there =
		kunit_kcalloc(test, NR_HANDLES, sizeof(*there), GFP_KERNEL);
	u8 *area = vmalloc(64 * NR_HANDLES);
	unsigned int i, round, n, nr = 0;

	KUNIT_ASSERT_NOT_NULL(test, there);
	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_EXPECT_NULL(test, gomem_twin_cache(NULL));
	for (i = 0; i < GOMEM_TWIN_ENTRIES; i++)
		nr += !!gomem_twins[i].twin;
	for (round = 0; round < 3; round++) {
		for (i = n = 0; i < NR_HANDLES; i++) {
			if (!there[i])
				there[i] = gomem_twin_add(handle(area, i),
							  behind(i));
			n += there[i];
		}
		/*
		 * A removed entry may count as filled until the entry after it
		 * becomes empty. So later rounds may find less room.
		 */
		if (!round)
			KUNIT_EXPECT_EQ(test, GOMEM_TWINS_MAX - nr, n);
		KUNIT_EXPECT_LE(test, n, GOMEM_TWINS_MAX - nr);
		expect_handles(test, area, there);
		for (i = round; i < NR_HANDLES; i += 3) {
			gomem_twin_remove(handle(area, i));
			there[i] = false;
		}
		expect_handles(test, area, there);
	}
	for (i = NR_HANDLES; i--;)
		gomem_twin_remove(handle(area, i));
	for (i = n = 0; i < GOMEM_TWIN_ENTRIES; i++)
		n += !!gomem_twins[i].twin;
	KUNIT_EXPECT_EQ(test, nr, n);
	vfree(area);
}

/* A module may use a cache that the kernel created. */
static void test_cache_of_the_kernel(struct kunit *test)
{
	struct kmem_cache *s = kmalloc_caches[KMALLOC_NORMAL][7];
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_FALSE(test, gomem_owns(p));
	KUNIT_EXPECT_EQ(test, 128, kmem_cache_size(s));
	kmem_cache_free(s, p);
}

/*
 * gomem serves the objects of cache s. kmem_cache_free() and
 * kmem_cache_free_bulk() with s and an object of the kernel's kmalloc() are
 * reported. The object stays live, so its owner can still free it.
 */
static void test_foreign_object(struct kunit *test)
{
	struct kmem_cache *s = KMEM_CACHE(constructed, 0);
	struct constructed *p = gomem_kernel_kmalloc(sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_NOT_NULL(test, p);
	p->number = 1234;
	kmem_cache_free(s, p);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 1);
	kmem_cache_free_bulk(s, 1, (void **)&p);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 1);
	KUNIT_EXPECT_EQ(test, 1234, p->number);
	kfree(p);
	kmem_cache_destroy(s);
}

static void use_pool(struct kunit *test, mempool_t *pool)
{
	struct fixture *f = test->priv;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pool);
	for (i = 0; i < 8; i++) {
		f->objs[i] = mempool_alloc(pool, GFP_KERNEL);
		KUNIT_EXPECT_TRUE(test, gomem_owns(f->objs[i]));
	}
	no_pages_begin();
	for (i = 0; i < 8; i++)
		mempool_free(f->objs[i], pool);
	no_pages_end();
	mempool_destroy(pool);
}

static void test_mempool(struct kunit *test)
{
	struct kmem_cache *s = KMEM_CACHE(constructed, 0);
	mempool_t pool = { };

	use_pool(test, mempool_create_slab_pool(4, s));
	use_pool(test, mempool_create_kmalloc_pool(4, 100));
	KUNIT_EXPECT_EQ(test, 0, mempool_init_slab_pool(&pool, 4, s));
	mempool_exit(&pool);
	kmem_cache_destroy(s);
}

/*
 * A module hands objects over to functions of the kernel that free them later.
 */
static void test_handover(struct kunit *test)
{
	DEFINE_DELAYED_CALL(link);
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	struct inode *inode = kunit_kzalloc(test, sizeof(*inode), GFP_KERNEL);
	static const struct seq_operations ops;

	set_delayed_call(&link, kfree_link, kstrdup("text", GFP_KERNEL));
	do_delayed_call(&link);
	set_delayed_call(&link, kfree_link,
			 gomem_kernel_kmalloc(8, GFP_KERNEL));
	do_delayed_call(&link);

	KUNIT_ASSERT_NOT_NULL(test, file);
	KUNIT_ASSERT_NOT_NULL(test, inode);
	KUNIT_ASSERT_EQ(test, 0, seq_open(file, &ops));
	((struct seq_file *)file->private_data)->private =
		kmalloc(100, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, 0, seq_release_private(inode, file));
	file->private_data = NULL;
	KUNIT_ASSERT_NOT_NULL(test, __seq_open_private(file, &ops, 100));
	KUNIT_EXPECT_EQ(test, 0, seq_release_private(inode, file));
}

static struct kunit_case override_cache_cases[] = {
	KUNIT_CASE(test_caches),
	KUNIT_CASE(test_cache),
	KUNIT_CASE(test_twins),
	KUNIT_CASE(test_cache_of_the_kernel),
	KUNIT_CASE(test_foreign_object),
	KUNIT_CASE(test_mempool),
	KUNIT_CASE(test_handover),
	{}
};

static struct kunit_suite override_cache_suite = {
	.name = "gomem_override_cache",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = override_cache_cases,
};

kunit_test_suite(override_cache_suite);
