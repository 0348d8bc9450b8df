// SPDX-License-Identifier: GPL-2.0
/*
 * span_kunit.c - take, free and sweep the cells of a span. An oracle, which
 * knows the state of each cell (see span_steps.h), checks each step.
 */
#include <kunit/test.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "fixture.h"
#include "span_steps.h"
#include "base/sizeclass.h"
#include "map/kind.h"
#include "map/span.h"

/*
 * Make a span of 8-byte objects with fewer cells than such a span usually has.
 */
static void make_short_span(struct kunit *test, unsigned int nelems)
{
	struct gomem_span *s =
		span_make_descriptor(test, GOMEM_SPAN_MAX_OBJECTS);

	gomem_span_init(s, BASE, 1, &gomem_kinds[gomem_spc_make(1, false)]);
	s->nelems = nelems;
	s->nwords = gomem_span_words(nelems);
	span_use(test, s);
}

static const struct shape {
	const char *name;
	unsigned int nelems;
} shapes[] = {
	{ "one cell",			1 },
	{ "two cells",			2 },
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

/* Functions that free or shuffle cells */

static void put_cell(struct kunit *test, unsigned int cell)
{
	span_put(test, cell / 64, BIT(cell % 64));
}

static void shuffle_cells(struct span_fixture *f)
{
	unsigned int i, k;

	for (i = 0; i < f->s->nelems; i++)
		f->order[i] = i;
	for (; i > 1; i--) {
		k = below(&f->rnd, i);
		swap(f->order[i - 1], f->order[k]);
	}
}

/* Geometry */

static void test_init_classes(struct kunit *test)
{
	struct span_fixture *f = test->priv;
	unsigned int spc, class;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		span_make(test, spc);
		class = gomem_spc_class(spc);
		KUNIT_ASSERT_EQ(test, BASE, f->s->base);
		KUNIT_ASSERT_EQ(test, gomem_class_pages(class), f->s->npages);
		KUNIT_ASSERT_EQ(test, gomem_class_nelems(class), f->s->nelems);
		KUNIT_ASSERT_EQ(test, gomem_class_size(class), f->s->elemsize);
		KUNIT_ASSERT_EQ(test, spc, f->s->spc);
		KUNIT_ASSERT_EQ(test, GOMEM_SPAN_DEAD, gomem_span_state(f->s));
		KUNIT_ASSERT_EQ(test, 0, f->s->alloc_count);
		KUNIT_ASSERT_FALSE(test, gomem_span_is_full(f->s));
		span_expect(test, "fresh");
	}
}

/* A new span may get the descriptor of an old one, with its old contents. */
static void test_init_used_descriptor(struct kunit *test)
{
	struct span_fixture *f = test->priv;
	unsigned int spc = gomem_spc_make(1, false);

	span_make(test, spc);
	span_take(test, 100);
	span_put(test, 0, ~0UL);
	gomem_span_init(f->s, BASE, 1, &gomem_kinds[spc]);
	memset(f->state, FREE, sizeof(f->state));
	f->cursor = 0;
	f->fresh = 0;
	span_expect(test, "made anew");
	span_take_all(test);
}

static unsigned long addr_of(const struct gomem_span *s, unsigned int index)
{
	return (unsigned long)gomem_span_object(s, index);
}

static void test_index_every_byte(struct kunit *test)
{
	struct span_fixture *f = test->priv;
	unsigned int class, offset, index;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		span_make(test, gomem_spc_make(class, false));
		for (offset = 0; offset < gomem_class_span_bytes(class);
		     offset++) {
			index = gomem_span_index(f->s, BASE + offset);
			if (index != offset / f->s->elemsize)
				break;
		}
		KUNIT_EXPECT_EQ_MSG(test, gomem_class_span_bytes(class), offset,
				    "class %u", class);
		for (index = 0; index < f->s->nelems; index++)
			KUNIT_ASSERT_EQ(test, BASE + index * f->s->elemsize,
					addr_of(f->s, index));
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

KUNIT_ARRAY_PARAM_DESC(large, large_cases, name);

static void test_large(struct kunit *test)
{
	const struct large_case *c = test->param_value;
	struct gomem_span *s = span_make_descriptor(test, 1);
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
	struct span_fixture *f = test->priv;
	unsigned int spc, n;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		span_make(test, spc);
		for (n = 0; span_take(test, 1); n++)
			;
		KUNIT_ASSERT_EQ_MSG(test, f->s->nelems, n, "spc %u", spc);
		KUNIT_ASSERT_TRUE(test, gomem_span_is_full(f->s));
		KUNIT_ASSERT_EQ(test, 0, span_take(test, 1));
	}
}

