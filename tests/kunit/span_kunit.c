// SPDX-License-Identifier: GPL-2.0
/*
 * span_kunit.c - the slots of a span against a byte a slot.
 *
 * The oracle knows of each slot whether it is free, allocated, or freed and not
 * swept yet, and where the search for a free one stands. It says what a take
 * must return before the span is asked. gomem_span_validate() runs after each
 * step, and has a test of its own that it can say no.
 *
 * Spans are those of all span classes, and some whose number of slots is next to
 * a multiple of 64.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kind.h"
#include "sizeclass.h"
#include "span.h"

#define BASE		0x7000000000UL
#define MAX_SLOTS	GOMEM_SPAN_MAX_OBJECTS

static uint seed_param;
module_param_named(span_seed, seed_param, uint, 0444);
MODULE_PARM_DESC(span_seed, "Seed of the random cases (0: pick one)");

enum slot_state { FREE, TAKEN, FREED };

struct fixture {
	struct gomem_span *s;
	struct rnd_state rnd;
	u32 seed;
	/* The oracle */
	u8 state[MAX_SLOTS];
	unsigned int cursor;	/* slots below are not looked at until the next sweep */
	unsigned int fresh;	/* slots from here on were never handed out */
	/* Room for a test */
	void *out[MAX_SLOTS + 1];
	u16 order[MAX_SLOTS];
};

static u32 below(struct fixture *f, u32 limit)
{
	return prandom_u32_state(&f->rnd) % limit;
}

