// SPDX-License-Identifier: GPL-2.0
/*
 * tiny_steps.c - helpers that allocate, check and free tiny objects.
 */
#include <linux/bitops.h>
#include <linux/gomem.h>

#include "tiny_steps.h"
#include "run/epoch.h"

unsigned int tiny_off_of(const void *p)
{
	return (unsigned long)p % 16;
}

unsigned long tiny_block_of(const void *p)
{
	return (unsigned long)p - tiny_off_of(p);
}

/*
 * Return the byte that an object is filled with. Objects in one block get
 * different bytes.
 */
u8 tiny_byte_of(const char *p)
{
	return (unsigned long)p * 37 + 11;
}

/*
 * Expect a live object of @size bytes, aligned to the largest power of two that
 * divides @size.
 */
void tiny_expect(struct kunit *test, void *p, unsigned int size)
{
	size_t usable = gomem_usable_size(p);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % BIT(__ffs(size)),
			    "size %u", size);
	KUNIT_ASSERT_GE_MSG(test, usable, size, "size %u", size);
	KUNIT_ASSERT_TRUE(test, gomem_owns(p) && gomem_owns(p + usable - 1));
	if (!shares_block(p))
		return;
	KUNIT_ASSERT_LE_MSG(test, tiny_off_of(p) + usable, 16, "size %u", size);
	KUNIT_ASSERT_TRUE(test, tiny_off_of(p) < 14 && tiny_off_of(p) % 2 == 0);
	KUNIT_ASSERT_TRUE_MSG(test, is_zero(p, usable), "size %u", size);
}

char *tiny_get(struct kunit *test, unsigned int size)
{
	char *p = gomem_alloc_noscan(size, GFP_KERNEL);

	tiny_expect(test, p, size);
	memset(p, tiny_byte_of(p), size);
	return p;
}

void tiny_expect_kept(struct kunit *test, const char *p, unsigned int size)
{
	KUNIT_ASSERT_TRUE_MSG(test, !memchr_inv(p, tiny_byte_of(p), size),
			      "size %u at + %u", size, tiny_off_of(p));
}

void tiny_put(struct kunit *test, char *p, unsigned int size)
{
	tiny_expect_kept(test, p, size);
	KUNIT_ASSERT_GE(test, gomem_usable_size(p), size);
	gomem_free(p);
}

/*
 * Stay on this CPU and drop its current block, so that the next object begins a
 * new block.
 */
void tiny_begin_block(void)
{
	gomem_scavenge_all();
	migrate_disable();
}

void tiny_end_block(void)
{
	migrate_enable();
}

void tiny_expect_all_back(struct kunit *test)
{
	struct gomem_tiny_stats now;

	gomem_scavenge_all();
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, now.allocs, now.frees);
	KUNIT_EXPECT_EQ(test, 0, now.blocks);
	KUNIT_EXPECT_EQ(test, 0, now.cached);
	KUNIT_EXPECT_EQ(test, 0, now.sys);
}

/* gomem_free() as an argument of run_in_hardirq(). */
void tiny_free_one(void *p)
{
	gomem_free(p);
}

void tiny_free_all(void *arg)
{
	struct tiny_fixture *f = arg;
	unsigned int i;

	/*
	 * Lockdep may report spinlocks in interrupt handlers, since they would
	 * sleep on PREEMPT_RT. But there no interrupt handler calls this
	 * function: skip_on_rt(). So tell lockdep to allow them here.
	 */
	lockdep_hardirq_threaded();
	for (i = 0; i < MAX_OBJECTS; i++) {
		gomem_free(f->obj[i]);
		f->obj[i] = NULL;
	}
}

void tiny_make_all(struct kunit *test)
{
	struct tiny_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < MAX_OBJECTS; i++)
		f->obj[i] = tiny_get(test, 1 + i % 4);
	shuffle(&f->base.rnd, (void **)f->obj, MAX_OBJECTS);
}

void tiny_refuse(struct kunit *test, void *p, unsigned int what)
{
	gomem_free(p);
	expect_misuses(test, what, 1);
	gomem_free_sensitive(p);
	expect_misuses(test, what, 1);
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
	expect_misuses(test,
		       what == GOMEM_DOUBLE_FREE ? GOMEM_USE_AFTER_FREE : what,
		       1);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, 30, GFP_KERNEL));
	expect_misuses(test,
		       what == GOMEM_DOUBLE_FREE ? GOMEM_USE_AFTER_FREE : what,
		       1);
}

int tiny_init(struct kunit *test)
{
	struct tiny_fixture *f = fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	gomem_tiny_get_stats(&f->before);
	return 0;
}

void tiny_exit(struct kunit *test)
{
	struct tiny_fixture *f = test->priv;
	struct gomem_tiny_stats now;

	if (!f)
		return;
	fixture_exit(test);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, now.allocs - f->before.allocs,
			now.frees - f->before.frees);
}
