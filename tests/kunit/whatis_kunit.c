// SPDX-License-Identifier: GPL-2.0
/*
 * whatis_kunit.c - what gomem tells about an address.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/gomem.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "balance.h"
#include "base/sample.h"
#include "map/origin.h"
#include "cpu/arm.h"
#include "cpu/node.h"
#include "run/whatis.h"

#define ROOM	SZ_8K

/* Return what gomem tells about @p, as the debugfs file would show it. */
static const char *ask(struct kunit *test, const void *p)
{
	struct seq_file *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->buf = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m->buf);
	m->size = ROOM;
	gomem_whatis_show(m, (unsigned long)p);
	KUNIT_EXPECT_LT(test, m->count, m->size);
	return m->buf;
}

static void expect(struct kunit *test, const char *answer, const char *want)
{
	KUNIT_EXPECT_TRUE_MSG(test, strstr(answer, want), "no \"%s\" in:\n%s",
			      want, answer);
}

static void expect_not(struct kunit *test, const char *answer, const char *what)
{
	KUNIT_EXPECT_FALSE_MSG(test, strstr(answer, what), "\"%s\" in:\n%s",
			       what, answer);
}

static void expect_place(struct kunit *test, const char *answer,
			 const char *key, const void *p)
{
	char want[64];

	snprintf(want, sizeof(want), "%s: %lx, ", key, (unsigned long)p);
	expect(test, answer, want);
}

static void test_small(struct kunit *test)
{
	u8 *p = gomem_alloc(96, GFP_KERNEL);
	const char *answer;

	KUNIT_ASSERT_NOT_NULL(test, p);
	answer = ask(test, p + 5);
	expect(test, answer, "what: 96-byte object ");
	expect(test, answer, ", + 5\n");
	expect(test, answer, "state: live\n");
	expect_place(test, answer, "object", p);
	expect(test, answer, ", may have pointers\n");
	expect(test, answer, "owner: gomem_free() takes it back\n");
	gomem_free(p);
	expect(test, ask(test, p), "state: free\n");
}

