// SPDX-License-Identifier: GPL-2.0
/*
 * marks.c - mark objects that something points to.
 *
 * A set of marks has a table of the pages that the heaps had when the set was
 * made. The entry of a page leads to a struct gomem_marks_span: where the
 * page's span begins, how the span is cut, and three bitmaps. Marking does not
 * read the descriptors of spans, which may change. Only the task that made the
 * set uses it, so it needs no lock.
 *
 * The bitmaps have a bit for each *unit* of a span. A unit is an object, except
 * in a span of tiny blocks, where each byte is a unit: an object may start
 * there. A scan searches memory in several *rounds*: see marks.h.
 *
 *	candidate	the object was live when the set was made, and no round
 *			has dropped it
 *	marked		this round found a pointer to it
 *	done		this round has followed the pointers in it
 *
 * The spans that have objects that are marked and not done are on a list, whose
 * links are in struct gomem_marks_span. A stack of such objects could grow
 * without limit. With the list, following pointers allocates no memory.
 */
#include <kunit/visibility.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "base/hide.h"
#include "map/pagemap.h"
#include "map/span.h"
#include "map/tinyblock.h"
#include "run/marks.h"
#include "run/marks_set.h"
#include "run/peek.h"
#include "run/shape.h"

#define GFP_MARKS	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

static int interrupted(void)
{
	cond_resched();
	return signal_pending(current) ? -EINTR : 0;
}

typedef int (*span_fn)(struct gomem_marks *m, unsigned long addr);

/* Call a function for each address of a chunk at which a span begins. */
static int each_span_of(struct gomem_marks *m, unsigned long addr, span_fn fn)
{
	unsigned long end = addr + GOMEM_CHUNK_SIZE;
	int err = 0;

	for (; addr < end && !err; addr += GOMEM_PAGE_SIZE)
		if (gomem_shape_begins(addr))
			err = fn(m, addr);
	return err;
}

static int each_span(struct gomem_marks *m, span_fn fn)
{
	unsigned long ci;
	int err = 0;

	for (ci = 0; ci < READ_ONCE(gomem_pagemap.nr_chunks) && !err; ci++) {
		if (gomem_pagemap_nth_chunk(&gomem_pagemap, ci) !=
		    &gomem_no_chunk)
			err = each_span_of(m, m->base +
					   (ci << GOMEM_CHUNK_SHIFT), fn);
		err = err ?: interrupted();
	}
	return err;
}

/* Return the marks of the span at @addr, NULL if the set has none. */
static struct gomem_marks_span *find_span(const struct gomem_marks *m,
					  unsigned long addr)
{
	unsigned long ci = (addr - m->base) >> GOMEM_CHUNK_SHIFT;

	if (ci >= m->nr_chunks || !m->chunk[ci])
		return NULL;
	return m->chunk[ci][gomem_chunk_page(addr)];
}

/* Add a span to the set. Let its pages' entries in the table lead to @ms. */
static int link_span(struct gomem_marks *m, struct gomem_marks_span *ms)
{
	unsigned long page = ms->shape.page, end = page + ms->shape.npages, ci;

	ms->all = m->all;
	m->all = ms;
	for (; page < end; page++) {
		ci = page >> GOMEM_CHUNK_PAGES_SHIFT;
		if (ci >= m->nr_chunks)
			break;
		if (!m->chunk[ci])
			m->chunk[ci] = kvcalloc(GOMEM_CHUNK_PAGES,
						sizeof(**m->chunk), GFP_MARKS);
		if (!m->chunk[ci])
			return -ENOMEM;
		m->chunk[ci][page % GOMEM_CHUNK_PAGES] = ms;
	}
	return 0;
}

