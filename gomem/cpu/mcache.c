// SPDX-License-Identifier: GPL-2.0
/*
 * mcache.c - create and destroy the CPUs' mcaches, each with the small stacks
 * that its slots start with.
 *
 * slot.c grows slots, mcache_alloc.c refills them, mcache_free.c flushes them,
 * and drain.c drains them.
 */
#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include "heap/mheap.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "cpu/section.h"
#include "cpu/slot.h"

/*
 * The mcache that holds nothing: each push finds its slots full, each pop finds
 * them empty. It is not written to after gomem_mcache_init_none().
 */
struct gomem_mcache gomem_no_mcache;
EXPORT_SYMBOL_IF_KUNIT(gomem_no_mcache);
static void *no_objects[1];

/*
 * The mcaches of each CPU. gomem_mcache_init_none() sets these pointers to
 * &gomem_no_mcache. They have no initializer, because module loaders of some
 * kernels do not relocate per-CPU data.
 */
DEFINE_PER_CPU(struct gomem_mcache *, gomem_mcache_task);
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_task);
DEFINE_PER_CPU(struct gomem_mcache *, gomem_mcache_irq);
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_irq);

/*
 * A function that returns a number of objects of a kind: either how many fit
 * into the first stack of a slot, or how many a slot can grow to.
 */
typedef unsigned int (*room_fn)(const struct gomem_kind *k);

/* Return how many objects fit into the first stack of a slot for tasks. */
static unsigned int task_begin(const struct gomem_kind *k)
{
	return gomem_slot_first_capacity(k, gomem_slot_task_room(k));
}

static size_t mcache_size(room_fn stack)
{
	unsigned int spc, objects = 0;

	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++)
		objects += stack(&gomem_kinds[spc]) + 1;
	return PAGE_ALIGN(sizeof(struct gomem_mcache) +
			  objects * sizeof(void *));
}

/*
 * Allocate an mcache. @room returns the number of objects that a slot can grow
 * to, @stack the number that its first stack holds.
 */
static struct gomem_mcache *mcache_create(struct gomem_heap *h, room_fn room,
					  room_fn stack, bool caches_spans)
{
	size_t bytes = mcache_size(stack);
	struct gomem_mcache *mc;
	unsigned int spc;
	void **below;

	mc = gomem_meta_get(h->source, bytes, GFP_KERNEL | __GFP_NOWARN,
			    h->node);
	if (!mc)
		return NULL;
	memset(mc, 0, bytes);
	mc->heap = h;
	mc->tiny = GOMEM_TINY_NONE;
	mc->moved_until = jiffies;
	mc->caches_spans = caches_spans;
	mc->bytes = bytes;
	below = mc->object;
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++) {
		const struct gomem_kind *k = &gomem_kinds[spc];

		gomem_slot_init(&mc->slot[spc], k, below, room(k));
		mc->bottom[spc] = mc->slot[spc].top - mc->object;
		below += stack(k) + 1;
	}
	return mc;
}

/**
 * gomem_cache_cpu_size - compute the memory for a typed cache's slots
 * @k: the kind of the cache
 *
 * Return: bytes per CPU.
 */
size_t gomem_cache_cpu_size(const struct gomem_kind *k)
{
	size_t n = gomem_slot_task_room(k) + gomem_slot_irq_room(k) + 2;

	/* Debian's kernel 6.1.176, for example, has no struct_size_t(). */
	return struct_size((struct gomem_cache_cpu *)NULL, object, n);
}

/**
 * gomem_cache_cpu_init - initialize a typed cache's slots on one CPU
 * @cc: memory of gomem_cache_cpu_size() bytes, cleared
 * @k: the kind of the cache
 */
void gomem_cache_cpu_init(struct gomem_cache_cpu *cc,
			  const struct gomem_kind *k)
{
	unsigned int room = gomem_slot_task_room(k);

	gomem_slot_init(&cc->task.slot, k, cc->object, room);
	gomem_slot_init(&cc->irq.slot, k, cc->object + room + 1,
			gomem_slot_irq_room(k));
}

/**
 * gomem_mcache_keep_tiny - let this CPU cut from the larger of two rests
 * @rest: in: the rest of a new block. Out: the smaller of this rest and the
 *	CPU's former rest, for the caller to drop; may be GOMEM_TINY_NONE. If
 *	the CPU has no mcache, it cannot keep a rest, and @rest does not change
 *
 * Context: any but NMI. Not in a section.
 */
