// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_hunt.c - allocate objects, and lose the pointers to some of them, to
 * test gomem's scan for leaks (gomem/run/hunt.c).
 *
 * The scan must not report an object that held_...() allocates. It must report
 * one that lost_...() allocates, by the name of that function.
 * tests/kselftest/hunt.sh knows how many objects each lost_...() loses.
 *
 * The module also keeps the inverted address of each object, to free the object
 * when the module is unloaded. The scan does not take an inverted address for a
 * pointer. With lose=0 no object is lost.
 */
#define pr_fmt(fmt) "gomem_hunt: " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/rbtree.h>
#include <linux/rculist.h>
#include <linux/rhashtable.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "call_deep.h"
#include "hunt_notes.h"

#define EACH		5

/*
 * How often each lost_...() loses its objects. Stale pointers, or numbers like
 * these, may hide some. hunt.sh expects one per function, and 3/4 of all.
 */
#define COPIES		6

/* Tasks that end while their stacks hold addresses of lost objects */
#define DEAD		8

static bool lose = true;
module_param(lose, bool, 0444);
MODULE_PARM_DESC(lose, "Allocate objects that nothing points to (default Y)");

/* An object with a link for a list, a tree or a table, or with a timer */
struct node {
	unsigned long before[3];
	union {
		struct list_head list;
		struct hlist_node hlist;
		struct rb_node rb;
		struct rhash_head rhash;
		struct timer_list timer;
	};
	u32 key;
	struct gomem_rcu_head rcu;
};

/*
 * Pointers to objects, or to memory with pointers to objects. Those that
 * nothing reads are set by WRITE_ONCE(), or the compiler would drop them.
 */
static void *in_bss, *tagged[8], *interior, *chain, *large_inside;
static struct page **in_slab_pages;
static void **in_pages, **in_vmalloc, **in_slab, *typed[EACH], *tiny[EACH];
static void **noscan[COPIES];
static DEFINE_PER_CPU(void *, per_cpu_object);
static void * __percpu *dynamic;
static LIST_HEAD(list);
static LIST_HEAD(rcu_list);
static HLIST_HEAD(hlist);
static struct rb_root tree = RB_ROOT;
static DEFINE_XARRAY(array);
static struct rhashtable hashed;
static struct scatterlist sg, small_sg;
static struct gomem_arena *arena;
static struct gomem_cache *cache;
static struct task_struct *sleeper, *mover, *forgetful, *busy;
static DECLARE_COMPLETION(forgotten);
static struct node *moved;

/* Inverted addresses: lost arenas' handles, lost_on_dead_stacks()'s objects */
static unsigned long lost_handles[COPIES], on_dead_stacks[COPIES];
static unsigned int nr_handles;
static unsigned long waits_in_wheel;

static const struct rhashtable_params params = {
	.key_len = sizeof(u32),
	.key_offset = offsetof(struct node, key),
	.head_offset = offsetof(struct node, rhash),
};

static noinline bool held_in_bss(void)
{
	void *p = alloc(48);

	WRITE_ONCE(in_bss, p);
	return p;
}

static noinline bool held_in_list(void)
{
	struct node *n = alloc(sizeof(*n));

	if (n)
		list_add(&n->list, &list);
	return n;
}

static noinline bool held_in_rcu_list(void)
{
	struct node *n = alloc(sizeof(*n));

	if (n)
		list_add_tail_rcu(&n->list, &rcu_list);
	return n;
}

static noinline bool held_in_hlist(void)
{
	struct node *n = alloc(sizeof(*n));

	if (n)
		hlist_add_head(&n->hlist, &hlist);
	return n;
}

static noinline bool held_in_tree(u32 key)
{
	struct rb_node **link = &tree.rb_node, *parent = NULL;
	struct node *n = alloc(sizeof(*n));

	if (!n)
		return false;
	n->key = key;
	while (*link) {
		parent = *link;
		link = key < rb_entry(parent, struct node, rb)->key ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&n->rb, parent, link);
	rb_insert_color(&n->rb, &tree);
	return true;
}

static noinline bool held_in_xarray(unsigned long i)
{
	void *p = alloc(72);

	/* Indices far apart give the xarray several levels of nodes. */
	return p && !xa_err(xa_store(&array, i * 10007, p, GFP_KERNEL));
}

