/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue.h - gomem's workqueues.
 *
 * Both have a rescuer thread (WQ_MEM_RECLAIM), so a work starts even when no
 * memory is left for another worker. Tasks in reclaim, and works of other
 * WQ_MEM_RECLAIM queues, may therefore wait for a work on these queues.
 */
#ifndef GOMEM_QUEUE_H
#define GOMEM_QUEUE_H

#include <linux/workqueue.h>

/* For works bound to a CPU. They never wait for another work. */
extern struct workqueue_struct *gomem_percpu_wq;

/*
 * For works that run on any CPU, and so beside a task of real-time priority,
 * which may keep a CPU from its works for ever. They may wait for works of
 * gomem_percpu_wq, with a timeout.
 */
extern struct workqueue_struct *gomem_unbound_wq;

int gomem_queue_init(void);
void gomem_queue_exit(void);

#endif /* GOMEM_QUEUE_H */
