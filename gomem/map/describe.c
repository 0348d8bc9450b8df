// SPDX-License-Identifier: GPL-2.0
/*
 * describe.c - say in words where an address lies, and which function takes
 * back the memory there.
 */
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/rcupdate.h>

#include "base/sizeclass.h"
#include "map/describe.h"
#include "map/foreign.h"
#include "map/kind.h"
#include "map/pagemap.h"
#include "map/span.h"
#include "map/tinyblock.h"

/**
 * gomem_object_word - return what reports call an object
 * @class: the object's size class
 *
 * Return: a noun.
 */
const char *gomem_object_word(unsigned int class)
{
	if (class == GOMEM_TINY_CLASS)
		return "shared block";
	if (class == GOMEM_HANDLE_CLASS)
		return "handle";
	return gomem_class_is_scratch(class) ? "scratch buffer" : "object";
}

/*
 * Add to the text which part of the tiny block of @addr is the last one that
 * starts before @addr: its offset in the block, and whether it is a live object
 * or the rest that a CPU has not cut yet. A part that was freed leaves no trace
 * in the block: the part before it, if there is one, reaches over its bytes. So
 * if @addr was in a freed part, the text names that earlier part.
 */
static void describe_tiny(unsigned long addr, char *buf, size_t len)
{
	int before = gomem_tiny_before((void *)addr);
	const char *part;

	if (before < 0)
		return;
	part = gomem_tiny_size((void *)round_down(addr, GOMEM_TINY_BLOCK) +
			       before) ? "a live object" : "unused bytes";
	snprintf(buf, len, ", behind %s at + %d", part, before);
}

/* Describe an address in a page that is part of no live span. */
static void describe_no_span(unsigned long addr, char *buf, size_t len)
{
	unsigned int n;

	if (gomem_pagemap_has_page(&gomem_pagemap, addr)) {
		snprintf(buf, len, "in a free page of the heap");
		return;
	}
	n = scnprintf(buf, len, "not gomem's: ");
	gomem_foreign_describe(addr, buf + n, len - n);
}

/* Describe an address in a span of small objects. */
static void describe_small(const struct gomem_span *s, unsigned long addr,
			   char *buf, size_t len)
{
	unsigned int i = gomem_span_index(s, addr), n;
	unsigned long offset = addr - (unsigned long)gomem_span_object(s, i);
	const char *word = gomem_object_word(gomem_spc_class(s->spc));

	if (i >= s->nelems) {
		snprintf(buf, len, "tail of a span of %u-byte %ss", s->elemsize,
			 word);
		return;
	}
	if (s->kind->cache) {
		snprintf(buf, len,
			 "%u-byte object %u of %u in its span of cache %.32s, + %lu",
			 s->kind->object_size, i, s->nelems, s->kind->name,
			 offset);
		return;
	}
	n = scnprintf(buf, len, "%u-byte %s %u of %u in its span, + %lu",
		      s->elemsize, word, i, s->nelems, offset);
	if (s->spc == GOMEM_TINY_SPC)
		describe_tiny(addr, buf + n, len - n);
}

/**
 * gomem_describe - say in words where an address lies
 * @addr: any value
 * @buf: buffer for the text
 * @len: size of @buf, at which the text is cut; see GOMEM_DESCRIPTION_MAX
 *
 * An example of the text: "64-byte object 3 of 128 in its span, + 5".
 *
 * Context: any, in an RCU read-side section.
 */
void gomem_describe(unsigned long addr, char *buf, size_t len)
{
	struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, addr);

	/*
	 * The read-side section keeps the page and the typed cache from being
	 * freed: see gomem_heap_release() and gomem_cache_close().
	 */
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(),
			 "gomem without rcu_read_lock(): the memory may be freed");
	if (!s)
		describe_no_span(addr, buf, len);
	else if (gomem_span_state(s) == GOMEM_SPAN_ARENA)
		snprintf(buf, len, "in a %u-byte block of an arena, + %lu",
			 s->elemsize, addr - s->base);
	else if (!s->divmul)
		snprintf(buf, len, "%u-byte large object, + %lu", s->elemsize,
			 addr - s->base);
	else
		describe_small(s, addr, buf, len);
}

/**
 * gomem_describe_kfreed - say how many objects were freed with kfree() or
 *	put_page()
 * @n: number of these objects, or GOMEM_KFREES_UNKNOWN
 * @buf: buffer for the text: the end of a sentence, or nothing if @n is 0
 * @len: size of @buf; GOMEM_KFREED_MAX is enough
 */
void gomem_describe_kfreed(unsigned long n, char *buf, size_t len)
{
	buf[0] = '\0';
	if (n == GOMEM_KFREES_UNKNOWN)
		strscpy(buf, ", or freed with kfree(), which leaves no trace (see kfree_probe)",
			len);
	else if (n)
		snprintf(buf, len,
			 ", %lu of them freed with the kernel's kfree() or put_page()",
			 n);
}

/**
 * gomem_is_kernel_slab - check whether an address is in a slab of the kernel
 * @p: the address, any value
 *
 * Context: any.
 * Return: true if it is; false for each address in a gomem page.
 */
bool gomem_is_kernel_slab(const void *p)
{
	return !gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)p) &&
	       gomem_foreign_is_slab((unsigned long)p);
}

/**
 * gomem_is_kernel_object - check whether an address is in a slab of one cache
 * @s: a cache of the kernel's slab allocator
 * @p: the address, any value
 *
 * On a kernel where gomem cannot find out which cache a slab belongs to, each
 * slab counts as one of @s.
 *
 * Context: any.
 * Return: true if it is; false for each address in a gomem page.
 */
bool gomem_is_kernel_object(const struct kmem_cache *s, const void *p)
{
	return !gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)p) &&
	       gomem_foreign_may_be_of((unsigned long)p, s);
}

/**
 * gomem_free_function - name the function that frees the memory of a span
 * @s: the span, or NULL
 *
 * Return: its name, for reports.
 */
const char *gomem_free_function(const struct gomem_span *s)
{
	if (s && gomem_class_is_scratch(gomem_spc_class(s->spc)))
		return "gomem_scratch_put()";
	if (s && s->spc == GOMEM_CACHE_SPC)
		return "gomem_cache_destroy()";
	if (s && (s->spc == GOMEM_ARENA_SPC ||
		  gomem_span_state(s) == GOMEM_SPAN_ARENA))
		return "gomem_arena_destroy()";
	if (s && s->kind->cache)
		return "gomem_cache_free() of its cache";
	return "gomem_free()";
}