/* A descriptor of exactly the size it needs, so that KASAN sees what lies beyond. */
static struct gomem_span *make_descriptor(struct kunit *test, unsigned int nelems)
{
	size_t bytes = sizeof(struct gomem_span) +
		       2 * gomem_span_words(nelems) * sizeof(unsigned long);
	struct gomem_span *s = kunit_kzalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

static void use_span(struct kunit *test, struct gomem_span *s)
{
	struct fixture *f = test->priv;

	if (f->s)
		kunit_kfree(test, f->s);
	f->s = s;
	memset(f->state, FREE, sizeof(f->state));
	f->cursor = 0;
	f->fresh = 0;
}

static void make_span(struct kunit *test, unsigned int spc)
{
	unsigned int class = gomem_spc_class(spc);
	struct gomem_span *s = make_descriptor(test, gomem_class_nelems(class));

	gomem_span_init(s, BASE, gomem_class_pages(class), &gomem_kinds[spc]);
	use_span(test, s);
}

/* A span of 8-byte objects with fewer of them than the class has. */
static void make_short_span(struct kunit *test, unsigned int nelems)
{
	struct gomem_span *s = make_descriptor(test, GOMEM_SPAN_MAX_OBJECTS);

	gomem_span_init(s, BASE, 1, &gomem_kinds[gomem_spc_make(1, false)]);
	s->nelems = nelems;
	s->nwords = gomem_span_words(nelems);
	use_span(test, s);
}

static const struct shape {
	const char *name;
	unsigned int nelems;
} shapes[] = {
	{ "one slot",			1 },
	{ "two slots",			2 },
	{ "one short of a word",	63 },
	{ "a word",			64 },
	{ "one more than a word",	65 },
	{ "one short of two words",	127 },
	{ "two words",			128 },
	{ "one more than two words",	129 },
	{ "half of the third word",	170 },
	{ "into the sixth word",	341 },
	{ "one short of all",		1023 },
	{ "all words",			1024 },
};

static void shape_desc(const struct shape *s, char *desc)
{
	strscpy(desc, s->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(shape, shapes, shape_desc);

/* The oracle */

static unsigned int count_state(struct fixture *f, enum slot_state state)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->s->nelems; i++)
		n += f->state[i] == state;
	return n;
}

static bool bit_is_set(const unsigned long *bits, unsigned int i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

/* First slot whose bits are not what the oracle says, nelems if there is none. */
static unsigned int first_difference(struct fixture *f)
{
	const unsigned long *alloc_bits = gomem_span_alloc_bits(f->s);
	const unsigned long *freed_bits = gomem_span_freed_bits(f->s);
	unsigned int i;

	for (i = 0; i < f->s->nelems; i++) {
		bool allocated = f->state[i] != FREE;
		bool freed = f->state[i] == FREED;

		if (bit_is_set(alloc_bits, i) != allocated || bit_is_set(freed_bits, i) != freed)
			break;
	}
	return i;
}

static void expect_span(struct kunit *test, const char *step)
{
	struct fixture *f = test->priv;
	const char *violation = gomem_span_validate(f->s);

	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s: %s; spc %u, %u slots, seed %u", step,
			      violation, f->s->spc, f->s->nelems, f->seed);
	KUNIT_ASSERT_EQ_MSG(test, f->s->nelems, first_difference(f), "%s; spc %u, seed %u", step,
			    f->s->spc, f->seed);
	KUNIT_ASSERT_EQ_MSG(test, f->cursor, f->s->freeindex, "%s; spc %u, %u slots, seed %u",
			    step, f->s->spc, f->s->nelems, f->seed);
	KUNIT_ASSERT_EQ(test, f->s->nelems - count_state(f, FREE), f->s->alloc_count);
	KUNIT_ASSERT_EQ(test, count_state(f, FREED), atomic_read(&f->s->pending));
	KUNIT_ASSERT_EQ(test, f->fresh, f->s->fresh);
}

/* The next free slot, nelems if there is none until the next sweep. */
static unsigned int next_free(struct fixture *f)
{
	unsigned int i = f->cursor;

	while (i < f->s->nelems && f->state[i] != FREE)
		i++;
	return i;
}

/* The steps, each with what the oracle expects of it */

static unsigned int take(struct kunit *test, unsigned int want)
{
	struct fixture *f = test->priv;
	unsigned int n, i, slot, recycled, want_recycled = 0;

	recycled = ~0U;
	n = gomem_span_take(f->s, f->out, want, &recycled);
	KUNIT_ASSERT_LE(test, n, want);
	for (i = 0; i < n; i++) {
		slot = next_free(f);
		KUNIT_ASSERT_LT_MSG(test, slot, f->s->nelems, "from nowhere; spc %u, seed %u",
				    f->s->spc, f->seed);
		KUNIT_ASSERT_PTR_EQ_MSG(test, (void *)(BASE + slot * f->s->elemsize), f->out[i],
					"slot %u; spc %u, seed %u", slot, f->s->spc, f->seed);
		f->state[slot] = TAKEN;
		f->cursor = slot + 1;
		want_recycled += slot < f->fresh;
		f->fresh = max(f->fresh, slot + 1);
	}
	if (n < want) {
		KUNIT_ASSERT_EQ(test, f->s->nelems, next_free(f));
		f->cursor = f->s->nelems;
	}
	KUNIT_ASSERT_EQ_MSG(test, want_recycled, recycled, "spc %u, seed %u", f->s->spc, f->seed);
	expect_span(test, __func__);
	return n;
}

static void take_all(struct kunit *test)
{
	struct fixture *f = test->priv;

	take(test, f->s->nelems);
	KUNIT_ASSERT_EQ(test, 0, count_state(f, FREE));
}

/* As gomem_mcentral_free() does it: what turns out to be bad is not pending. */
static void put(struct kunit *test, unsigned int word, unsigned long mask)
{
	struct fixture *f = test->priv;
	unsigned long bad, want_bad = 0;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		unsigned int slot = word * 64 + i;

		if (!(mask & BIT(i)))
			continue;
		if (slot < f->s->nelems && f->state[slot] == TAKEN)
			f->state[slot] = FREED;
		else
			want_bad |= BIT(i);
	}
	atomic_add(hweight_long(mask), &f->s->pending);
	bad = gomem_span_put(f->s, word, mask);
	atomic_sub(hweight_long(bad), &f->s->pending);
	KUNIT_ASSERT_EQ_MSG(test, want_bad, bad, "word %u, mask %#lx; spc %u, seed %u", word, mask,
			    f->s->spc, f->seed);
	expect_span(test, __func__);
}

static void put_slot(struct kunit *test, unsigned int slot)
{
	put(test, slot / 64, BIT(slot % 64));
}

static void sweep(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int freed = count_state(f, FREED), i;
	struct gomem_sweep res = gomem_span_sweep(f->s);

	KUNIT_ASSERT_EQ_MSG(test, freed, res.freed, "spc %u, seed %u", f->s->spc, f->seed);
	KUNIT_ASSERT_EQ(test, 0, res.bad);
	for (i = 0; i < f->s->nelems; i++)
		if (f->state[i] == FREED)
			f->state[i] = FREE;
	f->cursor = 0;
	expect_span(test, __func__);
}

