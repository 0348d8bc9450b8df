// SPDX-License-Identifier: GPL-2.0
/*
 * wc_job.c - run the steps: read, count, merge, sort, free.
 */
#define pr_fmt(fmt) "wordcount: " fmt

#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/list_sort.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "wordcount.h"

/* With more workers, most would wait for the one task that reads. */
#define WORKERS_MAX	32

/*
 * Maximum number of blocks in the queue, per worker. The limit bounds the
 * memory; there are enough blocks that a worker rarely waits.
 */
#define BLOCKS_AHEAD	2

/**
 * struct worker - a worker; there is one for each CPU, up to WORKERS_MAX
 * @work: its current work
 * @index: number of the worker. Worker i merges and frees the i-th tables of
 *	all workers
 * @words: words counted
 * @remote: objects that the worker freed and that another CPU allocated
 */
struct worker {
	struct work_struct work;
	unsigned int index;
	u64 words;
	unsigned long remote;
};

/*
 * There is one job. The loading task sets these variables up while no worker
 * runs. Of these variables, a running worker changes only its struct worker,
 * the tables that it works on, job_err, and the queue. The queue has a lock,
 * because the loading task fills it while workers take blocks off it.
 */
static struct worker workers[WORKERS_MAX];
static unsigned int nr_workers;
static struct workqueue_struct *workqueue;
static struct wc_queue queue;
static struct wc_table *tables;	/* those of worker 0, of worker 1, ... */
static int job_err;		/* first error of a worker; set by cmpxchg() */

static struct wc_table *table_of(unsigned int worker, unsigned int index)
{
	return &tables[worker * nr_workers + index];
}

static size_t tables_bytes(void)
{
	return nr_workers * nr_workers * sizeof(*tables);
}

/* The workqueue is unbound: the scheduler spreads the workers over the CPUs. */
static void start_workers(work_func_t func)
{
	unsigned int i;

	for (i = 0; i < nr_workers; i++) {
		INIT_WORK(&workers[i].work, func);
		queue_work(workqueue, &workers[i].work);
	}
}

static void run_workers(work_func_t func)
{
	start_workers(func);
	flush_workqueue(workqueue);
}

static int count_word(struct worker *w, const char *word, size_t len)
{
	u32 hash = wc_hash(word, len);

	if (len > WC_WORD_MAX)
		return -EFBIG;
	w->words++;
	/*
	 * Select the table by the high bits of the hash. The low bits select
	 * the bucket: if they selected the table, too, each table would use
	 * only some of its buckets.
	 */
	return wc_table_add(table_of(w->index,
				     reciprocal_scale(hash, nr_workers)),
			    word, len, hash);
}

static int count_block(struct worker *w, struct wc_block *b)
{
	size_t pos = 0, len;
	const char *word;
	int err;

	while ((word = wc_next_word(b, &pos, &len))) {
		err = count_word(w, word, len);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Count the words of blocks until the queue is closed. After an error, still
 * take blocks off the queue: the reader may wait for room in it.
 */
static void count_work(struct work_struct *work)
{
	struct worker *w = container_of(work, struct worker, work);
	struct wc_block *b;
	int err;

	while ((b = wc_queue_pop(&queue))) {
		err = READ_ONCE(job_err) ?: count_block(w, b);
		if (err)
			cmpxchg(&job_err, 0, err);
		if (b->cpu != raw_smp_processor_id())
			w->remote += 2;
		wc_block_free(b);
		cond_resched();
	}
}

static void merge_work(struct work_struct *work)
{
	struct worker *w = container_of(work, struct worker, work);
	unsigned int i;

	for (i = 1; i < nr_workers; i++)
		wc_table_merge(table_of(0, w->index), table_of(i, w->index),
			       &w->remote);
}

/*
 * Free one table of each worker. After the merge only the tables of worker 0
 * have nodes. After an error the tables of other workers may have nodes, too.
 */
static void free_work(struct work_struct *work)
{
	struct worker *w = container_of(work, struct worker, work);
	unsigned int i;

	for (i = 0; i < nr_workers; i++)
		wc_table_free(table_of(i, w->index), &w->remote);
}

static void sample_peak(struct wc_result *r)
{
	struct wc_tally t;

	wc_mem_tally(&t);
	r->peak = max(r->peak, t.held);
}

static int read_files(char * const *files, unsigned int nr_files,
		      struct wc_result *r)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr_files; i++) {
		err = wc_read_file(&queue, files[i], &r->bytes);
		if (!err)
			err = READ_ONCE(job_err);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		sample_peak(r);
	}
	return 0;
}

