// SPDX-License-Identifier: GPL-2.0
/*
 * hunt.c - search all memory for pointers to objects, and report the objects
 * that nothing points to.
 *
 * A scan searches in rounds. Other CPUs go on meanwhile, and the scan does not
 * notice their stores. So a round may *miss* a pointer that moves from memory
 * that the round has yet to read to memory that it has read. An object is
 * reported only if no round finds a pointer to it, and if its contents stay the
 * same from the end of the first round on. It is not reported if the heap
 * profile has a record at its address that was made after the scan began: then
 * a new object has taken its place.
 *
 * How many rounds are enough? Let q be the probability that a round misses a
 * pointer that moves. If a pointer moves often between k places that have it
 * equally often, q = (1 - 1/k)^k: 1/4 for two places, never more than 1/e. If
 * it moves seldom, q is smaller. Rounds are independent, as nothing ties moves
 * to the scan. So of n such pointers, all of R rounds miss n * q^R on average.
 * As n is not known, the number of rounds depends on what they find. A round
 * that drops no candidate is *quiet*. The first round does not count: it drops
 * all that it can reach. A candidate that a later round drops was missed
 * before: pointers move. The scan ends
 *
 *  - after CALM quiet rounds in a row if no pointer was seen to move. If one
 *    pointer moves, all rounds miss it with probability q^(CALM + 1). If n
 *    pointers move, the first round may miss some of them, and all later rounds
 *    may miss the same pointers. The probability of that is
 *    (1 - q + q^(CALM + 1))^n - (1 - q)^n. It is largest for 1/q pointers, and
 *    less than 0.5 * q^CALM. If many pointers move, a later round is likely to
 *    find one of them, and so sees that pointers move;
 *  - after QUIET quiet rounds in a row if pointers were seen to move. If m
 *    pointers are still missed, all these rounds miss all m of them with
 *    probability q^(m * QUIET). Each drop lowers m, and the count of quiet
 *    rounds starts anew. The sum over all m is hardly more than q^QUIET.
 *
 * So with q = 1/4, a scan ends while a pointer is still missed with a
 * probability of at most 1/600 if no movement is seen, else about 1/1000000.
 * Neither bound depends on the speed of the machine, nor on how many pointers
 * move. A pointer that is most of the time in memory that the scan
 * does not read has a larger q. So a scan may still drop candidates in its last
 * round, the one with the number MOST_ROUNDS. Then the file leaks says that the
 * remaining candidates may be in use.
 *
 * The first round marks the objects that are reachable from memory outside the
 * heaps, from arenas, and from objects that are newer than the scan. Later
 * rounds search only for pointers to the candidates that are left. They treat
 * all other objects as reachable, so a pointer in any of these is enough.
 *
 * If an object waits in an RCU queue to be freed, the scan may find no pointer
 * to it, although it is no leak: the queue links its objects by encoded words.
 * So after the last round, check_again() waits until the objects in the queues
 * have been freed. Then it drops the candidates that were freed.
 */
#include <kunit/visibility.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/gomem.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "run/hunt.h"
#include "run/marks.h"
#include "run/ram.h"
#include "run/stacks.h"
#include "run/suspects.h"

/*
 * The scan ends after this many rounds in a row that drop no candidate: CALM if
 * no pointer has been seen to move, else QUIET. If many pointers are visible to
 * the scan only now and then, rounds go on dropping candidates. So a scan has
 * at most MOST_ROUNDS rounds.
 */
#define CALM		4
#define QUIET		10
#define MOST_ROUNDS	100

/*
 * After the last round of a scan, check_again() checks whether the candidates
 * that are left have been freed or written to: once, and once more after each
 * of this many pauses.
 */
#define CHECKS	20

/**
 * struct result - what a scan found
 * @end: when the scan was over, in jiffies
 * @ms: how long the scan took
 * @rounds: rounds that ran, up to MOST_ROUNDS; the scan ends when no candidate
 *	is left, or after enough quiet rounds
 * @quiet: number of quiet rounds since the last round that dropped a candidate
 * @missed: number of candidates that all rounds after the first one dropped
 *	together: they were in use, and an earlier round had missed that
 * @marks: counts of the objects that were live at the start, and of the
 *	candidates left after the last round
 * @ram: pages of the machine, by what the last round did with them
 * @suspects: the candidates that check_again() left, except for those whose
 *	record is too new: see gomem_suspects_add()
 */
struct result {
	unsigned long end;
	unsigned long ms;
	unsigned int rounds;
	unsigned int quiet;
	unsigned long missed;
	struct gomem_marks_counts marks;
	struct gomem_ram_counts ram;
	struct gomem_suspects suspects;
};

/* Held by the task that scans, so that there is one scan at a time. */
static DEFINE_MUTEX(hunt_mutex);

/*
 * Protects the pointer below and the result that it leads to. Taken by the task
 * that has scanned, and by tasks that read the file leaks.
 */
static DEFINE_MUTEX(last_mutex);
static struct result *last;

/* Note what a round has done to the candidates, of which there were @before. */
static void note_round(struct result *r, unsigned long before)
{
	unsigned long dropped = before - r->marks.candidates;

	if (r->rounds == 1)
		return;
	r->missed += dropped;
	r->quiet = dropped ? 0 : r->quiet + 1;
}

