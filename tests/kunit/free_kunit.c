// SPDX-License-Identifier: GPL-2.0
/*
 * free_kunit.c - frees, and misuse that a free or the next allocation finds.
 *
 * Misuse must be counted once, in the right counter, and must have no other
 * effect. The reports of misuse that the cases leave in the log are expected.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "fixture.h"
#include "object.h"
#include "cpu/node.h"
#include "map/report.h"

/* Frees that clear the object */

static void test_free_sensitive(struct kunit *test)
{
	static const size_t sizes[] = {
		8, 24, 100, 4096, 9472, 32768, 40960, SZ_1M,
	};
	unsigned int i;
	size_t usable;
	u8 *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		usable = want_usable(sizes[i]);
		p = get_object(test, sizes[i]);
		memset(p, 0x77, usable);
		gomem_free_sensitive(p);
		/*
		 * The page still belongs to the heap, so it can be read. gomem
		 * may have written to the first word of the free object.
		 */
		KUNIT_EXPECT_TRUE_MSG(test, is_zero(p + 8, usable - 8),
				      "size %zu", sizes[i]);
		KUNIT_EXPECT_NE(test, 0x7777777777777777UL,
				*(unsigned long *)p);
	}
}

/* Misuse is counted once, and has no effect */

static void test_double_free(struct kunit *test)
{
	static const size_t sizes[] = {
		1, 8, 64, 1000, 8192, 16384, 32768, 32769, SZ_1M,
	};
	unsigned int i, round;
	void *p, *q;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (round = 0; round < 2; round++) {
			p = round ? gomem_alloc_noscan(sizes[i], GFP_KERNEL) :
			    gomem_alloc(sizes[i], GFP_KERNEL);
			gomem_free(p);
			expect_no_misuse(test);
			gomem_free(p);
			expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
			gomem_free(p);
			expect_misuses(test, GOMEM_DOUBLE_FREE, 1);

			/* The object is not handed out twice. */
			p = gomem_alloc(sizes[i], GFP_KERNEL);
			q = gomem_alloc(sizes[i], GFP_KERNEL);
			KUNIT_EXPECT_PTR_NE(test, p, q);
			gomem_free(p);
			gomem_free(q);
		}
	}
	expect_sound(test);
}

/*
 * The second free comes late: the object has left the slot, and its span may be
 * gone.
 */
static void test_double_free_late(struct kunit *test)
{
	static const size_t sizes[] = { 16, 64, 1024, 4096, 12288 };
	struct fixture *f = test->priv;
	unsigned int i, k, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = round_down(min_t(unsigned int, FIXTURE_OBJECTS,
				     SZ_1M / sizes[i]),
			       16);
		KUNIT_ASSERT_EQ(test, n,
				gomem_alloc_bulk(sizes[i], GFP_KERNEL, n,
						 f->objs));
		gomem_free_bulk(n, f->objs);
		expect_no_misuse(test);
		for (k = 0; k < n; k += n / 16)
			gomem_free(f->objs[k]);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 16);
		expect_sound(test);
	}
}

static void test_double_free_otherwise(struct kunit *test)
{
	void *p = get_object(test, 100), *bulk[3] = { p, p, p };

	gomem_free_bulk(3, bulk);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 2);
	gomem_free_sensitive(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_realloc(p, 0, GFP_KERNEL));
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
}

/* Functions that return or change the size of an object refuse a free one. */
static void test_use_after_free(struct kunit *test)
{
	static const size_t sizes[] = { 8, 100, 8192 };
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = get_object(test, sizes[i]);
		gomem_free(p);
		KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
		KUNIT_EXPECT_NULL(test,
				  gomem_realloc(p, 1, GFP_KERNEL | __GFP_ZERO));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 20000, GFP_KERNEL));
		expect_misuses(test, GOMEM_USE_AFTER_FREE, 3);
		/* The refused call leaves the object free. */
		gomem_free(p);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	}
}

