// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_random_kunit.c - allocate and free objects of several size classes,
 * in random sequences of steps and by concurrent threads.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "central.h"
#include "fixture.h"
#include "workers.h"
#include "base/stats.h"

/* The bits of live objects */

static unsigned long live_bit(const void *obj)
{
	return ((unsigned long)obj - FAKE_BASE) / 8;
}

static bool set_live(struct mcentral_fixture *f, const void *obj)
{
	return !test_and_set_bit(live_bit(obj), f->live);
}

static bool clear_live(struct mcentral_fixture *f, const void *obj)
{
	return test_and_clear_bit(live_bit(obj), f->live);
}

static int make_live_bits(struct mcentral_fixture *f)
{
	f->live = kvcalloc(BITS_TO_LONGS(NR_CHUNKS * GOMEM_CHUNK_SIZE / 8),
			   sizeof(long), GFP_KERNEL);
	return f->live ? 0 : -ENOMEM;
}

/* Random sequences */

#define RANDOM_CLASSES	4
#define RANDOM_OBJECTS	1500
#define RANDOM_BATCH	40

static const unsigned int random_sizes[RANDOM_CLASSES] = {
	16, 128, 1024, 9728,
};

/* The state that one class must have after the steps so far. */
struct class_state {
	unsigned int nr;
	void *obj[RANDOM_OBJECTS];
	struct gomem_span *cached;
};

static void pop_random(struct mcentral_fixture *f, struct class_state *c,
		       unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		k = below(&f->base.set.rnd, c->nr);
		f->batch[i] = c->obj[k];
		c->obj[k] = c->obj[--c->nr];
	}
}

static void push_taken(struct kunit *test, struct class_state *c,
		       unsigned int n)
{
	struct mcentral_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_TRUE_MSG(test, set_live(f, f->batch[i]),
				      "an object handed out twice");
		c->obj[c->nr++] = f->batch[i];
	}
}

/* Free a batch of live objects, and free some of them twice. */
static void free_random(struct kunit *test, struct class_state *c)
{
	struct mcentral_fixture *f = test->priv;
	unsigned int n = min(below(&f->base.set.rnd, RANDOM_BATCH), c->nr), i,
		     bad = 0;

	pop_random(f, c, n);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE(test, clear_live(f, f->batch[i]));
	/*
	 * If objects of the class are left, free some objects of the batch a
	 * second time in the same call. Each of these frees must be counted as
	 * a double free, even if the first frees emptied the object's span.
	 */
	while (c->nr && n && !below(&f->base.set.rnd, 4)) {
		f->batch[n + bad] = f->batch[below(&f->base.set.rnd, n)];
		bad++;
	}
	KUNIT_ASSERT_EQ(test, bad, central_free_objs(f, f->batch, n + bad));
}

static void random_step(struct kunit *test, struct class_state *c)
{
	struct mcentral_fixture *f = test->priv;
	unsigned int want = min(1 + below(&f->base.set.rnd, RANDOM_BATCH),
				RANDOM_OBJECTS - c->nr);

	switch (below(&f->base.set.rnd, 8)) {
	case 0 ... 2:
		if (!c->cached)
			c->cached = central_cache_gfp(f, GFP_KERNEL);
		if (c->cached)
			push_taken(test, c,
				   central_take(c->cached, f->batch, want));
		break;
	case 3:
		if (want)
			push_taken(test, c, central_alloc(f, f->batch, want));
		break;
	case 4:
		if (c->cached)
			central_uncache(f, c->cached);
		c->cached = NULL;
		break;
	case 5:
		if (c->cached)
			gomem_span_sweep(c->cached);
		else
			gomem_mcentral_sweep(&f->base.fh.heap->central[f->spc]);
		break;
	default:
		free_random(test, c);
	}
}

static void count_objects(struct gomem_span *s, void *arg)
{
	unsigned int *n = arg;

	*n += s->alloc_count - central_count_freed(s);
}

