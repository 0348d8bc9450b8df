// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_fill.c - fill memory with objects and free them again, step by step.
 *
 * One insmod serves a whole test: a script writes commands to the parameter cmd
 * and reads numbers from the parameter stats. The write returns when the
 * command has ended, and returns the command's error.
 *
 *	fill N | fill NM
 *		allocate until the bytes requested by live objects are
 *		N percent of the machine's memory, or N MiB (NK: KiB,
 *		NG: GiB). Ends with ENOMEM as LARGE_FAILURES describes
 *	free [SHARE] ORDER
 *		free a share of the live objects, verifying each
 *		SHARE	all (the default), half, or a percentage
 *		ORDER	fifo	from the first entry of the index on
 *			lifo	from the last entry of the index on
 *			other	every other entry, then those between
 *			random	in a random order
 *	verify	check all live objects; EIO if one is damaged
 *	hog N | hog NM | hog max
 *		take single pages from the kernel until those taken are
 *		N percent of memory, N MiB, or all free pages
 *	hog start N | NM | max
 *		start a thread that takes pages until it has this many.
 *		Each time the kernel has no page left, the thread frees
 *		parameter reserve MiB of its own pages. Returns at once
 *	hog stop
 *		end the thread and free all pages that hog took
 *
 * Before fill and hog (but not hog start) take memory, they take a reserve of
 * pages (parameter reserve), which they free at the end. Otherwise the script
 * might have no memory left to go on.
 *
 * Commands wait for each other, and a read of stats waits for them. A signal to
 * the writer ends its command with EINTR. But if the parameter cpu is -2, the
 * command runs in the writer's task and ignores signals.
 *
 * Object sizes come from size_mix.h; the parameter mix selects the
 * distribution. fill puts objects into the empty entries of an index, from the
 * first on. An object's size depends only on the seed and on its entry. So
 * gomem and kmalloc() get the same requests, whatever was freed in between.
 *
 * stats does not say how much memory the allocator holds for the objects. For
 * gomem, the debugfs file stats does. The module's index takes 8 bytes for each
 * object, in pages of its own: index_bytes in stats. The index keeps the
 * entries of freed objects, and is freed with the last object.
 */
#define pr_fmt(fmt) "gomem_fill: " fmt

#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "command.h"
#include "size_mix.h"

static char *allocator = "gomem";
module_param(allocator, charp, 0444);
MODULE_PARM_DESC(allocator, "Source of objects: gomem (default) or kmalloc");

static unsigned long seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Of sizes and the random order (default 1; 0: random)");

static char *mix = "kernel";
module_param(mix, charp, 0444);
MODULE_PARM_DESC(mix,
		 "Sizes: kernel (default), log (16 bytes to 128 KiB) or uniform (to 64 KiB)");

static int cpu = -1;
module_param(cpu, int, 0644);
MODULE_PARM_DESC(cpu,
		 "Run commands on this CPU (default -1: any; -2: in the writer's own task)");

static int node = NUMA_NO_NODE;
module_param(node, int, 0644);
MODULE_PARM_DESC(node, "Allocate for this node (default -1: for none)");

static unsigned int effort;
module_param(effort, uint, 0644);
MODULE_PARM_DESC(effort,
		 "GFP_KERNEL with 0: __GFP_NORETRY (default), 1: __GFP_RETRY_MAYFAIL, 2: neither");

static unsigned int reserve = 24;
module_param(reserve, uint, 0644);
MODULE_PARM_DESC(reserve, "MiB to leave free when taking all (default 24)");

static bool from_kmalloc;

/* Return the size of object @i. There is one function for each value of mix. */
typedef size_t (*size_fn)(u64 seed, unsigned long i);

static size_fn mix_size;

/*
 * The module's parameter lock protects the variables below, and the index of
 * the objects (see dirs): each command and each read of stats holds that lock.
 */