static noinline bool held_in_rhashtable(u32 key)
{
	struct node *n = alloc(sizeof(*n));

	if (!n)
		return false;
	n->key = key;
	return !rhashtable_insert_fast(&hashed, &n->rhash, params);
}

static noinline bool held_per_cpu(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		WRITE_ONCE(per_cpu(per_cpu_object, cpu), alloc(56));
		WRITE_ONCE(*per_cpu_ptr(dynamic, cpu), alloc(56));
		if (!per_cpu(per_cpu_object, cpu) ||
		    !*per_cpu_ptr(dynamic, cpu))
			return false;
	}
	return true;
}

static noinline bool held_in_vmalloc(void)
{
	void *p = alloc(136);

	in_vmalloc = vzalloc(SZ_64K);
	if (!in_vmalloc)
		return false;
	WRITE_ONCE(in_vmalloc[5000], p);
	return p;
}

static noinline bool held_in_slab(void)
{
	void *p = alloc(144);

	of_slab = ~(unsigned long)p;
	in_slab = kzalloc(200, GFP_KERNEL);
	if (!in_slab)
		return false;
	WRITE_ONCE(in_slab[7], p);
	return p;
}

/* The page has reference count 0, like a free page. The scan must read it. */
static noinline bool held_in_pages(void)
{
	void *p = alloc(152);

	in_pages = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 3);
	if (!in_pages)
		return false;
	WRITE_ONCE(in_pages[4090], p);
	return p;
}

static noinline bool held_tagged(void)
{
	unsigned int tag;
	void *p = NULL;

	for (tag = 0; tag < 8; tag++) {
		p = alloc(8);
		if (!p)
			break;
		WRITE_ONCE(tagged[tag], p + tag);
	}
	return p;
}

static noinline bool held_by_interior(void)
{
	char *p = alloc(176);

	WRITE_ONCE(interior, p + 175);
	return p;
}

/* Each object of the chain holds the only pointer to the next one. */
static noinline bool held_in_chain(void)
{
	unsigned int i;
	void **p;

	for (i = 0; i < 100; i++) {
		p = alloc(32);
		if (!p)
			return false;
		if (i == 98)
			of_chain = ~(unsigned long)p;
		WRITE_ONCE(*p, chain);
		WRITE_ONCE(chain, p);
	}
	return true;
}

static noinline bool held_typed(unsigned int i)
{
	void *p = note_typed(gomem_cache_alloc(cache, GFP_KERNEL));

	WRITE_ONCE(typed[i], p);
	return p;
}

static noinline bool held_tiny(unsigned int i)
{
	void *p = note(gomem_alloc_noscan(i + 1, GFP_KERNEL));

	WRITE_ONCE(tiny[i], p);
	return p;
}

static noinline bool held_large(void)
{
	char *p = alloc(SZ_256K);

	WRITE_ONCE(large_inside, p + SZ_128K);
	return p;
}

static noinline bool held_in_large(void)
{
	void **inside = large_inside, *p = alloc(88);

	WRITE_ONCE(inside[1000], p);
	return p;
}

static noinline bool held_in_arena(void)
{
	void **word = gomem_arena_alloc(arena, 64, GFP_KERNEL), *p = alloc(104);

	if (!word)
		return false;
	WRITE_ONCE(*word, p);
	return p;
}

/* Hold objects by scatterlists, which point to struct page, not to objects. */
static noinline bool held_in_sg(void)
{
	void *p = alloc(SZ_64K);

	if (!p)
		return false;
	sg_init_table(&sg, 1);
	sg_set_page(&sg, virt_to_page(p), SZ_64K, 0);
	p = alloc(192);
	if (!p)
		return false;
	sg_init_one(&small_sg, p, 192);
	/* Make the compiler set these variables, which nothing reads. */
	barrier_data(&sg);
	barrier_data(&small_sg);
	return true;
}

static void expire(struct timer_list *timer)
{
}

static noinline bool held_by_timer(void)
{
	struct node *n = alloc(sizeof(*n));

	if (!n)
		return false;
	timer_setup(&n->timer, expire, 0);
	mod_timer(&n->timer, jiffies + 3600 * HZ);
	/* The only pointer to the object is in the kernel's timer wheel. */
	waits_in_wheel = ~(unsigned long)n;
	return true;
}

