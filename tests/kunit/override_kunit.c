// SPDX-License-Identifier: GPL-2.0
/*
 * override_kunit.c - the functions of the kernel that linux/gomem_override.h
 * replaces.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/namei.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/vmalloc.h>

#include "fixture.h"
#include "api/rcu.h"
#include "base/compat.h"
#include "override/override_twin.h"

#define NR_OBJECTS	40

/*
 * Allocate by each function of the kmalloc family, with constant sizes and with
 * @size. Store the objects in @p, and return the entry after the last.
 */
static void **alloc_by_each(void **p, size_t size)
{
	OPTIMIZER_HIDE_VAR(size);
	*p++ = kmalloc(100, GFP_KERNEL);
	*p++ = kmalloc(size, GFP_KERNEL);
	*p++ = kmalloc(SZ_64K, GFP_KERNEL);
	*p++ = kzalloc(size, GFP_KERNEL);
	*p++ = kcalloc(10, size, GFP_KERNEL);
	*p++ = kmalloc_array(10, size, GFP_KERNEL);
	*p++ = kmalloc_node(100, GFP_KERNEL, 0);
	*p++ = kmalloc_node(size, GFP_KERNEL, 0);
	*p++ = kmalloc_node(SZ_64K, GFP_KERNEL, 0);
	*p++ = kzalloc_node(size, GFP_KERNEL, 0);
	*p++ = kcalloc_node(10, size, GFP_KERNEL, 0);
	*p++ = kmalloc_array_node(10, size, GFP_KERNEL, 0);
	*p++ = kmalloc_track_caller(size, GFP_KERNEL);
	*p++ = kvmalloc(size, GFP_KERNEL);
	*p++ = kvzalloc(SZ_1M, GFP_KERNEL);
	*p++ = kvmalloc_array(1000, size, GFP_KERNEL);
	*p++ = kvcalloc(1000, size, GFP_KERNEL);
	*p++ = kvmalloc_node(size, GFP_KERNEL, 0);
	*p++ = kmemdup("text", 5, GFP_KERNEL);
	*p++ = kmemdup_nul("text", 2, GFP_KERNEL);
	*p++ = kstrdup("text", GFP_KERNEL);
	*p++ = kstrndup("text", 2, GFP_KERNEL);
	*p++ = bitmap_alloc(size, GFP_KERNEL);
	*p++ = bitmap_zalloc_node(size, GFP_KERNEL, 0);
	return p;
}

static void test_kmalloc(struct kunit *test)
{
	struct fixture *f = test->priv;
	size_t size = 100, i;
	void **end = alloc_by_each(f->objs, size);

	for (i = 0; f->objs + i < end; i++) {
		KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
		KUNIT_EXPECT_TRUE_MSG(test, gomem_owns(f->objs[i]), "%zu", i);
	}
	KUNIT_EXPECT_TRUE(test, is_zero(f->objs[3], size));
	KUNIT_EXPECT_TRUE(test, is_zero(f->objs[14], SZ_1M));
	KUNIT_EXPECT_STREQ(test, "text", (char *)f->objs[18]);
	KUNIT_EXPECT_STREQ(test, "te", (char *)f->objs[19]);
	KUNIT_EXPECT_STREQ(test, "text", (char *)f->objs[20]);
	KUNIT_EXPECT_STREQ(test, "te", (char *)f->objs[21]);
	KUNIT_EXPECT_EQ(test, 112, ksize(f->objs[0]));
	kvfree(f->objs[14]);
	f->objs[14] = NULL;
	kfree_bulk(i, f->objs);
}

/*
 * kmalloc() promises alignment to the largest power of two that divides the
 * size.
 */
static void test_alignment(struct kunit *test)
{
	struct fixture *f = test->priv;
	size_t size, bad = 0, step = 8;
	unsigned int i;

	for (size = 8; size <= SZ_256K; size += step) {
		if (size >= SZ_2K)
			step = size < SZ_32K ? 128 : SZ_8K;
		for (i = 0; i < 3; i++) {
			f->objs[i] = kmalloc(size, GFP_KERNEL);
			if ((unsigned long)f->objs[i] & (BIT(__ffs(size)) - 1))
				bad = size;
		}
		kfree_bulk(3, f->objs);
	}
	KUNIT_EXPECT_EQ(test, 0, bad);
}

/*
 * Copies are aligned as objects from kmalloc() are. So are strings, although
 * functions of gomem's own API would put short strings into shared blocks.
 */