/* Make each live object of a span a candidate. Return their number. */
static unsigned int find_candidates(struct gomem_marks_span *ms)
{
	struct gomem_span *s;
	unsigned int u, n = 0;

	rcu_read_lock();
	s = gomem_shape_span(&ms->shape);
	for (u = 0; s && u < ms->shape.nr; u++) {
		if (!gomem_shape_live(&ms->shape, s, u))
			continue;
		__set_bit(u, candidates(ms));
		if (ms->shape.tiny)
			__set_bit(u, starts(ms));
		n++;
	}
	rcu_read_unlock();
	return n;
}

static int add_span(struct gomem_marks *m, unsigned long addr)
{
	struct gomem_marks_span *ms;
	struct gomem_shape sh;
	unsigned int n;

	if (!gomem_shape_get(addr, &sh))
		return 0;
	ms = kvzalloc(struct_size(ms, bits, 3 * BITS_TO_LONGS(sh.nr)),
		      GFP_MARKS);
	if (!ms)
		return -ENOMEM;
	ms->shape = sh;
	n = find_candidates(ms);
	if (!n) {
		kvfree(ms);
		return 0;
	}
	m->live += n;
	return link_span(m, ms);
}

/*
 * Pointers to a struct page are recognised only if the kernel maps the structs
 * as one array. The page map may begin below all memory, where no page exists.
 * So the address of the struct for the first page of the page map is computed
 * from the struct of a page that exists, the one of @m->buf.
 */
static void find_memmap(struct gomem_marks *m)
{
#if defined(CONFIG_SPARSEMEM_VMEMMAP) || defined(CONFIG_FLATMEM)
	unsigned long pages = ((unsigned long)m->buf - m->base) >> PAGE_SHIFT;

	m->memmap = (unsigned long)(virt_to_page(m->buf) - pages);
	m->memmap_bytes = (m->nr_chunks << (GOMEM_CHUNK_SHIFT - PAGE_SHIFT)) *
			  sizeof(struct page);
#endif
}

static int init_marks(struct gomem_marks *m)
{
	m->base = gomem_pagemap.base;
	m->nr_chunks = READ_ONCE(gomem_pagemap.nr_chunks);
	m->buf = gomem_peek_create();
	m->chunk = kvcalloc(m->nr_chunks, sizeof(*m->chunk), GFP_MARKS);
	if (!m->buf || !m->chunk)
		return -ENOMEM;
	find_memmap(m);
	return each_span(m, add_span);
}

/**
 * gomem_marks_create - make a set of marks, with all live objects as candidates
 *
 * Context: may sleep.
 * Return: the set; ERR_PTR(-ENOMEM), or ERR_PTR(-EINTR) after a signal.
 */
struct gomem_marks *gomem_marks_create(void)
{
	struct gomem_marks *m = kzalloc(sizeof(*m), GFP_KERNEL);
	int err = m ? init_marks(m) : -ENOMEM;

	if (!err)
		return m;
	gomem_marks_destroy(m);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_create);

/**
 * gomem_marks_destroy - free a set of marks
 * @m: the set, or NULL
 *
 * Context: may sleep.
 */
void gomem_marks_destroy(struct gomem_marks *m)
{
	struct gomem_marks_span *ms;
	unsigned long ci;

	if (!m)
		return;
	while ((ms = m->all)) {
		m->all = ms->all;
		kvfree(ms->sums);
		kvfree(ms);
		cond_resched();
	}
	for (ci = 0; m->chunk && ci < m->nr_chunks; ci++)
		kvfree(m->chunk[ci]);
	kvfree(m->chunk);
	gomem_peek_destroy(m->buf);
	kfree(m);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_destroy);

/*
 * Return the unit of the last tiny object that starts at or before @offset, in
 * the block that @offset lies in; shape.nr if there is none. starts() has a bit
 * for each byte of the span, so the bits of a block are in one word.
 */
static unsigned int tiny_unit(struct gomem_marks_span *ms, unsigned long offset)
{
	unsigned int in = offset % GOMEM_TINY_BLOCK, first = offset - in;
	unsigned long bits;

	if (offset >= GOMEM_TINY_MASKS)
		return ms->shape.nr;
	bits = starts(ms)[first / 64] >> (first % 64) & GENMASK(in, 0);
	return bits ? first + __fls(bits) : ms->shape.nr;
}

