/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue.h - gomem's workqueues.
 *
 * Both queues have a rescuer thread (WQ_MEM_RECLAIM), so a work starts even if
 * there is no memory for another worker. Tasks in reclaim, and works of other
 * WQ_MEM_RECLAIM queues, may therefore wait for a work on these queues.
 */
#ifndef GOMEM_QUEUE_H
#define GOMEM_QUEUE_H

#include <linux/workqueue.h>

/* For works bound to a CPU. These works never wait for another work. */
extern struct workqueue_struct *gomem_percpu_wq;

/*
 * For works that may run on any CPU. So a task of real-time priority that never
 * leaves its CPU does not keep these works from running. They may wait for
 * works of gomem_percpu_wq, with a timeout.
 */
extern struct workqueue_struct *gomem_unbound_wq;

int gomem_queue_init(void);
void gomem_queue_exit(void);

#endif /* GOMEM_QUEUE_H */
