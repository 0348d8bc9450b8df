// SPDX-License-Identifier: GPL-2.0
/*
 * live.c - is there a live object?
 *
 * The answer is right for some moment of the call. It stays right for who owns the object.
 */
#include "key.h"
#include "kind.h"
#include "live.h"
#include "node.h"

/* Of one word of each bitmap: slots that are allocated, and not on their way back. */
static unsigned long live_slots(struct gomem_span *s, unsigned int word)
{
	return READ_ONCE(gomem_span_alloc_bits(s)[word]) &
	       ~READ_ONCE(gomem_span_freed_bits(s)[word]);
}

/**
 * gomem_slot_is_live - does somebody have the object of a slot?
 * @s: a span of small objects, which stays meanwhile
 * @i: the slot's number
 *
 * A slot that was never handed out has no alloc bit, and perhaps no key. A freed one in a
 * CPU's slot has its alloc bit and its key. A live one keeps its alloc bit: whoever changes
 * other bits of the word stores the word with that bit set.
 *
 * Context: any.
 * Return: the answer.
 */
bool gomem_slot_is_live(struct gomem_span *s, unsigned int i)
{
	void *obj = gomem_span_object(s, i);

	if (!(live_slots(s, i / 64) & BIT_ULL(i % 64)))
		return false;
	/* The object's owner may write to it meanwhile: that is no key, before or after. */
	return !data_race(gomem_is_free(gomem_kind_key(s->kind, obj)));
}

/**
 * gomem_large_is_live - does somebody have the object of a large span?
 * @s: the span, which stays meanwhile
 *
 * It is live from when its tag says so until somebody claims it.
 *
 * Context: any.
 * Return: the answer.
 */
bool gomem_large_is_live(const struct gomem_span *s)
{
	return gomem_pagemap_large(&gomem_pagemap, s->base) == s;
}