static noinline int held_on_stack(void *unused)
{
	void *p = gomem_zalloc(120, GFP_KERNEL);

	of_stack = ~(unsigned long)p;
	while (!kthread_should_stop()) {
		schedule_timeout_interruptible(HZ);
		barrier_data(p);
	}
	gomem_free(p);
	return 0;
}

/* Replace a node by a copy, and free the old one after a grace period. */
static noinline struct node *held_moving(struct node *old)
{
	struct node *n = gomem_zalloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return old;
	if (old)
		n->before[2] = old->before[2];
	else
		n->before[2] = (unsigned long)gomem_zalloc(128, GFP_KERNEL);
	/* Nothing reads "moved": the compiler would drop a plain store. */
	smp_store_release(&moved, n);
	if (old)
		gomem_free_rcu(old, rcu);
	return n;
}

static int move(void *unused)
{
	struct node *n = NULL;

	while (!kthread_should_stop()) {
		n = held_moving(n);
		usleep_range(200, 1000);
	}
	if (n)
		gomem_free((void *)n->before[2]);
	gomem_free(n);
	return 0;
}

static noinline void lost_plain(void)
{
	lose_one(112);
}

static noinline void lost_noscan(void)
{
	note_lost(note(gomem_alloc_noscan(416, GFP_KERNEL)));
}

static noinline void lost_tiny(void)
{
	note_lost(note(gomem_alloc_noscan(4, GFP_KERNEL)));
}

static noinline void lost_large(void)
{
	lose_one(106496);
}

static noinline void lost_typed(void)
{
	note_lost(note_typed(gomem_cache_alloc(cache, GFP_KERNEL)));
}

static noinline void lost_cycle(void)
{
	void **a = lose_one(208), **b = lose_one(208);

	if (a && b) {
		WRITE_ONCE(*a, b);
		WRITE_ONCE(*b, a);
	}
}

static noinline void lost_chain(void)
{
	void **a = lose_one(240), **b = lose_one(240), **c = lose_one(240);

	if (a && b) {
		WRITE_ONCE(*a, b);
		WRITE_ONCE(*b, c);
	}
}

static noinline void **held_noscan(void)
{
	void **p = note(gomem_alloc_noscan(64, GFP_KERNEL));

	/*
	 * The scan does not read noscan objects, so it could not follow a list
	 * of them. Each of them needs its own pointer.
	 */
	WRITE_ONCE(noscan[nr_handles], p);
	return p;
}

/* The only pointer is in a noscan object, where the scan does not search. */
static noinline void lost_in_noscan(void)
{
	void **holder = held_noscan();

	if (holder)
		WRITE_ONCE(holder[3], lose_one(288));
}

static noinline void lost_in_freed(void)
{
	void **parent = gomem_alloc(320, GFP_KERNEL);

	if (parent)
		WRITE_ONCE(parent[5], lose_one(304));
	gomem_free(parent);
}

/*
 * Free pages keep their old contents, and the scan must not search them. So
 * free blocks of 2^@order pages with a pointer to a lost object in their last
 * page: the buddy allocator marks only the first page of a block as free. If
 * the kernel reuses a block for a slab, the scan may find the pointer, and not
 * report the object. So each object has a block of its own.
 */
static __always_inline void lose_in_freed_pages(unsigned int order)
{
	unsigned int i, last = (PAGE_SIZE << order) / sizeof(void *) - 1;
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO;
	void **block[COPIES];

	for (i = 0; i < COPIES; i++)
		block[i] = (void *)__get_free_pages(gfp, order);
	for (i = 0; i < COPIES; i++)
		if (block[i])
			WRITE_ONCE(block[i][last], lose_one(352));
	for (i = 0; i < COPIES; i++)
		free_pages((unsigned long)block[i], order);
}

static noinline void lost_in_freed_pages2(void)
{
	lose_in_freed_pages(1);
}

static noinline void lost_in_freed_pages4(void)
{
	lose_in_freed_pages(2);
}

static noinline void lost_in_freed_pages8(void)
{
	lose_in_freed_pages(3);
}

/*
 * A pointer to a struct page, with a pointer in the next word, refers to no
 * object smaller than a page. Else old arrays in freed slabs would hide leaks.
 */
