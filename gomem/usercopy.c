// SPDX-License-Identifier: GPL-2.0
/*
 * usercopy.c - the bounds of what may be copied to and from user space.
 *
 * The answer bounds lengths that come from user space: it has to be "no" for every byte that
 * does not belong to one live object. The caller owns the object that it asks about; about
 * any other pointer the answer is right for some moment of the call.
 */
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>

#include "cache.h"
#include "live.h"
#include "node.h"
#include "sizeclass.h"
#include "tiny.h"
#include "usercopy.h"

/* Bytes of an object, counted from its start, that may be copied. */
struct window {
	size_t start;
	size_t end;
};

/* All of what an arena handed out of one block. A block in quarantine has nothing. */
static struct window arena_window(const struct gomem_span *s)
{
	return (struct window){ 0, READ_ONCE(s->handed_out) };
}

static struct window object_window(const struct gomem_span *s)
{
	const struct gomem_cache *c = s->kind->cache;

	if (c)
		return (struct window){ c->useroffset, c->useroffset + c->usersize };
	return (struct window){ 0, READ_ONCE(s->elemsize) };
}

/* How many bytes from an offset on lie in a window. */
static size_t left_in(struct window w, size_t offset)
{
	return offset >= w.start && offset < w.end ? w.end - offset : 0;
}

/* In an object of a size class or of a typed cache, or in a scratch buffer. */
static size_t left_in_slot(struct gomem_span *s, unsigned long addr)
{
	unsigned int i = gomem_span_index(s, addr);

	if (i >= s->nelems || !gomem_slot_is_live(s, i))
		return 0;
	return left_in(object_window(s), addr - (unsigned long)gomem_span_object(s, i));
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
	if (!s->divmul)
		return gomem_large_is_live(s) ? left_in(object_window(s), addr - s->base) : 0;
	return left_in_slot(s, addr);
}

/**
 * gomem_usercopy_left - how many bytes may be copied from an address on
 * @p: the address, any value
 *
 * Context: any.
 * Return: the bytes from @p to the end of what user space may see of the live object that
 * @p lies in; 0 if there is no such object, or @p is outside of that part.
 */
size_t gomem_usercopy_left(const void *p)
{
	struct gomem_span *s;
	size_t left;

	/* Also keeps the page, and the cache, while they are looked at. */
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
