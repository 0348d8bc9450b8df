// SPDX-License-Identifier: GPL-2.0
/*
 * peers_kunit.c - the heaps of two nodes with one page map: which node's memory
 * a span gets, which heap has a chunk with pages of both nodes, and where freed
 * pages go.
 *
 * The node of a page is made up: stripes of the source's range belong to the
 * nodes in turn. Only the node numbers are the kernel's. So the
 * kernel has to have two possible nodes.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "context.h"
#include "fixture.h"
#include "workers.h"
#include "heap/desc.h"
#include "heap/peers.h"
#include "heap/scavenge.h"

#define CHUNK		GOMEM_CHUNK_PAGES

struct peers_fixture {
	struct fake_peers fp;
	struct span_set set;
};

static struct fake_source *source_of(struct peers_fixture *f)
{
	return &f->fp.source;
}

static void make_heaps(struct kunit *test, unsigned long nr_chunks,
		       unsigned long stripe)
{
	struct peers_fixture *f = test->priv;

	if (num_possible_nodes() < FAKE_NODES)
		kunit_skip(test, "the machine cannot have two nodes");
	KUNIT_ASSERT_LE(test, nr_chunks, SPAN_SET_CHUNKS);
	KUNIT_ASSERT_EQ(test, 0,
			fake_peers_init(&f->fp, nr_chunks, stripe,
					f->set.seed));
}

static void expect_heaps(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	unsigned long backed = 0;
	unsigned int i;

	for (i = 0; i < FAKE_NODES; i++) {
		span_set_expect(test, &f->set, f->fp.heap[i]);
		backed += f->fp.heap[i]->pages.backed_pages;
	}
	KUNIT_ASSERT_EQ(test, source_of(f)->nr_out, backed);
}

static struct gomem_span *get(struct kunit *test, unsigned int from,
			      unsigned int npages)
{
	struct peers_fixture *f = test->priv;

	return span_set_get(test, &f->set, f->fp.heap[from], npages);
}

/* Return the index of the node to which the first page of a span belongs. */
static unsigned int node_of(struct peers_fixture *f, const struct gomem_span *s)
{
	int id = source_of(f)->src.node_of(&source_of(f)->src, s->base);

	return id == source_of(f)->node[0].id ? 0 : 1;
}

static void expect_of(struct kunit *test, const struct gomem_span *s,
		      unsigned int i)
{
	struct peers_fixture *f = test->priv;

	KUNIT_EXPECT_PTR_EQ(test, f->fp.heap[i], s->heap);
	KUNIT_EXPECT_EQ(test, i, node_of(f, s));
}

/* Each heap gets memory of its own node. */
static void test_local(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	unsigned int i, k;

	make_heaps(test, 16, 4 * CHUNK);
	for (k = 0; k < 20; k++) {
		for (i = 0; i < FAKE_NODES; i++) {
			expect_of(test,
				  get(test, i, 5 + below(&f->set.rnd, 50)), i);
			KUNIT_EXPECT_EQ(test, 0, source_of(f)->anywhere);
			expect_heaps(test);
		}
	}
	for (i = 0; i < FAKE_NODES; i++)
		KUNIT_EXPECT_EQ(test, 0, f->fp.heap[i]->stats.peer_spans);
	span_set_put_all(test, &f->set);
	expect_heaps(test);
}

/*
 * A heap takes free pages of the other heap before it lets the kernel search
 * all nodes.
 */
static void test_free_of_peer(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(10);
	struct peers_fixture *f = test->priv;
	struct gomem_span *s;

	make_heaps(test, 16, 4 * CHUNK);
	expect_of(test, get(test, 1, 10), 1);
	source_of(f)->node[0].empty = true;
	s = get(test, 0, 10);
	expect_of(test, s, 1);
	KUNIT_EXPECT_EQ(test, 0, source_of(f)->anywhere);
	KUNIT_EXPECT_EQ(test, 0, f->fp.heap[0]->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, 1, f->fp.heap[0]->stats.peer_spans);
	KUNIT_EXPECT_EQ(test, 1, f->fp.heap[1]->stats.grows);
	expect_heaps(test);

	/* A caller with __GFP_THISNODE gets no pages of the other heap. */
	req.gfp |= __GFP_THISNODE;
	KUNIT_EXPECT_NULL(test,
			  span_set_try(test, &f->set, f->fp.heap[0], &req));
	KUNIT_EXPECT_EQ(test, 1, f->fp.heap[0]->stats.grow_failures);
	expect_heaps(test);

	/* The heap uses its own node when that has memory again. */
	source_of(f)->node[0].empty = false;
	expect_of(test, get(test, 0, 10), 0);
	span_set_put_all(test, &f->set);
}

