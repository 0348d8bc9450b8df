// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_provoke.c - make the kernel report an error, one case for each type of
 * report.
 *
 * Writing NAME to /sys/kernel/debug/gomem_provoke calls cause_NAME() below. The
 * kernel's configuration decides which of these errors the kernel reports.
 * gomem is not involved: tests/rig/provoke tests that scripts/vm recognises
 * each report.
 *
 * For virtual machines only: the kernel is unusable afterwards.
 */
#define pr_fmt(fmt) "gomem_provoke: " fmt

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

static unsigned int seconds = 6;
module_param(seconds, uint, 0644);
MODULE_PARM_DESC(seconds, "How long stuck and hang take");

static DEFINE_SPINLOCK(spinlock);
static DEFINE_MUTEX(mutex);

/*
 * Return @n, and hide its value from the compiler. Otherwise the compiler would
 * warn of the error that the caller makes with @n, or compute the result.
 */
static size_t hidden(size_t n)
{
	OPTIMIZER_HIDE_VAR(n);
	return n;
}

/* --- Locks: lockdep ------------------------------------------------------- */

/*
 * On PREEMPT_RT spinlocks sleep, so hard interrupts must not take them. With
 * CONFIG_PROVE_RAW_LOCK_NESTING lockdep reports this on other kernels, too.
 */
static void lock_in_hardirq(struct irq_work *unused)
{
	spin_lock(&spinlock);
	spin_unlock(&spinlock);
}

static struct irq_work hard_work = IRQ_WORK_INIT_HARD(lock_in_hardirq);

static void cause_wait_context(void)
{
	irq_work_queue(&hard_work);
	irq_work_sync(&hard_work);
}

static void cause_unlock_balance(void)
{
	mutex_unlock(&mutex);
}

static void cause_freed_lock(void)
{
	struct mutex *lock = kmalloc(sizeof(*lock), GFP_KERNEL);

	if (!lock)
		return;
	mutex_init(lock);
	mutex_lock(lock);
	kfree(lock);
}

static void cause_kept_lock(void)
{
	mutex_lock(&mutex);
}

static void cause_recursion(void)
{
	static struct mutex two[2];
	int i;

	for (i = 0; i < 2; i++)
		mutex_init(&two[i]);
	mutex_lock(&two[0]);
	mutex_lock(&two[1]);
	mutex_unlock(&two[1]);
	mutex_unlock(&two[0]);
}

static void cause_inversion(void)
{
	static DEFINE_MUTEX(other);

	mutex_lock(&mutex);
	mutex_lock(&other);
	mutex_unlock(&other);
	mutex_unlock(&mutex);
	mutex_lock(&other);
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	mutex_unlock(&other);
}

static void cause_rcu_usage(void)
{
	static int __rcu *pointer;

	if (rcu_dereference(pointer))
		pr_info("never\n");
}

/* --- Contexts ------------------------------------------------------------- */

static void cause_sleep_atomic(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

/* The scheduler repairs the preempt count, so no preempt_enable() follows. */
static void cause_schedule_atomic(void)
{
	preempt_disable();
	schedule();
}

static void cause_processor_id(void)
{
	pr_info("on CPU %d\n", smp_processor_id());
}

static void leave_disabled(struct tasklet_struct *unused)
{
	preempt_disable();
}

static DECLARE_TASKLET(tasklet, leave_disabled);

static void cause_softirq(void)
{
	tasklet_schedule(&tasklet);
	tasklet_kill(&tasklet);
}

/*
 * Sleep, so that this work still runs when flush_work() is called. Otherwise
 * flush_work() would not wait, and the kernel would report nothing.
 */
static void nap(struct work_struct *unused)
{
	msleep(1000);
}

static struct workqueue_struct *plain_queue;
static DECLARE_WORK(plain_work, nap);

static void flush_plain(struct work_struct *unused)
{
	queue_work(plain_queue, &plain_work);
	flush_work(&plain_work);
}

/*
 * Flush a work of an ordinary workqueue in a work of one with WQ_MEM_RECLAIM.
 * The kernel reports this, since it may deadlock: the ordinary work may wait
 * for reclaim, and reclaim may wait for the other work.
 */
static void cause_flush_dependency(void)
{
	struct workqueue_struct *reclaim;
	struct work_struct work;

	plain_queue = alloc_workqueue("provoke_plain", WQ_UNBOUND, 0);
	reclaim = alloc_workqueue("provoke_reclaim",
				  WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!plain_queue || !reclaim)
		return;
	INIT_WORK_ONSTACK(&work, flush_plain);
	queue_work(reclaim, &work);
	flush_work(&work);
	destroy_work_on_stack(&work);
	destroy_workqueue(reclaim);
	destroy_workqueue(plain_queue);
}

/* --- Memory --------------------------------------------------------------- */

static void cause_overrun(void)
{
	char *p = kmalloc(24, GFP_KERNEL);

	if (p)
		WRITE_ONCE(p[hidden(24)], 1);
	kfree(p);
}

/* Free an object twice. The flags of its cache make SLUB detect that. */
static void cause_double_free(void)
{
	struct kmem_cache *cache =
		kmem_cache_create("gomem_provoke", 64, 0,
				  SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE,
				  NULL);
	void *p = cache ? kmem_cache_alloc(cache, GFP_KERNEL) : NULL;

	/* A second live object keeps SLUB from freeing the slab. */
	if (!p || !kmem_cache_alloc(cache, GFP_KERNEL))
		return;
	kmem_cache_free(cache, p);
	kmem_cache_free(cache, p);
}

static void cause_bad_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (!page)
		return;
	atomic_set(&page->_mapcount, 5);
	__free_page(page);
}