static void test_free_sensitive_large_twice(struct kunit *test)
{
	void *p = get_object(test, 50000);

	gomem_free_sensitive(p);
	gomem_free_sensitive(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
}

/* A free object that was written to is not handed out. */
static void test_write_after_free(struct kunit *test)
{
	unsigned long *p, *q, *r;

	/* On this CPU, the object that was freed last is handed out next. */
	migrate_disable();
	p = get_object(test, 100);
	gomem_free(p);
	*p = 0x1234;
	q = gomem_alloc(100, GFP_KERNEL);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	KUNIT_EXPECT_PTR_NE(test, p, q);

	/*
	 * The write destroys the key. So the second free is not noticed, and
	 * puts the object into the slot once more.
	 */
	gomem_free(q);
	*q = 0x1234;
	gomem_free(q);
	expect_no_misuse(test);
	r = gomem_alloc(100, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, q, r);
	expect_no_misuse(test);
	q = gomem_alloc(100, GFP_KERNEL);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	KUNIT_EXPECT_PTR_NE(test, q, r);
	migrate_enable();

	/*
	 * When gomem reported the write to p, it set p aside: p has no key, and
	 * stays allocated. So this second free of p is not noticed. q and r are
	 * live objects.
	 */
	gomem_free(p);
	gomem_free(q);
	gomem_free(r);
	expect_no_misuse(test);
}

static const struct interior_case {
	const char *name;
	size_t size;
	unsigned int step;
} interior_cases[] = {
	{ "8 bytes",			8,	1 },
	{ "48 bytes",			48,	1 },
	{ "1 KiB",			1024,	1 },
	{ "4864 bytes in 3 pages",	4864,	1 },
	{ "27264 bytes in 10 pages",	27264,	37 },
	{ "32 KiB",			32768,	64 },
	{ "large",			50000,	97 },
	{ "1 MiB",			SZ_1M,	4096 },
};

KUNIT_ARRAY_PARAM_DESC(interior, interior_cases, name);

static void test_interior(struct kunit *test)
{
	const struct interior_case *c = test->param_value;
	size_t usable = want_usable(c->size), offset;
	void *p = get_object(test, c->size);
	unsigned int n = 0;

	fill(p, usable);
	for (offset = 1; offset < usable; offset += c->step, n++)
		gomem_free(p + offset);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, n);

	gomem_free(p + usable / 2);
	gomem_free_sensitive(p + usable / 2);
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p + usable / 2));
	KUNIT_EXPECT_NULL(test, gomem_realloc(p + usable / 2, 1, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test,
			  gomem_realloc(p + usable / 2, 5000, GFP_KERNEL));
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 5);

	KUNIT_EXPECT_TRUE(test, is_filled(p, usable));
	expect_sound(test);
	gomem_free(p);
}

/* The tail of a span, after its last object, belongs to no object. */
static void test_tail(struct kunit *test)
{
	unsigned int class, n = 0;
	struct gomem_span *s;
	unsigned long addr;
	void *p;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		p = get_object(test, gomem_class_size(class));
		s = span_at(p);
		addr = (unsigned long)gomem_span_object(s, s->nelems);
		for (; addr < s->base + s->npages * GOMEM_PAGE_SIZE;
		     addr += 8, n++) {
			gomem_free((void *)addr);
			KUNIT_EXPECT_EQ(test, 0,
					gomem_usable_size((void *)addr));
		}
		gomem_free(p);
	}
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 2 * n);
	expect_sound(test);
}

/* Pass a foreign pointer to each function that takes an object. */
static void free_foreign(struct kunit *test, const void *p)
{
	gomem_free(p);
	gomem_free_sensitive(p);
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, 100, GFP_KERNEL));
	gomem_free_bulk(1, (void **)&p);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 5);
}

static void test_foreign(struct kunit *test)
{
	static u64 in_module = 0x7777777777777777;
	u8 *slab = kmalloc(1000, GFP_KERNEL), *area = vmalloc(1000);
	u8 *page = (u8 *)__get_free_page(GFP_KERNEL);
	u64 on_stack = 0x7777777777777777;

	KUNIT_ASSERT_TRUE(test, slab && area && page);
	fill(slab, 1000);
	fill(area, 1000);
	fill(page, PAGE_SIZE);
	free_foreign(test, slab);
	free_foreign(test, slab + 1);
	free_foreign(test, area);
	free_foreign(test, area + 24);
	free_foreign(test, page);
	free_foreign(test, page + PAGE_SIZE - 1);
	free_foreign(test, &on_stack);
	free_foreign(test, &in_module);
	free_foreign(test, test_foreign);
	free_foreign(test, ZERO_SIZE_PTR + 1);
	free_foreign(test, (void *)0x400000);
	free_foreign(test, (void *)TASK_SIZE - 8);
	free_foreign(test, (void *)PAGE_OFFSET);
	free_foreign(test, high_memory);
	free_foreign(test, high_memory + SZ_1G);
	free_foreign(test, (void *)BIT(63));
	free_foreign(test, (void *)~0UL);
	free_foreign(test, (void *)-EINVAL);
	KUNIT_EXPECT_TRUE(test, is_filled(slab, 1000));
	KUNIT_EXPECT_TRUE(test, is_filled(area, 1000));
	KUNIT_EXPECT_TRUE(test, is_filled(page, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0x7777777777777777, on_stack);
	KUNIT_EXPECT_EQ(test, 0x7777777777777777, in_module);
	kfree(slab);
	vfree(area);
	free_page((unsigned long)page);
	expect_sound(test);
}

static struct kunit_case free_cases[] = {
	KUNIT_CASE(test_free_sensitive),
	KUNIT_CASE(test_double_free),
	KUNIT_CASE(test_double_free_late),
	KUNIT_CASE(test_double_free_otherwise),
	KUNIT_CASE(test_use_after_free),
	KUNIT_CASE(test_free_sensitive_large_twice),
	KUNIT_CASE(test_write_after_free),
	KUNIT_CASE_PARAM(test_interior, interior_gen_params),
	KUNIT_CASE(test_tail),
	KUNIT_CASE(test_foreign),
	{}
};

static struct kunit_suite free_suite = {
	.name = "gomem_free",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = free_cases,
};

kunit_test_suite(free_suite);
