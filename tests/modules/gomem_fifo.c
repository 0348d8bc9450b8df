// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_fifo.c - call gomem and the kernel's allocator while a task of
 * real-time priority has one CPU for itself.
 *
 * Loading creates caches of both allocators, and leaves free objects of gomem's
 * caches with the CPU hog_cpu. The function kernel_shrink() leaves free objects
 * of the kernel's cache with hog_cpu, too, in an interrupt of that CPU. Then it
 * shrinks the cache.
 *
 * A task that writes to the parameter hog gets the lowest priority of
 * SCHED_FIFO. The write returns when one of gomem's works on hog_cpu has taken
 * objects out of the slot of a typed cache, and not freed them yet. If the task
 * is bound to hog_cpu, it preempts the work at this point. The parameter caught
 * counts the works that made a write return. Writing a pid to the parameter
 * raise gives the task with this pid a higher priority. The test does so for
 * the kernel's own threads, which must still run on hog_cpu.
 *
 * Each file of debugfs/gomem_fifo/ALLOCATOR/ calls a function when it is read,
 * and contains the microseconds that the call took. Several files may be read
 * at the same time.
 */
#define pr_fmt(fmt) "gomem_fifo: " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/gomem.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "map/kind.h"

#define SIZE		200
#define OBJECTS		64

static unsigned int hog_cpu = 1;
module_param(hog_cpu, uint, 0444);
MODULE_PARM_DESC(hog_cpu, "The CPU of the real-time task (default 1)");

static int caught;
module_param(caught, int, 0444);
MODULE_PARM_DESC(caught, "How many works with objects in hand were preempted");

static struct gomem_cache *full, *other, *made;
static struct kmem_cache *kernel_full, *kernel_made;

static DECLARE_COMPLETION(drains);

/* 1 while set_hog() waits for a work that frees objects of the cache "full" */
static atomic_t armed;
module_param_named(armed, armed.counter, int, 0444);
MODULE_PARM_DESC(armed, "Does the hog wait for a drain?");

#ifdef CONFIG_KPROBES
/*
 * Called when gomem_place_free(kind, objects, number) begins. Works call that
 * function to free objects that they have taken out of a slot. End the wait of
 * set_hog() if a work on hog_cpu is about to free objects of the cache "full".
 */
static int drain_found(struct kprobe *probe, struct pt_regs *regs)
{
	const struct gomem_kind *k = (void *)regs_get_kernel_argument(regs, 0);

	if (raw_smp_processor_id() != hog_cpu ||
	    !(current->flags & PF_WQ_WORKER) ||
	    k->cache != full || !(u32)regs_get_kernel_argument(regs, 2) ||
	    !atomic_xchg(&armed, 0))
		return 0;
	WRITE_ONCE(caught, caught + 1);
	complete(&drains);
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "gomem_place_free",
	.pre_handler = drain_found,
};

static int watch_drains(void)
{
	return register_kprobe(&probe);
}

static void unwatch_drains(void)
{
	unregister_kprobe(&probe);
}
#else
static int watch_drains(void)
{
	return -EOPNOTSUPP;
}

static void unwatch_drains(void)
{
}
#endif

static int set_hog(const char *val, const struct kernel_param *kp)
{
	int err;

	sched_set_fifo_low(current);
	atomic_set(&armed, 1);
	/*
	 * Drop the lock for the wait. The test reads the parameter armed
	 * meanwhile, and the kernel takes the lock for each read.
	 */
	kernel_param_unlock(THIS_MODULE);
	err = wait_for_completion_killable(&drains);
	kernel_param_lock(THIS_MODULE);
	return err;
}

static const struct kernel_param_ops hog_ops = { .set = set_hog };
module_param_cb(hog, &hog_ops, NULL, 0200);
MODULE_PARM_DESC(hog, "Give the writer real-time priority, and await a drain");

static int set_raise(const char *val, const struct kernel_param *kp)
{
	struct task_struct *task;
	struct pid *pid;
	int nr, err = kstrtoint(val, 10, &nr);

	if (err)
		return err;
	pid = find_get_pid(nr);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task)
		return -ESRCH;
	sched_set_fifo(task);
	put_task_struct(task);
	return 0;
}

static const struct kernel_param_ops raise_ops = { .set = set_raise };
module_param_cb(raise, &raise_ops, NULL, 0200);
MODULE_PARM_DESC(raise, "Give this task a priority above that of the hog");

static bool gomem_use(struct gomem_cache *c)
{
	void *objs[OBJECTS];
	unsigned int i, n;

	for (n = 0; n < OBJECTS; n++) {
		objs[n] = gomem_cache_alloc(c, GFP_KERNEL);
		if (!objs[n])
			break;
	}
	for (i = 0; i < n; i++)
		gomem_cache_free(c, objs[i]);
	return n == OBJECTS;
}

static bool kernel_use(struct kmem_cache *c)
{
	void *objs[OBJECTS];
	unsigned int i, n;

	for (n = 0; n < OBJECTS; n++) {
		objs[n] = kmem_cache_alloc(c, GFP_NOWAIT);
		if (!objs[n])
			break;
	}
	for (i = 0; i < n; i++)
		kmem_cache_free(c, objs[i]);
	return n == OBJECTS;
}

/* Leave free objects of gomem's caches in the slots of the current CPU. */
static int fill(void *unused)
{
	return gomem_use(full) && gomem_use(other) ? 0 : -ENOMEM;
}

static bool gomem_create(void)
{
	made = gomem_cache_create("gomem_fifo_made", SIZE, NULL);
	return made;
}

