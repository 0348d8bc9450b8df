// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_replay.c - replay a recorded trace of allocations with gomem or
 * kmalloc(), and measure how much memory the allocator holds for it.
 *
 * scripts/replay turns a text trace into the binary form below and drives this
 * module. A script writes commands to the parameter cmd and reads numbers from
 * the parameter stats. The write returns when the command has ended, and
 * returns the command's error.
 *
 *	run N	replay until N percent of the trace's operations are done
 *	free	free the live objects, in the order of their ids
 *
 * There is a thread on each CPU of the machine, but no more threads than the
 * trace has CPUs. Thread i performs the operations of the trace's CPUs whose
 * number modulo the number of threads is i. The threads take turns: a thread
 * performs all operations up to the next one of another thread, hands over to
 * that thread and sleeps. So the order of operations is as recorded. If there
 * are as many threads as the trace has CPUs, each free is on the same CPU as
 * the allocation, or on another, as recorded. The times and the contexts are
 * not as recorded. No two operations run at the same time. The pauses in which
 * the recorded machine was idle are skipped. Tasks perform all operations, also
 * those recorded in interrupts. These use GFP_ATOMIC, as recorded, but the
 * per-CPU caches for tasks.
 *
 * Memory held is measured in the same way for both allocators: the decrease of
 * the machine's free pages since the first operation. Pages on per-CPU free
 * lists count as free. The trace and the table of objects are allocated before
 * the first operation, and so is what gomem allocates when it is loaded: the
 * decrease does not include them. To check the result for kmalloc(), the growth
 * of the kernel's counters of slab pages is reported, too. For gomem, the
 * script can read gomem's stats after a command.
 *
 * Objects of more than GOMEM_MAX_SIZE, 4 MiB, are too large for both
 * allocators. They are skipped, and counted in stats.
 */
#define pr_fmt(fmt) "gomem_replay: " fmt

#include <linux/bitfield.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/gomem.h>
#include <linux/hash.h>
#include <linux/kernel_read_file.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include "command.h"
#include "free_bytes.h"

static char *allocator = "gomem";
module_param(allocator, charp, 0444);
MODULE_PARM_DESC(allocator,
		 "Where objects come from: gomem (default) or kmalloc");

static char *trace;
module_param(trace, charp, 0444);
MODULE_PARM_DESC(trace,
		 "File with the trace, in the form that scripts/replay makes");

static unsigned int every = 16;
module_param(every, uint, 0444);
MODULE_PARM_DESC(every,
		 "Look at what is held after so many operations (default 16)");

static unsigned int noscan;
module_param(noscan, uint, 0444);
MODULE_PARM_DESC(noscan,
		 "Percent of the sizes whose objects are noscan for gomem (default 0)");

/* The trace file: a header and then the operations, all little endian. */
struct trace_header {
	char magic[8];
	__le32 cpus;
	__le32 ids;
	__le64 ops;
};

#define MAGIC		"gomemtr1"

struct trace_op {
	__le32 what;
	__le32 how;
};

#define OP_ID		GENMASK(23, 0)
#define OP_CPU		GENMASK(29, 24)
#define OP_FREE		BIT(31)

/*
 * The "how" word of an allocation. A size that does not fit into OP_SIZE is
 * recorded as the largest size that does.
 */
#define OP_SIZE		GENMASK(27, 0)
#define OP_ZERO		BIT(28)
#define OP_ATOMIC	BIT(29)
#define OP_ACCOUNT	BIT(30)
#define OP_RECLAIMABLE	BIT(31)

#define MAX_CPUS	64

static void *file;
static const struct trace_op *ops;
static u64 nr_ops;
static unsigned int nr_ids, nr_cpus;

/* An object is live if @p is not NULL; it may be ZERO_SIZE_PTR. */
struct object {
	void *p;
	u32 size;
	bool skipped;
};

static struct object *objects;
static bool from_kmalloc;

struct worker {
	struct task_struct *task;
	struct completion go;
};

static struct worker workers[MAX_CPUS];
static unsigned int nr_workers;

/*
 * Samples of a number of bytes: what was measured before the first operation,
 * the latest sample, the largest, and the sum of all. In the variables gone and
 * slab below, the samples are differences from what was measured first.
 */
struct series {
	s64 start;
	s64 now;
	s64 peak;
	s64 sum;
};

/*
 * The module's parameter lock protects these variables, except for stopping,
 * which stop_all() sets when no command runs. While the command "run" runs,
 * only the worker whose turn it is accesses the others. But the task that wrote
 * the command waits for done, and sets aborted when it gets a signal.
 * complete() in hand_over() orders the worker's accesses before those of the
 * next worker.
 */
static u64 pos, run_until, looks;
static unsigned long nr_live, skipped;
static struct series live, gone, slab;
static u64 run_ns;
static int error;
static bool aborted;
static bool stopping;
static DECLARE_COMPLETION(done);

