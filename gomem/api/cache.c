// SPDX-License-Identifier: GPL-2.0
/*
 * cache.c - create, shrink, and destroy typed caches.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/stats.h"
#include "map/describe.h"
#include "map/report.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "api/alloc.h"
#include "api/cache.h"
#include "api/kfrees.h"
#include "api/object.h"
#include "api/undo.h"
#include "api/watch.h"

/*
 * The tail is at most 1/16 of the span if a span of 1 to GOMEM_CLASS_MAX_PAGES
 * pages allows that.
 */
#define TAIL_SHARE	16

#define CACHE_MAGIC	0x676f6d656d636163UL

/*
 * gomem_cache_exit() gives this kind to the spans that still have objects when
 * it frees their typed cache.
 */
static const struct gomem_kind orphans = { };

/*
 * The magic depends on the address of the cache, so that a copy of the struct
 * is not taken for a cache.
 */
static unsigned long cache_magic(const struct gomem_cache *c)
{
	return gomem_objkey(c) ^ CACHE_MAGIC;
}

/**
 * gomem_cache_is_live - check whether objects may be allocated from a cache
 * @c: memory that is, or was, a cache
 *
 * Return: false if the cache was destroyed.
 */
bool gomem_cache_is_live(const struct gomem_cache *c)
{
	return READ_ONCE(c->magic) == cache_magic(c) &&
	       !READ_ONCE(c->destroyed);
}

/*
 * Like gomem_cache_is_live(), but @c may be any pointer. The caller is in an
 * RCU read-side section.
 */
static bool is_cache(const struct gomem_cache *c)
{
	return IS_ALIGNED((unsigned long)c, sizeof(u64)) &&
	       gomem_pagemap_span(&gomem_pagemap, (unsigned long)c) &&
	       gomem_cache_is_live(c);
}

static bool check_cache(const struct gomem_cache *c, unsigned long caller)
{
	bool ok;

	rcu_read_lock();
	ok = is_cache(c);
	rcu_read_unlock();
	if (unlikely(!ok))
		gomem_report_cache(c, caller);
	return ok;
}

/*
 * Claim the destruction of a cache. If several tasks destroy a cache
 * concurrently, one succeeds. The others find the cache destroyed or gone. The
 * memory of the cache is not freed while they read it: see synchronize_rcu() in
 * gomem_cache_close().
 */
static bool claim_cache(struct gomem_cache *c, unsigned long caller)
{
	bool ok;

	rcu_read_lock();
	ok = is_cache(c) && !xchg(&c->destroyed, 1);
	rcu_read_unlock();
	if (unlikely(!ok))
		gomem_report_cache(c, caller);
	return ok;
}

/*
 * Does @divmul give exact results for a span of @nelems objects? That is: does
 * it recognise the offset of the first byte of each object as a multiple of
 * @size, and give the number of the object for its first and its last byte?
 */
static bool divmul_is_exact(u32 size, u32 divmul, unsigned int nelems)
{
	unsigned int i;

	for (i = 0; i < nelems; i++)
		if ((u32)((u64)i * size * divmul) >= divmul ||
		    gomem_div(i * size, divmul) != i ||
		    gomem_div(i * size + size - 1, divmul) != i)
			return false;
	return true;
}

/*
 * Among the lengths for which divmul_is_exact() returns true, choose the
 * shortest span whose tail is at most 1 / TAIL_SHARE of it. If there is none,
 * choose the length at which the tail is the smallest share of the span. Each
 * object gets a span of its own if it has more than GOMEM_SMALL_MAX bytes, or
 * if divmul_is_exact() returns false for all lengths.
 */
static void set_geometry(struct gomem_kind *k)
{
	u32 divmul = DIV_ROUND_UP_ULL(1ULL << 32, k->size);
	unsigned int pages, nelems, tail, best = UINT_MAX;

	for (pages = 1;
	     k->size <= GOMEM_SMALL_MAX && pages <= GOMEM_CLASS_MAX_PAGES;
	     pages++) {
		nelems = min_t(unsigned int,
			       (pages << GOMEM_PAGE_SHIFT) / k->size,
			       GOMEM_SPAN_MAX_OBJECTS);
		if (!nelems || !divmul_is_exact(k->size, divmul, nelems))
			continue;
		tail = ((pages << GOMEM_PAGE_SHIFT) - nelems * k->size) / pages;
		if (tail >= best)
			continue;
		best = tail;
		k->npages = pages;
		k->nelems = nelems;
		k->divmul = divmul;
		if (tail <= GOMEM_PAGE_SIZE / TAIL_SHARE)
			break;
	}
	if (best == UINT_MAX) {
		k->npages = DIV_ROUND_UP(k->size, GOMEM_PAGE_SIZE);
		k->nelems = 1;
		k->divmul = 1;
	}
	k->desc = gomem_span_desc(k->nelems);
}