static void test_alignment_of_copies(struct kunit *test)
{
	static const char text[33] = "12345678901234567890123456789012";
	struct fixture *f = test->priv;
	size_t size, align;
	unsigned int i;

	for (size = 1; size <= 32; size++) {
		align = max_t(size_t, 8, BIT(__ffs(size)));
		for (i = 0; i < 12; i += 4) {
			f->objs[i] = kstrndup(text, size - 1, GFP_KERNEL);
			f->objs[i + 1] =
				kmemdup_nul(text, size - 1, GFP_KERNEL);
			f->objs[i + 2] = kstrdup(text + 33 - size, GFP_KERNEL);
			f->objs[i + 3] = kmemdup(text, size, GFP_KERNEL);
		}
		for (i = 0; i < 12; i++) {
			KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
			KUNIT_EXPECT_EQ_MSG(test, 0,
					    (unsigned long)f->objs[i] % align,
					    "%zu bytes by way %u", size, i % 4);
		}
		kfree_bulk(12, f->objs);
	}
}

/* An object resized to a power of two is aligned like a new one. */
static void test_alignment_of_krealloc(struct kunit *test)
{
	struct fixture *f = test->priv;
	size_t from, size;
	unsigned long at;
	unsigned int i;
	void *p, *q;

	for (size = 16; size <= SZ_1M; size *= 2) {
		for (from = size / 2 + 8; from < size;
		     from += max(size / 16, 8UL)) {
			for (i = 0; i < 3; i++) {
				p = krealloc(NULL, from / 2, GFP_KERNEL);
				q = krealloc(p, from, GFP_KERNEL);
				f->objs[i] = krealloc(q, size, GFP_KERNEL);
				KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
				at = (unsigned long)f->objs[i];
				KUNIT_EXPECT_EQ_MSG(test, 0, at % size,
						    "from %zu to %zu", from,
						    size);
			}
			kfree_bulk(3, f->objs);
		}
	}
}

