// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - create and destroy gomem's workqueues.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>

#include "base/compat.h"
#include "base/queue.h"

struct workqueue_struct *gomem_percpu_wq;
struct workqueue_struct *gomem_unbound_wq;
EXPORT_SYMBOL_IF_KUNIT(gomem_unbound_wq);

/**
 * gomem_queue_init - create the workqueues
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM with nothing left to undo.
 */
int gomem_queue_init(void)
{
	gomem_percpu_wq = alloc_workqueue("gomem",
					  WQ_MEM_RECLAIM | GOMEM_WQ_PERCPU, 0);
	if (!gomem_percpu_wq)
		return -ENOMEM;
	gomem_unbound_wq = alloc_workqueue("gomem_unbound",
					   WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!gomem_unbound_wq) {
		destroy_workqueue(gomem_percpu_wq);
		return -ENOMEM;
	}
	return 0;
}

/**
 * gomem_queue_exit - destroy the workqueues
 *
 * No code may queue a work any more. Waits for works that have not returned
 * yet.
 *
 * Context: may sleep.
 */
void gomem_queue_exit(void)
{
	destroy_workqueue(gomem_unbound_wq);
	destroy_workqueue(gomem_percpu_wq);
}