static u64 requested, usable;
static unsigned long objects;
static unsigned long failures, damaged;
static unsigned int fixed_size;
static int last_node = NUMA_NO_NODE;
static u64 on_node[MAX_NUMNODES];

/*
 * The index of the objects: a table of directories. A directory is a page of
 * pointers to pages of entries. An entry, a slot in the code, is a pointer to
 * an object. The index grows page by page, so that its size follows the number
 * of objects. It does not use vmalloc(): on older kernels, such as 6.1, the OOM
 * killer may run for vmalloc()'s page tables, even with __GFP_NORETRY. Empty
 * entries are filled before new ones are added.
 */
#define PER_PAGE	(PAGE_SIZE / sizeof(void *))
#define PER_DIR		(PER_PAGE * PER_PAGE)
#define NR_DIRS		1024

static void ***dirs[NR_DIRS];
static unsigned long nr_slots;
static unsigned long index_bytes;

static void **slot_of(unsigned long i)
{
	return &dirs[i / PER_DIR][i / PER_PAGE % PER_PAGE][i % PER_PAGE];
}

/*
 * The index is not under test. So its allocations repeat reclaim, whatever the
 * parameter effort says.
 */
static void *index_page(void)
{
	void *page = (void *)__get_free_page(GFP_KERNEL | __GFP_RETRY_MAYFAIL |
					     __GFP_NOWARN | __GFP_ZERO);

	if (page)
		index_bytes += PAGE_SIZE;
	return page;
}

static void **make_slot(unsigned long i)
{
	void ***dir, **block;

	if (i / PER_DIR >= NR_DIRS)
		return NULL;
	dir = dirs[i / PER_DIR] ?: index_page();
	if (!dir)
		return NULL;
	dirs[i / PER_DIR] = dir;
	block = dir[i / PER_PAGE % PER_PAGE] ?: index_page();
	if (!block)
		return NULL;
	dir[i / PER_PAGE % PER_PAGE] = block;
	nr_slots = max(nr_slots, i + 1);
	return slot_of(i);
}

static void drop_dir(void ***dir)
{
	unsigned long b;

	for (b = 0; b < PER_PAGE; b++)
		free_page((unsigned long)dir[b]);
	free_page((unsigned long)dir);
}

static void drop_index(void)
{
	unsigned long d;

	for (d = 0; d < NR_DIRS && dirs[d]; d++) {
		drop_dir(dirs[d]);
		dirs[d] = NULL;
	}
	nr_slots = 0;
	index_bytes = 0;
}

static size_t size_of(unsigned long i)
{
	return fixed_size ?: mix_size(seed, i);
}

/*
 * Objects are filled with a pattern: one word at the beginning, one at the end,
 * and one every 512 bytes. This touches each page, and is cheap compared with
 * the allocation.
 */
static u64 pattern(const u64 *p, size_t size)
{
	return size_mix_hash((unsigned long)p) + size;
}

static size_t last_word(size_t size)
{
	return size / sizeof(u64) - 1;
}

static void paint(u64 *p, size_t size)
{
	u64 word = pattern(p, size);
	size_t i;

	for (i = 0; i < last_word(size); i += 512 / sizeof(u64))
		p[i] = word;
	p[last_word(size)] = word;
}

static bool intact(const u64 *p, size_t size)
{
	u64 word = pattern(p, size);

	if (p[0] == word && p[last_word(size)] == word)
		return true;
	if (damaged++ < 5)
		pr_err("object of %zu bytes is damaged\n", size);
	return false;
}

/*
 * Return true if this thread has to end: after a signal to the task that wrote
 * the command, or because of hog_stop().
 */
static bool stopping(void)
{
	return (current->flags & PF_KTHREAD) && kthread_should_stop();
}

static gfp_t gfp(void)
{
	gfp_t flags = GFP_KERNEL | __GFP_NOWARN;

	if (effort == 0)
		flags |= __GFP_NORETRY;
	else if (effort == 1)
		flags |= __GFP_RETRY_MAYFAIL;
	return flags;
}

