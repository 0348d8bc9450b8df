// SPDX-License-Identifier: GPL-2.0
/*
 * usercopy.c - the bounds of what may be copied to and from user space.
 */
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>

#include "cache.h"
#include "node.h"

/* The bytes from the start of an object that may be copied. */
struct window {
	size_t start;
	size_t end;
};

static struct window window_of(const struct gomem_span *s)
{
	const struct gomem_cache *c = s->kind->cache;

	if (c)
		return (struct window){ c->useroffset, c->useroffset + c->usersize };
	return (struct window){ 0, s->elemsize };
}

static bool is_inside(const struct gomem_span *s, unsigned long addr, size_t n)
{
	unsigned int i = s->divmul ? gomem_span_index(s, addr) : 0;
	struct window w = window_of(s);
	size_t offset;

	if (i >= s->nelems)
		return false;
	offset = addr - (unsigned long)gomem_span_object(s, i);
	return offset >= w.start && offset <= w.end && n <= w.end - offset;
}

bool gomem_usercopy_allowed(const void *p, size_t n)
{
	struct gomem_span *s;
	bool ok;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	ok = s && is_inside(s, (unsigned long)p, n);
	rcu_read_unlock();
	return ok;
}
EXPORT_SYMBOL_NS_GPL(gomem_usercopy_allowed, GOMEM_NS);
