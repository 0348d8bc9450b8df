// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse_arena.c - misuse arenas and their objects.
 */
#include <linux/compiler.h>
#include <linux/gomem.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "gomem_misuse.h"

static int with_arena(const struct misuse_case *c)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	char *p = a ? gomem_arena_alloc(a, 100, GFP_KERNEL) : NULL;
	int err = use_and_check(c, p, 100);

	gomem_arena_destroy(a);
	return err;
}

/*
 * gomem refuses to free or resize the handle of an arena. Afterwards the arena
 * still allocates.
 */
static int with_handle(const struct misuse_case *c)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	void *handle = a;
	int err = 0;

	if (!a)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(handle);
	c->use(handle);
	if (!gomem_arena_alloc(a, 100, GFP_KERNEL))
		err = -EIO;
	gomem_arena_destroy(a);
	return err;
}

static void *destroy_it(void *obj)
{
	gomem_arena_destroy(obj);
	return NULL;
}

static void *destroy_in_it(void *obj)
{
	gomem_arena_destroy(obj + 1);
	return NULL;
}

static int arena_double_destroy(const struct misuse_case *c)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);

	if (!a || !gomem_arena_alloc(a, 100, GFP_KERNEL))
		return -ENOMEM;
	gomem_arena_destroy(a);
	gomem_arena_destroy(a);
	return 0;
}

static int arena_alloc_destroyed(const struct misuse_case *c)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);

	if (!a)
		return -ENOMEM;
	gomem_arena_destroy(a);
	return gomem_arena_alloc(a, 100, GFP_KERNEL) ? -EIO : 0;
}

static int arena_foreign(const struct misuse_case *c)
{
	gomem_arena_destroy(c->p);
	return 0;
}

static int arena_gfp(const struct misuse_case *c)
{
	return gomem_arena_create(GFP_KERNEL | __GFP_DMA32) ? -EIO : 0;
}

static int arena_too_large(const struct misuse_case *c)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	int err;

	if (!a)
		return -ENOMEM;
	err = gomem_arena_alloc(a, GOMEM_MAX_SIZE + 1, GFP_KERNEL) ? -EIO : 0;
	gomem_arena_destroy(a);
	return err;
}

/*
 * With debug=1, gomem finds the damage when arena b pushes arena a out of the
 * quarantine: arena b is as large as the quarantine can be.
 */
static int arena_write_destroyed(const struct misuse_case *c)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	struct gomem_arena *b = gomem_arena_create(GFP_KERNEL);
	char *p = a ? gomem_arena_alloc(a, 100, GFP_KERNEL) : NULL;

	if (!p || !b || !gomem_arena_alloc(b, SZ_4M, GFP_KERNEL))
		return -ENOMEM;
	gomem_arena_destroy(a);
	OPTIMIZER_HIDE_VAR(p);
	memset(p + 40, 'x', 24);
	gomem_arena_destroy(b);
	return 0;
}

#define WRONG		"wrong_functions_detected"
#define BAD		"bad_arenas_detected"

#define OWNER		"gomem_arena_destroy() owns this"
#define DESTROYED	"arena was destroyed already"

const struct misuse_case arena_cases[] = {
	{ "arena_free", with_arena, .use = free_it,
	  .counter = WRONG, .report = OWNER ".*8192-byte block of an arena" },
	{ "arena_free_sensitive", with_arena, .use = free_it_sensitive,
	  .counter = WRONG, .report = OWNER },
	{ "arena_realloc", with_arena, .use = realloc_it,
	  .counter = WRONG, .report = OWNER },
	{ "arena_usable", with_arena, .use = size_of_it,
	  .counter = WRONG, .report = OWNER },
	{ "arena_put", with_arena, .use = put_it,
	  .counter = WRONG, .report = OWNER },
	{ "arena_free_handle", with_handle, .use = free_it,
	  .counter = WRONG, .report = OWNER ".*152-byte handle" },
	{ "arena_realloc_handle", with_handle, .use = realloc_it,
	  .counter = WRONG, .report = OWNER },
	{ "arena_rcu_handle", with_handle, .use = free_it_later,
	  .counter = WRONG, .report = OWNER },
	{ "arena_bulk_handle", with_handle, .use = free_it_in_bulk,
	  .counter = WRONG, .report = OWNER },
	{ "arena_put_handle", with_handle, .use = put_it,
	  .counter = WRONG, .report = OWNER },
	{ "arena_destroy_object", with_arena, .use = destroy_it,
	  .counter = BAD, .report = "no arena.*block of an arena" },
	{ "arena_destroy_inside", with_handle, .use = destroy_in_it,
	  .counter = BAD, .report = "no arena.*152-byte handle" },
	{ "arena_double_destroy", arena_double_destroy,
	  .counter = BAD, .report = DESTROYED },
	{ "arena_alloc_destroyed", arena_alloc_destroyed,
	  .counter = BAD, .report = DESTROYED },
	{ "arena_foreign", arena_foreign, .p = &static_data,
	  .counter = BAD, .report = "no arena" },
	{ "arena_gfp", arena_gfp,
	  .counter = "bad_gfp_refused", .report = "refused.*GFP_DMA32" },
	{ "arena_too_large", arena_too_large,
	  .counter = "too_large_refused", .report = "4194305 bytes refused" },
	{ "arena_write_destroyed", arena_write_destroyed },
	{}
};