static void shuffle_slots(struct fixture *f)
{
	unsigned int i, k;

	for (i = 0; i < f->s->nelems; i++)
		f->order[i] = i;
	for (; i > 1; i--) {
		k = below(f, i);
		swap(f->order[i - 1], f->order[k]);
	}
}

/* Geometry */

static void test_init_classes(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int spc, class;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		make_span(test, spc);
		class = gomem_spc_class(spc);
		KUNIT_ASSERT_EQ(test, BASE, f->s->base);
		KUNIT_ASSERT_EQ(test, gomem_class_pages(class), f->s->npages);
		KUNIT_ASSERT_EQ(test, gomem_class_nelems(class), f->s->nelems);
		KUNIT_ASSERT_EQ(test, gomem_class_size(class), f->s->elemsize);
		KUNIT_ASSERT_EQ(test, spc, f->s->spc);
		KUNIT_ASSERT_EQ(test, GOMEM_SPAN_DEAD, gomem_span_state(f->s));
		KUNIT_ASSERT_EQ(test, 0, f->s->alloc_count);
		KUNIT_ASSERT_FALSE(test, gomem_span_is_full(f->s));
		expect_span(test, "fresh");
	}
}

/* The descriptor may have been another span's before. */
static void test_init_used_descriptor(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int spc = gomem_spc_make(1, false);

	make_span(test, spc);
	take(test, 100);
	put(test, 0, ~0UL);
	gomem_span_init(f->s, BASE, 1, &gomem_kinds[spc]);
	memset(f->state, FREE, sizeof(f->state));
	f->cursor = 0;
	f->fresh = 0;
	expect_span(test, "made anew");
	take_all(test);
}

static void test_index_every_byte(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int class, offset, index;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		make_span(test, gomem_spc_make(class, false));
		for (offset = 0; offset < gomem_class_span_bytes(class); offset++) {
			index = gomem_span_index(f->s, BASE + offset);
			if (index != offset / f->s->elemsize)
				break;
		}
		KUNIT_EXPECT_EQ_MSG(test, gomem_class_span_bytes(class), offset, "class %u", class);
		for (index = 0; index < f->s->nelems; index++)
			KUNIT_ASSERT_PTR_EQ(test, (void *)(BASE + index * f->s->elemsize),
					    gomem_span_object(f->s, index));
	}
}

static const struct large_case {
	const char *name;
	unsigned int npages;
	bool noscan;
} large_cases[] = {
	{ "five pages",			5,	false },
	{ "five pages, noscan",		5,	true },
	{ "64 pages",			64,	false },
	{ "a chunk less a page",	511,	false },
	{ "a chunk, noscan",		512,	true },
};

static void large_desc(const struct large_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(large, large_cases, large_desc);

static void test_large(struct kunit *test)
{
	const struct large_case *c = test->param_value;
	struct gomem_span *s = make_descriptor(test, 1);
	unsigned int recycled;
	void *obj;

	gomem_span_init(s, BASE, c->npages,
			&gomem_kinds[gomem_spc_make(0, c->noscan)]);
	KUNIT_EXPECT_EQ(test, 1, s->nelems);
	KUNIT_EXPECT_EQ(test, c->npages * GOMEM_PAGE_SIZE, s->elemsize);
	KUNIT_EXPECT_EQ(test, 1, s->alloc_count);
	KUNIT_EXPECT_TRUE(test, gomem_span_is_full(s));
	KUNIT_EXPECT_EQ(test, 0, gomem_span_take(s, &obj, 1, &recycled));
	KUNIT_EXPECT_EQ(test, 0, recycled);
	KUNIT_EXPECT_NULL(test, gomem_span_validate(s));
}

/* Taking */

static void test_take_one_by_one(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int spc, n;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		make_span(test, spc);
		for (n = 0; take(test, 1); n++)
			;
		KUNIT_ASSERT_EQ_MSG(test, f->s->nelems, n, "spc %u", spc);
		KUNIT_ASSERT_TRUE(test, gomem_span_is_full(f->s));
		KUNIT_ASSERT_EQ(test, 0, take(test, 1));
	}
}