static void *get_object(size_t size)
{
	if (from_kmalloc)
		return node < 0 ? kmalloc(size, gfp()) :
				  kmalloc_node(size, gfp(), node);
	return node < 0 ? gomem_alloc(size, gfp()) :
			  gomem_alloc_node(size, gfp(), node);
}

static void put_object(void *p)
{
	if (from_kmalloc)
		kfree(p);
	else
		gomem_free(p);
}

static size_t usable_size(const void *p)
{
	return from_kmalloc ? ksize(p) : gomem_usable_size(p);
}

static bool fill_slot(void **slot, size_t size)
{
	u64 *p = get_object(size);

	if (!p) {
		failures++;
		return false;
	}
	paint(p, size);
	*slot = p;
	objects++;
	requested += size;
	usable += usable_size(p);
	on_node[page_to_nid(virt_to_page(p))] += usable_size(p);
	return true;
}

static void empty_slot(void **slot, size_t size)
{
	u64 *p = *slot;

	intact(p, size);
	objects--;
	requested -= size;
	usable -= usable_size(p);
	on_node[page_to_nid(virt_to_page(p))] -= usable_size(p);
	*slot = NULL;
	put_object(p);
}

/*
 * Large objects need contiguous memory, which may be missing while much memory
 * is free. So a fill ends only at the LARGE_FAILURES-th failure of an object of
 * more than LARGE bytes, but at the first failure of a smaller one.
 */
#define LARGE		(32 << 10)
#define LARGE_FAILURES	100

static int fill(u64 target)
{
	unsigned int missed = 0;
	unsigned long i;
	void **slot;

	for (i = 0; requested < target; i++) {
		/*
		 * gomem_latency.ko measures how long a task waits for this CPU.
		 * Reschedule after each object, so that the wait includes one
		 * allocation at most.
		 */
		cond_resched();
		if (stopping())
			return -EINTR;
		slot = make_slot(i);
		if (!slot)
			return -ENOMEM;
		if (*slot || fill_slot(slot, size_of(i)))
			continue;
		if (size_of(i) <= LARGE || ++missed >= LARGE_FAILURES)
			return -ENOMEM;
	}
	return 0;
}

enum order { FIFO, LIFO, OTHER, RANDOM, NR_ORDERS };

static const char * const order_names[NR_ORDERS] = {
	"fifo", "lifo", "other", "random"
};

/*
 * Permute the numbers of @bits bits: each step is invertible, so no two numbers
 * give the same result.
 */
static unsigned long shuffle(unsigned long x, unsigned int bits)
{
	unsigned long mask = (1UL << bits) - 1;
	unsigned int shift = (bits + 1) / 2;
	int round;

	for (round = 0; round < 3; round++) {
		x = (x * 0x9e3779b97f4a7c15UL + seed) & mask;
		x ^= x >> shift;
	}
	return x;
}

/*
 * Return the number of the index entry that comes @x-th in @order. If there are
 * fewer than 2^@bits entries, the number is beyond the last one for some @x.
 */
static unsigned long nth_slot(enum order order, unsigned long x,
			      unsigned int bits)
{
	unsigned long even = (nr_slots + 1) / 2;

	switch (order) {
	case LIFO:
		return nr_slots - 1 - x;
	case OTHER:
		return x < even ? 2 * x : 2 * (x - even) + 1;
	case RANDOM:
		return shuffle(x, bits);
	default:
		return x;
	}
}