/*
 * Allocate a span from heap 0. Expect that a block of @len pages of node 1 was
 * fetched for it, and that the block belongs to heap 1. @anywhere: number of
 * calls of the source that accepted memory of any node.
 */
static void expect_block_of_peer(struct kunit *test, unsigned int anywhere,
				 unsigned int len)
{
	struct peers_fixture *f = test->priv;
	struct gomem_span *s = get(test, 0, 10);

	expect_of(test, s, 1);
	KUNIT_EXPECT_EQ(test, anywhere, source_of(f)->anywhere);
	KUNIT_EXPECT_EQ(test, 0, f->fp.heap[0]->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, len, f->fp.heap[1]->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, len - 10, f->fp.heap[1]->pages.free_pages);
	KUNIT_EXPECT_EQ(test, 1, f->fp.heap[0]->stats.peer_spans);
	KUNIT_EXPECT_EQ(test, 0, f->fp.heap[0]->stats.grow_failures);
	expect_heaps(test);
	span_set_put(test, &f->set, s);
	KUNIT_EXPECT_EQ(test, len, f->fp.heap[1]->pages.free_pages);
	expect_heaps(test);
}

/*
 * If a heap's own node has no memory, the heap fetches a block of the other
 * node. The block belongs to the heap of that other node.
 */
static void test_block_of_peer(struct kunit *test)
{
	struct peers_fixture *f = test->priv;

	make_heaps(test, 16, 4 * CHUNK);
	source_of(f)->node[0].empty = true;
	expect_block_of_peer(test, 0, 32);
}

/*
 * If light requests fail on both nodes, the heap asks the kernel for the pages
 * that it needs and no more, on any node.
 */
static void test_effort_of_peer(struct kunit *test)
{
	struct peers_fixture *f = test->priv;

	make_heaps(test, 16, 4 * CHUNK);
	source_of(f)->node[0].empty = true;
	/* Let the light requests fail: for 32 and 16 pages, on both nodes. */
	fake_fail(&source_of(f)->pages, 1, 4);
	expect_block_of_peer(test, 1, 16);
}

/*
 * A __GFP_NOFAIL caller takes memory of the other node, instead of waiting for
 * its own node.
 */
static void test_nofail(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	unsigned int spc = gomem_spc_make(gomem_sizeclass(64), false);
	void *obj;
	struct gomem_refill r = { .want = 1, .objs = &obj };

	make_heaps(test, 16, 4 * CHUNK);
	source_of(f)->node[0].empty = true;
	central_get(&f->fp.heap[0]->central[spc], GFP_KERNEL | __GFP_NOFAIL,
		    &r);
	KUNIT_ASSERT_EQ(test, 1, r.n);
	KUNIT_EXPECT_EQ(test, 1, f->fp.heap[1]->central[spc].nspans);
	KUNIT_EXPECT_EQ(test, 0,
			gomem_mcentral_free(&f->fp.heap[1]->central[spc], &obj,
					    1, false));
	expect_heaps(test);
}

/* Without memory on any node, a request fails and leaves nothing behind. */
static void test_none(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(10);
	struct peers_fixture *f = test->priv;
	struct gomem_heap_snapshot snap;
	unsigned int i;

	make_heaps(test, 16, 4 * CHUNK);
	source_of(f)->node[0].empty = true;
	source_of(f)->node[1].empty = true;
	for (i = 0; i < FAKE_NODES; i++) {
		KUNIT_EXPECT_NULL(test, span_set_try(test, &f->set,
						     f->fp.heap[i], &req));
		gomem_heap_get(f->fp.heap[i], &snap);
		KUNIT_EXPECT_EQ(test, 1, snap.stats.grow_failures);
		KUNIT_EXPECT_EQ(test, 0, snap.stats.grows);
		KUNIT_EXPECT_EQ(test, 0, snap.stats.peer_spans);
		KUNIT_EXPECT_EQ(test, 0, snap.span_bytes);
		KUNIT_EXPECT_EQ(test, 0, snap.chunks);
	}
	KUNIT_EXPECT_EQ(test, 2, source_of(f)->anywhere);
	expect_heaps(test);
}

