/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wordcount.h - an example client of gomem: counts the words of files, on all
 * CPUs at once.
 *
 * A word is a longest run of ASCII letters and digits within one file, case
 * matters: what "tr -cs A-Za-z0-9 '\n' <file" prints, but for the empty line in
 * front. All other bytes separate words. No word has more than WC_WORD_MAX bytes.
 *
 * The way of a word, and who frees what:
 *
 *	read	The task that loads the module reads the files block by block into
 *		a queue (wc_text.c).
 *	count	A worker on each CPU takes blocks off the queue, counts their words
 *		in tables of its own, and frees them: the reader's memory. A word's
 *		hash decides in which of its tables it is counted, as many as there
 *		are workers (wc_table.c).
 *	merge	Each worker joins one table of every worker, moving nodes and
 *		freeing those whose word it has already: other workers' memory.
 *	sort	The loading task puts all nodes into one list.
 *
 * Unloading frees each table on some CPU (wc_job.c).
 */
#ifndef WORDCOUNT_H
#define WORDCOUNT_H

#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

/* wc_mem: memory, from one of two allocators */

int wc_mem_select(const char *name);
const char *wc_mem_name(void);

void *wc_alloc(size_t size) __malloc;
void *wc_zalloc(size_t size) __malloc;
void *wc_alloc_text(size_t size) __malloc;
void *wc_realloc(void *p, size_t old_size, size_t new_size, gfp_t gfp);
char *wc_strdup(const char *s, size_t len);
void wc_free(const void *p, size_t size);

/**
 * struct wc_tally - what went through the functions above
 * @allocs: allocations
 * @frees: frees
 * @requested: bytes asked for, of what is live
 * @held: bytes those objects really have
 */
struct wc_tally {
	long allocs;
	long frees;
	long requested;
	long held;
};

void wc_mem_tally(struct wc_tally *sum);

/* wc_text: blocks of text, a queue of them, and the words in them */

#define WC_WORD_MAX	SZ_1M

/**
 * struct wc_block - a piece of a file, cut between words
 * @link: in the queue
 * @text: its bytes, with room for one more
 * @used: how many
 * @size: bytes allocated at @text
 * @cpu: where it was allocated
 */
struct wc_block {
	struct list_head link;
	char *text;
	size_t used;
	size_t size;
	int cpu;
};

/**
 * struct wc_queue - blocks on their way from the reader to the workers
 * @lock: protects @blocks, @len, @limit and @closed
 * @blocks: oldest first
 * @len: how many
 * @limit: the reader waits when there are so many
 * @closed: no more will come; never reset
 * @room: where the reader waits
 * @work: where workers wait
 */
struct wc_queue {
	spinlock_t lock;	/* not for the wait queues, which have their own */
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

/* wc_table: counted words */

/**
 * struct wc_node - a word
 * @next: in its bucket
 * @sorted: in the result
 * @word: the word
 * @count: how often it came
 * @hash: of @word
 * @cpu: where this node was allocated
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
 * @bucket: lists of nodes; NULL if there are none yet
 * @nr_buckets: how many, a power of two
 * @nr_nodes: nodes in all of them
 * @grow_at: more buckets are wanted when there are so many nodes
 */
struct wc_table {
	struct wc_node **bucket;
	u32 nr_buckets;
	u32 nr_nodes;
	u32 grow_at;
};

u32 wc_hash(const char *word, size_t len);
int wc_table_add(struct wc_table *t, const char *word, size_t len, u32 hash);
void wc_table_merge(struct wc_table *to, struct wc_table *from, unsigned long *remote);
void wc_table_list(struct wc_table *t, struct list_head *list);
void wc_table_free(struct wc_table *t, unsigned long *remote);

/* wc_job: counting on all CPUs */

/**
 * struct wc_result - what came out
 * @sorted: all nodes, by word
 * @workers: how many there were
 * @bytes: read
 * @words: counted
 * @distinct: nodes in @sorted
 * @remote: objects that were freed on another CPU than they came from
 * @peak: most bytes held, as seen after each file and each step
 * @msecs: from the first byte to the last word
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

/* wc_show: /sys/kernel/debug/wordcount/ */

void wc_show_init(struct wc_result *r, unsigned int nr_files);
void wc_show_exit(void);

#endif /* WORDCOUNT_H */