static int free_share(enum order order, unsigned int percent)
{
	unsigned long n = div_u64((u64)objects * percent, 100);
	unsigned int bits = nr_slots > 1 ? order_base_2(nr_slots) : 1;
	unsigned long before = damaged, x, i;

	for (x = 0; n && x < 1UL << bits; x++) {
		cond_resched();
		if (stopping())
			return -EINTR;
		i = nth_slot(order, x, bits);
		if (i >= nr_slots || !*slot_of(i))
			continue;
		empty_slot(slot_of(i), size_of(i));
		n--;
	}
	if (!objects)
		drop_index();
	return damaged == before ? 0 : -EIO;
}

static int verify(void)
{
	unsigned long before = damaged, i;

	for (i = 0; i < nr_slots; i++) {
		if (i % 64 == 0)
			cond_resched();
		if (stopping())
			return -EINTR;
		if (*slot_of(i))
			intact(*slot_of(i), size_of(i));
	}
	return damaged == before ? 0 : -EIO;
}

/* Pages taken from the kernel. The kernel can neither move nor reclaim them. */
struct hoard {
	struct list_head pages;
	unsigned long n;
};

/* Add pages until @h has @limit. Return false if the kernel has none left. */
static bool hoard_take(struct hoard *h, unsigned long limit)
{
	struct page *page;

	while (h->n < limit && !stopping()) {
		page = alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
		if (!page)
			return false;
		list_add(&page->lru, &h->pages);
		WRITE_ONCE(h->n, h->n + 1);
		if (h->n % 64 == 0)
			cond_resched();
	}
	return true;
}

static void hoard_drop(struct hoard *h, unsigned long pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &h->pages, lru) {
		if (!pages--)
			break;
		list_del(&page->lru);
		__free_page(page);
		WRITE_ONCE(h->n, h->n - 1);
		if (h->n % 64 == 0)
			cond_resched();
	}
}

static unsigned long reserve_pages(void)
{
	return (unsigned long)reserve << (20 - PAGE_SHIFT);
}

/*
 * While hog_task runs, only hog_task changes the hog. Otherwise the parameter
 * lock protects it.
 */
static struct hoard hog = { .pages = LIST_HEAD_INIT(hog.pages) };
static unsigned long hog_limit;
static struct task_struct *hog_task;

/*
 * After a failed allocation, concurrent reclaim may still free pages. So try
 * ten times.
 */
static int hog_once(unsigned long limit)
{
	int tries;

	for (tries = 0; tries < 10; tries++) {
		if (hoard_take(&hog, limit))
			return stopping() ? -EINTR : 0;
		msleep(20);
	}
	return 0;
}

static int hog_fn(void *unused)
{
	while (!kthread_should_stop()) {
		if (!hoard_take(&hog, hog_limit))
			hoard_drop(&hog, reserve_pages());
		schedule_timeout_interruptible(msecs_to_jiffies(20));
	}
	return 0;
}

static int hog_start(unsigned long limit)
{
	struct task_struct *task;

	hog_limit = limit;
	task = kthread_run(hog_fn, NULL, "gomem_fill/hog");
	if (IS_ERR(task))
		return PTR_ERR(task);
	hog_task = task;
	return 0;
}

static void hog_stop(void)
{
	if (hog_task)
		kthread_stop(hog_task);
	hog_task = NULL;
	hoard_drop(&hog, ULONG_MAX);
}

enum op { OP_FILL, OP_FREE, OP_VERIFY, OP_HOG };

/*
 * A command that may take a long time. It runs in a thread of its own, which
 * can be bound to a CPU. If the parameter cpu is -2, it runs in the task that
 * wrote the command.
 */
struct job {
	enum op op;
	u64 bytes;
	enum order order;
	unsigned int percent;
	struct completion done;
};

static int take_memory(struct job *job)
{
	struct hoard aside = { .pages = LIST_HEAD_INIT(aside.pages) };
	int ret = -ENOMEM;

	if (hoard_take(&aside, reserve_pages())) {
		if (job->op == OP_FILL)
			ret = fill(job->bytes);
		else
			ret = hog_once(job->bytes >> PAGE_SHIFT);
	}
	hoard_drop(&aside, ULONG_MAX);
	return ret;
}

