// SPDX-License-Identifier: GPL-2.0
/*
 * fixture.c - set up what a test case needs, and check at its end that it left
 * the heap as it was.
 */
#include <linux/module.h>
#include <linux/random.h>

#include "fixture.h"
#include "run/check.h"

static uint seed_param;
module_param_named(seed, seed_param, uint, 0444);
MODULE_PARM_DESC(seed,
		 "Seed of all random cases (0: another one for each case)");

/**
 * roll_seed - seed the random numbers of a case
 * @test: the test, whose log shows the seed
 * @rnd: the state of the generator
 *
 * Return: the seed.
 */
u32 roll_seed(struct kunit *test, struct rnd_state *rnd)
{
	u32 seed = seed_param ?: get_random_u32();

	kunit_info(test, "seed %u", seed);
	prandom_seed_state(rnd, seed);
	return seed;
}

/*
 * Set test->priv to zeroed memory, which KUnit frees after the exit function of
 * the suite.
 */
static void *alloc_priv(struct kunit *test, size_t size)
{
	test->priv = kunit_kzalloc(test, size, GFP_KERNEL);
	return test->priv;
}

/**
 * fixture_alloc - begin a case on gomem's real heaps
 * @test: the test; test->priv becomes the fixture
 * @size: size of a struct that begins with a struct fixture
 *
 * Return: that struct, zeroed except for the fixture; NULL without memory.
 */
void *fixture_alloc(struct kunit *test, size_t size)
{
	struct fixture *f = alloc_priv(test, size);

	if (!f)
		return NULL;
	f->seed = roll_seed(test, &f->rnd);
	balance_save(&f->balance);
	return f;
}

/**
 * fixture_init - begin a case that needs no more than a struct fixture
 * @test: the test
 *
 * Return: 0 or -ENOMEM.
 */
int fixture_init(struct kunit *test)
{
	return fixture_alloc(test, sizeof(struct fixture)) ? 0 : -ENOMEM;
}

/**
 * fixture_exit - expect that the case left gomem's real heaps as they were
 * @test: the test
 *
 * gomem_check_all() must find no violation, and there must be as many live
 * objects as before the case. The case must have caused no unexpected misuse.
 */
void fixture_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (f)
		balance_expect(test, &f->balance);
}

/**
 * heap_fixture_alloc - begin a case on a fake heap
 * @test: the test; test->priv becomes the fixture
 * @size: size of a struct that begins with a struct heap_fixture
 *
 * The case itself creates the heap, in the size it needs.
 *
 * Return: that struct, zeroed except for the fixture; NULL without memory.
 */
void *heap_fixture_alloc(struct kunit *test, size_t size)
{
	struct heap_fixture *f = alloc_priv(test, size);

	if (f)
		f->set.seed = roll_seed(test, &f->set.rnd);
	return f;
}

/**
 * heap_fixture_init - begin a case that needs no more than a struct
 * heap_fixture
 * @test: the test
 *
 * Return: 0 or -ENOMEM.
 */
int heap_fixture_init(struct kunit *test)
{
	if (!heap_fixture_alloc(test, sizeof(struct heap_fixture)))
		return -ENOMEM;
	return 0;
}

/**
 * heap_fixture_exit - destroy the heap, and expect that its source got all
 * pages back
 * @test: the test
 */
void heap_fixture_exit(struct kunit *test)
{
	struct heap_fixture *f = test->priv;

	if (f)
		fake_heap_exit(test, &f->fh);
}

/**
 * expect_misuses - expect misuses of one kind since the last check, and no
 *	others
 * @test: the test; its fixture is a struct fixture
 * @what: the kind of misuse
 * @n: number of misuses
 */
void expect_misuses(struct kunit *test, unsigned int what, unsigned int n)
{
	struct fixture *f = test->priv;

	balance_expect_misuses(test, &f->balance, what, n);
}

/**
 * expect_no_misuse - expect no misuse since the last check
 * @test: the test; its fixture is a struct fixture
 */
void expect_no_misuse(struct kunit *test)
{
	expect_misuses(test, GOMEM_NR_MISUSES, 0);
}

/**
 * expect_sound - expect that gomem_check_all() finds no violation
 * @test: the test
 */
void expect_sound(struct kunit *test)
{
	const char *violation = gomem_check_all();

	KUNIT_EXPECT_TRUE_MSG(test, !violation, "%s", violation);
}

/*
 * Get objects or a span as the refill of a slot does: from the transfer cache
 * and from spans with free cells, else from new spans. Try the node of @c, then
 * the nearest other node, then the node of @c again with all that @gfp allows.
 */
void central_get(struct gomem_mcentral *c, gfp_t gfp, struct gomem_refill *r)
{
	struct gomem_mcentral *pc;
	struct gomem_span *spans;

	gomem_mcentral_refill(c, r);
	gomem_mcentral_grow_transfer(c);
	if (r->n || r->span)
		return;
	spans = gomem_mcentral_grow(c, gfp, r->want, true);
	if (!spans && gomem_mcentral_peers(c, gfp)) {
		pc = gomem_central(c->heap->near[0], c->kind);
		gomem_mcentral_refill_any(pc, r);
		gomem_mcentral_grow_transfer(pc);
		if (r->n || r->span)
			return;
		spans = gomem_mcentral_grow(pc, gfp, 1, true);
	}
	spans = spans ?: gomem_mcentral_grow(c, gfp, r->want, false);
	if (spans)
		gomem_mcentral_use(spans, r);
}