static void test_take_batches(struct kunit *test)
{
	static const unsigned int batches[] = {
		2, 3, 31, 32, 63, 64, 65, 129, MAX_SLOTS,
	};
	struct span_fixture *f = test->priv;
	unsigned int class, i, n, total;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		for (i = 0; i < ARRAY_SIZE(batches); i++) {
			span_make(test, gomem_spc_make(class, class & 1));
			for (total = 0; (n = span_take(test, batches[i]));
			     total += n)
				;
			KUNIT_ASSERT_EQ(test, f->s->nelems, total);
		}
	}
}

/* Taking all cells at once has the same result as taking them one by one. */
static void test_take_all(struct kunit *test)
{
	struct span_fixture *f = test->priv;
	unsigned int n, i;
	void *objs[64];

	for (n = 1; n <= 64; n++) {
		make_short_span(test, n);
		gomem_span_take_all(f->s, objs);
		for (i = 0; i < n; i++)
			KUNIT_EXPECT_PTR_EQ(test, gomem_span_object(f->s, i),
					    objs[i]);
		KUNIT_EXPECT_EQ(test, n, f->s->alloc_count);
		KUNIT_EXPECT_NULL(test, gomem_span_validate(f->s));
		KUNIT_EXPECT_FALSE(test,
				   gomem_span_put_all(f->s, 0,
						      BIT_ULL(n - 1) << 1));
		KUNIT_EXPECT_TRUE(test,
				  gomem_span_put_all(f->s, 0,
						     GENMASK_ULL(n - 1, 0)));
		KUNIT_EXPECT_NULL(test, gomem_span_validate(f->s));
	}
}

static void test_take_nothing(struct kunit *test)
{
	span_make(test, gomem_spc_make(1, false));
	KUNIT_EXPECT_EQ(test, 0, span_take(test, 0));
	span_take(test, 64);
	KUNIT_EXPECT_EQ(test, 0, span_take(test, 0));
}

/*
 * Take each possible number of cells, then all others at once: this shifts
 * s->alloc_cache by each possible number of bits.
 */
static void test_take_shape(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct span_fixture *f = test->priv;
	unsigned int first;

	for (first = 0; first <= shape->nelems; first++) {
		make_short_span(test, shape->nelems);
		KUNIT_ASSERT_EQ(test, first, span_take(test, first));
		KUNIT_ASSERT_EQ(test, shape->nelems - first,
				span_take(test, MAX_SLOTS));
		KUNIT_ASSERT_TRUE(test, gomem_span_is_full(f->s));
	}
}

/* Take the only free cell. Each cell is the free one in turn. */
static void test_take_only_free(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	unsigned int cell;

	make_short_span(test, shape->nelems);
	span_take_all(test);
	for (cell = 0; cell < shape->nelems; cell++) {
		put_cell(test, cell);
		span_sweep(test);
		KUNIT_ASSERT_EQ_MSG(test, 1, span_take(test, 2), "cell %u",
				    cell);
	}
}

/* Putting and sweeping */

static void test_put_random_order(struct kunit *test)
{
	struct span_fixture *f = test->priv;
	unsigned int spc, i;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		span_make(test, spc);
		span_take_all(test);
		shuffle_cells(f);
		for (i = 0; i < f->s->nelems; i++) {
			put_cell(test, f->order[i]);
			if (!below(&f->rnd, 16))
				span_sweep(test);
		}
		span_sweep(test);
		KUNIT_ASSERT_EQ(test, 0, f->s->alloc_count);
		span_take_all(test);
	}
}

static void test_put_whole_words(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct span_fixture *f = test->priv;
	unsigned int word, last;

	make_short_span(test, shape->nelems);
	span_take_all(test);
	for (word = 0; word < f->s->nwords; word++) {
		last = min(shape->nelems - word * 64, 64U) - 1;
		span_put(test, word, GENMASK(last, 0));
	}
	KUNIT_EXPECT_EQ(test, 0, span_take(test, 1));
	span_sweep(test);
	KUNIT_EXPECT_EQ(test, 0, f->s->alloc_count);
	span_take_all(test);
}

/*
 * Free all live objects of a span at once. gomem_span_put_all() refuses that if
 * the mask lacks some of them, or if their bits are in several words.
 */
static void test_put_all(struct kunit *test)
{
	struct span_fixture *f = test->priv;

	make_short_span(test, 40);
	span_take(test, 30);
	KUNIT_EXPECT_FALSE(test, gomem_span_put_all(f->s, 0, GENMASK(28, 0)));
	KUNIT_EXPECT_FALSE(test, gomem_span_put_all(f->s, 0, GENMASK(30, 1)));
	KUNIT_EXPECT_EQ(test, 30, f->s->alloc_count);
	KUNIT_EXPECT_TRUE(test, gomem_span_put_all(f->s, 0, GENMASK(29, 0)));
	KUNIT_EXPECT_EQ(test, 0, f->s->alloc_count);
	KUNIT_EXPECT_NULL(test, gomem_span_validate(f->s));

	make_short_span(test, 100);
	span_take_all(test);
	KUNIT_EXPECT_FALSE(test, gomem_span_put_all(f->s, 0, ~0UL));
	KUNIT_EXPECT_FALSE(test, gomem_span_put_all(f->s, 1, GENMASK(35, 0)));
	KUNIT_EXPECT_EQ(test, 100, f->s->alloc_count);
}

