// SPDX-License-Identifier: GPL-2.0
/*
 * transfer.c - how much is kept for others to refill from.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "transfer.h"

/*
 * Room begins with BEGIN_BYTES of objects, a few at least, and doubles up to MAX_BYTES,
 * or GOMEM_TRANSFER_MAX objects: each time that there was no room for some, and others were
 * wanted when it was empty, and again there is no room. But only as far as MOVED_SHARE
 * times as many objects come or are wanted within a second, in which all that happens.
 */
#define BEGIN_BYTES	SZ_32K
#define BEGIN_MIN	4
#define BEGIN_MAX	64
#define MAX_BYTES	SZ_1M
#define MOVED_SHARE	64
#define MOVED_MIN	8192

/**
 * gomem_transfer_init - make one that holds nothing, and has no room
 * @t: the transfer cache
 */
void gomem_transfer_init(struct gomem_transfer *t)
{
	memset(t, 0, sizeof(*t));
	t->moved_until = jiffies;
}

static void note_move(struct gomem_transfer *t, unsigned int n)
{
	if (time_after(jiffies, t->moved_until)) {
		t->moved_until = jiffies + HZ;
		t->moved = 0;
		t->refused = false;
		t->missed = false;
		t->wants_page = false;
	}
	t->moved += n;
}

/**
 * gomem_transfer_put - keep objects that a slot flushed
 * @t: the transfer cache
 * @objs: the objects
 * @n: how many
 *
 * Return: how many of them there was room for, the first ones.
 */
unsigned int gomem_transfer_put(struct gomem_transfer *t, void **objs, unsigned int n)
{
	unsigned int room = t->room - t->n;

	note_move(t, n);
	t->refused |= n > room;
	n = min(n, room);
	memcpy(t->objs + t->n, objs, n * sizeof(*objs));
	/* Others look how many there are: gomem_mcache_count(). */
	WRITE_ONCE(t->n, t->n + n);
	t->high = max(t->high, t->n);
	t->used |= n > 0;
	return n;
}

static unsigned int take(struct gomem_transfer *t, void **objs, unsigned int n)
{
	WRITE_ONCE(t->n, t->n - n);
	t->low = min(t->low, t->n);
	memcpy(objs, t->objs + t->n, n * sizeof(*objs));
	return n;
}

/**
 * gomem_transfer_take - have objects for a slot
 * @t: the transfer cache
 * @objs: where they go
 * @n: how many are wanted
 *
 * Return: how many there were, those that came last.
 */
unsigned int gomem_transfer_take(struct gomem_transfer *t, void **objs, unsigned int n)
{
	note_move(t, n);
	t->missed |= t->refused && !t->n;
	t->used |= t->n > 0;
	return take(t, objs, min_t(unsigned int, n, t->n));
}

/**
 * gomem_transfer_earned - how much room there should be, now that it was too full
 * @t: the transfer cache
 * @size: bytes of an object
 *
 * Return: the number of objects, @t->room at least.
 */
unsigned int gomem_transfer_earned(const struct gomem_transfer *t, unsigned int size)
{
	unsigned int most = min_t(unsigned int, MAX_BYTES / size, GOMEM_TRANSFER_MAX);
	unsigned int room;

	if (!t->missed || t->moved < MOVED_MIN)
		return t->room;
	room = t->room ? 2 * t->room : clamp(BEGIN_BYTES / size, BEGIN_MIN, BEGIN_MAX);
	room = min3(room, most, t->moved / MOVED_SHARE);
	return max_t(unsigned int, room, t->room);
}

/**
 * gomem_transfer_look - see what nobody came for since the last look
 * @t: the transfer cache
 * @all: whatever it was, all is too much
 *
 * Room that was empty all the time is taken away.
 *
 * Return: how many objects, with their room, are too many: all, if nothing happened.
 */
unsigned int gomem_transfer_look(struct gomem_transfer *t, bool all)
{
	bool used = t->used && !all;
	unsigned int surplus = used ? t->low : t->n;

	t->room = used ? t->high : t->n;
	t->used = false;
	t->low = t->n;
	t->high = t->n;
	return surplus;
}

/**
 * gomem_transfer_reduce - take out objects, and the room that they had
 * @t: the transfer cache
 * @n: how many, if there are
 * @objs: where they go
 *
 * Return: how many there were.
 */
unsigned int gomem_transfer_reduce(struct gomem_transfer *t, unsigned int n, void **objs)
{
	n = take(t, objs, min_t(unsigned int, n, t->n));
	t->room -= n;
	t->high = min(t->high, t->room);
	return n;
}

/**
 * gomem_transfer_validate - check the invariants beside the struct
 * @t: the transfer cache
 *
 * Return: what is wrong, or NULL.
 */
const char *gomem_transfer_validate(const struct gomem_transfer *t)
{
	if (t->low > t->n || t->n > t->high || t->high > t->room ||
	    t->room > GOMEM_TRANSFER_MAX)
		return "transfer cache has more than there is room for";
	if (!t->objs != !t->room)
		return "transfer cache with a page and no room, or the reverse";
	return NULL;
}
