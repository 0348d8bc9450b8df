/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h - the trace events of gomem. A field that the kernel's kmem events
 * also have has the same name here.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM gomem

#if !defined(GOMEM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define GOMEM_TRACE_H

#include <linux/tracepoint.h>
#include <linux/types.h>
#include <trace/events/mmflags.h>

DECLARE_EVENT_CLASS(gomem_batch,
		    TP_PROTO(size_t bytes_alloc, unsigned int objects,
			     int node),
		    TP_ARGS(bytes_alloc, objects, node),
		    TP_STRUCT__entry(__field(size_t, bytes_alloc)
				     __field(unsigned int, objects)
				     __field(int, node)),
		    TP_fast_assign(__entry->bytes_alloc = bytes_alloc;
				   __entry->objects = objects;
				   __entry->node = node;),
		    TP_printk("bytes_alloc=%zu objects=%u node=%d",
			      __entry->bytes_alloc, __entry->objects,
			      __entry->node)
);

/*
 * A CPU took free objects of a node: objects that CPUs had flushed, or cells of
 * spans. bytes_alloc is the size of one object, here and in the event flush.
 */
DEFINE_EVENT(gomem_batch, refill,
	     TP_PROTO(size_t bytes_alloc, unsigned int objects, int node),
	     TP_ARGS(bytes_alloc, objects, node)
);

/* A CPU handed objects back to their node. */
DEFINE_EVENT(gomem_batch, flush,
	     TP_PROTO(size_t bytes_alloc, unsigned int objects, int node),
	     TP_ARGS(bytes_alloc, objects, node)
);

DECLARE_EVENT_CLASS(gomem_pages,
		    TP_PROTO(const void *ptr, size_t bytes_alloc,
			     size_t bytes_span, int node),
		    TP_ARGS(ptr, bytes_alloc, bytes_span, node),
		    TP_STRUCT__entry(__field(const void *, ptr)
				     __field(size_t, bytes_alloc)
				     __field(size_t, bytes_span)
				     __field(int, node)),
		    TP_fast_assign(__entry->ptr = ptr;
				   __entry->bytes_alloc = bytes_alloc;
				   __entry->bytes_span = bytes_span;
				   __entry->node = node;),
		    TP_printk("ptr=%p bytes_alloc=%zu bytes_span=%zu node=%d",
			      __entry->ptr, __entry->bytes_alloc,
			      __entry->bytes_span, __entry->node)
);

/* A span was made, for objects of bytes_alloc bytes each. */
DEFINE_EVENT(gomem_pages, span_alloc,
	     TP_PROTO(const void *ptr, size_t bytes_alloc, size_t bytes_span,
		      int node),
	     TP_ARGS(ptr, bytes_alloc, bytes_span, node)
);

/* The pages of a span without objects became free. */
DEFINE_EVENT(gomem_pages, span_free,
	     TP_PROTO(const void *ptr, size_t bytes_alloc, size_t bytes_span,
		      int node),
	     TP_ARGS(ptr, bytes_alloc, bytes_span, node)
);

/* gomem fetched a block of 2^order gomem pages from the kernel. */
TRACE_EVENT(grow,
	    TP_PROTO(const void *ptr, unsigned int order, gfp_t gfp_flags,
		     int node),
	    TP_ARGS(ptr, order, gfp_flags, node),
	    TP_STRUCT__entry(__field(const void *, ptr)
			     __field(unsigned int, order)
			     __field(unsigned long, gfp_flags)
			     __field(int, node)),
	    TP_fast_assign(__entry->ptr = ptr;
			   __entry->order = order;
			   __entry->gfp_flags =
				(__force unsigned long)(gfp_flags &
							__GFP_BITS_MASK);
			   __entry->node = node;),
	    TP_printk("ptr=%p order=%u gfp_flags=%s node=%d", __entry->ptr,
		      __entry->order, show_gfp_flags(__entry->gfp_flags),
		      __entry->node)
);

/* Free pages go back to the kernel. */
TRACE_EVENT(scavenge,
	    TP_PROTO(size_t bytes, int node),
	    TP_ARGS(bytes, node),
	    TP_STRUCT__entry(__field(size_t, bytes)
			     __field(int, node)),
	    TP_fast_assign(__entry->bytes = bytes;
			   __entry->node = node;),
	    TP_printk("bytes=%zu node=%d", __entry->bytes, __entry->node)
);

/*
 * Misuse was detected. The log may have no report of it: reports are limited in
 * rate, and omitted for allocations with __GFP_NOWARN.
 */
TRACE_EVENT(report,
	    TP_PROTO(const char *what),
	    TP_ARGS(what),
	    TP_STRUCT__entry(__array(char, what, 40)),
	    TP_fast_assign(strscpy(__entry->what, what,
				   sizeof(__entry->what));),
	    TP_printk("what=%s", __entry->what)
);

DECLARE_EVENT_CLASS(gomem_sample,
		    TP_PROTO(unsigned long call_site, const void *ptr,
			     size_t bytes_alloc),
		    TP_ARGS(call_site, ptr, bytes_alloc),
		    TP_STRUCT__entry(__field(unsigned long, call_site)
				     __field(const void *, ptr)
				     __field(size_t, bytes_alloc)),
		    TP_fast_assign(__entry->call_site = call_site;
				   __entry->ptr = ptr;
				   __entry->bytes_alloc = bytes_alloc;),
		    TP_printk("call_site=%pS ptr=%p bytes_alloc=%zu",
			      (void *)__entry->call_site, __entry->ptr,
			      __entry->bytes_alloc)
);

/* The heap profile recorded an allocation. */
DEFINE_EVENT(gomem_sample, sample_alloc,
	     TP_PROTO(unsigned long call_site, const void *ptr,
		      size_t bytes_alloc),
	     TP_ARGS(call_site, ptr, bytes_alloc)
);

/* An object that the heap profile recorded was freed. */
DEFINE_EVENT(gomem_sample, sample_free,
	     TP_PROTO(unsigned long call_site, const void *ptr,
		      size_t bytes_alloc),
	     TP_ARGS(call_site, ptr, bytes_alloc)
);

#endif /* GOMEM_TRACE_H */

/* This path is relative to gomem's folder, which is in the include path. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH base
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