/*
 * A span of another node's memory needs a span descriptor of that node's heap,
 * and a descriptor of the chunk. If there is no memory for one of the two, the
 * block that was fetched for the span goes back to the kernel.
 */
static void test_no_descriptor(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(10);
	struct peers_fixture *f = test->priv;
	unsigned int i;

	make_heaps(test, 16, 4 * CHUNK);
	source_of(f)->node[0].empty = true;
	/*
	 * Memory is fetched for a span descriptor of heap 0, then for one of
	 * heap 1, then for a descriptor of the chunk. If a light request fails,
	 * a hard one follows. Calls 2 and 3 fail: in the first round both are
	 * for heap 1. Heap 0 keeps the memory that it got. So in the second
	 * round, call 1 is for heap 1, and calls 2 and 3 are for the chunk.
	 */
	fake_fail(&source_of(f)->meta, 2, 2);
	for (i = 1; i <= 2; i++) {
		KUNIT_EXPECT_NULL(test, span_set_try(test, &f->set,
						     f->fp.heap[0], &req));
		KUNIT_EXPECT_EQ(test, 2, source_of(f)->meta.failed);
		KUNIT_EXPECT_EQ(test, 0, f->fp.heap[1]->pages.backed_pages);
		KUNIT_EXPECT_EQ(test, 0, source_of(f)->nr_out);
		KUNIT_EXPECT_EQ(test, 0, f->fp.heap[0]->stats.peer_spans);
		KUNIT_EXPECT_EQ(test, i, f->fp.heap[0]->stats.grow_failures);
		KUNIT_EXPECT_EQ(test, 0, f->fp.heap[1]->stats.grow_failures);
		expect_heaps(test);
		fake_fail(&source_of(f)->meta, 2, 2);
	}
	fake_fail_none(&source_of(f)->meta);
	expect_of(test, get(test, 0, 10), 1);
	expect_heaps(test);
	span_set_put_all(test, &f->set);
}

/*
 * Take all span descriptors of size @index (see gomem_span_desc()) that a heap
 * has memory for. Then the heap needs new memory for another descriptor of this
 * size. The taken descriptors are linked by their first word.
 */
static void *take_descriptors(struct gomem_heap *h, unsigned int index)
{
	void *taken = NULL, *desc;

	spin_lock_irq(&h->lock);
	while ((desc = gomem_fixalloc_alloc(&h->spanalloc[index]))) {
		*(void **)desc = taken;
		taken = desc;
	}
	spin_unlock_irq(&h->lock);
	return taken;
}

static void put_descriptors(struct gomem_heap *h, unsigned int index,
			    void *taken)
{
	void *next;

	for (; taken; taken = next) {
		next = *(void **)taken;
		gomem_heap_free_desc(h, &h->spanalloc[index], taken);
	}
}

/*
 * Free pages of another heap stay there if there is no descriptor to make a
 * span of them.
 */
static void test_no_descriptor_for_free(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(10);
	struct peers_fixture *f = test->priv;
	struct gomem_heap *peer;
	unsigned long free;
	void *taken;

	make_heaps(test, 16, 4 * CHUNK);
	peer = f->fp.heap[1];
	expect_of(test, get(test, 1, 10), 1);
	free = peer->pages.free_pages;
	KUNIT_ASSERT_GE(test, free, 10);
	source_of(f)->node[0].empty = true;
	taken = take_descriptors(peer, req.kind->desc);
	fake_fail(&source_of(f)->meta, 2, 2);
	KUNIT_EXPECT_NULL(test,
			  span_set_try(test, &f->set, f->fp.heap[0], &req));
	KUNIT_EXPECT_EQ(test, 2, source_of(f)->meta.failed);
	KUNIT_EXPECT_EQ(test, free, peer->pages.free_pages);
	KUNIT_EXPECT_EQ(test, 0, f->fp.heap[0]->stats.peer_spans);
	KUNIT_EXPECT_EQ(test, 1, f->fp.heap[0]->stats.grow_failures);
	KUNIT_EXPECT_EQ(test, 0, peer->stats.grow_failures);
	put_descriptors(peer, req.kind->desc, taken);
	expect_heaps(test);
	expect_of(test, get(test, 0, 10), 1);
	span_set_put_all(test, &f->set);
	expect_heaps(test);
}