/*
 * Do the contents of an object outlive its free? Then the key of a free object
 * lies after the object. Otherwise the key is in the first word.
 */
static bool contents_outlive(const struct gomem_cache_args *args)
{
	return args->ctor || args->typesafe_by_rcu;
}

static unsigned int alignment(const struct gomem_cache_args *args)
{
	return max_t(unsigned int, args->align, sizeof(u64));
}

/* Return the bytes from one object to the next, including key and alignment. */
static unsigned int step_of(unsigned int size,
			    const struct gomem_cache_args *args)
{
	if (contents_outlive(args))
		size = ALIGN(size, sizeof(u64)) + sizeof(u64);
	return ALIGN(size, alignment(args));
}

/* Check the size first, so that nothing that follows can overflow. */
static bool args_are_sane(const char *name, unsigned int size,
			  const struct gomem_cache_args *args)
{
	return name && *name && size && size <= GOMEM_CACHE_MAX_SIZE &&
	       (!args->align || is_power_of_2(args->align)) &&
	       args->align <= GOMEM_CACHE_MAX_ALIGN &&
	       step_of(size, args) <= GOMEM_CACHE_MAX_SIZE &&
	       args->useroffset <= size &&
	       args->usersize <= size - args->useroffset;
}

static noinline void set_kind(struct gomem_cache *c, unsigned int size,
			      const struct gomem_cache_args *args)
{
	struct gomem_kind *k = &c->kind;
	bool outlives = contents_outlive(args);

	c->kind.object_size = size;
	c->align = alignment(args);
	c->kind.clears = !outlives;
	c->kind.useroffset = args->useroffset;
	c->kind.usersize = args->usersize;
	k->ctor = args->ctor;
	k->typesafe = args->typesafe_by_rcu;
	k->spc = gomem_spc_make(0, args->noscan);
	k->key = outlives ? ALIGN(size, sizeof(u64)) : 0;
	k->size = step_of(size, args);
	k->cache = c;
	set_geometry(k);
}

static unsigned int count_heaps(void)
{
	struct gomem_heap *h;
	unsigned int n = 0;

	for_each_gomem_heap(h)
		n++;
	return n;
}

static noinline void init_memory(struct gomem_cache *c)
{
	struct gomem_kind *k = &c->kind;
	unsigned int n = 0;
	struct gomem_heap *h;
	int cpu;

	for_each_gomem_heap(h) {
		gomem_mcentral_init(&c->central[n], h, k);
		k->central[h->node] = &c->central[n++];
	}
	for_each_possible_cpu(cpu)
		gomem_cache_cpu_init(per_cpu_ptr(k->cpu, cpu), k);
}

/*
 * Allocate all memory that the cache needs besides its struct. If that fails,
 * return false. Then the caller calls free_memory(), which frees what was
 * allocated.
 */
static noinline bool get_memory(struct gomem_cache *c)
{
	struct gomem_kind *k = &c->kind;

	c->central = gomem_alloc_array(count_heaps(), sizeof(*c->central),
				       GFP_KERNEL);
	k->central = gomem_calloc(nr_node_ids, sizeof(*k->central), GFP_KERNEL);
	k->cpu = __alloc_percpu(gomem_cache_cpu_size(k),
				__alignof__(struct gomem_cache_cpu));
	return c->central && k->central && k->cpu;
}

/* Keep an empty slot empty: each push finds it full, and it never grows. */
static void close_slot(struct gomem_slot *slot)
{
	slot->room = 0;
	slot->capacity = 0;
	slot->end = slot->top;
}

/*
 * Close the slots of a cache that was destroyed with objects left. The objects
 * can still be freed: they bypass the slots. None can be allocated.
 */
static void close_slots(struct gomem_cache *c)
{
	struct gomem_cache_cpu *cc;
	int cpu;

	for_each_possible_cpu(cpu) {
		cc = per_cpu_ptr(c->kind.cpu, cpu);
		close_slot(&cc->task.slot);
		close_slot(&cc->irq.slot);
	}
}

/*
 * Slots for typed caches that were freed. A pop finds no object in them and a
 * push finds no room. A module may allocate by a stale pointer to such a cache.
 * As long as the memory of the cache is not reused, the allocation finds these
 * slots, and refuse() in typed.c reports it.
 */
static DEFINE_PER_CPU(struct gomem_cache_cpu, no_slots);
static void *no_objects[1];