static int scan_round(struct gomem_marks *m, struct result *r)
{
	unsigned long before = r->marks.candidates;
	int err;

	r->rounds++;
	r->ram = (struct gomem_ram_counts){ };
	gomem_marks_begin(m);
	err = gomem_stacks_scan(m) ?: gomem_ram_scan(m, &r->ram) ?:
	      gomem_stacks_scan(m) ?: gomem_marks_newer(m) ?:
	      gomem_marks_follow(m) ?: gomem_marks_end(m);
	gomem_marks_count(m, &r->marks);
	note_round(r, before);
	return err;
}

/*
 * Drop candidates that have been freed or written to since the last round. A
 * cell may be used by many short-lived objects with the same contents, one
 * after the other. If the cell was in use at the end of each round, these
 * objects look like one old object, unless the heap profile has records of
 * them. So check CHECKS + 1 times, at growing intervals: one of these checks is
 * likely to find the cell free.
 */
static int check_again(struct gomem_marks *m)
{
	unsigned int i;
	int err = 0;

	gomem_rcu_barrier();
	gomem_marks_begin(m);
	for (i = 1; i <= CHECKS && !err; i++) {
		err = gomem_marks_end(m);
		msleep(i);
	}
	return err ?: gomem_marks_end(m);
}

static bool is_settled(const struct result *r)
{
	return r->quiet >= (r->missed ? QUIET : CALM);
}

static int scan(struct gomem_marks *m, struct result *r)
{
	int err;

	do {
		err = scan_round(m, r);
	} while (!err && r->marks.candidates && !is_settled(r) &&
		 r->rounds < MOST_ROUNDS);
	if (!err && r->marks.candidates)
		err = check_again(m);
	if (!err)
		err = gomem_marks_each(m, gomem_suspects_add, &r->suspects);
	return err;
}

static int scan_into(struct result *r)
{
	ktime_t start = ktime_get();
	struct gomem_marks *m;
	int err;

	r->suspects.start = ktime_get_ns();
	m = gomem_marks_create();
	if (IS_ERR(m))
		return PTR_ERR(m);
	err = scan(m, r);
	gomem_marks_destroy(m);
	gomem_suspects_sort(&r->suspects);
	r->end = jiffies;
	r->ms = ktime_ms_delta(ktime_get(), start);
	return err;
}

static void set_result(struct result *r)
{
	mutex_lock(&last_mutex);
	swap(last, r);
	mutex_unlock(&last_mutex);
	kvfree(r);
}

/**
 * gomem_hunt - scan all memory, and keep the result for gomem_hunt_show()
 *
 * Context: may sleep; takes seconds for each GiB of memory.
 * Return: 0; -ENOMEM, or -EINTR after a signal. After an error, the result of
 * the last scan stays.
 */
int gomem_hunt(void)
{
	struct result *r;
	int err;

	if (mutex_lock_interruptible(&hunt_mutex))
		return -EINTR;
	r = kvzalloc(sizeof(*r), GFP_KERNEL);
	err = r ? scan_into(r) : -ENOMEM;
	if (err)
		kvfree(r);
	else
		set_result(r);
	mutex_unlock(&hunt_mutex);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_hunt);

static unsigned long kib(unsigned long pages)
{
	return pages << (PAGE_SHIFT - 10);
}

static void show_result(struct seq_file *m, const struct result *r)
{
	const struct gomem_suspects *su = &r->suspects;

	seq_printf(m, "\nscan: %lu s ago, %u rounds, %lu ms\n",
		   (jiffies - r->end) / HZ, r->rounds, r->ms);
	seq_printf(m, "scan_live: %lu objects\n", r->marks.live);
	seq_printf(m, "scan_unreachable: %lu objects, %llu bytes\n",
		   su->objects, su->bytes);
	seq_printf(m, "scan_moved: %lu objects in use, which a round missed\n",
		   r->missed);
	seq_printf(m, "scan_read: %lu KiB, what is in use of %lu KiB of stacks, and the objects in %lu KiB of gomem's\n",
		   kib(r->ram.read), kib(r->ram.stacks), kib(r->ram.heap));
	seq_printf(m, "scan_unread: %lu KiB of processes and files, %lu KiB free, %lu KiB other\n",
		   kib(r->ram.user), kib(r->ram.free), kib(r->ram.other));
	if (r->marks.candidates && !is_settled(r))
		seq_puts(m, "# pointers still moved when the scan ended: the objects below may be in use\n");
	seq_puts(m, "# unreachable: no word of the memory that was read points to it. Not seen: addresses\n");
	seq_puts(m, "# that devices or processes have, physical addresses, and encoded pointers\n");
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		seq_puts(m, "# kmemleak's own records have pointers to all objects, and may hide them here\n");
	gomem_suspects_show(m, su);
}

/**
 * gomem_hunt_show - print the result of the last scan, if there is one
 * @m: the file to print to; readable only for root
 *
 * Context: may sleep.
 */
void gomem_hunt_show(struct seq_file *m)
{
	mutex_lock(&last_mutex);
	if (last)
		show_result(m, last);
	mutex_unlock(&last_mutex);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_hunt_show);

/**
 * gomem_hunt_exit - free the result of the last scan
 *
 * Call when no task scans or reads the result any longer.
 */
void gomem_hunt_exit(void)
{
	set_result(NULL);
}