static s64 node_pages(struct pglist_data *node, enum node_stat_item item)
{
	s64 pages = atomic_long_read(&node->vm_stat[item]);
	struct per_cpu_nodestat *stat;
	int cpu;

	for_each_online_cpu(cpu) {
		stat = per_cpu_ptr(node->per_cpu_nodestats, cpu);
		pages += READ_ONCE(stat->vm_node_stat_diff[item]);
	}
	return pages;
}

/* The kernel stores these two counters in pages, despite their names. */
static s64 slab_bytes(void)
{
	s64 pages = 0;
	int nid;

	for_each_online_node(nid)
		pages += node_pages(NODE_DATA(nid), NR_SLAB_UNRECLAIMABLE_B) +
			 node_pages(NODE_DATA(nid), NR_SLAB_RECLAIMABLE_B);
	return pages << PAGE_SHIFT;
}

static void note(struct series *s, s64 now)
{
	s->now = now;
	s->peak = max(s->peak, now);
	s->sum += now;
}

static void look(void)
{
	note(&live, live.now);
	note(&gone, gone.start - free_bytes());
	note(&slab, slab_bytes() - slab.start);
	looks++;
}

/*
 * Choose which sizes are allocated as noscan, that is, as objects without
 * pointers: a share of all sizes. The trace does not tell which objects hold
 * pointers.
 */
static bool is_noscan(size_t size)
{
	return hash_32(size, 16) % 100 < noscan;
}

static gfp_t gfp_of(u32 how)
{
	gfp_t gfp = how & OP_ATOMIC ? GFP_ATOMIC : GFP_KERNEL;

	if (how & OP_ZERO)
		gfp |= __GFP_ZERO;
	if (how & OP_ACCOUNT)
		gfp |= __GFP_ACCOUNT;
	if (how & OP_RECLAIMABLE)
		gfp |= __GFP_RECLAIMABLE;
	return gfp | __GFP_NOWARN;
}

static void *get_memory(size_t size, gfp_t gfp)
{
	if (from_kmalloc)
		return kmalloc(size, gfp);
	return is_noscan(size) ? gomem_alloc_noscan(size, gfp) :
				 gomem_alloc(size, gfp);
}

static void put_memory(void *p)
{
	if (from_kmalloc)
		kfree(p);
	else
		gomem_free(p);
}

static int allocate(struct object *o, u32 how)
{
	size_t size = FIELD_GET(OP_SIZE, how);

	if (o->p || o->skipped)
		return -EILSEQ;
	if (size > GOMEM_MAX_SIZE) {
		o->skipped = true;
		skipped++;
		return 0;
	}
	o->p = get_memory(size, gfp_of(how));
	if (!o->p)
		return -ENOMEM;
	o->size = size;
	live.now += size;
	live.peak = max(live.peak, live.now);
	nr_live++;
	return 0;
}

static int release(struct object *o)
{
	if (o->skipped) {
		o->skipped = false;
		return 0;
	}
	if (!o->p)
		return -EILSEQ;
	put_memory(o->p);
	o->p = NULL;
	live.now -= o->size;
	nr_live--;
	return 0;
}

static unsigned int op_cpu(u64 i)
{
	return FIELD_GET(OP_CPU, le32_to_cpu(ops[i].what));
}

static int do_op(const struct trace_op *op)
{
	u32 what = le32_to_cpu(op->what);
	unsigned int id = FIELD_GET(OP_ID, what);

	if (id >= nr_ids)
		return -EILSEQ;
	if (what & OP_FREE)
		return release(&objects[id]);
	return allocate(&objects[id], le32_to_cpu(op->how));
}

/* Perform all operations up to the next one of another worker. */
static void take_turn(const struct worker *w)
{
	while (pos < run_until && !error &&
	       &workers[op_cpu(pos) % nr_workers] == w) {
		error = READ_ONCE(aborted) ? -EINTR : do_op(&ops[pos]);
		if (error)
			break;
		if (++pos % every == 0)
			look();
		if (pos % 1024 == 0)
			cond_resched();
	}
}

static void hand_over(void)
{
	if (pos == run_until || error)
		complete(&done);
	else
		complete(&workers[op_cpu(pos) % nr_workers].go);
}

static int worker_fn(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		if (wait_for_completion_interruptible(&w->go))
			continue;
		if (READ_ONCE(stopping))
			return 0;
		take_turn(w);
		hand_over();
	}
}

static int command_run(unsigned int percent)
{
	u64 start;

	if (percent > 100 || error)
		return -EINVAL;
	run_until = div_u64(nr_ops * percent, 100);
	if (pos >= run_until)
		return 0;
	if (!pos) {
		gone.start = free_bytes();
		slab.start = slab_bytes();
	}
	start = ktime_get_ns();
	reinit_completion(&done);
	hand_over();
	if (wait_for_completion_interruptible(&done)) {
		WRITE_ONCE(aborted, true);
		wait_for_completion(&done);
	}
	run_ns += ktime_get_ns() - start;
	return error;
}