/*
 * A stale copy of a pointer hides its object from kmemleak. Since Linux 7.0 the
 * kernel's caches keep such copies in up to 23 arrays of about 60 objects, so
 * leak more than that.
 */
static void cause_leak(void)
{
	char *p;
	int i;

	for (i = 0; i < 4096; i++) {
		p = kmalloc(200, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(p);
	}
}

static void cause_usercopy(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	/*
	 * Hide the object's size from the compiler. Otherwise check_copy_size()
	 * would find the error first, and report it in another way.
	 */
	OPTIMIZER_HIDE_VAR(p);
	if (p && copy_to_user((void __user *)8UL, p, hidden(65)))
		pr_info("not copied\n");
	kfree(p);
}

static void cause_fortify(void)
{
	static char from[32], to[16];

	memcpy(to, from, hidden(17));
}

/* --- Data ----------------------------------------------------------------- */

static void cause_list(void)
{
	static LIST_HEAD(head);
	static struct list_head entry;

	list_add(&entry, &head);
	list_del(&entry);
	list_del(&entry);
}

static void cause_refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void never(struct timer_list *unused)
{
}

/*
 * Free memory that contains an active timer. The kernel reports that, and then
 * stops the timer.
 */
static void cause_free_active(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, never, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static void cause_shift(void)
{
	pr_info("%d\n", 1 << (int)hidden(40));
}

/* --- Hangs ---------------------------------------------------------------- */

static void no_callback(struct rcu_head *unused)
{
}

static void cause_stuck(void)
{
	static struct rcu_head head;
	unsigned long end = jiffies + seconds * HZ;

	call_rcu(&head, no_callback);
	preempt_disable();
	while (time_before(jiffies, end))
		cpu_relax();
	preempt_enable();
	rcu_barrier();
}

/*
 * Sleep briefly first: the hung-task detector skips tasks that never gave up
 * the CPU.
 */
static void cause_hang(void)
{
	schedule_timeout_uninterruptible(1);
	schedule_timeout_uninterruptible(seconds * HZ);
}

/* --- Warnings and oopses -------------------------------------------------- */

static void cause_warn(void)
{
	WARN_ON(hidden(1));
}

static void cause_warn_text(void)
{
	WARN(hidden(1), "gomem_provoke: with a text\n");
}

static void cause_null_pointer(void)
{
	WRITE_ONCE(*(int *)hidden(8), 1);
}

static void cause_bad_address(void)
{
	WRITE_ONCE(*(int *)hidden(0xdead000000000100), 1);
}

static void cause_divide(void)
{
	pr_info("%zu\n", hidden(7) / hidden(0));
}

static const struct {
	const char *name;
	void (*provoke)(void);
} cases[] = {
#define CASE(name) { #name, cause_##name }
	CASE(wait_context), CASE(unlock_balance), CASE(freed_lock),
	CASE(kept_lock), CASE(recursion), CASE(inversion), CASE(rcu_usage),
	CASE(sleep_atomic), CASE(schedule_atomic), CASE(processor_id),
	CASE(softirq), CASE(flush_dependency), CASE(overrun), CASE(double_free),
	CASE(bad_page), CASE(leak), CASE(usercopy), CASE(fortify), CASE(list),
	CASE(refcount), CASE(free_active), CASE(shift), CASE(stuck), CASE(hang),
	CASE(warn), CASE(warn_text), CASE(null_pointer), CASE(bad_address),
	CASE(divide),
};

static ssize_t provoke_write(struct file *file, const char __user *buf,
			     size_t len, loff_t *pos)
{
	char name[32];
	size_t i;

	if (len >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, buf, len))
		return -EFAULT;
	name[len] = '\0';
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!sysfs_streq(name, cases[i].name))
			continue;
		cases[i].provoke();
		return len;
	}
	return -ENOENT;
}

static const struct file_operations provoke_fops = {
	.owner = THIS_MODULE,
	.write = provoke_write,
};

static struct dentry *file;

static int __init provoke_init(void)
{
	file = debugfs_create_file("gomem_provoke", 0200, NULL, NULL,
				   &provoke_fops);
	return PTR_ERR_OR_ZERO(file);
}
module_init(provoke_init);

static void __exit provoke_exit(void)
{
	debugfs_remove(file);
}
module_exit(provoke_exit);

MODULE_DESCRIPTION("Provokes reports of the kernel, for tests");
MODULE_LICENSE("GPL");