/*
 * A chunk with memory of both nodes belongs to the heap that registers it
 * first.
 */
static void test_shared_chunk(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	struct gomem_span *s;

	make_heaps(test, 4, CHUNK / 2);
	KUNIT_EXPECT_PTR_EQ(test, f->fp.heap[1], get(test, 1, 20)->heap);
	s = get(test, 0, 20);
	KUNIT_EXPECT_EQ(test, 0, node_of(f, s));
	KUNIT_EXPECT_PTR_EQ(test, f->fp.heap[1], s->heap);
	KUNIT_EXPECT_EQ(test, 0, f->fp.heap[0]->pages.nr_registered);
	KUNIT_EXPECT_EQ(test, 1, f->fp.heap[1]->pages.nr_registered);
	expect_heaps(test);
	span_set_put_all(test, &f->set);
	expect_heaps(test);
	span_set_expect_bits(test, &f->set, source_of(f));
}

static int cpu_of(struct kunit *test, unsigned int i)
{
	struct peers_fixture *f = test->priv;
	int cpu;

	for_each_online_cpu(cpu)
		if (f->fp.peers[cpu_to_mem(cpu)] == f->fp.heap[i])
			return cpu;
	kunit_skip(test, "no CPU on one of the nodes");
}

/*
 * A CPU has a page cache for each heap. Only the one for the heap of the CPU's
 * own node keeps pages. If a span of another node is freed, its pages return to
 * their heap at once.
 */
static void test_page_caches(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	struct gomem_heap_snapshot snap;
	struct gomem_span *s[2];
	unsigned int i;

	make_heaps(test, 16, 4 * CHUNK);
	for (i = 0; i < FAKE_NODES; i++) {
		get(test, i, CHUNK);
		f->fp.heap[i]->pcache_max = GOMEM_PCACHE_PAGES;
		f->fp.heap[i]->pcache_min = 16;
	}
	span_set_put_all(test, &f->set);
	move_to(test, cpu_of(test, 0));

	s[0] = get(test, 0, 1);
	s[1] = get(test, 1, 1);
	expect_of(test, s[0], 0);
	expect_of(test, s[1], 1);
	gomem_heap_get(f->fp.heap[0], &snap);
	KUNIT_EXPECT_EQ(test, 15, snap.cached_pages);
	gomem_heap_get(f->fp.heap[1], &snap);
	KUNIT_EXPECT_EQ(test, 0, snap.cached_pages);
	expect_heaps(test);

	move_to(test, cpu_of(test, 1));
	span_set_put(test, &f->set, s[0]);
	gomem_heap_get(f->fp.heap[0], &snap);
	KUNIT_EXPECT_EQ(test, 15, snap.cached_pages);
	KUNIT_EXPECT_EQ(test, CHUNK - 15, snap.free_pages);
	span_set_put(test, &f->set, s[1]);
	gomem_heap_get(f->fp.heap[1], &snap);
	KUNIT_EXPECT_EQ(test, CHUNK, snap.free_pages + snap.cached_pages);
	expect_heaps(test);
}

/*
 * All nodes share the memory limit. If the heap of one node grows at the limit,
 * the heap of another node gives free pages back.
 */
static void test_limit(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	struct gomem_pagesource *src = &source_of(f)->src;

	make_heaps(test, 16, 4 * CHUNK);
	/*
	 * Let heap 0 register its second chunk now. When heap 0 grows at the
	 * limit, it needs no memory for a chunk's descriptor, which would count
	 * toward the limit, too.
	 */
	get(test, 0, CHUNK);
	span_set_put(test, &f->set, get(test, 0, CHUNK));
	gomem_heap_scavenge(f->fp.heap[0], CHUNK, GOMEM_SCAVENGE_FORCED);
	span_set_put(test, &f->set, get(test, 1, CHUNK));
	src->limit = gomem_source_bytes(src) + 16 * GOMEM_PAGE_SIZE;
	synchronize_rcu();
	get(test, 0, 50);
	KUNIT_EXPECT_EQ(test, 0, f->fp.heap[0]->stats.limit_exceeded);
	KUNIT_EXPECT_EQ(test, 48,
			f->fp.heap[1]->stats.released[GOMEM_SCAVENGE_LIMIT]);
	KUNIT_EXPECT_EQ(test, CHUNK - 48, f->fp.heap[1]->pages.backed_pages);
	expect_heaps(test);
	span_set_put_all(test, &f->set);
}

