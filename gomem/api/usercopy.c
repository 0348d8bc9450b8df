// SPDX-License-Identifier: GPL-2.0
/*
 * usercopy.c - find how many bytes at an address may be copied to or from user
 * space.
 *
 * The answer limits lengths that come from user space. So it counts only
 * bytes of one live object, or of one block of an arena. A caller that owns the
 * object gets an exact answer. For any other pointer the answer was right at
 * some moment during the call.
 */
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>

#include "base/sizeclass.h"
#include "map/live.h"
#include "cpu/node.h"
#include "api/arena.h"
#include "api/cache.h"
#include "api/tiny.h"
#include "api/usercopy.h"

/* Part of an object that may be copied, as offsets from the object's start. */
struct window {
	size_t start;
	size_t end;
};

/*
 * In an arena, a copy may extend over everything that was allocated from one
 * block: gomem does not know where the objects in it end. In a block in
 * quarantine, s->handed_out is 0, so nothing may be copied.
 */
static struct window arena_window(const struct gomem_span *s)
{
	return (struct window){ 0, READ_ONCE(s->handed_out) };
}

static struct window object_window(const struct gomem_span *s)
{
	const struct gomem_kind *k = s->kind;

	if (k->cache)
		return (struct window){ k->useroffset,
					k->useroffset + k->usersize };
	return (struct window){ 0, READ_ONCE(s->elemsize) };
}

/* Return the bytes from @offset to the end of @w; 0 if @offset is outside. */
static size_t left_in(struct window w, size_t offset)
{
	return offset >= w.start && offset < w.end ? w.end - offset : 0;
}

/*
 * Are the objects of a span handles? Modules have pointers to the structs of
 * arenas and typed caches, but user space must not see their contents.
 */
static bool has_handles(const struct gomem_span *s)
{
	return gomem_spc_class(s->spc) == GOMEM_HANDLE_CLASS;
}

/*
 * Return how many bytes from @addr on may be copied, in a span of a size class,
 * of a typed cache or of scratch buffers.
 */
static size_t left_in_cell(struct gomem_span *s, unsigned long addr)
{
	unsigned int i = gomem_span_index(s, addr);
	const void *obj;

	if (has_handles(s) || i >= s->nelems || !gomem_cell_is_live(s, i))
		return 0;
	obj = gomem_span_object(s, i);
	return left_in(object_window(s), addr - (unsigned long)obj);
}

/* Return how many bytes from @addr on may be copied of a large object. */
static size_t left_in_large(struct gomem_span *s, unsigned long addr)
{
	if (!gomem_large_is_live(s))
		return 0;
	return left_in(object_window(s), addr - s->base);
}

static size_t left_in_span(struct gomem_span *s, unsigned long addr)
{
	enum gomem_span_state state = gomem_span_state(s);

	if (state == GOMEM_SPAN_DEAD)
		return 0;
	if (state == GOMEM_SPAN_ARENA)
		return left_in(arena_window(s), addr - s->base);
	if (s->spc == GOMEM_TINY_SPC)
		return gomem_tiny_left((void *)addr);
	return s->divmul ? left_in_cell(s, addr) : left_in_large(s, addr);
}

/**
 * gomem_usercopy_left - return how many bytes at an address may be copied
 * @p: the address, any value
 *
 * Context: any.
 * Return: the bytes from @p to the end of the part that user space may see of
 * the live object at @p; 0 if @p lies in no live object, or outside of that
 * part.
 */
size_t gomem_usercopy_left(const void *p)
{
	struct gomem_span *s;
	size_t left;

	/* Keep the page and the typed cache while they are read. */
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	left = s ? left_in_span(s, (unsigned long)p) : 0;
	rcu_read_unlock();
	return left;
}

bool gomem_usercopy_allowed(const void *p, size_t n)
{
	size_t left = gomem_usercopy_left(p);

	return left && n <= left;
}
EXPORT_SYMBOL_NS_GPL(gomem_usercopy_allowed, GOMEM_NS);