static bool gomem_objects(void)
{
	void *p = gomem_alloc(SIZE, GFP_KERNEL), *q = gomem_alloc(100000,
								  GFP_KERNEL);
	bool ok = p && q && gomem_use(made) && gomem_use(full);

	gomem_free(p);
	gomem_free(q);
	return ok;
}

static bool gomem_shrink(void)
{
	return gomem_cache_shrink(full) >= 0 && gomem_cache_shrink(other) >= 0;
}

static bool gomem_shrink_made(void)
{
	return gomem_cache_shrink(made) >= 0;
}

static bool gomem_destroy_made(void)
{
	gomem_cache_destroy(made);
	made = NULL;
	return true;
}

static bool gomem_destroy_other(void)
{
	gomem_cache_destroy(other);
	other = NULL;
	return true;
}

static bool gomem_destroy(void)
{
	gomem_cache_destroy(full);
	full = NULL;
	return true;
}

struct later {
	struct rcu_head rcu;
};

static void free_later(void *p)
{
	struct later *l = p;

	gomem_free_rcu(l, rcu);
}

/*
 * Call gomem_free_rcu() in an interrupt on the CPU hog_cpu, and wait until the
 * object is freed.
 */
static bool gomem_barrier(void)
{
	struct later *l = gomem_alloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return false;
	smp_call_function_single(hog_cpu, free_later, l, true);
	gomem_rcu_barrier();
	return true;
}

/*
 * The constructor does nothing. But the kernel does not merge a cache that has
 * a constructor with others.
 */
static void construct(void *obj)
{
}

static bool kernel_create(void)
{
	kernel_made = kmem_cache_create("gomem_fifo_kmade", SIZE, 0, 0,
					construct);
	return kernel_made;
}

static bool kernel_objects(void)
{
	void *p = kmalloc(SIZE, GFP_KERNEL), *q = kmalloc(100000, GFP_KERNEL);
	bool ok = p && q && kernel_use(kernel_made) && kernel_use(kernel_full);

	kfree(p);
	kfree(q);
	return ok;
}

static void kernel_fill(void *unused)
{
	kernel_use(kernel_full);
}

static bool kernel_shrink(void)
{
	smp_call_function_single(hog_cpu, kernel_fill, NULL, true);
	kmem_cache_shrink(kernel_full);
	return true;
}

static bool kernel_destroy_made(void)
{
	kmem_cache_destroy(kernel_made);
	kernel_made = NULL;
	return true;
}

static bool kernel_destroy(void)
{
	kmem_cache_destroy(kernel_full);
	kernel_full = NULL;
	return true;
}

static bool kernel_barrier(void)
{
	rcu_barrier();
	return true;
}

static bool kernel_synchronize(void)
{
	synchronize_rcu();
	return true;
}

static const struct call {
	const char *allocator;
	const char *name;
	bool (*fn)(void);
} calls[] = {
	{ "gomem", "create", gomem_create },
	{ "gomem", "objects", gomem_objects },
	{ "gomem", "shrink", gomem_shrink },
	{ "gomem", "shrink_made", gomem_shrink_made },
	{ "gomem", "destroy_made", gomem_destroy_made },
	{ "gomem", "destroy_other", gomem_destroy_other },
	{ "gomem", "destroy", gomem_destroy },
	{ "gomem", "barrier", gomem_barrier },
	{ "kernel", "create", kernel_create },
	{ "kernel", "objects", kernel_objects },
	{ "kernel", "shrink", kernel_shrink },
	{ "kernel", "destroy_made", kernel_destroy_made },
	{ "kernel", "destroy", kernel_destroy },
	{ "kernel", "barrier", kernel_barrier },
	{ "kernel", "synchronize", kernel_synchronize },
};

static int call_get(void *data, u64 *us)
{
	const struct call *c = data;
	ktime_t start = ktime_get();

	if (!c->fn())
		return -ENOMEM;
	*us = ktime_us_delta(ktime_get(), start);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(call_fops, call_get, NULL, "%llu\n");

static struct dentry *dir;

static void make_files(void)
{
	struct dentry *sub[2];
	unsigned int i;

	dir = debugfs_create_dir("gomem_fifo", NULL);
	sub[0] = debugfs_create_dir("gomem", dir);
	sub[1] = debugfs_create_dir("kernel", dir);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		debugfs_create_file_unsafe(calls[i].name, 0400,
					   sub[*calls[i].allocator == 'k'],
					   (void *)&calls[i], &call_fops);
}

static void destroy_all(void)
{
	gomem_cache_destroy(full);
	gomem_cache_destroy(other);
	gomem_cache_destroy(made);
	kmem_cache_destroy(kernel_full);
	kmem_cache_destroy(kernel_made);
}

static int __init fifo_init(void)
{
	int err = -ENOMEM;

	full = gomem_cache_create("gomem_fifo_full", SIZE, NULL);
	other = gomem_cache_create("gomem_fifo_other", SIZE, NULL);
	kernel_full = kmem_cache_create("gomem_fifo_kfull", SIZE, 0, 0,
					construct);
	if (!full || !other || !kernel_full)
		goto fail;
	err = smp_call_on_cpu(hog_cpu, fill, NULL, false);
	if (err)
		goto fail;
	err = watch_drains();
	if (err)
		goto fail;
	make_files();
	return 0;

fail:
	destroy_all();
	return err;
}

static void __exit fifo_exit(void)
{
	debugfs_remove_recursive(dir);
	unwatch_drains();
	destroy_all();
}

module_init(fifo_init);
module_exit(fifo_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: what waits for a CPU with a real-time task");
MODULE_LICENSE("GPL");