static int count_files(char * const *files, unsigned int nr_files,
		       struct wc_result *r)
{
	int err;

	wc_queue_init(&queue, nr_workers * BLOCKS_AHEAD);
	start_workers(count_work);
	err = read_files(files, nr_files, r);
	wc_queue_close(&queue);
	flush_workqueue(workqueue);
	sample_peak(r);
	if (job_err)
		pr_err("counting failed: %pe\n", ERR_PTR(job_err));
	return err ?: job_err;
}

static int by_word(void *priv, const struct list_head *a,
		   const struct list_head *b)
{
	cond_resched();
	return strcmp(list_entry(a, struct wc_node, sorted)->word,
		      list_entry(b, struct wc_node, sorted)->word);
}

static int by_count(void *priv, const struct list_head *a,
		    const struct list_head *b)
{
	u64 count_a = list_entry(a, struct wc_node, sorted)->count;
	u64 count_b = list_entry(b, struct wc_node, sorted)->count;

	if (count_a != count_b)
		return count_a < count_b ? 1 : -1;
	return by_word(priv, a, b);
}

void wc_sort_by_word(struct wc_result *r)
{
	list_sort(NULL, &r->sorted, by_word);
}

void wc_sort_by_count(struct wc_result *r)
{
	list_sort(NULL, &r->sorted, by_count);
}

static void gather_result(struct wc_result *r)
{
	unsigned int i;

	r->workers = nr_workers;
	for (i = 0; i < nr_workers; i++) {
		r->words += workers[i].words;
		r->distinct += table_of(0, i)->nr_nodes;
		r->remote += workers[i].remote;
		workers[i].remote = 0;
		wc_table_list(table_of(0, i), &r->sorted);
	}
	wc_sort_by_word(r);
}

static int job_init(void)
{
	unsigned int i;

	nr_workers = min_t(unsigned int, num_online_cpus(), WORKERS_MAX);
	for (i = 0; i < nr_workers; i++)
		workers[i].index = i;
	/*
	 * Unbound, since the workers run for a long time: the scheduler may
	 * move a worker to another CPU when other tasks want its CPU.
	 */
	workqueue = alloc_workqueue("wordcount", WQ_UNBOUND, nr_workers);
	if (!workqueue)
		return -ENOMEM;
	tables = wc_zalloc(tables_bytes());
	if (!tables) {
		destroy_workqueue(workqueue);
		return -ENOMEM;
	}
	return 0;
}

/**
 * wc_job_run - count the words of files
 * @files: their paths
 * @nr_files: number of files
 * @r: the result; must be zeroed
 *
 * Context: sleeps until all is done or the task is killed.
 * Return: 0, and the caller has to call wc_job_free() later; or an error, which
 * has been logged, except -EINTR if the task was killed between two files.
 */
int wc_job_run(char * const *files, unsigned int nr_files, struct wc_result *r)
{
	ktime_t start = ktime_get();
	int err;

	INIT_LIST_HEAD(&r->sorted);
	err = job_init();
	if (err) {
		pr_err("no memory to start\n");
		return err;
	}
	err = count_files(files, nr_files, r);
	if (err) {
		wc_job_free(r);
		return err;
	}
	run_workers(merge_work);
	sample_peak(r);
	gather_result(r);
	r->msecs = ktime_ms_delta(ktime_get(), start);
	return 0;
}

/**
 * wc_job_free - free all memory of a job, by all workers
 * @r: the result, of which only the numbers are valid afterwards
 */
void wc_job_free(struct wc_result *r)
{
	unsigned int i;

	run_workers(free_work);
	for (i = 0; i < nr_workers; i++)
		r->remote += workers[i].remote;
	wc_free(tables, tables_bytes());
	destroy_workqueue(workqueue);
}