/*
 * Freed cells below s->freeindex are found only after a sweep. Free cells above
 * it are found without a sweep.
 */
static void test_put_below_freeindex(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct span_fixture *f = test->priv;
	unsigned int taken, cell;

	for (taken = 1; taken <= min(shape->nelems, 130U); taken++) {
		make_short_span(test, shape->nelems);
		span_take(test, taken);
		cell = below(&f->rnd, taken);
		put_cell(test, cell);
		KUNIT_ASSERT_EQ(test, shape->nelems - taken,
				span_take(test, MAX_SLOTS));
		span_sweep(test);
		KUNIT_ASSERT_EQ(test, 1, span_take(test, 1));
		KUNIT_ASSERT_PTR_EQ(test, gomem_span_object(f->s, cell),
				    f->out[0]);
	}
}

/* After a sweep, cells below the old s->freeindex are taken first. */
static void test_sweep_between_takes(struct kunit *test)
{
	struct span_fixture *f = test->priv;

	span_make(test, gomem_spc_make(1, false));
	span_take(test, 100);
	put_cell(test, 3);
	put_cell(test, 70);
	span_sweep(test);
	KUNIT_EXPECT_EQ(test, 3, span_take(test, 3));
	KUNIT_EXPECT_PTR_EQ(test, gomem_span_object(f->s, 3), f->out[0]);
	KUNIT_EXPECT_PTR_EQ(test, gomem_span_object(f->s, 70), f->out[1]);
	KUNIT_EXPECT_PTR_EQ(test, gomem_span_object(f->s, 100), f->out[2]);
}

static void test_sweep_nothing(struct kunit *test)
{
	span_make(test, gomem_spc_make(1, false));
	span_sweep(test);
	span_take(test, 65);
	span_sweep(test);
	KUNIT_EXPECT_EQ(test, 1, span_take(test, 1));
}

/*
 * A free of two objects is under way: it has raised s->pending, but has not set
 * the freed bits yet. The sweep must not count these two objects.
 */
static void test_sweep_raised_pending(struct kunit *test)
{
	struct span_fixture *f = test->priv;
	struct gomem_sweep res;

	span_make(test, gomem_spc_make(1, false));
	span_take(test, 130);
	put_cell(test, 5);
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
	span_expect(test, "when the bits are set");
	span_sweep(test);
}

/* Random sequences */

static unsigned long random_mask(struct span_fixture *f)
{
	unsigned long mask = random_u64(&f->rnd);

	/* Often all bits, or a single one. */
	switch (below(&f->rnd, 4)) {
	case 0:
		return ~0UL;
	case 1:
		return BIT(below(&f->rnd, 64));
	default:
		return mask;
	}
}

static void random_put(struct kunit *test)
{
	struct span_fixture *f = test->priv;
	unsigned int word = below(&f->rnd, f->s->nwords), i;
	unsigned long mask = random_mask(f), allocated = 0;

	/* Mostly free only allocated cells, sometimes any cells. */
	for (i = 0; i < 64 && word * 64 + i < f->s->nelems; i++)
		if (f->state[word * 64 + i] == TAKEN)
			allocated |= BIT(i);
	if (below(&f->rnd, 8))
		mask &= allocated;
	span_put(test, word, mask);
}

static void random_steps(struct kunit *test, unsigned int steps)
{
	struct span_fixture *f = test->priv;
	unsigned int n;

	while (steps--) {
		switch (below(&f->rnd, 8)) {
		case 0 ... 3:
			n = below(&f->rnd, 4) ? 10 : MAX_SLOTS + 1;
			span_take(test, below(&f->rnd, n));
			break;
		case 4 ... 6:
			random_put(test);
			break;
		default:
			span_sweep(test);
		}
	}
}

static void test_random_classes(struct kunit *test)
{
	unsigned int spc;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		span_make(test, spc);
		random_steps(test, 200);
	}
}

static void test_random_shape(struct kunit *test)
{
	const struct shape *shape = test->param_value;

	make_short_span(test, shape->nelems);
	random_steps(test, 1000);
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
	KUNIT_CASE(test_random_classes),
	KUNIT_CASE_PARAM(test_random_shape, shape_gen_params),
	{}
};

static struct kunit_suite span_suite = {
	.name = "gomem_span",
	.init = span_init,
	.test_cases = span_cases,
};

kunit_test_suite(span_suite);
