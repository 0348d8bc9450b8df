// SPDX-License-Identifier: GPL-2.0
/*
 * cache.c - typed caches: create, allocate, free, destroy.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "alloc.h"
#include "cache.h"
#include "describe.h"
#include "kfrees.h"
#include "mcache.h"
#include "node.h"
#include "report.h"
#include "stats.h"
#include "undo.h"

/* What is left of a span behind its last object: this share at most, if it can be had. */
#define TAIL_SHARE	16

#define CACHE_MAGIC	0x676f6d656d636163UL

/*
 * All caches, those among them that were destroyed with objects left. The lock protects
 * the list, and state and visitors of each cache. It is held for a step from one cache to
 * the next alone: what a visitor does with a cache, and how long that task is preempted
 * meanwhile, delays nobody but a task that destroys the same cache.
 */
static DEFINE_SPINLOCK(caches_lock);
static LIST_HEAD(caches);

/*
 * What the caches that are gone have counted. The mutex is held while a cache's counts move
 * there, and while somebody adds up the counts of all: so none is missed or counted twice.
 */
static struct gomem_cache_counts gone;
static DEFINE_MUTEX(gone_mutex);

/* For tasks that destroy a cache which has visitors. */
static DECLARE_WAIT_QUEUE_HEAD(visitors_wait);

/* Spans of caches whose memory is gone: as the module exits. */
static const struct gomem_kind orphans = { };

/* Mixed with the address, so that a copy of a cache is none. */
static unsigned long magic_of(const struct gomem_cache *c)
{
	return gomem_objkey(c) ^ CACHE_MAGIC;
}

/* Of what is, or was, a cache: may objects be allocated from it? */
static bool is_live(const struct gomem_cache *c)
{
	return READ_ONCE(c->magic) == magic_of(c) && !READ_ONCE(c->destroyed);
}