void gomem_mcache_keep_tiny(struct gomem_tiny *rest)
{
	struct gomem_section sec;

	gomem_section_enter(&sec, gomem_irq_context());
	if (sec.mc != &gomem_no_mcache && rest->off < sec.mc->tiny.off)
		swap(*rest, sec.mc->tiny);
	gomem_section_leave(&sec);
}

static void publish_mcache(struct gomem_mcache **where, struct gomem_mcache *mc)
{
	if (!mc)
		return;
	/*
	 * Other CPUs read the mcache once they see the pointer. Pairs with
	 * the address dependency in those readers: gomem_place_find(),
	 * gomem_look_at_cpu(), gomem_mcache_bytes(), check_blocks() of tiny.c.
	 */
	smp_store_release(where, mc);
}

/**
 * gomem_mcache_create - make a CPU's mcaches, for tasks and for interrupts
 * @cpu: the CPU. It is about to start, or is online when gomem is loaded
 *
 * Without memory for an mcache, the CPU keeps &gomem_no_mcache instead. The
 * mcache for interrupts is made here, too: if the first interrupt made it, that
 * interrupt would have to allocate several contiguous pages and clear them.
 *
 * Context: may sleep.
 */
void gomem_mcache_create(int cpu)
{
	struct gomem_mcache **task = per_cpu_ptr(&gomem_mcache_task, cpu);
	struct gomem_mcache **irq = per_cpu_ptr(&gomem_mcache_irq, cpu);
	struct gomem_heap *h = gomem_cpu_heap(cpu);

	if (*task == &gomem_no_mcache)
		publish_mcache(task, mcache_create(h, gomem_slot_task_room,
						   task_begin, true));
	if (*irq == &gomem_no_mcache)
		publish_mcache(irq, mcache_create(h, gomem_slot_irq_room,
						  gomem_slot_irq_room, false));
}

/**
 * gomem_mcache_init_none - set up gomem_no_mcache, and give it to all CPUs
 */
void gomem_mcache_init_none(void)
{
	unsigned int spc;
	int cpu;

	gomem_no_mcache.heap = gomem_first_heap();
	gomem_no_mcache.tiny = GOMEM_TINY_NONE;
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++)
		gomem_slot_init(&gomem_no_mcache.slot[spc], &gomem_kinds[spc],
				no_objects, 0);
	for_each_possible_cpu(cpu) {
		per_cpu(gomem_mcache_task, cpu) = &gomem_no_mcache;
		per_cpu(gomem_mcache_irq, cpu) = &gomem_no_mcache;
	}
	gomem_slot_init_fetches();
}

static void mcache_destroy(struct gomem_mcache **where)
{
	struct gomem_mcache *mc = *where;
	void **page, **next;

	*where = &gomem_no_mcache;
	if (mc == &gomem_no_mcache)
		return;
	for (page = mc->stack_pages; page; page = next) {
		next = *page;
		gomem_meta_put(mc->heap->source, page, PAGE_SIZE);
		mc->bytes -= PAGE_SIZE;
	}
	gomem_meta_put(mc->heap->source, mc, mc->bytes);
}

/**
 * gomem_mcache_free_memory - free the memory of all mcaches
 *
 * Call after gomem_mcache_exit(), which drains them.
 */
void gomem_mcache_free_memory(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		mcache_destroy(per_cpu_ptr(&gomem_mcache_task, cpu));
		mcache_destroy(per_cpu_ptr(&gomem_mcache_irq, cpu));
	}
}

/**
 * gomem_mcache_bytes - sum up the memory of all mcaches and transfer caches
 *
 * Return: bytes, not including the objects in these caches.
 */
size_t gomem_mcache_bytes(void)
{
	struct gomem_heap *h;
	size_t bytes = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		bytes += READ_ONCE(per_cpu(gomem_mcache_task, cpu))->bytes;
		bytes += READ_ONCE(per_cpu(gomem_mcache_irq, cpu))->bytes;
	}
	for_each_gomem_heap(h)
		bytes += atomic_long_read(&h->transfer_pages) << PAGE_SHIFT;
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_bytes);