static int do_job(struct job *job)
{
	switch (job->op) {
	case OP_FILL:
	case OP_HOG:
		return take_memory(job);
	case OP_FREE:
		return free_share(job->order, job->percent);
	case OP_VERIFY:
		return verify();
	}
	return -EINVAL;
}

static int do_job_here(struct job *job)
{
	last_node = numa_node_id();
	return do_job(job);
}

static int job_fn(void *arg)
{
	struct job *job = arg;
	int ret = do_job_here(job);

	complete(&job->done);
	return ret;
}

static int run_job(struct job *job)
{
	struct task_struct *task;
	int ret;

	if (cpu >= 0 && (cpu >= nr_cpu_ids || !cpu_online(cpu)))
		return -ENXIO;
	if (node >= 0 && (node >= MAX_NUMNODES || !node_online(node)))
		return -ENXIO;
	if (cpu == -2)
		return do_job_here(job);
	init_completion(&job->done);
	task = kthread_create(job_fn, job, "gomem_fill");
	if (IS_ERR(task))
		return PTR_ERR(task);
	get_task_struct(task);
	if (cpu >= 0)
		kthread_bind(task, cpu);
	wake_up_process(task);
	/*
	 * After a signal, kthread_stop() makes the job's loop end early, and
	 * waits for its end. Without a signal, the job has ended already.
	 */
	ret = wait_for_completion_interruptible(&job->done);
	ret = kthread_stop(task) ?: ret;
	put_task_struct(task);
	return ret == -ERESTARTSYS ? -EINTR : ret;
}

/* Parse "70" or "70%" (percent of all memory), "100M", or "max" (no limit). */
static int parse_amount(char *word, u64 *bytes)
{
	char *end;

	if (!word)
		return -EINVAL;
	if (!strcmp(word, "max")) {
		*bytes = S64_MAX;
		return 0;
	}
	*bytes = memparse(word, &end);
	if (end == word)
		return -EINVAL;
	if (*end == '%')
		end++;
	else if (*(end - 1) > '9')
		return *end ? -EINVAL : 0;
	if (*end || *bytes > 100)
		return -EINVAL;
	*bytes = div_u64((u64)totalram_pages() * *bytes, 100) << PAGE_SHIFT;
	return 0;
}

static int parse_free(char *rest, struct job *job)
{
	char *word = strsep(&rest, " ");
	int ret;

	job->percent = 100;
	if (word && !strcmp(word, "all")) {
		word = strsep(&rest, " ");
	} else if (word && !strcmp(word, "half")) {
		job->percent = 50;
		word = strsep(&rest, " ");
	} else if (word && *word >= '0' && *word <= '9') {
		ret = kstrtouint(word, 10, &job->percent);
		if (ret || job->percent > 100)
			return -EINVAL;
		word = strsep(&rest, " ");
	}
	if (!word || rest)
		return -EINVAL;
	ret = match_string(order_names, NR_ORDERS, word);
	if (ret < 0)
		return ret;
	job->order = ret;
	return 0;
}

static int command_hog(char *rest, struct job *job)
{
	bool start = false;

	if (rest && !strcmp(rest, "stop")) {
		hog_stop();
		return 0;
	}
	if (rest && !strncmp(rest, "start ", 6)) {
		start = true;
		rest += 6;
	}
	if (parse_amount(rest, &job->bytes))
		return -EINVAL;
	if (hog_task)
		return -EBUSY;
	if (start)
		return hog_start(job->bytes >> PAGE_SHIFT);
	job->op = OP_HOG;
	return run_job(job);
}