static void test_random(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct class_state *c;
	unsigned int step, i, live, counted;

	c = kunit_kcalloc(test, RANDOM_CLASSES, sizeof(*c), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_EQ(test, 0, make_live_bits(f));
	f->base.fh.source.policy = FAKE_RANDOM;
	f->base.fh.source.pages.percent = 20;
	f->base.fh.source.meta.percent = 20;
	for (step = 0; step < 10000; step++) {
		i = below(&f->base.set.rnd, RANDOM_CLASSES);
		central_use_size(f, random_sizes[i]);
		random_step(test, &c[i]);
		if (step % 100)
			continue;
		central_expect_heap(test);
		for (live = 0, i = 0; i < RANDOM_CLASSES; i++)
			live += c[i].nr;
		counted = 0;
		gomem_heap_walk_spans(f->base.fh.heap, count_objects, &counted);
		KUNIT_ASSERT_EQ(test, live, counted);
	}

	for (i = 0; i < RANDOM_CLASSES; i++) {
		central_use_size(f, random_sizes[i]);
		if (c[i].cached)
			central_uncache(f, c[i].cached);
		KUNIT_EXPECT_EQ(test, 0,
				central_free_objs(f, c[i].obj, c[i].nr));
		KUNIT_EXPECT_EQ(test, 0, central_of(f)->nspans);
	}
	central_expect_heap(test);
}

/* Threads */

#define THREAD_CLASSES	3
#define THREAD_BATCH	32
#define SHARED		512
#define RUN_MS		2000

static const unsigned int thread_sizes[THREAD_CLASSES] = { 16, 1024, 4096 };

struct object_worker {
	struct worker base;
	struct mcentral_fixture *f;
	void *(*shared)[SHARED];
	struct gomem_span *cached[THREAD_CLASSES];
};

static u32 worker_below(struct object_worker *w, u32 limit)
{
	return below(&w->base.rnd, limit);
}

static unsigned int thread_spc(unsigned int class)
{
	return gomem_spc_make(gomem_sizeclass(thread_sizes[class]), class & 1);
}

static struct gomem_mcentral *worker_central(struct object_worker *w,
					     unsigned int class)
{
	return &w->f->base.fh.heap->central[thread_spc(class)];
}

/*
 * Put objects into the transfer cache, where other CPUs find them. Let the
 * cache grow to the largest room that a transfer cache may have.
 */
static void worker_put(struct object_worker *w, unsigned int class, void **objs,
		       unsigned int n)
{
	struct gomem_mcentral *c = worker_central(w, class);
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	c->transfer.moved = SZ_1G;
	spin_unlock_irqrestore(&c->lock, flags);
	gomem_mcentral_put(c, objs, n, false);
	if (!worker_below(w, 200))
		gomem_mcentral_drain(c, worker_below(w, 4));
}

static void worker_free(struct object_worker *w, unsigned int class,
			void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!clear_live(w->f, objs[i]))
			w->base.error = "freed an object that is not live";
	if (worker_below(w, 2))
		worker_put(w, class, objs, n);
	else if (gomem_mcentral_free(worker_central(w, class), objs, n, false))
		w->base.error = "a live object was bad";
}

static void worker_uncache(struct object_worker *w, unsigned int class)
{
	if (w->cached[class])
		gomem_mcentral_uncache(w->cached[class]);
	w->cached[class] = NULL;
}

/*
 * Allocate objects as a CPU does: take them from its cached span. If there are
 * none, sweep the span, and take again. If there are still none, uncache the
 * span.
 */
static unsigned int worker_take(struct object_worker *w, unsigned int class,
				void **objs)
{
	unsigned int want = 1 + worker_below(w, THREAD_BATCH), n = 0;
	struct gomem_span *s = w->cached[class];

	if (!s) {
		gfp_t gfp = worker_below(w, 2) ? GFP_KERNEL : GFP_ATOMIC;
		struct gomem_refill r = { .want_span = true };

		central_get(&w->f->base.fh.heap->central[thread_spc(class)],
			    gfp, &r);
		s = r.span;
		if (!s)
			return 0;
		w->cached[class] = s;
		n = central_take(s, objs, want);
		if (!n)
			w->base.error = "a span without a free slot";
		return n;
	}
	n = central_take(s, objs, want);
	if (!n && atomic_read(&s->pending) > 0) {
		if (gomem_span_sweep(s).bad)
			w->base.error = "a freed bit of a free cell";
		/*
		 * A free adds to s->pending before it sets freed bits. A sweep
		 * subtracts the freed bits that it finds. So s->pending is
		 * never negative.
		 */
		if (atomic_read(&s->pending) < 0)
			w->base.error = "more freed bits than pending";
		n = central_take(s, objs, want);
	}
	if (!n)
		worker_uncache(w, class);
	return n;
}

static unsigned int worker_alloc(struct object_worker *w, unsigned int class,
				 void **objs)
{
	struct gomem_refill r = { .want = 1 + worker_below(w, THREAD_BATCH),
				  .objs = objs };

	central_get(&w->f->base.fh.heap->central[thread_spc(class)], GFP_KERNEL,
		    &r);
	return r.n;
}

