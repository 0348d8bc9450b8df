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
#include "key.h"
#include "node.h"
#include "sizeclass.h"
#include "tiny.h"
#include "usercopy.h"

/* Bytes of an object, counted from its start, that may be copied. */
struct window {
	size_t start;
	size_t end;
};

/* A large object is live from when its tag says so until somebody claims it. */
static bool large_is_live(const struct gomem_span *s)
{
	return gomem_pagemap_large(&gomem_pagemap, s->base) == s;
}

/* Of one word of each bitmap: slots that are allocated, and not on their way back. */
static unsigned long live_slots(struct gomem_span *s, unsigned int word)
{
	return READ_ONCE(gomem_span_alloc_bits(s)[word]) &
	       ~READ_ONCE(gomem_span_freed_bits(s)[word]);
}

/*
 * Is slot @i of a span live? A slot that was never handed out has no alloc bit, and perhaps
 * no key. A freed one in a CPU's slot has its alloc bit and its key. A live one keeps
 * its alloc bit: whoever changes other bits of the word stores the word with that bit set.
 */
static bool slot_is_live(struct gomem_span *s, unsigned int i)
{
	void *obj = gomem_span_object(s, i);

	if (!(live_slots(s, i / 64) & BIT_ULL(i % 64)))
		return false;
	/* The object's owner may write to it meanwhile: that is no key, before or after. */
	return !data_race(gomem_is_free(gomem_kind_key(s->kind, obj)));
}

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

	if (i >= s->nelems || !slot_is_live(s, i))
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
		return large_is_live(s) ? left_in(object_window(s), addr - s->base) : 0;
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
