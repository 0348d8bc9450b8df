// SPDX-License-Identifier: GPL-2.0
/*
 * describe.c - where an address lies, and who takes that memory back.
 */
#include <linux/kernel.h>
#include <linux/rcupdate.h>

#include "cache.h"
#include "describe.h"
#include "foreign.h"
#include "node.h"
#include "sizeclass.h"
#include "tiny.h"

/**
 * gomem_object_word - what to call an object
 * @class: its size class
 *
 * Return: a word for people.
 */
const char *gomem_object_word(unsigned int class)
{
	if (class == GOMEM_TINY_CLASS)
		return "shared block";
	return gomem_class_is_scratch(class) ? "scratch buffer" : "object";
}

/* A shared block's bytes have no memory of how they were cut. */
static void describe_tiny(unsigned long addr, char *buf, size_t len)
{
	int before = gomem_tiny_before((void *)addr);

	if (before >= 0)
		snprintf(buf, len, ", behind a live object at + %d", before);
}

/**
 * gomem_describe - tell where an address lies: "64-byte object 3 of 128 in its span, + 5"
 * @addr: any value
 * @buf: where the text goes
 * @len: room there, GOMEM_DESCRIPTION_MAX for all of it
 *
 * Context: any, in an RCU read section.
 */
void gomem_describe(unsigned long addr, char *buf, size_t len)
{
	struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, addr);
	unsigned int i, n;

	/* Keeps what is read: gomem_heap_release() and gomem_cache_destroy() wait for it. */
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "gomem describes memory that may go");
	if (!s) {
		if (gomem_pagemap_has_page(&gomem_pagemap, addr)) {
			snprintf(buf, len, "in a free page of the heap");
		} else {
			i = scnprintf(buf, len, "not gomem's: ");
			gomem_foreign_describe(addr, buf + i, len - i);
		}
		return;
	}
	if (gomem_span_state(s) == GOMEM_SPAN_ARENA) {
		snprintf(buf, len, "in a %u-byte block of an arena, + %lu", s->elemsize,
			 addr - s->base);
		return;
	}
	if (!s->divmul) {
		snprintf(buf, len, "%u-byte large object, + %lu", s->elemsize, addr - s->base);
		return;
	}
	i = gomem_span_index(s, addr);
	if (i >= s->nelems) {
		snprintf(buf, len, "tail of a span of %u-byte %ss", s->elemsize,
			 gomem_object_word(gomem_spc_class(s->spc)));
		return;
	}
	if (s->kind->cache) {
		snprintf(buf, len, "%u-byte object %u of %u in its span of cache %.32s, + %lu",
			 s->kind->cache->object_size, i, s->nelems, s->kind->cache->name,
			 addr - (unsigned long)gomem_span_object(s, i));
		return;
	}
	n = scnprintf(buf, len, "%u-byte %s %u of %u in its span, + %lu", s->elemsize,
		      gomem_object_word(gomem_spc_class(s->spc)), i, s->nelems,
		      addr - (unsigned long)gomem_span_object(s, i));
	if (s->spc == GOMEM_TINY_SPC)
		describe_tiny(addr, buf + n, len - n);
}

/**
 * gomem_is_kernel_slab - is this memory of the kernel's slab allocator?
 * @p: any value
 *
 * Context: any.
 * Return: the answer; false for each page that gomem has.
 */
bool gomem_is_kernel_slab(const void *p)
{
	return !gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)p) &&
	       gomem_foreign_is_slab((unsigned long)p);
}

/**
 * gomem_owner_of - name the function that takes back the memory of a span
 * @s: the span, or NULL
 *
 * Return: its name, for people.
 */
const char *gomem_owner_of(const struct gomem_span *s)
{
	if (s && gomem_class_is_scratch(gomem_spc_class(s->spc)))
		return "gomem_scratch_put()";
	if (s && gomem_span_state(s) == GOMEM_SPAN_ARENA)
		return "gomem_arena_destroy()";
	if (s && s->kind->cache)
		return "gomem_cache_free() of its cache";
	return "gomem_free()";
}