/* Return the number of the unit at @addr, shape.nr or more if there is none. */
static unsigned int unit_of(struct gomem_marks_span *ms, unsigned long addr)
{
	unsigned long offset = addr - gomem_shape_base(&ms->shape);

	if (!ms->shape.divmul)
		return 0;
	if (ms->shape.tiny)
		return tiny_unit(ms, offset);
	return offset * ms->shape.divmul >> 32;
}

static void mark_unit(struct gomem_marks *m, struct gomem_marks_span *ms,
		      unsigned int u)
{
	if (u >= ms->shape.nr || __test_and_set_bit(u, marked(ms)))
		return;
	if (unlikely(m->watched))
		m->hit |= gomem_shape_addr(&ms->shape, u) ==
			  gomem_unhide(m->watched);
	if (ms->shape.noscan || ms->queued)
		return;
	ms->queued = true;
	ms->grey = m->grey;
	m->grey = ms;
}

/*
 * Some memory has a pointer to the struct page of the page at @addr, and after
 * it the word @behind. A half of @behind that is less than PAGE_SIZE may be an
 * offset in the page, as in struct scatterlist and struct bio_vec: mark the
 * object there. If there is no such half, mark no object: otherwise old arrays
 * of pointers to pages, left in unused memory, would hide leaks in these pages.
 */
static void mark_offsets(struct gomem_marks *m, struct gomem_marks_span *ms,
			 unsigned long addr, unsigned long behind)
{
	if (lower_32_bits(behind) < PAGE_SIZE)
		mark_unit(m, ms, unit_of(ms, addr + lower_32_bits(behind)));
	if (upper_32_bits(behind) < PAGE_SIZE)
		mark_unit(m, ms, unit_of(ms, addr + upper_32_bits(behind)));
}

/*
 * Some word points to byte @offset of the array of struct pages: mark objects
 * in the page of that struct. If @behind is NULL, or the objects have PAGE_SIZE
 * bytes or more, mark all of them, else those that mark_offsets() finds.
 * @behind points to the word after the pointer; NULL if that word was not read.
 * The pointer counts only if it points to the first 8 bytes of a struct; its
 * low bits may be flags. A pointer to a later byte is not always a reference to
 * the page: the list head in the struct of a page that was never used points to
 * itself.
 */
static void mark_page(struct gomem_marks *m, unsigned long offset,
		      const unsigned long *behind)
{
	unsigned long nr = offset / sizeof(struct page);
	unsigned long addr = m->base + nr * PAGE_SIZE, end = addr + PAGE_SIZE;
	struct gomem_marks_span *ms = NULL;

	if (offset % sizeof(struct page) < sizeof(u64))
		ms = find_span(m, addr);
	if (ms && behind && ms->shape.size < PAGE_SIZE)
		return mark_offsets(m, ms, addr, *behind);
	for (; ms && addr < end; addr += ms->shape.tiny ? 1 : sizeof(u64))
		mark_unit(m, ms, unit_of(ms, addr));
}

/**
 * gomem_marks_begin - begin a round of the scan: no object is marked yet
 * @m: the set
 */
