// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse_free.c - double frees, frees of pointers at which none of
 * gomem's objects starts, and writes to objects after their free.
 */
#include <linux/compiler.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "gomem_misuse.h"

/* Two allocations must get different objects. */
static int check_different(size_t size)
{
	void *a = gomem_alloc(size, GFP_KERNEL);
	void *b = gomem_alloc(size, GFP_KERNEL);
	int err = !a || !b || a == b ? -EIO : 0;

	gomem_free(a);
	gomem_free(b);
	return err;
}

static int free_twice(void *p, size_t size)
{
	if (!p)
		return -ENOMEM;
	gomem_free(p);
	gomem_free(p);
	return check_different(size);
}

static int double_free(const struct misuse_case *c)
{
	return free_twice(gomem_alloc(c->size, GFP_KERNEL), c->size);
}

static int double_free_noscan(const struct misuse_case *c)
{
	return free_twice(gomem_alloc_noscan(c->size, GFP_KERNEL), c->size);
}

/* Free a tiny object twice while another one lives in its block. */
static int double_free_tiny(const struct misuse_case *c)
{
	char *p = gomem_strdup("one", GFP_KERNEL);
	char *q = gomem_strdup("two", GFP_KERNEL);

	if (!p || !q)
		return -ENOMEM;
	gomem_free(q);
	gomem_free(q);
	gomem_free(p);
	return 0;
}

/* Free a tiny object again after all objects of its block were freed. */
static int double_free_tiny_block(const struct misuse_case *c)
{
	char *p[20];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_alloc_noscan(4, GFP_KERNEL);
		if (!p[i])
			return -ENOMEM;
	}
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gomem_free(p[i]);
	gomem_free(p[9]);
	return 0;
}

/*
 * Free an object again after it went from the slot to its span. There are so
 * many objects that the slot overflows, but too few for the transfer cache to
 * get room for them.
 */
static int double_free_in_span(const struct misuse_case *c)
{
	static void *p[300];
	size_t i, n = ARRAY_SIZE(p);

	if (gomem_alloc_bulk(c->size, GFP_KERNEL, n, p) != n)
		return -ENOMEM;
	/*
	 * Object 21 stays live, so that the span that it most likely shares
	 * with object 20 is not freed.
	 */
	for (i = 0; i < n; i++)
		if (i != 21)
			gomem_free(p[i]);
	/*
	 * The slot kept the objects that were freed last. Object 20 was freed
	 * early, so it is in its span.
	 */
	gomem_free(p[20]);
	gomem_free(p[21]);
	return 0;
}

