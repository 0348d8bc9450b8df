// SPDX-License-Identifier: GPL-2.0
/*
 * span_steps.c - take, free and sweep the objects of a span, and compare the
 * span with a model, which knows the state of each cell.
 */
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "span_steps.h"
#include "base/sizeclass.h"
#include "map/kind.h"

/*
 * Allocate a descriptor of exactly the needed size, so that KASAN finds
 * accesses beyond it.
 */
struct gomem_span *span_make_descriptor(struct kunit *test, unsigned int nelems)
{
	size_t bytes = sizeof(struct gomem_span) +
		       2 * gomem_span_words(nelems) * sizeof(unsigned long);
	struct gomem_span *s = kunit_kzalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

void span_use(struct kunit *test, struct gomem_span *s)
{
	struct span_fixture *f = test->priv;

	if (f->s)
		kunit_kfree(test, f->s);
	f->s = s;
	memset(f->state, FREE, sizeof(f->state));
	f->cursor = 0;
	f->fresh = 0;
}

void span_make(struct kunit *test, unsigned int spc)
{
	unsigned int class = gomem_spc_class(spc);
	struct gomem_span *s =
		span_make_descriptor(test, gomem_class_nelems(class));

	gomem_span_init(s, BASE, gomem_class_pages(class), &gomem_kinds[spc]);
	span_use(test, s);
}

static unsigned int count_state(struct span_fixture *f, enum cell_state state)
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

/*
 * Return the first cell whose alloc bit or freed bit differs from the model,
 * f->state; nelems if there is none.
 */
static unsigned int first_difference(struct span_fixture *f)
{
	const unsigned long *alloc_bits = gomem_span_alloc_bits(f->s);
	const unsigned long *freed_bits = gomem_span_freed_bits(f->s);
	unsigned int i;

	for (i = 0; i < f->s->nelems; i++) {
		bool allocated = f->state[i] != FREE;
		bool freed = f->state[i] == FREED;

		if (bit_is_set(alloc_bits, i) != allocated ||
		    bit_is_set(freed_bits, i) != freed)
			break;
	}
	return i;
}

void span_expect(struct kunit *test, const char *step)
{
	struct span_fixture *f = test->priv;
	const char *violation = gomem_span_validate(f->s);

	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s: %s; spc %u, %u cells",
			      step, violation, f->s->spc, f->s->nelems);
	KUNIT_ASSERT_EQ_MSG(test, f->s->nelems, first_difference(f),
			    "%s; spc %u", step, f->s->spc);
	KUNIT_ASSERT_EQ_MSG(test, f->cursor, f->s->freeindex,
			    "%s; spc %u, %u cells", step, f->s->spc,
			    f->s->nelems);
	KUNIT_ASSERT_EQ(test, f->s->nelems - count_state(f, FREE),
			f->s->alloc_count);
	KUNIT_ASSERT_EQ(test, count_state(f, FREED),
			atomic_read(&f->s->pending));
	KUNIT_ASSERT_EQ(test, f->fresh, f->s->fresh);
}

/* Return the next free cell; nelems if there is none until the next sweep. */
static unsigned int next_free(struct span_fixture *f)
{
	unsigned int i = f->cursor;

	while (i < f->s->nelems && f->state[i] != FREE)
		i++;
	return i;
}

unsigned int span_take(struct kunit *test, unsigned int want)
{
	struct span_fixture *f = test->priv;
	unsigned int n, i, cell, recycled, want_recycled = 0;

	recycled = ~0U;
	n = gomem_span_take(f->s, f->out, want, &recycled);
	KUNIT_ASSERT_LE(test, n, want);
	for (i = 0; i < n; i++) {
		cell = next_free(f);
		KUNIT_ASSERT_LT_MSG(test, cell, f->s->nelems,
				    "from nowhere; spc %u", f->s->spc);
		KUNIT_ASSERT_PTR_EQ_MSG(test,
					(void *)(BASE + cell * f->s->elemsize),
					f->out[i], "cell %u; spc %u", cell,
					f->s->spc);
		f->state[cell] = TAKEN;
		f->cursor = cell + 1;
		want_recycled += cell < f->fresh;
		f->fresh = max(f->fresh, cell + 1);
	}
	if (n < want) {
		KUNIT_ASSERT_EQ(test, f->s->nelems, next_free(f));
		f->cursor = f->s->nelems;
	}
	KUNIT_ASSERT_EQ_MSG(test, want_recycled, recycled, "spc %u", f->s->spc);
	span_expect(test, __func__);
	return n;
}

void span_take_all(struct kunit *test)
{
	struct span_fixture *f = test->priv;

	span_take(test, f->s->nelems);
	KUNIT_ASSERT_EQ(test, 0, count_state(f, FREE));
}

/*
 * Free cells as gomem_mcentral_free() does: count all of them as pending, and
 * then subtract the bad cells: those that were not allocated, or that are freed
 * already.
 */
void span_put(struct kunit *test, unsigned int word, unsigned long mask)
{
	struct span_fixture *f = test->priv;
	unsigned long bad, want_bad = 0;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		unsigned int cell = word * 64 + i;

		if (!(mask & BIT(i)))
			continue;
		if (cell < f->s->nelems && f->state[cell] == TAKEN)
			f->state[cell] = FREED;
		else
			want_bad |= BIT(i);
	}
	atomic_add(hweight_long(mask), &f->s->pending);
	bad = gomem_span_put(f->s, word, mask);
	atomic_sub(hweight_long(bad), &f->s->pending);
	KUNIT_ASSERT_EQ_MSG(test, want_bad, bad, "word %u, mask %#lx; spc %u",
			    word, mask, f->s->spc);
	span_expect(test, __func__);
}

void span_sweep(struct kunit *test)
{
	struct span_fixture *f = test->priv;
	unsigned int freed = count_state(f, FREED), i;
	struct gomem_sweep res = gomem_span_sweep(f->s);

	KUNIT_ASSERT_EQ_MSG(test, freed, res.freed, "spc %u", f->s->spc);
	KUNIT_ASSERT_EQ(test, 0, res.bad);
	for (i = 0; i < f->s->nelems; i++)
		if (f->state[i] == FREED)
			f->state[i] = FREE;
	f->cursor = 0;
	span_expect(test, __func__);
}

int span_init(struct kunit *test)
{
	struct span_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	roll_seed(test, &f->rnd);
	test->priv = f;
	return 0;
}