static unsigned int worker_refill(struct object_worker *w, unsigned int class,
				  void **objs)
{
	struct gomem_refill r = {
		.span = w->cached[class],
		.want = 1 + worker_below(w, THREAD_BATCH),
		.want_span = worker_below(w, 2),
		.objs = objs,
	};

	gomem_mcentral_refill(&w->f->base.fh.heap->central[thread_spc(class)],
			      &r);
	w->cached[class] = r.span;
	return r.n;
}

static void worker_step(struct worker *worker)
{
	struct object_worker *w =
		container_of(worker, struct object_worker, base);
	unsigned int class = worker_below(w, THREAD_CLASSES), n, i, nr_back = 0;
	void *objs[THREAD_BATCH], *back[THREAD_BATCH];

	if (!worker_below(w, 20)) {
		worker_uncache(w, class);
		return;
	}
	switch (worker_below(w, 4)) {
	case 0:
		n = worker_alloc(w, class, objs);
		break;
	case 1:
		n = worker_refill(w, class, objs);
		break;
	default:
		n = worker_take(w, class, objs);
	}
	w->base.done += n;
	for (i = 0; i < n; i++)
		if (!set_live(w->f, objs[i]))
			w->base.error = "an object was handed out twice";
	/* Leave the objects in w->shared; free those that were there before. */
	for (i = 0; i < n; i++) {
		void **slot = &w->shared[class][worker_below(w, SHARED)];

		back[nr_back] = xchg(slot, objs[i]);
		nr_back += !!back[nr_back];
	}
	/* Now and then free more than was taken, so that spans become empty. */
	while (!worker_below(w, 3) && nr_back < THREAD_BATCH) {
		back[nr_back] =
			xchg(&w->shared[class][worker_below(w, SHARED)], NULL);
		nr_back += !!back[nr_back];
	}
	worker_free(w, class, back, nr_back);
}

static void stop_workers(struct object_worker *w, unsigned int n)
{
	unsigned int class, i;

	for (i = 0; i < n; i++) {
		worker_stop(&w[i].base);
		for (class = 0; class < THREAD_CLASSES; class++)
			worker_uncache(&w[i], class);
	}
}

/* Free what the workers left in @shared, and drain the mcentrals. */
static void empty_shared(struct object_worker *w, void *(*shared)[SHARED])
{
	struct gomem_heap *h = w->f->base.fh.heap;
	unsigned int class, i;

	for (class = 0; class < THREAD_CLASSES; class++) {
		for (i = 0; i < SHARED; i++)
			if (shared[class][i])
				worker_free(w, class, &shared[class][i], 1);
		gomem_mcentral_drain(&h->central[thread_spc(class)], false);
		gomem_mcentral_sweep(&h->central[thread_spc(class)]);
	}
}

static void test_threads(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	unsigned int n = nr_workers(), i;
	void *(*shared)[SHARED];
	struct object_worker *w;
	u64 transferred;

	w = kunit_kcalloc(test, n, sizeof(*w), GFP_KERNEL);
	shared = kunit_kcalloc(test, THREAD_CLASSES, sizeof(*shared),
			       GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, w && shared);
	KUNIT_ASSERT_EQ(test, 0, make_live_bits(f));
	f->base.fh.source.pages.percent = 10;
	f->base.fh.source.meta.percent = 10;
	for (i = 0; i < n; i++) {
		w[i].f = f;
		w[i].shared = shared;
		worker_start(&w[i].base, worker_step, f->base.set.seed + i,
			     worker_cpu(i));
	}
	transferred = gomem_event_sum(GOMEM_EV_TRANSFERRED_OBJECTS);
	msleep(RUN_MS);
	stop_workers(w, n);
	KUNIT_EXPECT_GT(test, gomem_event_sum(GOMEM_EV_TRANSFERRED_OBJECTS),
			transferred);

	for (i = 0; i < n; i++)
		worker_expect(test, &w[i].base);
	central_expect_heap(test);
	empty_shared(&w[0], shared);
	KUNIT_EXPECT_TRUE_MSG(test, !w[0].base.error, "%s", w[0].base.error);
	KUNIT_EXPECT_EQ(test, 0, fake_heap_spans(&f->base.fh));
	KUNIT_EXPECT_EQ(test, NR_CHUNKS * GOMEM_CHUNK_SIZE / 8,
			find_first_bit(f->live,
				       NR_CHUNKS * GOMEM_CHUNK_SIZE / 8));
	central_expect_heap(test);
}

static struct kunit_case mcentral_random_cases[] = {
	KUNIT_CASE(test_random),
	KUNIT_CASE(test_threads),
	{}
};

static struct kunit_suite mcentral_random_suite = {
	.name = "gomem_mcentral_random",
	.init = central_init,
	.exit = central_exit,
	.test_cases = mcentral_random_cases,
};

kunit_test_suite(mcentral_random_suite);