static void free_all(void)
{
	unsigned int i;

	for (i = 0; objects && i < nr_ids; i++) {
		if (objects[i].p)
			release(&objects[i]);
		if (i % 1024 == 0)
			cond_resched();
	}
}

static int command(char *line)
{
	unsigned int percent;

	if (sysfs_streq(line, "free")) {
		free_all();
		return 0;
	}
	if (strncmp(line, "run ", 4) || kstrtouint(line + 4, 10, &percent))
		return -EINVAL;
	return command_run(percent);
}

static int show(char *buf, int n, const char *name, const struct series *s)
{
	return scnprintf(buf + n, PAGE_SIZE - n,
			 "%s: %lld\n%s_peak: %lld\n%s_avg: %lld\n", name,
			 s->now, name, s->peak, name,
			 looks ? div64_s64(s->sum, looks) : 0);
}

static int stats_get(char *buf, const struct kernel_param *kp)
{
	int n = 0;

	n += scnprintf(buf + n, PAGE_SIZE - n, "ops: %llu\n", pos);
	n += scnprintf(buf + n, PAGE_SIZE - n, "objects: %lu\n", nr_live);
	n += scnprintf(buf + n, PAGE_SIZE - n, "skipped: %lu\n", skipped);
	n += scnprintf(buf + n, PAGE_SIZE - n, "ms: %llu\n",
		       div_u64(run_ns, NSEC_PER_MSEC));
	n += show(buf, n, "live", &live);
	n += show(buf, n, "gone", &gone);
	n += show(buf, n, "slab", &slab);
	return n;
}

static const struct kernel_param_ops stats_ops = { .get = stats_get };
module_param_cb(stats, &stats_ops, NULL, 0444);
MODULE_PARM_DESC(stats,
		 "Bytes live, gone from free memory, and in slabs: now, at most, on average");

static int read_trace(void)
{
	const struct trace_header *h;
	size_t size;
	int ret;

	if (!trace)
		return -EINVAL;
	/*
	 * Pass READING_FIRMWARE: the security module IPE of newer kernels has
	 * no rule for READING_UNKNOWN, and warns.
	 */
	ret = kernel_read_file_from_path(trace, 0, &file, INT_MAX, &size,
					 READING_FIRMWARE);
	if (ret < 0)
		return ret;
	h = file;
	if (ret < sizeof(*h) || memcmp(h->magic, MAGIC, sizeof(h->magic)))
		return -ENOEXEC;
	nr_ops = le64_to_cpu(h->ops);
	nr_ids = le32_to_cpu(h->ids);
	nr_cpus = le32_to_cpu(h->cpus);
	if (nr_ops != (ret - sizeof(*h)) / sizeof(*ops) || !nr_ids ||
	    nr_ids > OP_ID + 1 || !nr_cpus || nr_cpus > MAX_CPUS)
		return -ENOEXEC;
	ops = (const void *)(h + 1);
	objects = vzalloc(array_size(nr_ids, sizeof(*objects)));
	return objects ? 0 : -ENOMEM;
}

static int start_workers(void)
{
	struct worker *w = workers;
	struct task_struct *task;
	int cpu;

	for_each_online_cpu(cpu) {
		if (nr_workers == nr_cpus)
			break;
		init_completion(&w->go);
		task = kthread_create_on_cpu(worker_fn, w, cpu,
					     "gomem_replay/%u");
		if (IS_ERR(task))
			return PTR_ERR(task);
		get_task_struct(task);
		w->task = task;
		wake_up_process(task);
		nr_workers++;
		w++;
	}
	return 0;
}

static void stop_all(void)
{
	unsigned int i;

	WRITE_ONCE(stopping, true);
	for (i = 0; i < nr_workers; i++) {
		complete(&workers[i].go);
		kthread_stop(workers[i].task);
		put_task_struct(workers[i].task);
	}
	free_all();
	vfree(objects);
	vfree(file);
}

static int __init gomem_replay_init(void)
{
	int err;

	from_kmalloc = !strcmp(allocator, "kmalloc");
	if ((!from_kmalloc && strcmp(allocator, "gomem")) || !every ||
	    noscan > 100) {
		pr_err("allocator must be gomem or kmalloc, every not 0, noscan a percentage\n");
		return -EINVAL;
	}
	err = read_trace() ?: start_workers();
	if (err) {
		pr_err("cannot replay %s: error %d\n",
		       trace ?: "without a trace", err);
		stop_all();
		return err;
	}
	set_ready(true);
	return 0;
}

static void __exit gomem_replay_exit(void)
{
	set_ready(false);
	stop_all();
}

module_init(gomem_replay_init);
module_exit(gomem_replay_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: replay a recorded trace of allocations");
MODULE_LICENSE("GPL");