static void test_take_batches(struct kunit *test)
{
	static const unsigned int batches[] = { 2, 3, 31, 32, 63, 64, 65, 129, MAX_SLOTS };
	struct fixture *f = test->priv;
	unsigned int class, i, n, total;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		for (i = 0; i < ARRAY_SIZE(batches); i++) {
			make_span(test, gomem_spc_make(class, class & 1));
			for (total = 0; (n = take(test, batches[i])); total += n)
				;
			KUNIT_ASSERT_EQ(test, f->s->nelems, total);
		}
	}
}

/* All of a new span at once is the same as one by one. */
static void test_take_all(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int n, i;
	void *objs[64];

	for (n = 1; n <= 64; n++) {
		make_short_span(test, n);
		gomem_span_take_all(f->s, objs);
		for (i = 0; i < n; i++)
			KUNIT_EXPECT_PTR_EQ(test, gomem_span_object(f->s, i), objs[i]);
		KUNIT_EXPECT_EQ(test, n, f->s->alloc_count);
		KUNIT_EXPECT_NULL(test, gomem_span_validate(f->s));
		KUNIT_EXPECT_FALSE(test, gomem_span_put_all(f->s, 0, BIT_ULL(n - 1) << 1));
		KUNIT_EXPECT_TRUE(test, gomem_span_put_all(f->s, 0, GENMASK_ULL(n - 1, 0)));
		KUNIT_EXPECT_NULL(test, gomem_span_validate(f->s));
	}
}

static void test_take_nothing(struct kunit *test)
{
	make_span(test, gomem_spc_make(1, false));
	KUNIT_EXPECT_EQ(test, 0, take(test, 0));
	take(test, 64);
	KUNIT_EXPECT_EQ(test, 0, take(test, 0));
}

/* Every number of slots taken first, then all others at once: each shift of the cache. */
static void test_take_shape(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct fixture *f = test->priv;
	unsigned int first;

	for (first = 0; first <= shape->nelems; first++) {
		make_short_span(test, shape->nelems);
		KUNIT_ASSERT_EQ(test, first, take(test, first));
		KUNIT_ASSERT_EQ(test, shape->nelems - first, take(test, MAX_SLOTS));
		KUNIT_ASSERT_TRUE(test, gomem_span_is_full(f->s));
	}
}

/* Just one slot is free, each in turn. */
static void test_take_only_free(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	unsigned int slot;

	make_short_span(test, shape->nelems);
	take_all(test);
	for (slot = 0; slot < shape->nelems; slot++) {
		put_slot(test, slot);
		sweep(test);
		KUNIT_ASSERT_EQ_MSG(test, 1, take(test, 2), "slot %u", slot);
	}
}

/* Putting and sweeping */

static void test_put_random_order(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int spc, i;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		make_span(test, spc);
		take_all(test);
		shuffle_slots(f);
		for (i = 0; i < f->s->nelems; i++) {
			put_slot(test, f->order[i]);
			if (!below(f, 16))
				sweep(test);
		}
		sweep(test);
		KUNIT_ASSERT_EQ(test, 0, f->s->alloc_count);
		take_all(test);
	}
}

static void test_put_whole_words(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct fixture *f = test->priv;
	unsigned int word, last;

	make_short_span(test, shape->nelems);
	take_all(test);
	for (word = 0; word < f->s->nwords; word++) {
		last = min(shape->nelems - word * 64, 64U) - 1;
		put(test, word, GENMASK(last, 0));
	}
	KUNIT_EXPECT_EQ(test, 0, take(test, 1));
	sweep(test);
	KUNIT_EXPECT_EQ(test, 0, f->s->alloc_count);
	take_all(test);
}