/*
 * Initialize no_slots. Each gomem_cache_close() calls this, perhaps on several
 * CPUs at once. That does no harm, because the values are always the same.
 * There is no static initializer, because the module loader of older kernels
 * does not relocate per-CPU data.
 */
static void init_no_slots(void)
{
	struct gomem_cache_cpu *cc;
	int cpu;

	no_objects[0] = &gomem_no_object;
	for_each_possible_cpu(cpu) {
		cc = per_cpu_ptr(&no_slots, cpu);
		cc->task.slot.top = no_objects + 1;
		cc->irq.slot.top = no_objects + 1;
		close_slot(&cc->task.slot);
		close_slot(&cc->irq.slot);
	}
}

/*
 * Clear and free the slots. Their stacks keep the addresses of objects that
 * were popped, and the kernel does not clear per-CPU memory that is freed. A
 * scan for leaks would take these addresses for pointers to later objects.
 */
static void free_slots(struct gomem_kind *k)
{
	int cpu;

	if (k->cpu)
		for_each_possible_cpu(cpu)
			memset(per_cpu_ptr(k->cpu, cpu), 0,
			       gomem_cache_cpu_size(k));
	free_percpu(k->cpu);
}

static void free_memory(struct gomem_cache *c)
{
	free_slots(&c->kind);
	c->kind.cpu = &no_slots;
	gomem_free(c->kind.central);
	gomem_free(c->central);
	gomem_free(c->kind.name);
	gomem_object_free(&gomem_kinds[GOMEM_CACHE_SPC], c);
}

/*
 * Allocate a struct gomem_cache, and the name of the cache. Kept out of line to
 * save stack in the caller, as is get_memory().
 */
static noinline struct gomem_cache *new_cache(const char *name,
					      unsigned long caller)
{
	const struct gomem_kind *k = &gomem_kinds[GOMEM_CACHE_SPC];
	size_t len = strlen(name) + 1;
	struct gomem_cache *c;
	char *copy;

	static_assert(sizeof(*c) <= GOMEM_HANDLE_SIZE);
	if (!gomem_enter_alloc(k->size, GFP_KERNEL, caller))
		return NULL;
	c = gomem_object_alloc_in_span(k, GFP_KERNEL | __GFP_ZERO, caller);
	if (!c)
		return NULL;
	copy = gomem_alloc(len, GFP_KERNEL);
	if (!copy) {
		gomem_object_free(k, c);
		return NULL;
	}
	c->kind.name = memcpy(copy, name, len);
	return c;
}

struct gomem_cache *gomem_cache_create(const char *name, unsigned int size,
				       const struct gomem_cache_args *args)
{
	static const struct gomem_cache_args defaults;
	struct gomem_cache *c;

	might_sleep();
	args = args ?: &defaults;
	if (!args_are_sane(name, size, args)) {
		gomem_report_cache_args(name, size, args->align, _RET_IP_);
		return NULL;
	}
	c = new_cache(name, _RET_IP_);
	if (!c)
		return NULL;
	set_kind(c, size, args);
	if (!get_memory(c)) {
		free_memory(c);
		return NULL;
	}
	init_memory(c);
	c->magic = cache_magic(c);
	gomem_kind_add(&c->kind);
	return c;
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_create, GOMEM_NS);

unsigned int gomem_cache_size(const struct gomem_cache *c)
{
	return c->kind.object_size;
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_size, GOMEM_NS);

/*
 * Give empty spans back to their heaps. Return how many gomem pages the other
 * spans have.
 */
static unsigned long sweep(struct gomem_cache *c)
{
	unsigned long pages = 0;
	struct gomem_heap *h;

	for_each_gomem_heap(h) {
		gomem_mcentral_sweep(gomem_central(h, &c->kind));
		pages += READ_ONCE(gomem_central(h, &c->kind)->npages);
	}
	return pages;
}

int gomem_cache_shrink(struct gomem_cache *c)
{
	might_sleep();
	if (!check_cache(c, _RET_IP_))
		return -EINVAL;
	gomem_mcache_shrink_kind(&c->kind);
	return sweep(c) ? 1 : 0;
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_shrink, GOMEM_NS);

static unsigned long live_objects(const struct gomem_cache *c)
{
	struct gomem_class_counts n;

	gomem_mcache_count(&c->kind, &n);
	return n.mallocs - n.frees;
}

/*
 * Drain the slots, and give the empty spans back to their heaps. Return false,
 * with a report, if objects are left.
 */