static int command(char *line)
{
	char *rest = strim(line);
	char *word = strsep(&rest, " ");
	struct job job = { };

	if (!strcmp(word, "hog"))
		return command_hog(rest, &job);
	if (!strcmp(word, "fill")) {
		job.op = OP_FILL;
		if (parse_amount(rest, &job.bytes))
			return -EINVAL;
	} else if (!strcmp(word, "free")) {
		job.op = OP_FREE;
		if (parse_free(rest, &job))
			return -EINVAL;
	} else if (!strcmp(word, "verify") && !rest) {
		job.op = OP_VERIFY;
	} else {
		return -EINVAL;
	}
	return run_job(&job);
}

static int stats_get(char *buf, const struct kernel_param *kp)
{
	int n = 0, nid;

	n += scnprintf(buf + n, PAGE_SIZE - n, "objects: %lu\n", objects);
	n += scnprintf(buf + n, PAGE_SIZE - n, "requested: %llu\n", requested);
	n += scnprintf(buf + n, PAGE_SIZE - n, "usable: %llu\n", usable);
	n += scnprintf(buf + n, PAGE_SIZE - n, "index_bytes: %lu\n",
		       index_bytes);
	n += scnprintf(buf + n, PAGE_SIZE - n, "failures: %lu\n", failures);
	n += scnprintf(buf + n, PAGE_SIZE - n, "damaged: %lu\n", damaged);
	n += scnprintf(buf + n, PAGE_SIZE - n, "hog_bytes: %lu\n",
		       READ_ONCE(hog.n) << PAGE_SHIFT);
	n += scnprintf(buf + n, PAGE_SIZE - n, "worker_node: %d\n", last_node);
	for_each_online_node(nid)
		n += scnprintf(buf + n, PAGE_SIZE - n, "node%d: %llu\n", nid,
			       on_node[nid]);
	return n;
}

static const struct kernel_param_ops stats_ops = { .get = stats_get };
module_param_cb(stats, &stats_ops, NULL, 0444);
MODULE_PARM_DESC(stats, "Numbers of live objects, their bytes by node, ...");

/*
 * The parameter size must not change while objects are live: the sizes of
 * objects are not stored, and size_of() derives them from the parameter.
 */
static int size_set(const char *val, const struct kernel_param *kp)
{
	unsigned int size;
	int ret = kstrtouint(val, 0, &size);

	if (ret)
		return ret;
	if (objects)
		return -EBUSY;
	if (size && (size < 2 * sizeof(u64) || size > GOMEM_MAX_SIZE))
		return -EINVAL;
	fixed_size = size;
	return 0;
}

static const struct kernel_param_ops size_ops = {
	.set = size_set,
	.get = param_get_uint
};
module_param_cb(size, &size_ops, &fixed_size, 0644);
MODULE_PARM_DESC(size,
		 "Bytes of each object, 16 to 4 MiB (default 0: the mix); not while some live");

static size_fn __init find_mix(void)
{
	if (!strcmp(mix, "kernel"))
		return size_mix;
	if (!strcmp(mix, "log"))
		return size_log;
	return strcmp(mix, "uniform") ? NULL : size_uniform;
}

static int __init gomem_fill_init(void)
{
	from_kmalloc = !strcmp(allocator, "kmalloc");
	if (!from_kmalloc && strcmp(allocator, "gomem")) {
		pr_err("allocator must be gomem or kmalloc\n");
		return -EINVAL;
	}
	mix_size = find_mix();
	if (!mix_size) {
		pr_err("mix must be kernel, log or uniform\n");
		return -EINVAL;
	}
	if (!seed)
		seed = get_random_u32() | 1;
	pr_info("seed=%lu\n", seed);
	set_ready(true);
	return 0;
}

static void __exit gomem_fill_exit(void)
{
	set_ready(false);
	kernel_param_lock(THIS_MODULE);
	hog_stop();
	free_share(FIFO, 100);
	drop_index();
	kernel_param_unlock(THIS_MODULE);
}

module_init(gomem_fill_init);
module_exit(gomem_fill_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: fill memory and free it, step by step");
MODULE_LICENSE("GPL");