static int sensitive_twice(const struct misuse_case *c)
{
	void *p = gomem_alloc(c->size, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_free_sensitive(p);
	gomem_free_sensitive(p);
	return 0;
}

static int with_object(const struct misuse_case *c)
{
	char *p = gomem_alloc(c->size, GFP_KERNEL);
	int err = use_and_check(c, p, c->size);

	if (!err && gomem_usable_size(p) < c->size)
		err = -EIO;
	gomem_free(p);
	return err;
}

static int with_tiny(const struct misuse_case *c)
{
	char *p = gomem_alloc_noscan(c->size, GFP_KERNEL);
	int err = use_and_check(c, p, c->size);

	gomem_free(p);
	return err;
}

static int write_after_free(const struct misuse_case *c)
{
	char *p = gomem_alloc(c->size, GFP_KERNEL);
	char *q;

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	/*
	 * Hide p from the compiler, which would warn about the use after free.
	 */
	OPTIMIZER_HIDE_VAR(p);
	memset(p, 'x', 8);
	/* gomem must detect the write, and never hand the object out again. */
	q = gomem_alloc(c->size, GFP_KERNEL);
	gomem_free(q);
	return q == p ? -EIO : 0;
}

/*
 * A write between two frees of an object destroys the object's key. So gomem
 * does not detect the second free. But two later allocations must not both get
 * this object.
 */
static int double_free_written(const struct misuse_case *c)
{
	char *p = gomem_alloc(c->size, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_free(p);
	OPTIMIZER_HIDE_VAR(p);
	memset(p, 'x', 8);
	gomem_free(p);
	return check_different(c->size);
}

struct node {
	struct rcu_head rcu;
	char data[100];
};

static void *free_it_rcu(void *p)
{
	gomem_free_rcu((struct node *)p, rcu);
	return NULL;
}

/* The object is freed once, by the first of the two calls. */
static int rcu_twice(const struct misuse_case *c)
{
	struct node *n = gomem_alloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return -ENOMEM;
	rcu_read_lock();
	gomem_free_rcu(n, rcu);
	gomem_free_rcu(n, rcu);
	rcu_read_unlock();
	gomem_rcu_barrier();
	return 0;
}

static int rcu_free(const struct misuse_case *c)
{
	struct node *n = gomem_alloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return -ENOMEM;
	gomem_free(n);
	gomem_free_rcu(n, rcu);
	return 0;
}

static int rcu_foreign(const struct misuse_case *c)
{
	static struct node node;

	gomem_free_rcu(&node, rcu);
	return node.rcu.func ? -EIO : 0;
}

static int rcu_mightsleep_foreign(const struct misuse_case *c)
{
	gomem_free_rcu_mightsleep(c->p);
	return 0;
}

/* gomem_free_bulk() rejects the foreign pointer and frees the other objects. */
static int bulk_foreign(const struct misuse_case *c)
{
	void *p[50];

	if (!gomem_alloc_bulk(c->size, GFP_KERNEL, ARRAY_SIZE(p), p))
		return -ENOMEM;
	gomem_free(p[20]);
	p[20] = c->p;
	gomem_free_bulk(ARRAY_SIZE(p), p);
	return 0;
}

/* gomem_free_bulk() frees an object only once if it is in the array twice. */
static int bulk_twice(const struct misuse_case *c)
{
	void *p[50], *q;

	if (!gomem_alloc_bulk(c->size, GFP_KERNEL, ARRAY_SIZE(p), p))
		return -ENOMEM;
	q = p[30];
	p[30] = p[20];
	gomem_free_bulk(ARRAY_SIZE(p), p);
	gomem_free(q);
	return check_different(c->size);
}

static int bulk_interior(const struct misuse_case *c)
{
	void *p[50], *q;

	if (!gomem_alloc_bulk(c->size, GFP_KERNEL, ARRAY_SIZE(p), p))
		return -ENOMEM;
	q = p[49];
	p[49] += c->at;
	gomem_free_bulk(ARRAY_SIZE(p), p);
	gomem_free(q);
	return 0;
}

#define TWICE		"double_frees_detected"
#define INTERIOR	"interior_pointers_detected"
#define WRITTEN		"writes_after_free_detected"
#define FOREIGN		"foreign_pointers_detected"

#define FREED		"double free.*"
#define NO_START	"not the start of an object.*"
#define WROTE		"written to while it was free.*"
#define NOT_OURS	"no live object"
#define TINY		"16-byte shared block"

const struct misuse_case free_cases[] = {
	{ "double_free_small", double_free, .size = 100, .counter = TWICE,
	  .report = FREED "112-byte object" },
	{ "double_free_large", double_free, .size = 200000, .counter = TWICE,
	  .report = FREED "free page of the heap" },
	{ "double_free_noscan", double_free_noscan, .size = 24,
	  .counter = TWICE, .report = FREED "24-byte object" },
	{ "double_free_tiny", double_free_tiny, .counter = TWICE,
	  .report = FREED TINY " .*, behind a live object" },
	{ "double_free_tiny_block", double_free_tiny_block, .counter = TWICE,
	  .report = FREED TINY },
	{ "double_free_in_span", double_free_in_span, .size = 512,
	  .counter = TWICE, .report = FREED "512-byte object" },
	{ "sensitive_twice", sensitive_twice, .size = 100, .counter = TWICE,
	  .report = FREED "112-byte object" },
	{ "interior_small", with_object, .use = free_it, .size = 96, .at = 8,
	  .counter = INTERIOR, .report = NO_START "96-byte object .*+ 8" },
	{ "interior_unaligned", with_object, .use = free_it, .size = 64,
	  .at = 3, .counter = INTERIOR,
	  .report = NO_START "64-byte object .*+ 3" },
	/*
	 * An object of 27264 bytes lies in at least four pages of 8 KiB. The
	 * pointer is two pages after the start of the object.
	 */
	{ "interior_far", with_object, .use = free_it, .size = 27264,
	  .at = 16384, .counter = INTERIOR,
	  .report = NO_START "27264-byte object .*+ 16384" },
	{ "interior_large", with_object, .use = free_it, .size = 300000,
	  .at = 8192, .counter = INTERIOR,
	  .report = NO_START "large object, + 8192" },
	/*
	 * In a block of tiny objects gomem knows only that no object starts at
	 * the pointer, not whether one did before. So it reports a double free.
	 * In the second case, the pointer is just after the object. In the
	 * third one it is odd, and no object ever starts at an odd address.
	 */
	{ "interior_tiny", with_tiny, .use = free_it, .size = 4, .at = 2,
	  .counter = TWICE, .report = FREED TINY " .*, behind a live object" },
	{ "interior_tiny_end", with_tiny, .use = free_it, .size = 1, .at = 2,
	  .counter = TWICE, .report = FREED TINY " .*, behind" },
	{ "interior_tiny_odd", with_tiny, .use = free_it, .size = 4, .at = 3,
	  .counter = INTERIOR,
	  .report = NO_START TINY " .*, behind a live object" },
	{ "usable_interior", with_object, .use = size_of_it, .size = 100,
	  .at = 4, .counter = INTERIOR,
	  .report = NO_START "112-byte object .*+ 4" },
	{ "scratch_put_object", with_object, .use = put_it, .size = 4096,
	  .counter = "wrong_functions_detected",
	  .report = "gomem_free() owns this.*4096-byte object" },
	{ "write_after_free", write_after_free, .size = 48, .counter = WRITTEN,
	  .report = WROTE "48-byte object" },
	{ "double_free_written", double_free_written, .size = 80,
	  .counter = WRITTEN, .report = WROTE "80-byte object" },
	{ "rcu_twice", rcu_twice, .counter = TWICE,
	  .report = FREED "128-byte object" },
	{ "rcu_free", rcu_free, .counter = TWICE,
	  .report = FREED "128-byte object" },
	{ "rcu_interior", with_object, .use = free_it_rcu, .size = 300,
	  .at = 16, .counter = INTERIOR,
	  .report = NO_START "320-byte object .*+ 16" },
	{ "rcu_foreign", rcu_foreign, .counter = FOREIGN, .report = NOT_OURS },
	{ "rcu_mightsleep_foreign", rcu_mightsleep_foreign, .p = &static_data,
	  .counter = FOREIGN, .report = NOT_OURS },
	{ "bulk_foreign", bulk_foreign, .size = 100, .p = &static_data,
	  .counter = FOREIGN, .report = NOT_OURS },
	{ "bulk_twice", bulk_twice, .size = 100, .counter = TWICE,
	  .report = FREED "112-byte object" },
	{ "bulk_interior", bulk_interior, .size = 200, .at = 8,
	  .counter = INTERIOR, .report = NO_START "208-byte object .*+ 8" },
	{}
};
