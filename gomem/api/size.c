// SPDX-License-Identifier: GPL-2.0
/*
 * size.c - look up the size of an object, for its user and for functions that
 * free or move it.
 */
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>

#include "map/report.h"
#include "api/alloc.h"
#include "api/hit.h"
#include "api/tiny.h"

static bool starts_at(const struct gomem_span *s, const void *p)
{
	unsigned int i = s->divmul ? gomem_span_index(s, (unsigned long)p) : 0;

	return i < s->nelems && gomem_span_object(s, i) == p;
}

/* What look_up() found out about a pointer. */
struct finding {
	bool has_span;		/* without a span, nothing else is set */
	enum gomem_span_state state;
	size_t size;		/* usable bytes of an object of the span */
	size_t tiny_size;	/* bytes of a live tiny object */
	bool noscan;
	bool is_tiny;
	bool is_start;
	bool is_free;
};

static bool holds_key(const struct gomem_kind *k, const void *p)
{
	return gomem_has_key(gomem_kind_key(k, (void *)p));
}

static void examine(struct finding *f, struct gomem_span *s, const void *p)
{
	const struct gomem_kind *k = READ_ONCE(s->kind);

	f->has_span = true;
	f->state = gomem_span_state(s);
	f->size = k->cache ? k->object_size : READ_ONCE(s->elemsize);
	f->noscan = gomem_spc_noscan(k->spc);
	f->is_tiny = k->spc == GOMEM_TINY_SPC;
	if (f->is_tiny)
		f->tiny_size = gomem_tiny_size(p);
	f->is_start = starts_at(s, p);
	if (f->is_start && !gomem_kind_is_large(k))
		/*
		 * The owner of a live object may write to it during this read.
		 * The race is harmless: the old and the new contents both
		 * differ from the key, which is secret.
		 */
		f->is_free = data_race(holds_key(k, p));
}

/*
 * Find out what a pointer points to. Return copies of values from the span's
 * descriptor, so that the caller need not read the descriptor: if another CPU
 * frees the object and its span concurrently, the descriptor may be reused at
 * any time. The page and the kind, which examine() reads, stay until
 * rcu_read_unlock().
 */
static struct finding look_up(const void *p)
{
	struct finding f = { };
	struct gomem_span *s;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	if (s)
		examine(&f, s, p);
	rcu_read_unlock();
	return f;
}

/**
 * gomem_object_size - look up the size of a live object
 * @p: the object, or any other pointer
 * @noscan: set to true if the object is noscan, else to false
 * @if_free: the misuse to report if the object is free
 * @caller: address of the code that called gomem, for the report
 *
 * Context: any.
 * Return: its usable bytes; 0, with a report, if @p is not a live object.
 */
size_t gomem_object_size(const void *p, bool *noscan, enum gomem_misuse if_free,
			 unsigned long caller)
{
	struct finding f = look_up(p);

	if (!f.has_span) {
		gomem_report_no_object(if_free, p, caller);
		return 0;
	}
	if (f.state == GOMEM_SPAN_ARENA) {
		gomem_report_owner(p, caller);
		return 0;
	}
	*noscan = f.noscan;
	if (f.is_tiny) {
		if (!f.tiny_size)
			gomem_tiny_report(if_free, p, caller);
		return f.tiny_size;
	}
	if (!f.is_start || f.is_free) {
		gomem_report_pointer(f.is_start ? if_free :
						  GOMEM_INTERIOR_POINTER,
				     p, caller);
		return 0;
	}
	return f.size;
}

/*
 * Do what gomem_object_size() does. But if @p is in a scratch buffer or a
 * handle, report that and return 0: gomem_free() refuses these objects, so
 * callers must not resize them or free them later.
 */
static size_t own_size(const void *p, bool *noscan, enum gomem_misuse if_free,
		       unsigned long caller)
{
	struct gomem_span *s =
		gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);

	if (s && gomem_class_is_refused(gomem_spc_class(s->spc))) {
		gomem_report_owner(p, caller);
		return 0;
	}
	return gomem_object_size(p, noscan, if_free, caller);
}

/**
 * gomem_freeable_size - look up the size of an object that will be freed later
 * @p: the object, or any other pointer
 * @caller: address of the code that called gomem, for the report
 *
 * Context: any.
 * Return: its usable bytes; 0, with a report, if gomem_free() would refuse it.
 */
size_t gomem_freeable_size(const void *p, unsigned long caller)
{
	bool noscan;

	return own_size(p, &noscan, GOMEM_DOUBLE_FREE, caller);
}

/**
 * gomem_key_offset - look up where an object of a typed cache has its key
 * @p: an object that is being freed, or any other pointer
 *
 * gomem_free_nolock() uses the word of the key as the RCU head of the object,
 * while the object waits for a grace period. The object's contents stay intact
 * if they have to outlive its free: then the word lies after the object.
 *
 * Context: any.
 * Return: bytes from the start of the object to its key; -1 if @p lies in no
 * span of a typed cache.
 */
long gomem_key_offset(const void *p)
{
	const struct gomem_span *s;
	long offset = -1;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	if (s && READ_ONCE(s->kind)->cache)
		offset = READ_ONCE(s->kind)->key;
	rcu_read_unlock();
	return offset;
}

/*
 * Must gomem refuse to clear or to move an object, because others rely on its
 * contents? In a cache with a constructor, the next owner relies on the
 * contents that the constructor made. In a typesafe cache, RCU readers rely on
 * the contents.
 */
static bool keeps_contents(const void *p)
{
	const struct gomem_span *s;
	bool keeps;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	keeps = s && (READ_ONCE(s->kind)->ctor || READ_ONCE(s->kind)->typesafe);
	rcu_read_unlock();
	return keeps;
}

/**
 * gomem_resizable_size - look up the size of an object to be cleared or moved
 * @p: the object, or any other pointer
 * @noscan: set to true if the object is noscan, else to false
 * @if_free: the misuse to report if the object is free
 * @caller: address of the code that called gomem, for the report
 *
 * Context: any.
 * Return: its usable bytes; 0, with a report, if @p is not a live object that
 * gomem_free() would free, or if the contents of the object have to stay.
 */
size_t gomem_resizable_size(const void *p, bool *noscan,
			    enum gomem_misuse if_free, unsigned long caller)
{
	size_t size = own_size(p, noscan, if_free, caller);

	if (size && unlikely(keeps_contents(p))) {
		gomem_report_keeps(p, caller);
		return 0;
	}
	return size;
}

size_t gomem_usable_size(const void *p)
{
	bool noscan;

	if (ZERO_OR_NULL_PTR(p))
		return 0;
	return gomem_object_size(p, &noscan, GOMEM_USE_AFTER_FREE, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_usable_size, GOMEM_NS);

bool gomem_owns(const void *p)
{
	return gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
}
EXPORT_SYMBOL_NS_GPL(gomem_owns, GOMEM_NS);
