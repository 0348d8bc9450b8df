// SPDX-License-Identifier: GPL-2.0
/*
 * wc_table.c - hash tables of counted words.
 *
 * A table belongs to one worker at a time, so there are no locks.
 */
#include <linux/gfp.h>
#include <linux/jhash.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "wordcount.h"

#define BUCKETS_MIN	16
#define BUCKETS_MAX	(SZ_4M / sizeof(struct wc_node *))

u32 wc_hash(const char *word, size_t len)
{
	return jhash(word, len, 0);
}

static struct wc_node *node_alloc(const char *word, size_t len, u32 hash)
{
	struct wc_node *node = wc_alloc(sizeof(*node));

	if (!node)
		return NULL;
	node->word = wc_strdup(word, len);
	if (!node->word) {
		wc_free(node, sizeof(*node));
		return NULL;
	}
	node->count = 1;
	node->hash = hash;
	node->cpu = raw_smp_processor_id();
	return node;
}

static void node_free(struct wc_node *node, unsigned long *remote)
{
	/* Count two objects: the node and its word. */
	if (node->cpu != raw_smp_processor_id())
		*remote += 2;
	wc_free(node->word, strlen(node->word) + 1);
	wc_free(node, sizeof(*node));
}

static struct wc_node **bucket_of(struct wc_table *t, u32 hash)
{
	return &t->bucket[hash & (t->nr_buckets - 1)];
}

static size_t bucket_bytes(u32 nr_buckets)
{
	return nr_buckets * sizeof(struct wc_node *);
}

/*
 * Distribute the nodes after the number of buckets has doubled. A node of
 * bucket i stays there, or moves to bucket i + @half.
 */
static void split_buckets(struct wc_table *t, u32 half)
{
	u32 i;

	memset(t->bucket + half, 0, bucket_bytes(half));
	for (i = 0; i < half; i++) {
		struct wc_node **from = &t->bucket[i],
			       **to = &t->bucket[i + half];
		struct wc_node *node;

		while ((node = *from)) {
			if (!(node->hash & half)) {
				from = &node->next;
				continue;
			}
			*from = node->next;
			node->next = NULL;
			*to = node;
			to = &node->next;
		}
	}
}

/*
 * Double the number of buckets. If there is no memory, or there are already
 * BUCKETS_MAX buckets, the lists of nodes get longer. The next attempt is made
 * when there are twice as many nodes.
 */
static void table_grow(struct wc_table *t)
{
	struct wc_node **bucket = NULL;
	u32 half = t->nr_buckets;

	if (half < BUCKETS_MAX)
		bucket = wc_realloc(t->bucket, bucket_bytes(half),
				    bucket_bytes(2 * half),
				    GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!bucket) {
		t->grow_at = t->nr_nodes * 2;
		return;
	}
	t->bucket = bucket;
	t->nr_buckets = 2 * half;
	t->grow_at = t->nr_buckets;
	split_buckets(t, half);
	cond_resched();
}

static int table_init(struct wc_table *t)
{
	t->bucket = wc_zalloc(bucket_bytes(BUCKETS_MIN));
	if (!t->bucket)
		return -ENOMEM;
	t->nr_buckets = BUCKETS_MIN;
	t->grow_at = BUCKETS_MIN;
	return 0;
}

static struct wc_node *table_find(struct wc_table *t, const char *word,
				  u32 hash)
{
	struct wc_node *node;

	for (node = *bucket_of(t, hash); node; node = node->next)
		if (node->hash == hash && !strcmp(node->word, word))
			return node;
	return NULL;
}

static void table_link(struct wc_table *t, struct wc_node *node)
{
	struct wc_node **bucket;

	if (t->nr_nodes >= t->grow_at)
		table_grow(t);
	bucket = bucket_of(t, node->hash);
	node->next = *bucket;
	*bucket = node;
	t->nr_nodes++;
}

/**
 * wc_table_add - count a word
 * @t: the table, zeroed at first
 * @word: the word
 * @len: its length
 * @hash: its wc_hash()
 *
 * Return: 0 or -ENOMEM.
 */
int wc_table_add(struct wc_table *t, const char *word, size_t len, u32 hash)
{
	struct wc_node *node;
	int err;

	if (!t->bucket) {
		err = table_init(t);
		if (err)
			return err;
	}
	node = table_find(t, word, hash);
	if (node) {
		node->count++;
		return 0;
	}
	node = node_alloc(word, len, hash);
	if (!node)
		return -ENOMEM;
	table_link(t, node);
	return 0;
}

static void merge_node(struct wc_table *to, struct wc_node *node,
		       unsigned long *remote)
{
	struct wc_node *same = table_find(to, node->word, node->hash);

	if (same) {
		same->count += node->count;
		node_free(node, remote);
	} else {
		table_link(to, node);
	}
}

/* Remove the first node of a bucket. Return NULL if there is none. */
static struct wc_node *bucket_pop(struct wc_node **bucket)
{
	struct wc_node *node = *bucket;

	if (node)
		*bucket = node->next;
	return node;
}

/* Free the buckets of a table without nodes. */
static void table_reset(struct wc_table *t)
{
	wc_free(t->bucket, bucket_bytes(t->nr_buckets));
	memset(t, 0, sizeof(*t));
}

/**
 * wc_table_merge - move all words of one table into another
 * @to: the table that gets the words
 * @from: left empty, without memory
 * @remote: incremented for each node and each word that another CPU allocated
 *	and this CPU freed
 *
 * This cannot fail: nodes are moved or freed, and none is allocated.
 */
void wc_table_merge(struct wc_table *to, struct wc_table *from,
		    unsigned long *remote)
{
	struct wc_node *node;
	u32 i;

	if (!to->bucket) {
		*to = *from;
		memset(from, 0, sizeof(*from));
		return;
	}
	for (i = 0; i < from->nr_buckets; i++) {
		while ((node = bucket_pop(&from->bucket[i])))
			merge_node(to, node, remote);
		cond_resched();
	}
	table_reset(from);
}

/* Add all nodes to the list, in no particular order. */
void wc_table_list(struct wc_table *t, struct list_head *list)
{
	struct wc_node *node;
	u32 i;

	for (i = 0; i < t->nr_buckets; i++)
		for (node = t->bucket[i]; node; node = node->next)
			list_add_tail(&node->sorted, list);
}

void wc_table_free(struct wc_table *t, unsigned long *remote)
{
	struct wc_node *node;
	u32 i;

	for (i = 0; i < t->nr_buckets; i++) {
		while ((node = bucket_pop(&t->bucket[i])))
			node_free(node, remote);
		cond_resched();
	}
	table_reset(t);
}