/* All objects of a span at once, if they are all, and in one word. */
static void test_put_all(struct kunit *test)
{
	struct fixture *f = test->priv;

	make_short_span(test, 40);
	take(test, 30);
	KUNIT_EXPECT_FALSE(test, gomem_span_put_all(f->s, 0, GENMASK(28, 0)));
	KUNIT_EXPECT_FALSE(test, gomem_span_put_all(f->s, 0, GENMASK(30, 1)));
	KUNIT_EXPECT_EQ(test, 30, f->s->alloc_count);
	KUNIT_EXPECT_TRUE(test, gomem_span_put_all(f->s, 0, GENMASK(29, 0)));
	KUNIT_EXPECT_EQ(test, 0, f->s->alloc_count);
	KUNIT_EXPECT_NULL(test, gomem_span_validate(f->s));

	make_short_span(test, 100);
	take_all(test);
	KUNIT_EXPECT_FALSE(test, gomem_span_put_all(f->s, 0, ~0UL));
	KUNIT_EXPECT_FALSE(test, gomem_span_put_all(f->s, 1, GENMASK(35, 0)));
	KUNIT_EXPECT_EQ(test, 100, f->s->alloc_count);
}

/*
 * Slots below freeindex that were freed are found by the sweep, not before, and
 * what is free above freeindex is found without one.
 */
static void test_put_below_freeindex(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct fixture *f = test->priv;
	unsigned int taken, slot;

	for (taken = 1; taken <= min(shape->nelems, 130U); taken++) {
		make_short_span(test, shape->nelems);
		take(test, taken);
		slot = below(f, taken);
		put_slot(test, slot);
		KUNIT_ASSERT_EQ(test, shape->nelems - taken, take(test, MAX_SLOTS));
		sweep(test);
		KUNIT_ASSERT_EQ(test, 1, take(test, 1));
		KUNIT_ASSERT_PTR_EQ(test, gomem_span_object(f->s, slot), f->out[0]);
	}
}

/* A sweep amid taking: what is below freeindex comes first then. */
static void test_sweep_between_takes(struct kunit *test)
{
	struct fixture *f = test->priv;

	make_span(test, gomem_spc_make(1, false));
	take(test, 100);
	put_slot(test, 3);
	put_slot(test, 70);
	sweep(test);
	KUNIT_EXPECT_EQ(test, 3, take(test, 3));
	KUNIT_EXPECT_PTR_EQ(test, gomem_span_object(f->s, 3), f->out[0]);
	KUNIT_EXPECT_PTR_EQ(test, gomem_span_object(f->s, 70), f->out[1]);
	KUNIT_EXPECT_PTR_EQ(test, gomem_span_object(f->s, 100), f->out[2]);
}

static void test_sweep_nothing(struct kunit *test)
{
	make_span(test, gomem_spc_make(1, false));
	sweep(test);
	take(test, 65);
	sweep(test);
	KUNIT_EXPECT_EQ(test, 1, take(test, 1));
}

/*
 * Somebody is about to free: pending is raised, the bit not set. The sweep must
 * not take it for done.
 */
static void test_sweep_raised_pending(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_sweep res;

	make_span(test, gomem_spc_make(1, false));
	take(test, 130);
	put_slot(test, 5);
	atomic_add(2, &f->s->pending);
	res = gomem_span_sweep(f->s);
	KUNIT_EXPECT_EQ(test, 1, res.freed);
	KUNIT_EXPECT_EQ(test, 0, res.bad);
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&f->s->pending));
	KUNIT_EXPECT_EQ(test, 129, f->s->alloc_count);

	KUNIT_EXPECT_EQ(test, 0, gomem_span_put(f->s, 2, BIT(0) | BIT(1)));
	f->state[5] = FREE;
	f->state[128] = FREED;
	f->state[129] = FREED;
	f->cursor = 0;
	expect_span(test, "when the bits are set");
	sweep(test);
}

/* Misuse */

static const struct bad_case {
	const char *name;
	unsigned int word;
	unsigned long mask;
	unsigned long bad;
} bad_cases[] = {
	/* Slots 0 to 69 are allocated but for 8 and 9, which are freed. */
	{ "free already",		0, BIT(8),		BIT(8) },
	{ "two free already",		0, BIT(8) | BIT(9),	BIT(8) | BIT(9) },
	{ "one of two free already",	0, BIT(7) | BIT(8),	BIT(8) },
	{ "a word, two free already",	0, ~0UL,		BIT(8) | BIT(9) },
	{ "never allocated",		1, BIT(6),		BIT(6) },
	{ "one of two allocated",	1, BIT(5) | BIT(6),	BIT(6) },
	{ "word never allocated",	3, ~0UL,		~0UL },
	{ "last slot",			5, BIT(20),		BIT(20) },
	{ "beyond the last slot",	5, BIT(21),		BIT(21) },
	{ "beyond in the last word",	5, BIT(63),		BIT(63) },
};