static void test_noscan(struct kunit *test)
{
	void *p = gomem_alloc_noscan(200, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	expect(test, ask(test, p), ", without pointers (noscan)\n");
	gomem_free(p);
}

/* The answer names the neighbours of the object in its span. */
static void test_neighbours(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("whatis", 1000, NULL);
	const char *answer;
	struct gomem_span *s;
	void *p, *at;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	p = gomem_cache_alloc(c, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	s = span_at(p);
	KUNIT_ASSERT_GT(test, s->nelems, 2);
	for (i = 0; i < s->nelems; i++) {
		at = gomem_span_object(s, i);
		answer = ask(test, at);
		expect(test, answer, " of cache whatis, + 0\n");
		expect(test, answer, at == p ? "state: live\n" : "state: free");
		if (!i)
			expect(test, answer, "below: none in this span\n");
		else
			expect_place(test, answer, "below",
				     gomem_span_object(s, i - 1));
		if (i + 1 == s->nelems)
			expect(test, answer, "above: none in this span\n");
		else
			expect_place(test, answer, "above",
				     gomem_span_object(s, i + 1));
	}
	expect(test, ask(test, p),
	       "owner: gomem_cache_free() of its cache takes it back\n");
	gomem_cache_free(c, p);
	gomem_cache_destroy(c);
}

/*
 * Most cells of a new span were never handed out, and may have any contents. So
 * whatis must recognise these cells by gomem_span.fresh, not by a key.
 */
static void test_fresh(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("whatis", SZ_2K, NULL);
	struct gomem_span *s;
	unsigned int i;
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, c);
	p = gomem_cache_alloc(c, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	s = span_at(p);
	for (i = s->fresh; i < s->nelems; i++)
		expect(test, ask(test, gomem_span_object(s, i)),
		       "state: free, was never handed out\n");
	gomem_cache_free(c, p);
	gomem_cache_destroy(c);
}

static void test_tiny(struct kunit *test)
{
	u8 *p = gomem_alloc_noscan(4, GFP_KERNEL);
	const char *answer;
	char want[48];

	KUNIT_ASSERT_NOT_NULL(test, p);
	answer = ask(test, p + 2);
	expect(test, answer, "what: 16-byte shared block ");
	snprintf(want, sizeof(want), "state: live, %zu more bytes from here\n",
		 gomem_usable_size(p) - 2);
	expect(test, answer, want);
	gomem_free(p);
	expect(test, ask(test, p + 2), "state: no live object\n");
}

static void test_large(struct kunit *test)
{
	u8 *p = gomem_alloc(SZ_1M, GFP_KERNEL);
	const char *answer;

	KUNIT_ASSERT_NOT_NULL(test, p);
	answer = ask(test, p + SZ_8K + 1);
	expect(test, answer, "what: 1048576-byte large object, + 8193\n");
	expect(test, answer, "state: live\n");
	expect_place(test, answer, "object", p);
	expect(test, answer, ", 1048576 bytes, one large object\n");
	expect_not(test, answer, "objects:");
	gomem_free(p);
	expect_not(test, ask(test, p), "state: live\n");
}

static void test_arena(struct kunit *test)
{
	struct gomem_arena *arena = gomem_arena_create(GFP_KERNEL);
	const char *answer;
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, arena);
	p = gomem_arena_alloc(arena, 40, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	answer = ask(test, p);
	expect(test, answer, "-byte block of an arena, + ");
	expect(test, answer, "state: handed out, ");
	expect(test, answer, "owner: gomem_arena_destroy() takes it back\n");
	gomem_arena_destroy(arena);
}

static void test_scratch(struct kunit *test)
{
	void *p = gomem_scratch_get(0, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	expect(test, ask(test, p), "what: 2048-byte scratch buffer ");
	expect(test, ask(test, p),
	       "owner: gomem_scratch_put() takes it back\n");
	gomem_scratch_put(p);
}

/* The handles of arenas and typed caches are objects, too. */
static void test_handles(struct kunit *test)
{
	struct gomem_arena *arena = gomem_arena_create(GFP_KERNEL);
	struct gomem_cache *c = gomem_cache_create("whatis", 40, NULL);

	KUNIT_ASSERT_NOT_NULL(test, arena);
	KUNIT_ASSERT_NOT_NULL(test, c);
	expect(test, ask(test, arena),
	       "owner: gomem_arena_destroy() takes it back\n");
	expect(test, ask(test, (u8 *)c + 9),
	       "owner: gomem_cache_destroy() takes it back\n");
	gomem_cache_destroy(c);
	gomem_arena_destroy(arena);
}

/* The answer names the account that pays for an object. */
static void charge_of(struct kunit *test, struct gomem_account *account,
		      size_t size, const char *want)
{
	u8 *p = gomem_account_alloc(account, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	expect(test, ask(test, p + 5), want);
	gomem_free(p);
	expect_not(test, ask(test, p + 5), "account:");
}

static void test_account(struct kunit *test)
{
	struct gomem_account *account =
		gomem_account_create("whatis one", 0, 0, NULL, NULL);
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, account);
	charge_of(test, account, 96, "\naccount: whatis one, 96 bytes\n");
	charge_of(test, account, SZ_1M,
		  "\naccount: whatis one, 1048576 bytes\n");
	gomem_account_destroy(account);
	p = gomem_alloc(96, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_not(test, ask(test, p), "account:");
	gomem_free(p);
}

/* The answer names the task of a stack. */
static void test_stack(struct kunit *test)
{
	char want[64 + TASK_COMM_LEN];
	int local;

	snprintf(want, sizeof(want),
		 "what: not gomem's: stack of %s, task %d, nobody frees it\n",
		 current->comm, task_pid_nr(current));
	expect(test, ask(test, &local), want);
}

/*
 * For memory that is not gomem's, the answer says what the memory is, or what
 * the address stands for. The memory is not read.
 */
static void test_foreign(struct kunit *test)
{
	void *slab = kmalloc(64, GFP_KERNEL), *mapped = vmalloc(64);

	KUNIT_ASSERT_NOT_NULL(test, slab);
	KUNIT_ASSERT_NOT_NULL(test, mapped);
	/*
	 * Not tested on User-Mode Linux, where an address of the kernel may
	 * also be one of a process: see is_of_user_space() in foreign.c.
	 */
	if (!IS_ENABLED(CONFIG_UML)) {
		expect(test, ask(test, slab), "what: not gomem's: slab memory");
		expect(test, ask(test, slab), "; the cache is kmalloc-");
		expect(test, ask(test, mapped),
		       "what: not gomem's: vmalloc memory");
	}
	expect(test, ask(test, NULL),
	       "what: not gomem's: nothing, in the page at NULL\n");
	expect(test, ask(test, ERR_PTR(-ENOMEM)),
	       "what: not gomem's: an error code, -12\n");
	expect(test, ask(test, (void *)ULONG_MAX), "what: not gomem's: ");
	expect_not(test, ask(test, slab), "state:");
	expect_not(test, ask(test, slab), "owner:");
	vfree(mapped);
	if (!IS_ENABLED(CONFIG_UML))
		expect(test, ask(test, mapped),
		       "what: not gomem's: nothing, no memory is mapped");
	kfree(slab);
}

/*
 * gomem_dump_obj() prints to the log what the file whatis shows. In place of an
 * address it prints how many bytes the address lies below or above the one that
 * was passed. Only check that it can be called: for an object between two
 * others, for a free object, for an object of the kernel, and for NULL.
 */
static void test_log(struct kunit *test)
{
	void *p[3], *slab = kmalloc(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, slab);
	KUNIT_ASSERT_EQ(test, 3, gomem_alloc_bulk(1024, GFP_KERNEL, 3, p));
	gomem_dump_obj(p[1] + 5);
	gomem_free_bulk(3, p);
	gomem_dump_obj(p[1]);
	gomem_dump_obj(slab);
	gomem_dump_obj(NULL);
	kfree(slab);
}

static void set_rate(unsigned long rate)
{
	gomem_sample_set_rate(rate);
	gomem_arm_all();
}

/* A function whose name is expected in the recorded stack. */
static noinline void *allocates_whatis(size_t size)
{
	void *p = gomem_alloc(size, GFP_KERNEL);

	/* Prevent a tail call, which would leave no frame. */
	OPTIMIZER_HIDE_VAR(p);
	return p;
}

static noinline void frees_whatis(void *p)
{
	gomem_free(p);
	barrier();
}

/*
 * Expect a frame in the answer. User-Mode Linux can only guess the frames of a
 * stack, or finds none.
 */
static void expect_frame(struct kunit *test, const char *answer,
			 const char *want)
{
	if (!IS_ENABLED(CONFIG_UML))
		expect(test, answer, want);
}

/*
 * The answer names the function that allocated an object, and after the free
 * also the function that freed it.
 */
static void origin_of(struct kunit *test, size_t size)
{
	u8 *p = allocates_whatis(size);
	const char *answer;
	char by[40];

	KUNIT_ASSERT_NOT_NULL(test, p);
	snprintf(by, sizeof(by), " s ago, by %s[%d]\n", current->comm,
		 task_pid_nr(current));
	answer = ask(test, p + 5);
	expect(test, answer, "\nallocated: ");
	expect(test, answer, by);
	expect_frame(test, answer, "\nat: allocates_whatis+");
	expect_not(test, answer, "\nfreed: ");
	expect_not(test, answer, "at: 0x");
	if (!IS_ENABLED(CONFIG_UML))
		expect_not(test, answer, "at: gomem_alloc+");

	frees_whatis(p);
	answer = ask(test, p + 5);
	expect(test, answer, "\nallocated: ");
	expect_frame(test, answer, "\nat: allocates_whatis+");
	expect(test, answer, "\nfreed: ");
	expect_frame(test, answer, "\nat: frees_whatis+");
}

static void test_origin(struct kunit *test)
{
	unsigned long rate = gomem_profile_rate;

	set_rate(1);
	origin_of(test, 96);
	origin_of(test, SZ_1M);
	set_rate(rate);
}

/*
 * whatis does not know which code allocated an object that was not sampled. If
 * the answer names such code, it allocated an earlier object at the address: so
 * the answer also names the code that freed that object.
 */
static void test_no_origin(struct kunit *test)
{
	unsigned long rate = gomem_profile_rate;
	const char *answer;
	void *p;

	set_rate(0);
	p = gomem_alloc(11000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	answer = ask(test, p);
	if (strstr(answer, "\nallocated: "))
		expect(test, answer, "\nfreed: ");
	gomem_free(p);
	set_rate(rate);
}

/*
 * The oldest records of freed objects are overwritten first. So the records of
 * the objects freed last are found.
 */
static void test_many_origins(struct kunit *test)
{
	unsigned long rate = gomem_profile_rate;
	void *first, *last = NULL, *kept;
	unsigned int i;

	/*
	 * Keep a span for the objects of 320 bytes, so that they do not get the
	 * memory of the first object.
	 */
	kept = gomem_alloc(320, GFP_KERNEL);
	set_rate(1);
	first = allocates_whatis(SZ_4K);
	KUNIT_ASSERT_TRUE(test, kept && first);
	gomem_free(first);
	for (i = 0; i < 2 * GOMEM_FREED_MAX; i++) {
		last = allocates_whatis(320);
		KUNIT_ASSERT_NOT_NULL(test, last);
		gomem_free(last);
	}
	set_rate(rate);
	expect_not(test, ask(test, first), "freed: ");
	expect(test, ask(test, last), "freed: ");
	gomem_free(kept);
}

static struct kunit_case whatis_cases[] = {
	KUNIT_CASE(test_small),
	KUNIT_CASE(test_noscan),
	KUNIT_CASE(test_neighbours),
	KUNIT_CASE(test_fresh),
	KUNIT_CASE(test_tiny),
	KUNIT_CASE(test_large),
	KUNIT_CASE(test_arena),
	KUNIT_CASE(test_scratch),
	KUNIT_CASE(test_handles),
	KUNIT_CASE(test_account),
	KUNIT_CASE(test_stack),
	KUNIT_CASE(test_foreign),
	KUNIT_CASE(test_log),
	KUNIT_CASE(test_origin),
	KUNIT_CASE(test_no_origin),
	KUNIT_CASE(test_many_origins),
	{ }
};

static struct kunit_suite whatis_suite = {
	.name = "gomem_whatis",
	.test_cases = whatis_cases,
};

kunit_test_suite(whatis_suite);