void gomem_marks_begin(struct gomem_marks *m)
{
	struct gomem_marks_span *ms;

	m->grey = NULL;
	for (ms = m->all; ms; ms = ms->all) {
		ms->queued = false;
		bitmap_zero(marked(ms), ms->shape.nr);
		if (!ms->shape.tiny)
			bitmap_zero(done(ms), ms->shape.nr);
		cond_resched();
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_begin);

/*
 * Note that the first pointer to the object @m->watched was found: in word @i
 * of the words at @m->reading, or in a register if that address is 0.
 */
static void note_holder(struct gomem_marks *m, unsigned long i)
{
	unsigned long addr = gomem_unhide(m->reading);

	m->found = true;
	m->holder = gomem_hide(addr ? addr + i * sizeof(long) : 0);
}

/**
 * gomem_marks_words - mark all objects that some words point to
 * @m: the set
 * @word: the words
 * @n: number of words
 *
 * Context: any; the time grows with @n.
 */
void gomem_marks_words(struct gomem_marks *m, const unsigned long *word,
		       unsigned int n)
{
	const unsigned long *end = word + n, *first = word;
	struct gomem_marks_span *ms;

	for (; word < end; word++) {
		ms = find_span(m, *word);
		if (ms)
			mark_unit(m, ms, unit_of(ms, *word));
		else if (unlikely(*word - m->memmap < m->memmap_bytes))
			mark_page(m, *word - m->memmap,
				  word + 1 < end ? word + 1 : NULL);
		else
			continue;
		if (unlikely(m->hit && !m->found))
			note_holder(m, word - first);
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_words);

/**
 * gomem_marks_reading - set the address that the next words come from
 * @m: the set
 * @addr: the address from which the words of the next gomem_marks_words() were
 *	copied; 0 if they are the contents of registers
 */
void gomem_marks_reading(struct gomem_marks *m, unsigned long addr)
{
	m->reading = gomem_hide(addr);
}

/**
 * gomem_marks_watch - from now on, note the first pointer to an object
 * @m: the set
 * @addr: an address in the object
 *
 * Return: true; false if @addr is in no object that is a candidate.
 */
bool gomem_marks_watch(struct gomem_marks *m, unsigned long addr)
{
	struct gomem_marks_span *ms = find_span(m, addr);

	if (!gomem_marks_candidate(m, addr))
		return false;
	addr = gomem_shape_addr(&ms->shape, unit_of(ms, addr));
	m->watched = gomem_hide(addr);
	return true;
}

/**
 * gomem_marks_holder - get the first pointer that was found to an object
 * @m: the set, for which gomem_marks_watch() was called with the object
 * @holder: set to the address of the pointer; 0 if the pointer is in a register
 *
 * Return: true; false if no pointer was found.
 */
bool gomem_marks_holder(const struct gomem_marks *m, unsigned long *holder)
{
	*holder = gomem_unhide(m->holder);
	return m->found;
}

/* Mark all objects that the words in @bytes of memory at @addr point to. */
static int follow_memory(struct gomem_marks *m, unsigned long addr,
			 unsigned long bytes)
{
	unsigned long end = addr + bytes, n;

	for (; addr < end; addr += n) {
		n = min(end - addr, PAGE_SIZE - offset_in_page(addr));
		gomem_marks_reading(m, addr);
		if (gomem_peek(m->buf, addr, n))
			gomem_marks_words(m, m->buf, n / sizeof(*m->buf));
		cond_resched();
	}
	return interrupted();
}

/*
 * Follow the pointers in the marked objects whose bits are in word @w of the
 * bitmaps. A marked object that is not a candidate may have been allocated
 * after the set was made. If it is live, its pointers are followed here, too:
 * before gomem_marks_newer() follows them, other code may move them to another
 * object.
 */
static int follow_word(struct gomem_marks *m, struct gomem_marks_span *ms,
		       unsigned int w)
{
	unsigned long todo;
	unsigned int u;
	int err = 0;

	while (!err && (todo = marked(ms)[w] & ~done(ms)[w])) {
		u = w * BITS_PER_LONG + __ffs(todo);
		__set_bit(u, done(ms));
		if (test_bit(u, candidates(ms)) ||
		    gomem_shape_unit_live(&ms->shape, u))
			err = follow_memory(m, gomem_shape_addr(&ms->shape, u),
					    ms->shape.size);
	}
	return err;
}

/**
 * gomem_marks_follow - mark objects that marked objects point to, transitively
 * @m: the set
 *
 * Context: may sleep.
 * Return: 0, or -EINTR after a signal.
 */
int gomem_marks_follow(struct gomem_marks *m)
{
	struct gomem_marks_span *ms;
	unsigned int w;
	int err = 0;

	while (!err && (ms = m->grey)) {
		m->grey = ms->grey;
		/* From here on, marking an object in @ms queues @ms again. */
		ms->queued = false;
		for (w = 0; w < words_of(ms) && !err; w++)
			err = follow_word(m, ms, w);
	}
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_follow);

/* If a block of an arena begins at @addr, follow the pointers in its memory. */
static int follow_arena(struct gomem_marks *m, unsigned long addr)
{
	return follow_memory(m, addr, gomem_shape_arena(addr));
}

/*
 * Compute a checksum of an object's contents; for a tiny object, a checksum of
 * its block. Return false if the memory cannot be read.
 */
static bool get_sum(struct gomem_marks *m, const struct gomem_shape *sh,
		    unsigned int u, u32 *sum)
{
	unsigned long addr = gomem_shape_addr(sh, u), end = addr + sh->size, n;

	if (sh->tiny) {
		addr = ALIGN_DOWN(addr, GOMEM_TINY_BLOCK);
		end = addr + GOMEM_TINY_BLOCK;
	}
	*sum = 0;
	for (; addr < end; addr += n) {
		n = min(end - addr, PAGE_SIZE - offset_in_page(addr));
		if (!gomem_peek(m->buf, addr, n))
			return false;
		*sum = jhash2((u32 *)m->buf, n / sizeof(u32), *sum);
		cond_resched();
	}
	return true;
}

static bool has_changed(struct gomem_marks *m, struct gomem_marks_span *ms,
			unsigned int u)
{
	u32 sum;

	return !get_sum(m, &ms->shape, u, &sum) || sum != ms->sums[u];
}

/*
 * Could unit @u be an object in use, whose pointers are references? Yes, if it
 * is not a candidate. Yes, if it is marked: even if its pointers were followed
 * in this round, a new object may be in its place now. Yes, if its contents
 * have changed: then the candidate is in use, or a new object is in its place,
 * so the unit is no longer a candidate. If @ms is NULL, no unit is a candidate.
 */
static bool is_root(struct gomem_marks *m, struct gomem_marks_span *ms,
		    unsigned int u)
{
	if (!ms || !test_bit(u, candidates(ms)) || test_bit(u, marked(ms)))
		return true;
	if (!ms->sums || !has_changed(m, ms, u))
		return false;
	__clear_bit(u, candidates(ms));
	return true;
}

/*
 * If a span of objects begins at @addr, follow the pointers in those live
 * objects of the span for which is_root() returns true. If a block of an arena
 * begins at @addr, follow the pointers in the block.
 */
static int follow_newer(struct gomem_marks *m, unsigned long addr)
{
	struct gomem_marks_span *ms = find_span(m, addr);
	struct gomem_shape sh;
	unsigned int u;
	int err = 0;

	if (!gomem_shape_get(addr, &sh))
		return follow_arena(m, addr);
	if (ms && !gomem_shape_same(&sh, &ms->shape))
		ms = NULL;
	for (u = 0; !sh.noscan && u < sh.nr && !err; u++)
		if (is_root(m, ms, u) && gomem_shape_unit_live(&sh, u))
			err = follow_memory(m, gomem_shape_addr(&sh, u),
					    sh.size);
	return err;
}

/**
 * gomem_marks_newer - mark objects that objects in use point to
 * @m: the set
 *
 * Objects count as in use if they were allocated after the set was made, if a
 * round of the scan has marked them, or if their contents have changed since
 * the last round. Blocks of arenas always count as in use.
 *
 * Context: may sleep.
 * Return: 0, or -EINTR after a signal.
 */
int gomem_marks_newer(struct gomem_marks *m)
{
	return each_span(m, follow_newer);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_newer);

/* Drop candidates that are marked, and those that are no longer live. */
static void drop_marked(struct gomem_marks_span *ms)
{
	struct gomem_span *s;
	unsigned int u;

	bitmap_andnot(candidates(ms), candidates(ms), marked(ms), ms->shape.nr);
	rcu_read_lock();
	s = gomem_shape_span(&ms->shape);
	for_each_set_bit(u, candidates(ms), ms->shape.nr)
		if (!s || !gomem_shape_live(&ms->shape, s, u))
			__clear_bit(u, candidates(ms));
	rcu_read_unlock();
}

/*
 * Drop candidates that cannot be read, or whose contents have changed since the
 * end of the first round: see is_root(). That round stores their checksums.
 */
static int drop_changed(struct gomem_marks *m, struct gomem_marks_span *ms)
{
	bool first = !ms->sums;
	unsigned int u;

	if (first)
		ms->sums = kvcalloc(ms->shape.nr, sizeof(*ms->sums), GFP_MARKS);
	if (!ms->sums)
		return -ENOMEM;
	for_each_set_bit(u, candidates(ms), ms->shape.nr)
		if (first ? !get_sum(m, &ms->shape, u, &ms->sums[u]) :
			    has_changed(m, ms, u))
			__clear_bit(u, candidates(ms));
	return interrupted();
}

/**
 * gomem_marks_end - end a round of the scan: drop candidates that are not leaks
 * @m: the set
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM, or -EINTR after a signal.
 */
int gomem_marks_end(struct gomem_marks *m)
{
	struct gomem_marks_span *ms;
	int err = 0;

	for (ms = m->all; ms && !err; ms = ms->all) {
		if (bitmap_empty(candidates(ms), ms->shape.nr))
			continue;
		drop_marked(ms);
		if (!bitmap_empty(candidates(ms), ms->shape.nr))
			err = drop_changed(m, ms);
		cond_resched();
	}
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_end);

/**
 * gomem_marks_candidate - check whether an object is a candidate
 * @m: the set
 * @addr: any address
 *
 * Return: true if @addr is in a candidate; gomem_marks_end() drops marked ones.
 */
bool gomem_marks_candidate(const struct gomem_marks *m, unsigned long addr)
{
	struct gomem_marks_span *ms = find_span(m, addr);
	unsigned int u = ms ? unit_of(ms, addr) : 0;

	return ms && u < ms->shape.nr && test_bit(u, candidates(ms));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_candidate);

/**
 * gomem_marks_count - count candidates, and objects that were live at first
 * @m: the set
 * @n: set to the counts; @n->live is as of gomem_marks_create()
 *
 * Context: may sleep.
 */
void gomem_marks_count(const struct gomem_marks *m,
		       struct gomem_marks_counts *n)
{
	struct gomem_marks_span *ms;

	n->live = m->live;
	n->candidates = 0;
	for (ms = m->all; ms; ms = ms->all) {
		n->candidates += bitmap_weight(candidates(ms), ms->shape.nr);
		cond_resched();
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_count);

/**
 * gomem_marks_each - call a function for each candidate
 * @m: the set
 * @fn: the function, which may sleep
 * @arg: for @fn
 *
 * Context: may sleep.
 * Return: 0, the error of @fn, or -EINTR after a signal.
 */
int gomem_marks_each(struct gomem_marks *m, gomem_marks_fn fn, void *arg)
{
	struct gomem_marks_span *ms;
	unsigned int u;
	int err = 0;

	for (ms = m->all; ms && !err; ms = ms->all) {
		for_each_set_bit(u, candidates(ms), ms->shape.nr) {
			err = fn(gomem_shape_addr(&ms->shape, u),
				 gomem_shape_unit_size(&ms->shape, u), arg);
			if (err)
				break;
		}
		err = err ?: interrupted();
	}
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_marks_each);