static void bad_desc(const struct bad_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad, bad_cases, bad_desc);

static void test_put_bad(struct kunit *test)
{
	const struct bad_case *c = test->param_value;
	struct fixture *f = test->priv;
	int pending;

	make_span(test, gomem_spc_make(3, false));
	KUNIT_ASSERT_EQ(test, 341, f->s->nelems);
	take(test, 70);
	put(test, 0, BIT(8) | BIT(9));

	pending = atomic_add_return(hweight_long(c->mask), &f->s->pending);
	KUNIT_EXPECT_EQ(test, c->bad, gomem_span_put(f->s, c->word, c->mask));
	/* Still pending: the caller sees to it. */
	KUNIT_EXPECT_EQ(test, pending, atomic_read(&f->s->pending));
	atomic_sub(hweight_long(c->mask), &f->s->pending);
}

/* Misuse changes nothing: the same again, with the oracle. */
static void test_put_bad_harmless(struct kunit *test)
{
	const struct bad_case *c = test->param_value;
	struct fixture *f = test->priv;

	make_span(test, gomem_spc_make(3, false));
	take(test, 70);
	put(test, 0, BIT(8) | BIT(9));
	put(test, c->word, c->mask);
	put(test, c->word, c->mask);
	sweep(test);
	put(test, c->word, c->mask & c->bad);
	sweep(test);
	take_all(test);
	KUNIT_EXPECT_EQ(test, 341, f->s->alloc_count);
}

/* Two puts of one slot race with its sweep: the second finds the bit clear. */
static void test_sweep_bad(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_sweep res;

	make_span(test, gomem_spc_make(3, false));
	take(test, 70);
	put(test, 0, BIT(8));
	put(test, 1, BIT(3));
	gomem_span_freed_bits(f->s)[0] |= BIT(9);
	gomem_span_freed_bits(f->s)[1] |= BIT(6);
	gomem_span_freed_bits(f->s)[4] |= BIT(0) | BIT(63);
	atomic_add(4, &f->s->pending);

	res = gomem_span_sweep(f->s);
	KUNIT_EXPECT_EQ(test, 3, res.freed);
	KUNIT_EXPECT_EQ(test, 3, res.bad);
	f->state[8] = FREE;
	f->state[9] = FREE;
	f->state[67] = FREE;
	f->cursor = 0;
	expect_span(test, __func__);
}

/* Random sequences */

static unsigned long random_mask(struct fixture *f)
{
	unsigned long mask = (u64)prandom_u32_state(&f->rnd) << 32 | prandom_u32_state(&f->rnd);

	/* Often all bits, or few. */
	switch (below(f, 4)) {
	case 0:
		return ~0UL;
	case 1:
		return BIT(below(f, 64));
	default:
		return mask;
	}
}

static void random_put(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int word = below(f, f->s->nwords), i;
	unsigned long mask = random_mask(f), allocated = 0;

	/* Mostly of what is allocated, sometimes of anything. */
	for (i = 0; i < 64 && word * 64 + i < f->s->nelems; i++)
		if (f->state[word * 64 + i] == TAKEN)
			allocated |= BIT(i);
	if (below(f, 8))
		mask &= allocated;
	put(test, word, mask);
}

static void random_steps(struct kunit *test, unsigned int steps)
{
	struct fixture *f = test->priv;

	while (steps--) {
		switch (below(f, 8)) {
		case 0 ... 3:
			take(test, below(f, 4) ? below(f, 10) : below(f, MAX_SLOTS + 1));
			break;
		case 4 ... 6:
			random_put(test);
			break;
		default:
			sweep(test);
		}
	}
}

static void test_random_classes(struct kunit *test)
{
	unsigned int spc;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		make_span(test, spc);
		random_steps(test, 200);
	}
}

static void test_random_shape(struct kunit *test)
{
	const struct shape *shape = test->param_value;

	make_short_span(test, shape->nelems);
	random_steps(test, 1000);
}

/* The validator must be able to say no */

static void break_alloc_count(struct gomem_span *s)
{
	s->alloc_count--;
}