/*
 * A heap keeps asking its own node for pages although the node is empty, but
 * only for the lowest order that a request fits into: requests for higher
 * orders have failed before.
 */
static void test_learn_order(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	unsigned int i;

	make_heaps(test, 16, 4 * CHUNK);
	source_of(f)->node[0].empty = true;
	for (i = 0; i < 100; i++)
		expect_of(test, get(test, 0, 1), 1);
	KUNIT_EXPECT_EQ(test, 0, f->fp.heap[0]->order_limit);
	source_of(f)->node[0].empty = false;
	expect_of(test, get(test, 0, 30), 0);
	expect_heaps(test);
	span_set_put_all(test, &f->set);
}

/*
 * Return the distance of two nodes in a machine with two boards of two sockets
 * each.
 */
static int board_distance(int from, int to)
{
	if (from == to)
		return 10;
	return from / 2 == to / 2 ? 12 : 40;
}

static const struct order_case {
	const char *name;
	int own;
	int order[3];
} order_cases[] = {
	{ "node 0",	0, { 1, 2, 3 } },
	{ "node 1",	1, { 0, 2, 3 } },
	{ "node 2",	2, { 3, 0, 1 } },
	{ "node 3",	3, { 2, 0, 1 } },
};

KUNIT_ARRAY_PARAM_DESC(order, order_cases, name);

/*
 * Nearer nodes come first. Nodes at the same distance are ordered by number,
 * counted up from the own node, with the lowest number after the highest.
 */
static void test_order(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	struct gomem_heap *h, **near;
	unsigned int i, n = 0;

	h = kunit_kcalloc(test, 4, sizeof(*h), GFP_KERNEL);
	near = kunit_kcalloc(test, 4, sizeof(*near), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, h);
	KUNIT_ASSERT_NOT_NULL(test, near);
	for (i = 0; i < 4; i++)
		h[i].node = i;
	h[c->own].near = near;
	for (i = 0; i < 4; i++)
		if (i != c->own)
			gomem_peers_insert(&h[c->own], n++, &h[i],
					   board_distance);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, c->order[i], near[i]->node);
	KUNIT_EXPECT_NULL(test, near[3]);
}

struct grower {
	struct racer base;
	struct gomem_heap *h;
	unsigned int nr;
	struct gomem_span *s[SPAN_SET_CHUNKS];
};

/*
 * Take spans of half a chunk from the heap of this racer's node. One half of
 * each chunk is the memory of one node, the other half that of the other node.
 * So the racers may try to register the same chunk at the same time: only the
 * heap that comes first gets the chunk.
 */
static void take_halves(struct racer *r)
{
	struct gomem_span_request req = fake_large_request(CHUNK / 2);
	struct grower *g = container_of(r, struct grower, base);

	for (g->nr = 0; g->nr < SPAN_SET_CHUNKS; g->nr++) {
		g->s[g->nr] = fake_heap_span(g->h, &req);
		if (!g->s[g->nr])
			break;
	}
}

