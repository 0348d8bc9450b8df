// SPDX-License-Identifier: GPL-2.0
/*
 * wc_text.c - read files into blocks, and find the words in blocks.
 */
#define pr_fmt(fmt) "wordcount: " fmt

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "wordcount.h"

/*
 * Usual size of a block: large enough to keep a worker busy for a while. The
 * last byte is for the NUL after the block's last word.
 */
#define BLOCK_BYTES	SZ_256K

/*
 * block_grow() makes no larger block, but returns -EFBIG. A block grows only if
 * one word fills it. If twice the size of the block exceeds BLOCK_MAX, the word
 * is longer than WC_WORD_MAX: count_word() would refuse it, too.
 */
#define BLOCK_MAX	(2 * WC_WORD_MAX)

static struct wc_block *block_alloc(size_t size)
{
	struct wc_block *b = wc_alloc(sizeof(*b));

	if (!b)
		return NULL;
	b->text = wc_alloc_text(size);
	if (!b->text) {
		wc_free(b, sizeof(*b));
		return NULL;
	}
	b->used = 0;
	b->size = size;
	b->cpu = raw_smp_processor_id();
	return b;
}

void wc_block_free(struct wc_block *b)
{
	if (!b)
		return;
	wc_free(b->text, b->size);
	wc_free(b, sizeof(*b));
}

static size_t block_room(const struct wc_block *b)
{
	return b->size - 1 - b->used;
}

static int block_grow(struct wc_block *b)
{
	size_t size = b->size * 2;
	char *text;

	if (size > BLOCK_MAX)
		return -EFBIG;
	text = wc_realloc(b->text, b->size, size, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	b->text = text;
	b->size = size;
	return 0;
}

/* Check isascii() first: isalnum() also accepts letters of Latin-1. */
static bool in_word(char c)
{
	return isascii(c) && isalnum(c);
}

/*
 * Return the length of the block's last word, which may continue in the next
 * block.
 */
static size_t open_end(const struct wc_block *b)
{
	size_t n = b->used;

	while (n && in_word(b->text[n - 1]))
		n--;
	return b->used - n;
}

/**
 * wc_next_word - find the next word of a block
 * @b: the block; the byte after each word is replaced by a NUL
 * @pos: where to continue; 0 at first
 * @len: set to the length of the word
 *
 * Return: the word, or NULL if there are no more.
 */
char *wc_next_word(struct wc_block *b, size_t *pos, size_t *len)
{
	size_t start, end;

	for (start = *pos; start < b->used && !in_word(b->text[start]); start++)
		;
	for (end = start; end < b->used && in_word(b->text[end]); end++)
		;
	*pos = end + 1;
	*len = end - start;
	if (!*len)
		return NULL;
	b->text[end] = '\0';
	return b->text + start;
}

void wc_queue_init(struct wc_queue *q, unsigned int limit)
{
	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->blocks);
	q->len = 0;
	q->limit = limit;
	q->closed = false;
	init_waitqueue_head(&q->room);
	init_waitqueue_head(&q->work);
}

static bool try_push(struct wc_queue *q, struct wc_block *b)
{
	bool room;

	spin_lock(&q->lock);
	room = q->len < q->limit;
	if (room) {
		list_add_tail(&b->link, &q->blocks);
		q->len++;
	}
	spin_unlock(&q->lock);
	return room;
}

/* Pass @b to the workers. After an error it still belongs to the caller. */
static int push(struct wc_queue *q, struct wc_block *b)
{
	int err = wait_event_killable(q->room, try_push(q, b));

	if (!err)
		wake_up(&q->work);
	return err ? -EINTR : 0;
}

static bool try_pop(struct wc_queue *q, struct wc_block **b)
{
	bool done;

	spin_lock(&q->lock);
	*b = list_first_entry_or_null(&q->blocks, struct wc_block, link);
	if (*b) {
		list_del(&(*b)->link);
		q->len--;
	}
	done = *b || q->closed;
	spin_unlock(&q->lock);
	return done;
}

/**
 * wc_queue_pop - take a block off the queue
 * @q: the queue
 *
 * Context: may sleep until there is a block.
 * Return: the block, which belongs to the caller, or NULL if no more will come.
 */
struct wc_block *wc_queue_pop(struct wc_queue *q)
{
	struct wc_block *b;

	wait_event_idle_exclusive(q->work, try_pop(q, &b));
	if (b)
		wake_up(&q->room);
	return b;
}

void wc_queue_close(struct wc_queue *q)
{
	spin_lock(&q->lock);
	q->closed = true;
	spin_unlock(&q->lock);
	wake_up_all(&q->work);
}

/*
 * Pass a full block to the workers, without its last word: the end of that word
 * may not have been read from the file yet. The word becomes the start of the
 * next block, *@block. If the word fills the whole block, grow the block
 * instead.
 */
static int cut_block(struct wc_queue *q, struct wc_block **block)
{
	struct wc_block *b = *block, *next;
	size_t rest = open_end(b);
	int err;

	if (rest == b->used)
		return block_grow(b);
	next = block_alloc(max_t(size_t, BLOCK_BYTES, 2 * rest));
	if (!next)
		return -ENOMEM;
	b->used -= rest;
	memcpy(next->text, b->text + b->used, rest);
	next->used = rest;
	err = push(q, b);
	if (err) {
		wc_block_free(next);
		return err;
	}
	*block = next;
	return 0;
}

/*
 * Read the whole file, and pass full blocks to the workers. At the end the
 * caller has to pass the last block, *@block.
 */
static int read_blocks(struct wc_queue *q, struct file *file,
		       struct wc_block **block, u64 *bytes)
{
	loff_t pos = 0;
	ssize_t n;
	int err;

	for (;;) {
		struct wc_block *b = *block;

		n = kernel_read(file, b->text + b->used, block_room(b), &pos);
		if (n <= 0)
			return n;
		b->used += n;
		*bytes += n;
		if (!block_room(b)) {
			err = cut_block(q, block);
			if (err)
				return err;
		}
		cond_resched();
	}
}

static int read_open_file(struct wc_queue *q, struct file *file, u64 *bytes)
{
	struct wc_block *b;
	size_t size;
	int err;

	if (!S_ISREG(file_inode(file)->i_mode))
		return -EINVAL;
	/*
	 * A small file gets a small block, with two spare bytes. One is for the
	 * NUL. The other is room for a last read, which finds the end of file.
	 */
	size = min_t(loff_t, i_size_read(file_inode(file)), BLOCK_BYTES - 2);
	b = block_alloc(size + 2);
	if (!b)
		return -ENOMEM;
	err = read_blocks(q, file, &b, bytes);
	if (!err && b->used) {
		err = push(q, b);
		if (!err)
			return 0;
	}
	wc_block_free(b);
	return err;
}

/**
 * wc_read_file - put the text of a file into the queue
 * @q: the queue
 * @path: the file, which must be a regular one
 * @bytes: the number of bytes read is added to *@bytes
 *
 * Context: may sleep, also until workers have made room in the queue.
 * Return: 0 or an error, which has been logged.
 */
int wc_read_file(struct wc_queue *q, const char *path, u64 *bytes)
{
	struct file *file = filp_open(path, O_RDONLY | O_LARGEFILE, 0);
	int err;

	if (IS_ERR(file)) {
		err = PTR_ERR(file);
	} else {
		err = read_open_file(q, file, bytes);
		filp_close(file, NULL);
	}
	if (err)
		pr_err("%s: cannot be read: %pe%s\n", path, ERR_PTR(err),
		       err == -EINVAL ? ", it is no regular file" : "");
	return err;
}