static bool empty_cache(struct gomem_cache *c, unsigned long caller)
{
	unsigned long pages;

	/*
	 * Objects that wait for a grace period must not be reported as left.
	 * First wait for callbacks of call_rcu() that free objects, perhaps
	 * with gomem_free_rcu(). Then wait for objects passed to
	 * gomem_free_rcu().
	 */
	rcu_barrier();
	gomem_rcu_barrier();
	gomem_kind_close(&c->kind);
	gomem_mcache_drain_kind(&c->kind);
	pages = sweep(c);
	/*
	 * An empty span of a typesafe cache is not counted in @pages any more,
	 * but is freed by a callback of call_rcu(), which reads c->kind. Wait
	 * for these callbacks, since the caller frees the cache next.
	 */
	if (c->kind.typesafe)
		rcu_barrier();
	if (likely(!pages))
		return true;
	gomem_kind_reopen(&c->kind);
	gomem_report_cache_left(&c->kind, live_objects(c), pages,
				gomem_kfrees_of_kind(&c->kind), caller);
	return false;
}

/* Remove the constructor of a cache, if its code is in the module @arg. */
static void orphan(const struct gomem_kind *k, void *arg)
{
	const struct module *mod = arg;
	struct gomem_cache *c = k->cache;

	if (!k->ctor || !within_module((unsigned long)k->ctor, mod))
		return;
	gomem_kind_orphan(&c->kind);
	/*
	 * Empty the slots. Otherwise the hit path would hand out their objects,
	 * and neither refuse nor report the allocations.
	 */
	gomem_mcache_shrink_kind(&c->kind);
	if (gomem_cache_is_live(c))
		gomem_report_ctor_left(k, mod, live_objects(c));
}

/**
 * gomem_caches_orphan - remove from typed caches the constructors of a module
 * @mod: the module, which is being unloaded, and whose exit function has run
 *
 * A cache without its constructor constructs no more objects. Its live objects
 * may still be freed, which pushes them on slots. The slots may hand them out
 * again, since they are constructed. A constructor that already runs on another
 * CPU may finish: the kernel waits for a grace period before it frees the code
 * of the module.
 *
 * Context: may sleep.
 */
void gomem_caches_orphan(struct module *mod)
{
	gomem_visit_typed_live(orphan, mod);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_caches_orphan);

static void count_gone(const struct gomem_kind *k,
		       struct gomem_gone_counts *gone)
{
	struct gomem_class_counts n;

	gomem_mcache_count(k, &n);
	gone->mallocs += n.mallocs;
	gone->frees += n.frees;
	gone->bytes += n.mallocs * k->size;
}

/**
 * gomem_cache_close - destroy a typed cache
 * @c: the cache, or any other pointer
 * @caller: address of the code that destroys the cache, for the report
 *
 * Context: may sleep.
 * Return: true if the cache is gone. False, with a report, in two cases: @c is
 * not a live cache; or objects are left, which can still be freed.
 */
bool gomem_cache_close(struct gomem_cache *c, unsigned long caller)
{
	if (!claim_cache(c, caller))
		return false;
	if (!empty_cache(c, caller)) {
		close_slots(c);
		return false;
	}
	init_no_slots();
	gomem_kind_remove(&c->kind, count_gone);
	WRITE_ONCE(c->magic, 0);
	/*
	 * Wait for RCU readers that still use the cache. A second free of one
	 * of its objects, or a report about one, may have found the cache by
	 * the object's address. Another task may be in claim_cache().
	 */
	synchronize_rcu();
	free_memory(c);
	return true;
}

void gomem_cache_destroy(struct gomem_cache *c)
{
	might_sleep();
	if (c)
		gomem_cache_close(c, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_destroy, GOMEM_NS);

/*
 * Replace the kind of a span if it is that of the cache @arg, which is freed
 * next. The span, which still has objects, is leaked.
 */
static void orphan_spans(struct gomem_span *s, void *arg)
{
	if (s->kind->cache == arg)
		WRITE_ONCE(s->kind, &orphans);
}

/**
 * gomem_cache_exit - report and free typed caches when gomem is unloaded
 *
 * These caches were never destroyed, or were destroyed with objects left.
 * No other code allocates or frees any more.
 *
 * Context: may sleep.
 */
void gomem_cache_exit(void)
{
	struct kmem_cache *twin;
	struct gomem_cache *c;
	struct gomem_kind *k;
	struct gomem_heap *h;

	while ((k = gomem_typed_kind_first())) {
		c = k->cache;
		if (!c->destroyed)
			gomem_report_leaked_cache(&c->kind);
		if (!empty_cache(c, 0))
			for_each_gomem_heap(h)
				gomem_heap_walk_spans(h, orphan_spans, c);
		twin = c->twin;
		gomem_kind_remove(&c->kind, count_gone);
		free_memory(c);
		kmem_cache_destroy(twin);
	}
}