static void test_nothing(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, kmalloc(0, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, kvmalloc(0, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, kmemdup("", 0, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, kstrdup(NULL, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, kstrndup(NULL, 1, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, ksize(NULL));
	KUNIT_EXPECT_EQ(test, 0, ksize(ZERO_SIZE_PTR));
	kfree(NULL);
	kfree(ZERO_SIZE_PTR);
	kfree_sensitive(NULL);
	kfree_const(NULL);
	kvfree(NULL);
	kvfree(ZERO_SIZE_PTR);
	kfree_bulk(0, NULL);
	kmem_cache_destroy(NULL);
}

/* Requests that gomem refuses go to the kernel, and so do their frees. */
static void test_refused(struct kunit *test)
{
	void *low, *p;

	low = kmalloc(100, GFP_KERNEL | __GFP_DMA);
	KUNIT_ASSERT_NOT_NULL(test, low);
	KUNIT_EXPECT_FALSE(test, gomem_owns(low));
	KUNIT_EXPECT_GE(test, ksize(low), 100);
	p = krealloc(low, 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_FALSE(test, gomem_owns(p));
	kfree(p);

	p = kvmalloc(GOMEM_MAX_SIZE + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(p));
	kvfree(p);
	KUNIT_EXPECT_NULL(test, kmalloc(GOMEM_MAX_SIZE + 1,
					GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, kmalloc_array(SIZE_MAX, 2, GFP_KERNEL));
}

/* If gomem has no pages, kvmalloc() takes memory from vmalloc(). */
static void test_kvmalloc_no_pages(struct kunit *test)
{
	void *p;

	no_pages_begin();
	p = kvmalloc(GOMEM_MAX_SIZE, GFP_KERNEL);
	no_pages_end();
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_FALSE(test, gomem_owns(p));
	kvfree(p);
}

static void test_of_the_kernel(struct kunit *test)
{
	char *text = kasprintf(GFP_KERNEL, "%s", "text"), *p;

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_EXPECT_FALSE(test, gomem_owns(text));
	p = krealloc(text, 100, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_STREQ(test, "text", p);
	KUNIT_EXPECT_GE(test, ksize(p), 100);
	kfree_sensitive(p);
	kvfree(gomem_kernel_kmalloc(100, GFP_KERNEL));
	kvfree(gomem_kernel_kmalloc(SZ_64K, GFP_KERNEL));
	kfree_const(gomem_kernel_kmalloc(100, GFP_KERNEL));
	kfree_strarray(kasprintf_strarray(GFP_KERNEL, "text", 4), 4);
	bitmap_free(gomem_kernel_kmalloc(8, GFP_KERNEL));
	kvfree_sensitive(vmalloc(100), 100);
}

static void test_krealloc(struct kunit *test)
{
	u8 *small = krealloc(NULL, 100, GFP_KERNEL), *large, *low, *p;

	KUNIT_ASSERT_NOT_NULL(test, small);
	KUNIT_EXPECT_TRUE(test, gomem_owns(small));
	memset(small, 0x5a, 100);
	large = krealloc(small, 5000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, large);
	KUNIT_EXPECT_TRUE(test, gomem_owns(large));
	KUNIT_EXPECT_FALSE(test, !!memchr_inv(large, 0x5a, 100));
	KUNIT_EXPECT_PTR_EQ(test, large,
			    krealloc_array(large, 2, 10, GFP_KERNEL));
	/* A zone in the gfp moves the object to the kernel's allocator. */
	low = krealloc(large, 20, GFP_KERNEL | __GFP_DMA);
	KUNIT_ASSERT_NOT_NULL(test, low);
	KUNIT_EXPECT_FALSE(test, gomem_owns(low));
	KUNIT_EXPECT_FALSE(test, !!memchr_inv(low, 0x5a, 20));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, krealloc(low, 0, GFP_KERNEL));

	p = kmalloc(10, GFP_KERNEL);
	KUNIT_EXPECT_NULL(test, krealloc(p, GOMEM_MAX_SIZE + 1,
					 GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_EQ(test, 16, ksize(p));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, krealloc(p, 0, GFP_KERNEL));
}

static void *resize(void *p, size_t old, size_t size)
{
#ifdef GOMEM_HAVE_KVREALLOC_OLD_SIZE
	return kvrealloc(p, old, size, GFP_KERNEL);
#else
	return kvrealloc(p, size, GFP_KERNEL);
#endif
}

#ifndef GOMEM_HAVE_KVREALLOC_OLD_SIZE
/*
 * kvrealloc() to size 0 frees the object, whatever zone the gfp names. If an
 * object were left live, fixture_exit() would fail the case.
 */
static void test_kvrealloc_to_nothing(struct kunit *test)
{
	static const gfp_t flags[] = {
		GFP_KERNEL, GFP_KERNEL | __GFP_DMA, GFP_KERNEL | __GFP_DMA32,
	};
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		p = kvmalloc(100, GFP_KERNEL);
		KUNIT_ASSERT_TRUE(test, gomem_owns(p));
		KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
				    kvrealloc(p, 0, flags[i]));
		KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
				    kvrealloc(NULL, 0, flags[i]));
	}
}
#endif

static void test_kvrealloc(struct kunit *test)
{
	u8 *p = resize(NULL, 0, 100);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, gomem_owns(p));
	memset(p, 0x5a, 100);
	p = resize(p, 100, SZ_64K);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, gomem_owns(p));
	KUNIT_EXPECT_FALSE(test, !!memchr_inv(p, 0x5a, 100));
	memset(p, 0x5a, SZ_64K);
	p = resize(p, SZ_64K, GOMEM_MAX_SIZE + 1);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(p));
	KUNIT_EXPECT_FALSE(test, !!memchr_inv(p, 0x5a, SZ_64K));
	p = resize(p, GOMEM_MAX_SIZE + 1, GOMEM_MAX_SIZE + SZ_64K);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_FALSE(test, !!memchr_inv(p, 0x5a, SZ_64K));
	kvfree(p);
}

/* A type of 480 bytes: 200 of them make a large object. */
struct sample {
	u64 word[60];
};

static void free_anywhere(const void *p)
{
#ifdef GOMEM_HAVE_KVFREE_ATOMIC
	kvfree_atomic(p);
#else
	kvfree(p);
#endif
}

/* Call functions that only some kernels have. */
static void test_by_kernel(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, n = 0;

#ifdef GOMEM_HAVE_KREALLOC_ALIGN
	f->objs[n++] = krealloc_node_align(kmalloc(8, GFP_KERNEL), 192, 64,
					   GFP_KERNEL, 0);
	f->objs[n++] = krealloc_node(NULL, 128, GFP_KERNEL, 0);
#endif
#ifdef GOMEM_HAVE_KVREALLOC_ALIGN
	f->objs[n++] = kvrealloc_node_align(kmalloc(8, GFP_KERNEL), 192, 64,
					    GFP_KERNEL, 0);
#endif
#ifdef GOMEM_HAVE_KVMALLOC_ALIGN
	f->objs[n++] = kvmalloc_node_align(100, 64, GFP_KERNEL, 0);
#endif
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, 0, (unsigned long)f->objs[i] % 64);
#ifdef GOMEM_HAVE_KMEMDUP_ARRAY
	f->objs[n++] = kmemdup_array("text", 5, 1, GFP_KERNEL);
	KUNIT_EXPECT_NULL(test, kmemdup_array("text", SIZE_MAX, 2,
					      GFP_KERNEL | __GFP_NOWARN));
#endif
#ifdef GOMEM_HAVE_KVMEMDUP
	f->objs[n++] = kvmemdup("text", 5, GFP_KERNEL);
#endif
#ifdef GOMEM_HAVE_KMALLOC_OBJ
	f->objs[n++] = kmalloc_obj(struct sample);
	f->objs[n++] = kzalloc_objs(struct sample, 3);
	f->objs[n++] = kvmalloc_objs(struct sample, 200);
	f->objs[n++] = kmalloc_objs(struct sample, n);
#endif
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_NOT_NULL(test, f->objs[i]);
		KUNIT_EXPECT_TRUE_MSG(test, gomem_owns(f->objs[i]), "%u", i);
		free_anywhere(f->objs[i]);
	}
	free_anywhere(gomem_kernel_kmalloc(8, GFP_KERNEL));
	free_anywhere(vmalloc(8));
}