/* The same of any pointer, as in arena.c. The caller is in a read-side section. */
static bool is_cache(const struct gomem_cache *c)
{
	return IS_ALIGNED((unsigned long)c, sizeof(u64)) &&
	       gomem_pagemap_span(&gomem_pagemap, (unsigned long)c) && is_live(c);
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
 * Of several tasks that destroy a cache one gets it. The others find it destroyed, or
 * gone, but not freed while they look: see gomem_cache_destroy().
 */
static bool claim(struct gomem_cache *c, unsigned long caller)
{
	bool ok;

	rcu_read_lock();
	ok = is_cache(c) && !xchg(&c->destroyed, 1);
	rcu_read_unlock();
	if (unlikely(!ok))
		gomem_report_cache(c, caller);
	return ok;
}

/* The multiplier finds each object of the span by its first byte and its last one. */
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
 * The shortest span with next to no tail, else the one with the smallest share of it.
 * Above GOMEM_SMALL_MAX each object has a span of its own.
 */
static void set_geometry(struct gomem_kind *k)
{
	u32 divmul = DIV_ROUND_UP_ULL(1ULL << 32, k->size);
	unsigned int pages, nelems, tail, best = UINT_MAX;

	for (pages = 1; k->size <= GOMEM_SMALL_MAX && pages <= GOMEM_CLASS_MAX_PAGES; pages++) {
		nelems = min_t(unsigned int, (pages << GOMEM_PAGE_SHIFT) / k->size,
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
 * An object whose contents outlive its free has its key behind it, others have it in
 * their first word.
 */
static bool contents_outlive(const struct gomem_cache_args *args)
{
	return args->ctor || args->typesafe_by_rcu;
}

static unsigned int alignment(const struct gomem_cache_args *args)
{
	return max_t(unsigned int, args->align, sizeof(u64));
}

/* Bytes from one object to the next, its key and its alignment included. */
static unsigned int step_of(unsigned int size, const struct gomem_cache_args *args)
{
	if (contents_outlive(args))
		size = ALIGN(size, sizeof(u64)) + sizeof(u64);
	return ALIGN(size, alignment(args));
}

/* The size first: nothing overflows behind that. */
static bool args_are_sane(const char *name, unsigned int size,
			  const struct gomem_cache_args *args)
{
	return name && *name && size && size <= GOMEM_CACHE_MAX_SIZE &&
	       (!args->align || is_power_of_2(args->align)) &&
	       args->align <= GOMEM_CACHE_MAX_ALIGN &&
	       step_of(size, args) <= GOMEM_CACHE_MAX_SIZE && args->useroffset <= size &&
	       args->usersize <= size - args->useroffset;
}

static void set_kind(struct gomem_cache *c, unsigned int size,
		     const struct gomem_cache_args *args)
{
	struct gomem_kind *k = &c->kind;
	bool outlives = contents_outlive(args);

	c->object_size = size;
	c->align = alignment(args);
	c->clears = !outlives;
	c->useroffset = args->useroffset;
	c->usersize = args->usersize;
	k->ctor = args->ctor;
	k->typesafe = args->typesafe_by_rcu;
	k->spc = gomem_spc_make(0, args->noscan);
	k->key = outlives ? ALIGN(size, sizeof(u64)) : 0;
	k->size = step_of(size, args);
	k->cache = c;
	set_geometry(k);
}

/* False if there is no memory; free_memory() takes what there is then. */
static bool get_memory(struct gomem_cache *c, const char *name)
{
	struct gomem_kind *k = &c->kind;
	unsigned int n = 0;
	struct gomem_heap *h;
	int cpu;

	for_each_gomem_heap(h)
		n++;
	/* gomem_strdup() would need more of the stack: scripts/check stack. */
	c->name = gomem_memdup(name, strlen(name) + 1, GFP_KERNEL);
	c->central = gomem_alloc_array(n, sizeof(*c->central), GFP_KERNEL);
	k->central = gomem_calloc(nr_node_ids, sizeof(*k->central), GFP_KERNEL);
	k->cpu = __alloc_percpu(gomem_cache_cpu_size(k), __alignof__(struct gomem_cache_cpu));
	if (!c->name || !c->central || !k->central || !k->cpu)
		return false;
	n = 0;
	for_each_gomem_heap(h) {
		gomem_mcentral_init(&c->central[n], h, k);
		k->central[h->node] = &c->central[n++];
	}
	for_each_possible_cpu(cpu)
		gomem_cache_cpu_init(per_cpu_ptr(k->cpu, cpu), k);
	return true;
}

/* A slot that is empty stays so: each push finds it full, and it does not grow. */
static void close_slot(struct gomem_slot *slot)
{
	slot->room = 0;
	slot->capacity = 0;
	slot->end = slot->top;
}

/* Objects were left: they may be freed, past the slots, and none is allocated. */
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
 * The slots that caches have when they are gone: empty, and full. As long as nobody else has
 * the memory of such a cache, who allocates from it by a stale pointer finds no object, and
 * is told by alloc_miss().
 */
static DEFINE_PER_CPU(struct gomem_cache_cpu, no_slots);
static void *no_objects[1];

/* The same each time: the module loader does not relocate per-CPU data. */
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

static void free_memory(struct gomem_cache *c)
{
	free_percpu(c->kind.cpu);
	c->kind.cpu = &no_slots;
	gomem_free(c->kind.central);
	gomem_free(c->central);
	gomem_free(c->name);
	gomem_free(c);
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
	c = gomem_zalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return NULL;
	set_kind(c, size, args);
	if (!get_memory(c, name)) {
		free_memory(c);
		return NULL;
	}
	c->magic = magic_of(c);
	spin_lock(&caches_lock);
	list_add_tail(&c->link, &caches);
	spin_unlock(&caches_lock);
	return c;
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_create, GOMEM_NS);

unsigned int gomem_cache_size(const struct gomem_cache *c)
{
	return c->object_size;
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_size, GOMEM_NS);

static __always_inline bool has_key(const struct gomem_cache *c, void *obj)
{
	return gomem_has_key(gomem_kind_key(&c->kind, obj));
}

/* Never what a constructor made; what may be read without owning it, if asked for. */
static __always_inline bool wants_clearing(const struct gomem_cache *c, gfp_t gfp)
{
	if (likely(c->clears))
		return want_init_on_alloc(gfp);
	return (gfp & __GFP_ZERO) && !c->kind.ctor;
}

static __always_inline void leak_track(const struct gomem_cache *c, void *obj, gfp_t gfp)
{
	gomem_leak_track(obj, c->object_size, gomem_kind_noscan(&c->kind), gfp);
}

/* What is cleared of an object: all but a key behind it. */
static __always_inline size_t clear_size(const struct gomem_cache *c)
{
	return ALIGN(c->object_size, sizeof(u64));
}

/* Off the fast path: this is much code. */
static noinline void *clear_and_track(const struct gomem_cache *c, void *obj, gfp_t gfp)
{
	gomem_clear_quickly(obj, clear_size(c));
	leak_track(c, obj, gfp);
	return obj;
}

/* What is left to do with an object that is the caller's now. */
static __always_inline void *hand_out(const struct gomem_cache *c, void *obj, gfp_t gfp,
				      bool clear)
{
	*(unsigned long *)gomem_kind_key(&c->kind, obj) = 0;
	if (clear)
		return clear_and_track(c, obj, gfp);
	leak_track(c, obj, gfp);
	return obj;
}

/* Off the fast path: one may be zero but for its key, or was written to while free. */
static void *check_and_hand_out(const struct gomem_cache *c, void *obj, gfp_t gfp,
				unsigned long caller)
{
	if (likely(has_key(c, obj)))
		return hand_out(c, obj, gfp, wants_clearing(c, gfp));
	if (!c->kind.key && gomem_has_zero_key(obj)) {
		if (want_init_on_alloc(gfp))
			gomem_count(GOMEM_EV_ZEROING_SKIPPED, c->object_size);
		return hand_out(c, obj, gfp, false);
	}
	gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, obj, caller);
	return NULL;
}

/* The slots of a cache that is destroyed are empty, so that its user comes here. */
static noinline void *refuse_destroyed(struct gomem_cache *c, unsigned long caller)
{
	gomem_report_cache(c, caller);
	return NULL;
}

/* Off the fast path, and tail-called from it. */
static noinline void *alloc_miss(struct gomem_cache *c, gfp_t gfp, unsigned long caller)
{
	void *obj;

	if (unlikely(!is_live(c)))
		return refuse_destroyed(c, caller);
	gomem_check_context(gfp);
	while ((obj = gomem_mcache_alloc_slow(&c->kind, gfp))) {
		obj = check_and_hand_out(c, obj, gfp, caller);
		if (likely(obj))
			return obj;
	}
	gomem_count(GOMEM_EV_ALLOC_FAILURES, 1);
	return NULL;
}

/* As for gomem_alloc(): an object that was written to while it was free is set aside. */
static noinline void *alloc_unusual(struct gomem_cache *c, void *obj, gfp_t gfp,
				    unsigned long caller)
{
	return check_and_hand_out(c, obj, gfp, caller) ?: alloc_miss(c, gfp, caller);
}

/* Hand an object out, if there is one, after other tasks had their turn. */
static noinline void *yield_and_hand_out(struct gomem_cache *c, void *obj, gfp_t gfp,
					 unsigned long caller)
{
	gomem_yield(gfp);
	return obj ? alloc_unusual(c, obj, gfp, caller) : alloc_miss(c, gfp, caller);
}

/* In an interrupt, or with a gfp that is refused. */
static noinline void *alloc_odd(struct gomem_cache *c, gfp_t gfp, unsigned long caller)
{
	if (!gomem_enter_alloc(c->object_size, gfp, caller))
		return NULL;
	return alloc_miss(c, gfp, caller);
}

static __always_inline void *cache_alloc(struct gomem_cache *c, gfp_t gfp)
{
	void *obj;

	if (unlikely(gfp & GOMEM_GFP_REFUSED) || unlikely(gomem_irq_context()))
		return alloc_odd(c, gfp, GOMEM_COLD_CALLER);
	gomem_check_hit(gfp);

	preempt_disable();
	obj = gomem_slot_pop(&raw_cpu_ptr(c->kind.cpu)->task.slot);
	if (gomem_end_hit())
		return yield_and_hand_out(c, obj, gfp, GOMEM_COLD_CALLER);

	if (unlikely(!obj))
		return alloc_miss(c, gfp, GOMEM_COLD_CALLER);
	if (unlikely(!has_key(c, obj)))
		return alloc_unusual(c, obj, gfp, GOMEM_COLD_CALLER);
	return hand_out(c, obj, gfp, wants_clearing(c, gfp));
}

void *gomem_cache_alloc(struct gomem_cache *c, gfp_t gfp)
{
	return cache_alloc(c, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_alloc, GOMEM_NS);

/* Of a node that is not this CPU's: past the slots. */
static void *alloc_remote(struct gomem_cache *c, struct gomem_heap *h, gfp_t gfp,
			  unsigned long caller)
{
	void *obj;

	if (unlikely(!is_live(c)))
		return refuse_destroyed(c, caller);
	if (!gomem_enter_alloc(c->object_size, gfp, caller))
		return NULL;
	while ((obj = gomem_mcache_alloc_direct(gomem_central(h, &c->kind), gfp))) {
		gomem_count(GOMEM_EV_REMOTE_ALLOCS, 1);
		obj = check_and_hand_out(c, obj, gfp, caller);
		if (likely(obj))
			return obj;
	}
	gomem_count(GOMEM_EV_ALLOC_FAILURES, 1);
	return NULL;
}

void *gomem_cache_alloc_node(struct gomem_cache *c, gfp_t gfp, int node)
{
	struct gomem_node_choice to;

	if (!gomem_node_choose(node, gfp, _RET_IP_, &to))
		return NULL;
	if (!to.slots)
		return alloc_remote(c, to.heap, gfp, _RET_IP_);
	return cache_alloc(c, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_alloc_node, GOMEM_NS);

/* What a pointer is that is no live object of the cache, or of any if that is NULL. */
static noinline void reject(const struct gomem_cache *c, void *p, unsigned long caller)
{
	struct gomem_span *s;
	bool start;

	if (ZERO_OR_NULL_PTR(p))
		return;
	if (c && c->twin && gomem_is_kernel_slab(p)) {
		kmem_cache_free(c->twin, p);
		return;
	}
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	if (!s) {
		gomem_report_no_object(GOMEM_DOUBLE_FREE, p, caller);
	} else if (c && READ_ONCE(s->kind) != &c->kind) {
		gomem_report_owner(p, caller);
	} else {
		start = gomem_is_start((unsigned long)p - s->base, s->divmul,
				       (u64)s->nelems << 32);
		gomem_report_pointer(start ? GOMEM_DOUBLE_FREE : GOMEM_INTERIOR_POINTER, p,
				     caller);
	}
	rcu_read_unlock();
}

/* The span of an object of the cache; in a read-side section, or with preemption off. */
static __always_inline struct gomem_span *span_of(const struct gomem_cache *c, void *p)
{
	struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);

	return likely(s) && likely(READ_ONCE(s->kind) == &c->kind) ? s : NULL;
}

/* Give an object its key, unless it has one; @word: where it has that. */
static __always_inline bool set_key_once(const struct gomem_cache *c, void *obj, void *word,
					 unsigned long secret)
{
	unsigned long key = secret ^ (unsigned long)word;

	if (unlikely(gomem_looks_free(word, key)) && gomem_is_free(word))
		return false;
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kmemleak_free(obj);
	if (want_init_on_free() && c->clears)
		memset(obj, 0, c->object_size);
	*(unsigned long *)word = key;
	return true;
}

/*
 * Check an object that is being freed, and give it its key. The page stays from the look
 * at the tag to the last access to the object, by preemption that is off as in alloc.c, or by
 * a read-side section, which off the hit path costs nothing that counts.
 */
static __always_inline bool take_back(const struct gomem_cache *c, const struct gomem_span *s,
				      void *obj)
{
	return likely(gomem_is_start((unsigned long)obj - s->base, c->kind.divmul,
				     (u64)s->nelems << 32)) &&
	       set_key_once(c, obj, gomem_kind_key(&c->kind, obj), gomem_secret);
}

static noinline void free_miss(const struct gomem_kind *k, void *obj)
{
	if (static_branch_unlikely(&gomem_numa) && !gomem_mcache_is_home(obj))
		gomem_mcache_free_direct(k, obj);
	else
		gomem_mcache_free_slow(k, obj);
}

/*
 * Free an object past the slot's hit path, in any context, which was entered. The caller is
 * in a read-side section, which keeps the page, and a cache that was found by its object.
 */
static void free_slow(struct gomem_cache *c, void *p, unsigned long caller)
{
	struct gomem_span *s = span_of(c, p);

	if (likely(s && take_back(c, s, p)))
		free_miss(&c->kind, p);
	else
		reject(c, p, caller);
}

static noinline void free_from_irq(struct gomem_cache *c, void *p, unsigned long caller)
{
	if (!gomem_enter_free(caller))
		return;
	rcu_read_lock();
	free_slow(c, p, caller);
	rcu_read_unlock();
}

static __always_inline void cache_free(struct gomem_cache *c, void *p)
{
	struct gomem_span *s;
	bool ok, pushed = false;

	if (unlikely(gomem_irq_context())) {
		free_from_irq(c, p, GOMEM_COLD_CALLER);
		return;
	}
	preempt_disable();
	s = span_of(c, p);
	ok = s && take_back(c, s, p);
	if (likely(ok) && (!static_branch_unlikely(&gomem_numa) || gomem_mcache_is_home(p)))
		pushed = gomem_slot_push(&raw_cpu_ptr(c->kind.cpu)->task.slot, p);
	preempt_enable();
	if (unlikely(!ok))
		reject(c, p, GOMEM_COLD_CALLER);
	else if (unlikely(!pushed))
		free_miss(&c->kind, p);
}

void gomem_cache_free(struct gomem_cache *c, void *p)
{
	cache_free(c, p);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_free, GOMEM_NS);

/**
 * gomem_cache_take_back - gomem_free() of what may be an object of a typed cache
 * @p: the pointer
 * @caller: who freed it
 *
 * Context: that of gomem_free(), which entered it.
 * Return: false if @p lies in no span of a typed cache.
 */
bool gomem_cache_take_back(void *p, unsigned long caller)
{
	struct gomem_cache *c = NULL;
	struct gomem_span *s;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	if (s)
		c = READ_ONCE(s->kind)->cache;
	if (c)
		free_slow(c, p, caller);
	rcu_read_unlock();
	return c;
}

static unsigned int alloc_section(struct gomem_cache *c, void **p, unsigned int n,
				  bool *unusual)
{
	unsigned long flags;

	if (unlikely(gomem_irq_context())) {
		local_irq_save(flags);
		n = gomem_slot_pop_many(&raw_cpu_ptr(c->kind.cpu)->irq.slot, c->kind.key, p, n,
					unusual);
		local_irq_restore(flags);
	} else {
		preempt_disable();
		n = gomem_slot_pop_many(&raw_cpu_ptr(c->kind.cpu)->task.slot, c->kind.key, p, n,
					unusual);
		preempt_enable();
	}
	return n;
}

/* What comes from spans; what was written to while it was free is left out. */
static unsigned int check_many(struct gomem_cache *c, void **p, unsigned int n, gfp_t gfp,
			       unsigned long caller)
{
	unsigned int i, good = 0;

	for (i = 0; i < n; i++) {
		p[good] = check_and_hand_out(c, p[i], gfp, caller);
		good += !!p[good];
	}
	return good;
}

static noinline void hand_out_many(const struct gomem_cache *c, void **p, unsigned int n,
				   gfp_t gfp)
{
	unsigned int i;

	if (wants_clearing(c, gfp))
		gomem_clear_many(p, n, clear_size(c));
	for (i = 0; IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) && i < n; i++)
		leak_track(c, p[i], gfp);
}

/* Up to @n objects, perhaps none that is good; -1 if there is no memory. */
static int alloc_some(struct gomem_cache *c, gfp_t gfp, void **p, unsigned int n,
		      unsigned long caller)
{
	bool unusual = false;
	unsigned int more;

	more = alloc_section(c, p, n, &unusual);
	if (!more && unlikely(unusual)) {
		p[0] = alloc_miss(c, gfp, caller);
		return p[0] ? 1 : -1;
	}
	if (!more) {
		more = gomem_mcache_alloc_many(&c->kind, gfp, p, n, NULL);
		if (more)
			return check_many(c, p, more, gfp, caller);
		gomem_count(GOMEM_EV_ALLOC_FAILURES, 1);
		return -1;
	}
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || wants_clearing(c, gfp))
		hand_out_many(c, p, more, gfp);
	return more;
}

/* Whatever the context, and if the slot has not as many. From number @done on. */
static noinline size_t alloc_bulk_slow(struct gomem_cache *c, gfp_t gfp, size_t n, void **p,
				       size_t done, unsigned long caller)
{
	size_t i;
	int more;

	if (unlikely(!is_live(c))) {
		gomem_report_cache(c, caller);
		return 0;
	}
	if (!gomem_enter_alloc(c->object_size, gfp, caller))
		return 0;
	for (i = done; i < n; i += more) {
		gomem_check_context(gfp);
		more = alloc_some(c, gfp, p + i, min_t(size_t, n - i, GOMEM_BATCH_MAX), caller);
		if (unlikely(more < 0)) {
			gomem_cache_free_bulk(c, i, p);
			gomem_undo(&c->kind, i, gfp);
			return 0;
		}
	}
	return n;
}

/* What the slot has, for a task. */
static __always_inline size_t alloc_bulk_hit(struct gomem_cache *c, gfp_t gfp, size_t n,
					     void **p)
{
	bool unusual = false;

	if (unlikely(gfp & GOMEM_GFP_REFUSED) || unlikely(gomem_irq_context()))
		return 0;
	gomem_check_hit(gfp);
	preempt_disable();
	n = gomem_slot_pop_many(&raw_cpu_ptr(c->kind.cpu)->task.slot, c->kind.key, p,
				min_t(size_t, n, GOMEM_BATCH_MAX), &unusual);
	if (gomem_end_hit())
		gomem_yield(gfp);
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || wants_clearing(c, gfp))
		hand_out_many(c, p, n, gfp);
	return n;
}

size_t gomem_cache_alloc_bulk(struct gomem_cache *c, gfp_t gfp, size_t n, void **p)
{
	size_t done = alloc_bulk_hit(c, gfp, n, p);

	return likely(done == n) ? n : alloc_bulk_slow(c, gfp, n, p, done, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_alloc_bulk, GOMEM_NS);

/*
 * Take objects back, up to one that is none; its slot is owned. Those that it has no room
 * for, @left of them, are the first ones then; with @left of NULL there is room for all, and
 * one node. Returns how many were taken.
 */
static __always_inline unsigned int push_many(struct gomem_cache *c, struct gomem_slot *slot,
					      void **p, unsigned int n, unsigned int *left)
{
	/* All of it once, since stores could change it for all the compiler knows. */
	unsigned long secret = gomem_secret, base = 0, bytes = 0;
	u32 divmul = c->kind.divmul, key = c->kind.key;
	void **top = slot->top, *obj;
	struct gomem_span *s;
	unsigned int i;

	for (i = 0; i < n; i++) {
		obj = p[i];
		/* A span that the last one was live in is of this cache still. */
		if ((unsigned long)obj - base >= bytes) {
			s = span_of(c, obj);
			if (unlikely(!s))
				break;
			base = s->base;
			bytes = s->nelems * c->kind.size;
		}
		if (unlikely((unsigned long)obj - base >= bytes) ||
		    unlikely(!gomem_is_multiple((unsigned long)obj - base, divmul)) ||
		    unlikely(!set_key_once(c, obj, obj + key, secret)))
			break;
		if (left && (top == slot->end ||
			     (static_branch_unlikely(&gomem_numa) && !gomem_mcache_is_home(obj))))
			p[(*left)++] = obj;
		else
			*top++ = obj;
	}
	slot->top = top;
	return i;
}

/* As with a single object, nothing comes in between. */
static unsigned int free_section(struct gomem_cache *c, void **p, unsigned int n,
				 unsigned int *left)
{
	unsigned long flags;

	if (unlikely(gomem_irq_context())) {
		local_irq_save(flags);
		n = push_many(c, &raw_cpu_ptr(c->kind.cpu)->irq.slot, p, n, left);
		local_irq_restore(flags);
	} else {
		preempt_disable();
		n = push_many(c, &raw_cpu_ptr(c->kind.cpu)->task.slot, p, n, left);
		preempt_enable();
	}
	return n;
}

static noinline void free_bulk_slow(struct gomem_cache *c, size_t n, void **p,
				    unsigned long caller)
{
	unsigned int done, left, len;

	if (!gomem_enter_free(caller))
		return;
	for (; n; n -= done, p += done) {
		len = min_t(size_t, n, gomem_free_section_max());
		left = 0;
		done = free_section(c, p, len, &left);
		if (left)
			gomem_mcache_free_kind(&c->kind, p, left);
		if (likely(done == len))
			continue;
		/* NULL, or what cannot be freed. */
		reject(c, p[done], caller);
		done++;
	}
}

/* Of a task's, what the slot has room for. Returns how many, up to one that is none. */
static __always_inline size_t free_bulk_hit(struct gomem_cache *c, size_t n, void **p)
{
	struct gomem_slot *slot;

	if (unlikely(gomem_irq_context()) || want_init_on_free() ||
	    static_branch_unlikely(&gomem_numa))
		return 0;
	preempt_disable();
	slot = &raw_cpu_ptr(c->kind.cpu)->task.slot;
	n = min3(n, (size_t)GOMEM_BATCH_MAX, (size_t)(slot->end - slot->top));
	n = push_many(c, slot, p, n, NULL);
	preempt_enable();
	return n;
}

void gomem_cache_free_bulk(struct gomem_cache *c, size_t n, void **p)
{
	size_t done = free_bulk_hit(c, n, p);

	if (unlikely(done < n))
		free_bulk_slow(c, n - done, p + done, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_free_bulk, GOMEM_NS);

/* Give empty spans back. Returns how many pages those have that are left. */
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

static void set_state(struct gomem_cache *c, enum gomem_cache_state state)
{
	spin_lock(&caches_lock);
	c->state = state;
	spin_unlock(&caches_lock);
}

static bool has_visitors(struct gomem_cache *c)
{
	bool has;

	spin_lock(&caches_lock);
	has = c->visitors;
	spin_unlock(&caches_lock);
	return has;
}

/* Take everything back that is free; false if objects are left. */
static bool empty_cache(struct gomem_cache *c, unsigned long caller)
{
	unsigned long pages;

	/*
	 * Objects that wait for a grace period are as good as free: first those that
	 * callbacks of call_rcu() free, perhaps by gomem_free_rcu(), then those of
	 * gomem_free_rcu(). Spans of a typesafe cache wait after that, once they are empty.
	 */
	rcu_barrier();
	gomem_rcu_barrier();
	/* A visitor of gomem_empty_caches() may have some of its objects in hand. */
	set_state(c, GOMEM_CACHE_CLOSING);
	wait_event(visitors_wait, !has_visitors(c));
	gomem_mcache_drain_kind(&c->kind);
	pages = sweep(c);
	rcu_barrier();
	if (likely(!pages))
		return true;
	set_state(c, GOMEM_CACHE_LIVE);
	gomem_report_cache_left(c, live_objects(c), pages, gomem_kfrees_of_kind(&c->kind),
				caller);
	return false;
}

/* Its counts outlive it: sums over all that ever was do not go down. */
static void unlink_cache(struct gomem_cache *c)
{
	struct gomem_class_counts n;

	mutex_lock(&gone_mutex);
	set_state(c, GOMEM_CACHE_GONE);
	gomem_mcache_count(&c->kind, &n);
	gone.mallocs += n.mallocs;
	gone.frees += n.frees;
	gone.bytes += n.mallocs * c->kind.size;
	mutex_unlock(&gone_mutex);
	/* Without the mutex: a visitor that is held up delays no task that destroys another. */
	wait_event(visitors_wait, !has_visitors(c));
	spin_lock(&caches_lock);
	list_del(&c->link);
	spin_unlock(&caches_lock);
}

/**
 * gomem_cache_close - destroy a typed cache
 * @c: the cache, or any other pointer
 * @caller: who destroys it
 *
 * Context: may sleep.
 * Return: whether the cache is gone. If not, objects are left, which may be freed; or it was
 * no cache.
 */
bool gomem_cache_close(struct gomem_cache *c, unsigned long caller)
{
	if (!claim(c, caller))
		return false;
	if (!empty_cache(c, caller)) {
		close_slots(c);
		return false;
	}
	init_no_slots();
	unlink_cache(c);
	WRITE_ONCE(c->magic, 0);
	/* For who found one of its objects in a report or a late second free; for claim(). */
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

/* The first cache at or behind @c whose state is @last at most; NULL if there is none. */
static struct gomem_cache *skip_caches(struct gomem_cache *c, enum gomem_cache_state last)
{
	lockdep_assert_held(&caches_lock);
	list_for_each_entry_from(c, &caches, link)
		if (c->state <= last)
			return c;
	return NULL;
}

/* One visitor less. Its destroyer may free the cache as soon as there are none. */
static void put_cache(struct gomem_cache *c)
{
	bool wake = c->state != GOMEM_CACHE_LIVE;

	lockdep_assert_held(&caches_lock);
	if (!--c->visitors && wake)
		wake_up_all(&visitors_wait);
}

/* Step from a visited cache, or NULL for the beginning, to the next one, which is visited. */
static struct gomem_cache *next_cache(struct gomem_cache *c, enum gomem_cache_state last)
{
	struct gomem_cache *next;

	spin_lock(&caches_lock);
	if (c)
		next = list_next_entry(c, link);
	else
		next = list_first_entry(&caches, struct gomem_cache, link);
	next = skip_caches(next, last);
	if (next)
		next->visitors++;
	if (c)
		put_cache(c);
	spin_unlock(&caches_lock);
	return next;
}

static void visit(void (*fn)(const struct gomem_kind *k, void *arg), void *arg,
		  enum gomem_cache_state last)
{
	struct gomem_cache *c;

	for (c = next_cache(NULL, last); c; c = next_cache(c, last))
		fn(&c->kind, arg);
}

/**
 * gomem_visit_caches - look at the kinds of all typed caches
 * @fn: called for each, with no lock held; a cache that is visited is not freed meanwhile.
 *	Other caches may come and go
 * @arg: for @fn
 *
 * Context: process context.
 */
void gomem_visit_caches(void (*fn)(const struct gomem_kind *k, void *arg), void *arg)
{
	visit(fn, arg, GOMEM_CACHE_CLOSING);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_visit_caches);

/**
 * gomem_visit_caches_and_gone - add up what all typed caches have counted
 * @fn: called for each cache, as by gomem_visit_caches()
 * @arg: for @fn
 * @n: set to what the caches that are gone had counted
 *
 * No cache goes in the meantime: what @fn adds up and @n together never become less.
 *
 * Context: process context; sleeps.
 */
void gomem_visit_caches_and_gone(void (*fn)(const struct gomem_kind *k, void *arg), void *arg,
				 struct gomem_cache_counts *n)
{
	mutex_lock(&gone_mutex);
	*n = gone;
	gomem_visit_caches(fn, arg);
	mutex_unlock(&gone_mutex);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_visit_caches_and_gone);

/**
 * gomem_empty_caches - take what is free out of all typed caches
 * @fn: called for each that is not about to be destroyed; see gomem_visit_caches()
 * @arg: for @fn
 *
 * A task that destroys a cache waits until @fn has no object of it in hand.
 *
 * Context: process context.
 */
void gomem_empty_caches(void (*fn)(const struct gomem_kind *k, void *arg), void *arg)
{
	visit(fn, arg, GOMEM_CACHE_LIVE);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_empty_caches);

/* Spans that are left are nobody's, and stay. */
static void orphan_spans(struct gomem_span *s, void *arg)
{
	if (s->kind->cache == arg)
		WRITE_ONCE(s->kind, &orphans);
}

/**
 * gomem_cache_exit - tell of caches that were never destroyed, or not empty then
 *
 * Nobody allocates or frees any more.
 *
 * Context: may sleep.
 */
void gomem_cache_exit(void)
{
	struct gomem_cache *c, *next;
	struct kmem_cache *twin;
	struct gomem_heap *h;

	list_for_each_entry_safe(c, next, &caches, link) {
		if (!c->destroyed)
			gomem_report_leaked_cache(c);
		if (!empty_cache(c, 0))
			for_each_gomem_heap(h)
				gomem_heap_walk_spans(h, orphan_spans, c);
		twin = c->twin;
		unlink_cache(c);
		free_memory(c);
		kmem_cache_destroy(twin);
	}
}
