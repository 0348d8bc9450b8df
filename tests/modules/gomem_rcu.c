// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_rcu.c - readers walk lists under RCU while writers replace the entries
 * and free them with gomem_free_rcu().
 *
 * There is a table of short lists. Each writer is a thread with its own lists.
 * It passes each entry that it takes off a list to gomem_free_rcu() or
 * gomem_free_rcu_mightsleep(). The next owner of the entry's memory fills the
 * memory with other bytes. Readers check every byte of an entry several times,
 * so they notice an entry that was freed too early.
 *
 * Loading runs the test; it fails with -EIO if a reader saw a wrong byte. After
 * the test, the module frees the entries of the lists as the writers do. If no
 * error was found, it also passes as many objects as the parameter last says to
 * gomem_free_rcu(). It does not wait for their grace period. So rmmod of this
 * module and of gomem may begin while these objects still wait. gomem's exit
 * function has to wait until all of them are freed.
 */
#define pr_fmt(fmt) "gomem_rcu: " fmt

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

static unsigned int seconds = 3;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "How long to run (default 3)");

static unsigned int last = 10000;
module_param(last, uint, 0444);
MODULE_PARM_DESC(last,
		 "Objects to free in the end, just before it returns (default 10000)");

static bool broken;
module_param(broken, bool, 0444);
MODULE_PARM_DESC(broken,
		 "Free without waiting for readers: the test must fail (default N)");

static unsigned long seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Random seed; 0, the default, takes a new one");

#define NR_LISTS	64
#define NR_WRITERS	2
#define NR_READERS	2
#define MAX_SIZE	2048

struct item {
	struct rcu_head rcu;
	struct item __rcu *next;
	unsigned int size;
	u8 want;
	u8 data[];
};

static struct item __rcu *lists[NR_LISTS];
static atomic64_t replaced, looks, errors, failures;

struct worker {
	struct task_struct *task;
	unsigned int number;
	struct rnd_state rnd;
};

static struct worker writers[NR_WRITERS], readers[NR_READERS];

static u32 below(struct worker *w, u32 limit)
{
	return prandom_u32_state(&w->rnd) % limit;
}

static struct item *make_item(struct worker *w)
{
	unsigned int size = sizeof(struct item) + 1 +
			    below(w, below(w, 8) ? 200 : MAX_SIZE);
	struct item *it = gomem_alloc(size, GFP_KERNEL | __GFP_NOWARN);

	if (!it) {
		atomic64_inc(&failures);
		return NULL;
	}
	it->size = size;
	it->want = below(w, 256);
	memset(it->data, it->want, size - sizeof(*it));
	return it;
}

static void retire(struct item *it)
{
	atomic64_inc(&replaced);
	if (broken)
		gomem_free(it);
	else if (it->want % 8)
		gomem_free_rcu(it, rcu);
	else
		gomem_free_rcu_mightsleep(it);
}

/* Add an entry at the head of a list, or remove or replace the first entry. */
static void change(struct worker *w)
{
	unsigned int i = below(w, NR_LISTS / NR_WRITERS);
	struct item __rcu **list = &lists[i * NR_WRITERS + w->number];
	struct item *old = rcu_dereference_protected(*list, true), *new = NULL;
	unsigned int what = below(w, 4);

	if (!old || what)
		new = make_item(w);
	if (!new && !old)
		return;
	if (new && what == 1)
		rcu_assign_pointer(new->next, old);
	else if (new)
		rcu_assign_pointer(new->next,
				   old ? rcu_access_pointer(old->next) : NULL);
	rcu_assign_pointer(*list,
			   new ?: rcu_dereference_protected(old->next, true));
	if (old && !(new && what == 1))
		retire(old);
}

static int writer_fn(void *arg)
{
	struct worker *w = arg;
	unsigned int i = 0;

	while (!kthread_should_stop()) {
		change(w);
		/*
		 * Give grace periods time: do not allocate much faster than
		 * memory returns.
		 */
		if (++i % 256 == 0)
			usleep_range(1000, 2000);
	}
	return 0;
}

