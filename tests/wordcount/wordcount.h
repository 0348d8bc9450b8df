/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wordcount.h - an example client of gomem that counts the words of files, on
 * all CPUs at once.
 *
 * A word is a maximal sequence of ASCII letters and digits in one file. Case
 * matters. All other bytes separate words. So the words are the lines that
 * "tr -cs A-Za-z0-9 '\n' <file" prints, except for an empty first line. If a
 * word has more than WC_WORD_MAX bytes, loading fails with -EFBIG.
 *
 * The steps, in some of which a CPU frees memory that another CPU allocated:
 *
 *	read	The task that loads the module reads the files block by block
 *		into a queue (wc_text.c).
 *	count	Workers, one per CPU but at most 32, take blocks off the queue,
 *		count the words of the blocks in their own tables, and free the
 *		blocks, which the reader allocated. A table has a node for each
 *		word (wc_table.c). A worker has as many tables as there are
 *		workers; a word's hash selects the table.
 *	merge	Worker i merges the i-th tables of all workers into one: it
 *		moves the nodes of the other tables into that one. If that
 *		table has the word of a node already, the worker frees the node,
 *		which usually another worker allocated.
 *	sort	The loading task puts all nodes into one list, and sorts it.
 *
 * At unload the workers free the tables, on whichever CPU they run (wc_job.c).
 */
#ifndef WORDCOUNT_H
#define WORDCOUNT_H

#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

/* wc_mem.c: allocate memory from gomem or with kmalloc() */

int wc_mem_select(const char *name);
const char *wc_mem_name(void);

void *wc_alloc(size_t size) __malloc;
void *wc_zalloc(size_t size) __malloc;
void *wc_alloc_text(size_t size) __malloc;
void *wc_realloc(void *p, size_t old_size, size_t new_size, gfp_t gfp);
char *wc_strdup(const char *s, size_t len);
void wc_free(const void *p, size_t size);

/**
 * struct wc_tally - what wc_alloc(), wc_free() and their relatives count
 * @allocs: allocations
 * @frees: frees
 * @requested: bytes that callers requested for the live objects
 * @held: usable bytes of the live objects
 */
struct wc_tally {
	long allocs;
	long frees;
	long requested;
	long held;
};

void wc_mem_tally(struct wc_tally *sum);

/* wc_text.c: read text into blocks, queue them, and find their words */

#define WC_WORD_MAX	SZ_1M

/**
 * struct wc_block - a piece of a file, cut between words
 * @link: entry in the queue
 * @text: the bytes, with room for a NUL after the last word
 * @used: number of bytes
 * @size: bytes allocated at @text
 * @cpu: CPU that allocated the block
 */
struct wc_block {
	struct list_head link;
	char *text;
	size_t used;
	size_t size;
	int cpu;
};

/**
 * struct wc_queue - blocks between the reader and the workers
 * @lock: protects @blocks, @len, @limit and @closed
 * @blocks: oldest first
 * @len: number of blocks
 * @limit: the reader waits while there are this many
 * @closed: no more blocks will come; never cleared again
 * @room: the reader waits here
 * @work: the workers wait here
 */
struct wc_queue {
	spinlock_t lock;	/* the wait queues have locks of their own */
	struct list_head blocks;
	unsigned int len;
	unsigned int limit;
	bool closed;
	wait_queue_head_t room;
	wait_queue_head_t work;
};

void wc_queue_init(struct wc_queue *q, unsigned int limit);
struct wc_block *wc_queue_pop(struct wc_queue *q);
void wc_queue_close(struct wc_queue *q);

int wc_read_file(struct wc_queue *q, const char *path, u64 *bytes);
void wc_block_free(struct wc_block *b);
char *wc_next_word(struct wc_block *b, size_t *pos, size_t *len);

/* wc_table.c: hash tables of counted words */

/**
 * struct wc_node - a word
 * @next: next node of the bucket
 * @sorted: entry in the result
 * @word: the word
 * @count: number of occurrences
 * @hash: hash of @word
 * @cpu: CPU that allocated this node
 */
struct wc_node {
	struct wc_node *next;
	struct list_head sorted;
	char *word;
	u64 count;
	u32 hash;
	int cpu;
};

/**
 * struct wc_table - a hash table that grows
 * @bucket: lists of nodes; NULL in an empty table
 * @nr_buckets: number of buckets, a power of two
 * @nr_nodes: nodes in all buckets
 * @grow_at: add buckets when there are this many nodes
 */
struct wc_table {
	struct wc_node **bucket;
	u32 nr_buckets;
	u32 nr_nodes;
	u32 grow_at;
};

u32 wc_hash(const char *word, size_t len);
int wc_table_add(struct wc_table *t, const char *word, size_t len, u32 hash);
void wc_table_merge(struct wc_table *to, struct wc_table *from,
		    unsigned long *remote);
void wc_table_list(struct wc_table *t, struct list_head *list);
void wc_table_free(struct wc_table *t, unsigned long *remote);

/* wc_job.c: count on all CPUs */

/**
 * struct wc_result - the result of a job
 * @sorted: all nodes, sorted by word, as strcmp() compares the words
 * @workers: number of workers
 * @bytes: bytes read
 * @words: words counted
 * @distinct: nodes in @sorted
 * @remote: objects freed on another CPU than they were allocated on
 * @peak: maximum of wc_tally.held, the usable bytes of the live objects,
 *	sampled after each file, after the counting, and after the merge
 * @msecs: time that the job took, from its start to the sorted result
 */
struct wc_result {
	struct list_head sorted;
	unsigned int workers;
	u64 bytes;
	u64 words;
	u64 distinct;
	unsigned long remote;
	long peak;
	s64 msecs;
};

int wc_job_run(char * const *files, unsigned int nr_files, struct wc_result *r);
void wc_job_free(struct wc_result *r);
void wc_sort_by_count(struct wc_result *r);
void wc_sort_by_word(struct wc_result *r);

/* wc_show.c: show the result in /sys/kernel/debug/wordcount/ */

void wc_show_init(struct wc_result *r, unsigned int nr_files);
void wc_show_exit(void);

#endif /* WORDCOUNT_H */