/* gomem passes on a resize that asks for a zone. The result is aligned, too. */
static void test_passed_on(struct kunit *test)
{
#ifdef GOMEM_HAVE_KREALLOC_ALIGN
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		f->objs[i] = krealloc_node_align(kmalloc(8, GFP_KERNEL), 136,
						 128, GFP_KERNEL | GFP_DMA, 0);
		KUNIT_EXPECT_FALSE(test, gomem_owns(f->objs[i]));
		KUNIT_EXPECT_EQ(test, 0, (unsigned long)f->objs[i] % 128);
		/* With KASAN, all objects of 192 bytes may be aligned, too. */
		KUNIT_EXPECT_EQ(test, 0, ksize(f->objs[i]) % 128);
	}
	for (i = 0; i < 4; i++)
		free_anywhere(f->objs[i]);
#else
	kunit_skip(test, "the kernel has no krealloc_node_align()");
#endif
}

/*
 * kfree_nolock() frees objects of gomem and of the kernel. kfree() frees
 * objects from kmalloc_nolock().
 */
static void test_nolock(struct kunit *test)
{
#ifdef GOMEM_HAVE_KFREE_NOLOCK
	void *p = kmalloc(8, GFP_KERNEL);

	kfree_nolock(p);
	kfree_nolock(NULL);
	kfree_nolock(kmalloc(100, GFP_KERNEL));
	kfree_nolock(kmalloc(SZ_64K, GFP_KERNEL));
	p = kmalloc_nolock(100, 0, NUMA_NO_NODE);
	KUNIT_EXPECT_FALSE(test, p && gomem_owns(p));
	kfree(p);
	kfree_nolock(kmalloc_nolock(100, 0, NUMA_NO_NODE));
	gomem_rcu_barrier();
#else
	kunit_skip(test, "this kernel has no kfree_nolock()");
#endif
}

/*
 * The override also replaces functions whose addresses are taken, as callbacks
 * or in structs.
 */
struct operations {
	void (*kfree)(const void *p);
};

static void call(void (*function)(const void *p), const void *p)
{
	OPTIMIZER_HIDE_VAR(function);
	function(p);
}

static bool frees_at_the_end(void)
{
	char *text __free(kfree) = kstrdup("text", GFP_KERNEL);

	return gomem_owns(text);
}

static void test_pointers(struct kunit *test)
{
	static const struct operations ops = { .kfree = kfree };

	KUNIT_EXPECT_TRUE(test, frees_at_the_end());
	call(kfree, kmalloc(100, GFP_KERNEL));
	call(kvfree, kmalloc(100, GFP_KERNEL));
	call(kfree_sensitive, kmalloc(100, GFP_KERNEL));
	call(ops.kfree, kmalloc(100, GFP_KERNEL));
	ops.kfree(gomem_kernel_kmalloc(100, GFP_KERNEL));
}

struct protected {
	long value;
	struct rcu_head rcu;
};

static void free_protected(struct protected *p)
{
	kfree_rcu(p, rcu);
}