static void look_at(const struct item *it)
{
	unsigned int size = READ_ONCE(it->size), i;
	u8 want = READ_ONCE(it->want);

	for (i = 0; i < 3; i++) {
		if (size != READ_ONCE(it->size) ||
		    want != READ_ONCE(it->want) || size <= sizeof(*it) ||
		    size > sizeof(*it) + MAX_SIZE ||
		    memchr_inv(it->data, want, size - sizeof(*it))) {
			atomic64_inc(&errors);
			return;
		}
		cpu_relax();
	}
}

static int reader_fn(void *arg)
{
	struct worker *w = arg;
	struct item *it;
	unsigned int n;

	while (!kthread_should_stop()) {
		rcu_read_lock();
		it = rcu_dereference(lists[below(w, NR_LISTS)]);
		for (n = 0; it && n < 20; n++) {
			look_at(it);
			/*
			 * With broken=Y the entry may be free and reused. Then
			 * its link may lead anywhere, so do not follow it.
			 */
			it = broken ? NULL : rcu_dereference(it->next);
		}
		rcu_read_unlock();
		atomic64_inc(&looks);
		cond_resched();
	}
	return 0;
}

static int start(struct worker *w, unsigned int number, int (*fn)(void *arg),
		 const char *name)
{
	struct task_struct *task;

	w->number = number;
	prandom_seed_state(&w->rnd,
			   seed + (fn == reader_fn ? 1000 : 0) + number);
	task = kthread_run(fn, w, "gomem_rcu/%s%u", name, number);
	if (IS_ERR(task))
		return PTR_ERR(task);
	w->task = task;
	return 0;
}

static int start_all(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < NR_WRITERS && !err; i++)
		err = start(&writers[i], i, writer_fn, "writer");
	for (i = 0; i < NR_READERS && !err; i++)
		err = start(&readers[i], i, reader_fn, "reader");
	return err;
}

static void stop_all(void)
{
	unsigned int i;

	for (i = 0; i < NR_READERS; i++)
		if (readers[i].task)
			kthread_stop(readers[i].task);
	for (i = 0; i < NR_WRITERS; i++)
		if (writers[i].task)
			kthread_stop(writers[i].task);
}

static void drop_list(unsigned int i)
{
	struct item *it = rcu_dereference_protected(lists[i], true), *next;

	RCU_INIT_POINTER(lists[i], NULL);
	for (; it; it = next) {
		next = rcu_dereference_protected(it->next, true);
		retire(it);
	}
}

static void free_last(void)
{
	struct worker *w = &writers[0];
	struct item *it;
	unsigned int i;

	for (i = 0; i < last; i++) {
		it = make_item(w);
		if (!it)
			break;
		gomem_free_rcu(it, rcu);
		if (i % 1024 == 0)
			cond_resched();
	}
}

static int __init gomem_rcu_test_init(void)
{
	unsigned int i;
	int err;

	if (!seconds || seconds > 3600 || last > 10000000) {
		pr_err("seconds must be 1 to 3600, last up to 10000000\n");
		return -EINVAL;
	}
	if (!seed)
		seed = get_random_u32();
	pr_info("seed=%lu\n", seed);

	err = start_all();
	for (i = 0; i < seconds && !err; i++)
		ssleep(1);
	stop_all();
	for (i = 0; i < NR_LISTS; i++)
		drop_list(i);

	pr_info("%lld replaced, %lld lists read, %lld failures, %lld errors\n",
		atomic64_read(&replaced), atomic64_read(&looks),
		atomic64_read(&failures), atomic64_read(&errors));
	if (!err && atomic64_read(&errors))
		err = -EIO;
	if (!err && (!atomic64_read(&replaced) || !atomic64_read(&looks)))
		err = -ENODATA;
	if (!err)
		free_last();
	return err;
}

static void __exit gomem_rcu_test_exit(void)
{
}

module_init(gomem_rcu_test_init);
module_exit(gomem_rcu_test_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: readers under RCU, and writers that free");
MODULE_LICENSE("GPL");
