// SPDX-License-Identifier: GPL-2.0
/*
 * transfer.c - the objects and the room of a transfer cache.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "cpu/transfer.h"

/*
 * The room of a transfer cache, in objects:
 *
 *	first		clamp(BEGIN_BYTES / size, BEGIN_MIN, BEGIN_MAX)
 *	next		2 * room
 *	no growth above	min(limit / size, GOMEM_TRANSFER_MAX,
 *			    moved / MOVED_SHARE)
 *
 * limit is the limit in bytes, which mcentral_transfer.c computes. moved is the
 * number of objects that puts offered and takes asked for in the current second
 * (see struct gomem_transfer). Room grows when three things happen in that
 * second, in this order: a put finds too little room, a take finds no object,
 * and a put finds too little room again. Room does not grow while
 * moved < MOVED_MIN, or if all transfer caches of the heap together would
 * exceed their limit.
 */
#define BEGIN_BYTES	SZ_32K
#define BEGIN_MIN	4
#define BEGIN_MAX	64
#define MOVED_SHARE	64
#define MOVED_MIN	8192

/**
 * gomem_transfer_init - initialize a transfer cache that has no room yet
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
		WRITE_ONCE(t->wants_array, false);
	}
	t->moved += n;
}

/**
 * gomem_transfer_put - keep objects that a slot flushed
 * @t: the transfer cache
 * @objs: the objects
 * @n: number of objects
 *
 * Return: the number of objects kept, which are the first ones in @objs.
 */
unsigned int gomem_transfer_put(struct gomem_transfer *t, void **objs,
				unsigned int n)
{
	unsigned int room = t->room - t->n;

	note_move(t, n);
	t->refused |= n > room;
	n = min(n, room);
	memcpy(t->objs + t->n, objs, n * sizeof(*objs));
	/* gomem_mcache_count() reads t->n without the lock. */
	WRITE_ONCE(t->n, t->n + n);
	t->high = max(t->high, t->n);
	t->used |= n > 0;
	return n;
}

static unsigned int take_newest(struct gomem_transfer *t, void **objs,
				unsigned int n)
{
	WRITE_ONCE(t->n, t->n - n);
	t->low = min(t->low, t->n);
	memcpy(objs, t->objs + t->n, n * sizeof(*objs));
	return n;
}

/**
 * gomem_transfer_take - take objects for a slot
 * @t: the transfer cache
 * @objs: array that receives the objects
 * @n: number of objects wanted
 *
 * Takes the objects that were put last.
 *
 * Return: the number of objects taken, 0 if the cache is empty.
 */
unsigned int gomem_transfer_take(struct gomem_transfer *t, void **objs,
				 unsigned int n)
{
	note_move(t, n);
	t->missed |= t->refused && !t->n;
	t->used |= t->n > 0;
	return take_newest(t, objs, min_t(unsigned int, n, t->n));
}

/**
 * gomem_transfer_earned - compute the room that a transfer cache should have
 * @t: the transfer cache
 * @size: bytes of an object
 * @limit: limit of the bytes of objects that there should be room for
 *
 * Called after a put that found too little room. See the comment at the top of
 * this file for the rule.
 *
 * Return: the number of objects there should be room for, at least @t->room.
 */
unsigned int gomem_transfer_earned(const struct gomem_transfer *t,
				   unsigned int size, size_t limit)
{
	unsigned int most = min_t(size_t, limit / size, GOMEM_TRANSFER_MAX);
	unsigned int room;

	if (!t->missed || t->moved < MOVED_MIN)
		return t->room;
	room = t->room ? 2 * t->room :
			 clamp(BEGIN_BYTES / size, BEGIN_MIN, BEGIN_MAX);
	room = min3(room, most, t->moved / MOVED_SHARE);
	return max_t(unsigned int, room, t->room);
}

/**
 * gomem_transfer_look - count the objects not needed since the last look
 * @t: the transfer cache
 * @all: treat the cache as unused
 *
 * Removes the room that has stayed empty since the last look, and resets
 * @t->low and @t->high. If the cache has not been used since the last look, all
 * its objects are surplus. Otherwise the surplus is the lowest number of
 * objects that it had since then.
 *
 * Return: the number of surplus objects, to be passed to
 * gomem_transfer_reduce().
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
 * gomem_transfer_reduce - remove objects, and the room for them
 * @t: the transfer cache
 * @n: number of objects to remove, at most
 * @objs: array that receives the objects
 *
 * Return: the number of objects removed.
 */
unsigned int gomem_transfer_reduce(struct gomem_transfer *t, unsigned int n,
				   void **objs)
{
	n = take_newest(t, objs, min_t(unsigned int, n, t->n));
	t->room -= n;
	t->high = min(t->high, t->room);
	return n;
}

/**
 * gomem_transfer_validate - check the invariants of struct gomem_transfer
 * @t: the transfer cache
 *
 * Return: a text that describes the first violation, or NULL.
 */
const char *gomem_transfer_validate(const struct gomem_transfer *t)
{
	if (t->low > t->n || t->n > t->high || t->high > t->room)
		return "a transfer cache has more objects than room";
	if (!t->objs != !t->room || !t->len != !t->room ||
	    t->room > t->len || t->len > GOMEM_TRANSFER_MAX)
		return "the array of a transfer cache does not fit its room";
	return NULL;
}