static void test_shared_race(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	struct racer *racers[FAKE_NODES];
	unsigned long chunks = 0;
	unsigned int i, k;
	struct grower *r;

	r = kunit_kcalloc(test, FAKE_NODES, sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);
	make_heaps(test, SPAN_SET_CHUNKS, CHUNK / 2);
	for (i = 0; i < FAKE_NODES; i++) {
		r[i].h = f->fp.heap[i];
		racers[i] = &r[i].base;
	}
	race(test, racers, FAKE_NODES, take_halves);
	for (i = 0; i < FAKE_NODES; i++) {
		KUNIT_EXPECT_EQ(test, SPAN_SET_CHUNKS, r[i].nr);
		for (k = 0; k < r[i].nr; k++) {
			f->set.span[f->set.nr++] = r[i].s[k];
			bitmap_set(f->set.owned, span_set_index(r[i].s[k]),
				   CHUNK / 2);
		}
		chunks += f->fp.heap[i]->pages.nr_registered;
		kunit_info(test, "%lu chunks",
			   f->fp.heap[i]->pages.nr_registered);
	}
	KUNIT_EXPECT_EQ(test, SPAN_SET_CHUNKS, chunks);
	expect_heaps(test);
	span_set_expect_bits(test, &f->set, source_of(f));
	span_set_put_all(test, &f->set);
	expect_heaps(test);
}

/* Let a random node run out of memory, or have memory again. */
static void empty_any_node(struct peers_fixture *f)
{
	unsigned int i = below(&f->set.rnd, FAKE_NODES);

	source_of(f)->node[i].empty = below(&f->set.rnd, 2);
}

static void make_any_span(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	struct gomem_span_request req = span_set_request(&f->set, 40);

	if (!below(&f->set.rnd, 10))
		req.gfp |= __GFP_THISNODE;
	span_set_try(test, &f->set, f->fp.heap[below(&f->set.rnd, FAKE_NODES)],
		     &req);
}

static void test_random(struct kunit *test)
{
	struct peers_fixture *f = test->priv;
	unsigned int step, i;

	make_heaps(test, 16, CHUNK + CHUNK / 2);
	source_of(f)->policy = FAKE_RANDOM;
	source_of(f)->pages.percent = 5;
	source_of(f)->meta.percent = 5;
	for (i = 0; i < FAKE_NODES; i++)
		f->fp.heap[i]->pcache_max = GOMEM_PCACHE_PAGES;
	for (step = 0; step < 3000; step++) {
		if (step % 20 == 0)
			move_to(test, cpumask_nth(below(&f->set.rnd,
							num_online_cpus()),
						  cpu_online_mask));
		if (step % 100 == 0)
			empty_any_node(f);
		if (below(&f->set.rnd, 100) < (step % 1000 < 600 ? 65 : 30) &&
		    f->set.nr < 600)
			make_any_span(test);
		else if (f->set.nr)
			span_set_put_any(test, &f->set);
		if (step % 100 == 0)
			expect_heaps(test);
		if (step % 300)
			continue;
		for (i = 0; i < FAKE_NODES; i++) {
			gomem_heap_drain_pcaches(f->fp.heap[i], false);
			gomem_heap_scavenge(f->fp.heap[i],
					    below(&f->set.rnd, 1000),
					    GOMEM_SCAVENGE_FORCED);
		}
		expect_heaps(test);
		span_set_expect_bits(test, &f->set, source_of(f));
	}
	span_set_put_all(test, &f->set);
	expect_heaps(test);
}

static int peers_init(struct kunit *test)
{
	struct peers_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->set.seed = roll_seed(test, &f->set.rnd);
	test->priv = f;
	return 0;
}

static void peers_exit(struct kunit *test)
{
	struct peers_fixture *f = test->priv;

	if (!f)
		return;
	fake_peers_exit(test, &f->fp);
}

static struct kunit_case peers_cases[] = {
	KUNIT_CASE(test_local),
	KUNIT_CASE(test_free_of_peer),
	KUNIT_CASE(test_block_of_peer),
	KUNIT_CASE(test_effort_of_peer),
	KUNIT_CASE(test_nofail),
	KUNIT_CASE(test_none),
	KUNIT_CASE(test_no_descriptor),
	KUNIT_CASE(test_no_descriptor_for_free),
	KUNIT_CASE(test_shared_chunk),
	KUNIT_CASE(test_page_caches),
	KUNIT_CASE(test_limit),
	KUNIT_CASE(test_learn_order),
	KUNIT_CASE_PARAM(test_order, order_gen_params),
	KUNIT_CASE(test_shared_race),
	KUNIT_CASE(test_random),
	{}
};

static struct kunit_suite peers_suite = {
	.name = "gomem_peers",
	.init = peers_init,
	.exit = peers_exit,
	.test_cases = peers_cases,
};

kunit_test_suite(peers_suite);