static void test_rcu(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 3 * NR_OBJECTS; i++)
		free_protected(kmalloc(sizeof(struct protected), GFP_KERNEL));
	for (i = 0; i < NR_OBJECTS; i++)
		free_protected(gomem_kernel_kmalloc(sizeof(struct protected),
						    GFP_KERNEL));
	kfree_rcu_mightsleep(kmalloc(8, GFP_KERNEL));
	kvfree_rcu_mightsleep(kvmalloc(SZ_64K, GFP_KERNEL));
	kvfree_rcu_mightsleep(vmalloc(SZ_64K));
	gomem_rcu_barrier();
}

#ifdef GOMEM_HAVE_KVFREE_RCU_HEAD
/*
 * A type with an RCU head of 8 bytes. Readers use the member after the head
 * until the grace period ends.
 */
struct half_protected {
	struct kvfree_rcu_head rcu;
	u64 next;
};

static void test_rcu_small_head(struct kunit *test)
{
	struct half_protected *p = kmalloc_obj(*p), *q = kmalloc_obj(*q);

	KUNIT_ASSERT_TRUE(test, p && q);
	p->next = 0x5a5a;
	q->next = 0x5b5b;
	rcu_read_lock();
	kfree_rcu(p, rcu);
	kfree_rcu_nolock(q, rcu);
	KUNIT_EXPECT_EQ(test, 0x5a5a, p->next);
	KUNIT_EXPECT_EQ(test, 0x5b5b, q->next);
	rcu_read_unlock();
	gomem_rcu_barrier();
}
#endif

#ifdef GOMEM_EXPORTS_KVFREE_RCU_BARRIER
/* When kvfree_rcu_barrier() returns, all waiting objects are free. */
static void test_rcu_barrier(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct kmem_cache *s = KMEM_CACHE(protected, 0);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR_OBJECTS; i++)
		free_protected(kmem_cache_alloc(s, GFP_KERNEL));
	free_protected(gomem_kernel_kmalloc(sizeof(struct protected),
					    GFP_KERNEL));
	kvfree_rcu_barrier();
	KUNIT_EXPECT_EQ(test, 0, gomem_rcu_waiting());
#ifdef GOMEM_EXPORTS_KVFREE_RCU_BARRIER_ON_CACHE
	free_protected(kmem_cache_alloc(s, GFP_KERNEL));
	kvfree_rcu_barrier_on_cache(s);
	KUNIT_EXPECT_EQ(test, 0, gomem_rcu_waiting());
#endif
	kmem_cache_destroy(s);
	KUNIT_EXPECT_EQ(test, f->balance.live, live_objects());
}
#endif

/* No misuse may reach the kernel's kfree(), which would not detect it. */
static void test_misuse(struct kunit *test)
{
	void *p = kmalloc(100, GFP_KERNEL);

	kfree(p);
	kfree(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);

	p = kmalloc(SZ_1M, GFP_KERNEL);
	kvfree(p);
	kvfree(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);

	p = kmalloc(100, GFP_KERNEL);
	kfree(p + 8);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	KUNIT_EXPECT_NULL(test, krealloc(p + 8, 200, GFP_KERNEL));
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	KUNIT_EXPECT_NULL(test, krealloc(p + 8, 4096, GFP_KERNEL));
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	kfree(p);
}

static struct kunit_case override_cases[] = {
	KUNIT_CASE(test_kmalloc),
	KUNIT_CASE(test_alignment),
	KUNIT_CASE(test_alignment_of_copies),
	KUNIT_CASE(test_alignment_of_krealloc),
	KUNIT_CASE(test_nothing),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_kvmalloc_no_pages),
	KUNIT_CASE(test_of_the_kernel),
	KUNIT_CASE(test_krealloc),
	KUNIT_CASE(test_kvrealloc),
#ifndef GOMEM_HAVE_KVREALLOC_OLD_SIZE
	KUNIT_CASE(test_kvrealloc_to_nothing),
#endif
	KUNIT_CASE(test_by_kernel),
	KUNIT_CASE(test_passed_on),
	KUNIT_CASE(test_nolock),
	KUNIT_CASE(test_pointers),
	KUNIT_CASE(test_rcu),
#ifdef GOMEM_HAVE_KVFREE_RCU_HEAD
	KUNIT_CASE(test_rcu_small_head),
#endif
#ifdef GOMEM_EXPORTS_KVFREE_RCU_BARRIER
	KUNIT_CASE(test_rcu_barrier),
#endif
	KUNIT_CASE(test_misuse),
	{}
};

static struct kunit_suite override_suite = {
	.name = "gomem_override",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = override_cases,
};

kunit_test_suite(override_suite);