static noinline void lost_by_pages(void)
{
	struct page **pages = kcalloc(16, sizeof(*pages), GFP_KERNEL);
	unsigned int i;

	if (!pages)
		return;
	for (i = 0; i < COPIES; i++)
		WRITE_ONCE(pages[i], virt_to_page(lose_one(128)));
	WRITE_ONCE(pages[i], pages[0]);
	in_slab_pages = pages;
}

static noinline void lost_arena(void)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);

	if (a)
		gomem_arena_alloc(a, 64, GFP_KERNEL);
	lost_handles[nr_handles++] = ~(unsigned long)a;
}

static void lose_all(void)
{
	lost_plain();
	lost_noscan();
	lost_tiny();
	lost_large();
	lost_typed();
	lost_cycle();
	lost_chain();
	lost_in_noscan();
	lost_in_freed();
	lost_arena();
}

static bool hold_each(unsigned int i)
{
	return held_in_list() && held_in_rcu_list() && held_in_hlist() &&
	       held_in_tree(i * 7 % EACH) && held_in_xarray(i) &&
	       held_in_rhashtable(i) && held_typed(i) && held_tiny(i);
}

static bool hold_all(void)
{
	unsigned int i;

	for (i = 0; i < EACH; i++)
		if (!hold_each(i))
			return false;
	return held_in_bss() && held_per_cpu() && held_in_vmalloc() &&
	       held_in_slab() && held_in_pages() && held_tagged() &&
	       held_by_interior() &&
	       held_in_chain() && held_large() && held_in_large() &&
	       held_in_arena() && held_in_sg() && held_by_timer();
}

static noinline void lost_below_stack(void)
{
	void *objs[COPIES];
	unsigned int i;

	for (i = 0; i < COPIES; i++)
		objs[i] = lose_one(176);
	barrier_data(objs);
}

static noinline void lost_below_running(void)
{
	void *objs[COPIES];
	unsigned int i;

	for (i = 0; i < COPIES; i++)
		objs[i] = lose_one(368);
	barrier_data(objs);
}

static noinline void lost_on_dead_stacks(void)
{
	unsigned int i;

	for (i = 0; i < COPIES; i++)
		on_dead_stacks[i] = ~(unsigned long)lose_one(384);
}

static void remember_dead(void)
{
	void *objs[COPIES];
	unsigned int i;

	for (i = 0; i < COPIES; i++)
		objs[i] = (void *)~on_dead_stacks[i];
	barrier_data(objs);
}

/*
 * Leave addresses of lost objects in the unused part of this task's stack, and
 * sleep. The scan must not search that part. In User-Mode Linux gomem does not
 * know which part of a stack is in use.
 */
static int forget(void *unused)
{
	if (lose && !IS_ENABLED(CONFIG_UML))
		call_deep(lost_below_stack, 4);
	complete(&forgotten);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(MAX_SCHEDULE_TIMEOUT);
	return 0;
}

/* Keep an address in a register: the inner loop must have it nowhere else. */
static noinline void held_in_register(void)
{
	void *p = gomem_zalloc(400, GFP_KERNEL);
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < 50000; i++) {
			barrier_data(p);
			cpu_relax();
		}
		usleep_range(50, 100);
	}
	gomem_free(p);
}

/* Do what forget() does, but run most of the time instead of sleeping. */
static int forget_and_run(void *unused)
{
	if (lose && !IS_ENABLED(CONFIG_UML))
		call_deep(lost_below_running, 4);
	complete(&forgotten);
	held_in_register();
	return 0;
}

/*
 * Leave addresses of lost objects on this task's stack. End at kthread_stop().
 * The kernel may keep the stack for another task. The scan must not search it.
 */
static int forget_and_end(void *unused)
{
	call_deep(remember_dead, 4);
	complete(&forgotten);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(MAX_SCHEDULE_TIMEOUT);
	return 0;
}

static bool prepare(void)
{
	arena = gomem_arena_create(GFP_KERNEL);
	cache = gomem_cache_create("hunt", 392, NULL);
	dynamic = alloc_percpu(void *);
	return arena && cache && dynamic;
}

static void stop(struct task_struct *task)
{
	if (!IS_ERR_OR_NULL(task))
		kthread_stop(task);
}