static void break_alloc_bit(struct gomem_span *s)
{
	gomem_span_alloc_bits(s)[1] &= ~BIT(3);
}

static void break_tail(struct gomem_span *s)
{
	gomem_span_alloc_bits(s)[s->nwords - 1] |= BIT(63);
	s->alloc_count++;
}

static void break_freed(struct gomem_span *s)
{
	gomem_span_freed_bits(s)[4] |= 1;
}

static void break_pending(struct gomem_span *s)
{
	atomic_inc(&s->pending);
}

static void break_freeindex(struct gomem_span *s)
{
	s->freeindex = s->nelems + 1;
}

static void break_below(struct gomem_span *s)
{
	s->freeindex = 101;
}

static void break_fresh(struct gomem_span *s)
{
	s->fresh = 99;
}

static void break_cache_bit(struct gomem_span *s)
{
	s->alloc_cache ^= 1;
}

static void break_cache_last_bit(struct gomem_span *s)
{
	s->alloc_cache ^= BIT_ULL(63 - s->freeindex % 64);
}

static const struct break_case {
	const char *violation;
	void (*fn)(struct gomem_span *s);
} break_cases[] = {
	{ "alloc_count is not the number of alloc bits",	break_alloc_count },
	{ "alloc_count is not the number of alloc bits",	break_alloc_bit },
	{ "alloc bit beyond the last slot",			break_tail },
	{ "freed bit of a slot that is not allocated",		break_freed },
	{ "pending is not the number of freed bits",		break_pending },
	{ "freeindex beyond the last slot",			break_freeindex },
	{ "free slot below freeindex",				break_below },
	{ "allocated slot that was never handed out",		break_fresh },
	{ "alloc_cache differs from the alloc bits",		break_cache_bit },
	{ "alloc_cache differs from the alloc bits",		break_cache_last_bit },
};

static void break_desc(const struct break_case *c, char *desc)
{
	strscpy(desc, c->violation, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(break, break_cases, break_desc);

static void test_validate_violation(struct kunit *test)
{
	const struct break_case *c = test->param_value;
	struct fixture *f = test->priv;

	make_span(test, gomem_spc_make(3, false));
	take(test, 100);
	put(test, 1, BIT(0) | BIT(3));
	c->fn(f->s);
	KUNIT_EXPECT_STREQ(test, c->violation, gomem_span_validate(f->s) ?: "nothing");
}

static int span_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->seed = seed_param ?: get_random_u32();
	prandom_seed_state(&f->rnd, f->seed);
	test->priv = f;
	return 0;
}

static struct kunit_case span_cases[] = {
	KUNIT_CASE(test_init_classes),
	KUNIT_CASE(test_init_used_descriptor),
	KUNIT_CASE(test_index_every_byte),
	KUNIT_CASE_PARAM(test_large, large_gen_params),
	KUNIT_CASE(test_take_one_by_one),
	KUNIT_CASE(test_take_batches),
	KUNIT_CASE(test_take_all),
	KUNIT_CASE(test_take_nothing),
	KUNIT_CASE_PARAM(test_take_shape, shape_gen_params),
	KUNIT_CASE_PARAM(test_take_only_free, shape_gen_params),
	KUNIT_CASE(test_put_random_order),
	KUNIT_CASE_PARAM(test_put_whole_words, shape_gen_params),
	KUNIT_CASE(test_put_all),
	KUNIT_CASE_PARAM(test_put_below_freeindex, shape_gen_params),
	KUNIT_CASE(test_sweep_between_takes),
	KUNIT_CASE(test_sweep_nothing),
	KUNIT_CASE(test_sweep_raised_pending),
	KUNIT_CASE_PARAM(test_put_bad, bad_gen_params),
	KUNIT_CASE_PARAM(test_put_bad_harmless, bad_gen_params),
	KUNIT_CASE(test_sweep_bad),
	KUNIT_CASE(test_random_classes),
	KUNIT_CASE_PARAM(test_random_shape, shape_gen_params),
	KUNIT_CASE_PARAM(test_validate_violation, break_gen_params),
	{}
};

static struct kunit_suite span_suite = {
	.name = "gomem_span",
	.init = span_init,
	.test_cases = span_cases,
};

kunit_test_suite(span_suite);