/*
 * Clear the pointers in memory that the module frees next. When the module is
 * loaded again, it may lose an object at the same address as before. A pointer
 * left in freed memory would then hide that object from the scan.
 */
static void clear_holders(void)
{
	unsigned long index;
	struct node *n;
	void *p;
	u32 key;
	int cpu;

	xa_for_each(&array, index, p)
		xa_erase(&array, index);
	for (key = 0; key < EACH; key++) {
		n = rhashtable_lookup_fast(&hashed, &key, params);
		if (n)
			rhashtable_remove_fast(&hashed, &n->rhash, params);
	}
	for_each_possible_cpu(cpu) {
		WRITE_ONCE(per_cpu(per_cpu_object, cpu), NULL);
		if (dynamic)
			WRITE_ONCE(*per_cpu_ptr(dynamic, cpu), NULL);
	}
	if (in_vmalloc)
		WRITE_ONCE(in_vmalloc[5000], NULL);
	if (in_slab)
		WRITE_ONCE(in_slab[7], NULL);
	if (in_pages)
		WRITE_ONCE(in_pages[4090], NULL);
}

/* Start DEAD tasks and end them: new tasks will not reuse all their stacks. */
static bool wait_to_die(void)
{
	struct task_struct *task[DEAD];
	unsigned int i;
	bool ok = true;

	if (!lose || IS_ENABLED(CONFIG_UML))
		return true;
	lost_on_dead_stacks();
	for (i = 0; i < DEAD; i++)
		task[i] = kthread_run(forget_and_end, NULL, "hunt_dead");
	for (i = 0; i < DEAD; i++) {
		if (IS_ERR(task[i]))
			ok = false;
		else
			wait_for_completion(&forgotten);
	}
	for (i = 0; i < DEAD; i++)
		stop(task[i]);
	return ok;
}

static void free_all(void)
{
	unsigned int i;

	stop(sleeper);
	stop(mover);
	stop(forgetful);
	stop(busy);
	if (waits_in_wheel)
		timer_delete_sync(&((struct node *)~waits_in_wheel)->timer);
	clear_holders();
	rhashtable_destroy(&hashed);
	xa_destroy(&array);
	for (i = 0; i < nr_all; i++)
		gomem_free((void *)~all[i]);
	for (i = 0; i < nr_typed; i++)
		gomem_cache_free(cache, (void *)~all_typed[i]);
	if (cache)
		gomem_cache_destroy(cache);
	gomem_arena_destroy(arena);
	for (i = 0; i < nr_handles; i++)
		gomem_arena_destroy((void *)~lost_handles[i]);
	free_percpu(dynamic);
	vfree(in_vmalloc);
	kfree(in_slab);
	kfree(in_slab_pages);
	free_pages((unsigned long)in_pages, 3);
}

static int __init gomem_hunt_init(void)
{
	int err = rhashtable_init(&hashed, &params);
	unsigned int i;

	if (err)
		return err;
	err = -ENOMEM;
	if (!prepare() || !hold_all())
		goto fail;
	sleeper = kthread_run(held_on_stack, NULL, "hunt_sleeper");
	mover = kthread_run(move, NULL, "hunt_mover");
	if (IS_ERR(sleeper) || IS_ERR(mover))
		goto fail;
	/* Start these tasks one after the other: note() has no lock. */
	forgetful = kthread_run(forget, NULL, "hunt_forgetful");
	if (IS_ERR(forgetful))
		goto fail;
	wait_for_completion(&forgotten);
	busy = kthread_run(forget_and_run, NULL, "hunt_busy");
	if (IS_ERR(busy))
		goto fail;
	wait_for_completion(&forgotten);
	if (!wait_to_die())
		goto fail;
	for (i = 0; lose && i < COPIES; i++)
		lose_all();
	if (lose) {
		lost_in_freed_pages2();
		lost_in_freed_pages4();
		lost_in_freed_pages8();
		lost_by_pages();
	}
	return 0;
fail:
	free_all();
	return err;
}

static void __exit gomem_hunt_exit(void)
{
	free_all();
	gomem_rcu_barrier();
}

module_init(gomem_hunt_init);
module_exit(gomem_hunt_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: hold and lose objects");
MODULE_LICENSE("GPL");
