// SPDX-License-Identifier: GPL-2.0
/*
 * override_handover.c - functions of the kernel that free memory of a module.
 *
 * A module built with linux/gomem_override.h uses a stand-in from this file
 * where it calls such a function, or passes on a pointer to one. Each stand-in
 * frees gomem's memory itself, or replaces it by memory from the kernel. For
 * the kernel's memory, it calls the kernel's function.
 */
#include <crypto/internal/hash.h>
#include <keys/user-type.h>
#include <linux/dma-fence.h>
#include <linux/fs.h>
#include <linux/key-type.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <net/pkt_cls.h>

#include "override/override.h"

/* Return a copy that the kernel can free, or NULL. The caller frees @p. */
static __maybe_unused void *kernel_copy(const void *p, gfp_t gfp)
{
	size_t size = gomem_usable_size(p);
	void *copy = kmalloc(size, gfp);

	if (copy)
		memcpy(copy, p, size);
	return copy;
}

/* A callback for set_delayed_call(). */
typeof(kfree_link) gomem_override_kfree_link;
void gomem_override_kfree_link(void *p)
{
	gomem_override_free(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kfree_link, GOMEM_NS);

/*
 * Modules use this as the release function of a file. seq->private was
 * allocated by the module, or by the kernel's __seq_open_private().
 */
typeof(seq_release_private) gomem_override_seq_release_private;
int gomem_override_seq_release_private(struct inode *inode, struct file *file)
{
	struct seq_file *seq = file->private_data;

	if (gomem_override_owns(seq->private)) {
		gomem_free(seq->private);
		seq->private = NULL;
	}
	return seq_release_private(inode, file);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_seq_release_private, GOMEM_NS);

#if IS_BUILTIN(CONFIG_NET)
/*
 * Copy @data to memory from kmalloc(), and build a packet around the copy: the
 * kernel frees a packet's buffer together with the packet. If the packet is
 * built, free @data; else keep it and return NULL.
 */
static struct sk_buff *move_packet(void *data,
				   struct sk_buff *(*build)(void *data))
{
	void *copy = kernel_copy(data, GFP_ATOMIC);
	struct sk_buff *skb;

	if (!copy)
		return NULL;
	skb = build(copy);
	if (skb)
		gomem_free(data);
	else
		kfree(copy);
	return skb;
}

static struct sk_buff *build_plain(void *data)
{
	return build_skb(data, 0);
}

typeof(build_skb) gomem_override_build_skb;
struct sk_buff *gomem_override_build_skb(void *data, unsigned int frag_size)
{
	return gomem_override_owns(data) ? move_packet(data, build_plain) :
					   build_skb(data, frag_size);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_build_skb, GOMEM_NS);

static struct sk_buff *build_napi(void *data)
{
	return napi_build_skb(data, 0);
}

typeof(napi_build_skb) gomem_override_napi_build_skb;
struct sk_buff *gomem_override_napi_build_skb(void *data,
					      unsigned int frag_size)
{
	return gomem_override_owns(data) ? move_packet(data, build_napi) :
					   napi_build_skb(data, frag_size);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_napi_build_skb, GOMEM_NS);

#ifdef GOMEM_HAVE_SLAB_BUILD_SKB
typeof(slab_build_skb) gomem_override_slab_build_skb;
struct sk_buff *gomem_override_slab_build_skb(void *data)
{
	return gomem_override_owns(data) ? move_packet(data, slab_build_skb) :
					   slab_build_skb(data);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_slab_build_skb, GOMEM_NS);
#endif
#endif /* CONFIG_NET */

#if IS_BUILTIN(CONFIG_NET_CLS) && defined(CONFIG_NET_CLS_ACT)
/*
 * If the inline function tcf_exts_init() allocated the array of actions from
 * gomem, replace it by a copy that the kernel can free. The callers cannot
 * fail, so neither may the copy: hence __GFP_NOFAIL.
 */
static void move_actions(struct tcf_exts *exts)
{
	struct tc_action **actions = exts->actions;

	if (!gomem_override_owns(actions))
		return;
	exts->actions = kernel_copy(actions, GFP_KERNEL | __GFP_NOFAIL);
	gomem_free(actions);
}

typeof(tcf_exts_destroy) gomem_override_tcf_exts_destroy;
void gomem_override_tcf_exts_destroy(struct tcf_exts *exts)
{
	move_actions(exts);
	tcf_exts_destroy(exts);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_tcf_exts_destroy, GOMEM_NS);

typeof(tcf_exts_change) gomem_override_tcf_exts_change;
void gomem_override_tcf_exts_change(struct tcf_exts *to, struct tcf_exts *from)
{
	move_actions(to);
	tcf_exts_change(to, from);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_tcf_exts_change, GOMEM_NS);
#endif /* CONFIG_NET_CLS */

#if IS_BUILTIN(CONFIG_KEYS)
/*
 * Some key types allocate their payloads themselves, and let the functions of
 * the key type "user" free the payloads.
 */
typeof(user_free_preparse) gomem_override_user_free_preparse;
void gomem_override_user_free_preparse(struct key_preparsed_payload *prep)
{
	void *payload = prep->payload.data[0];

	if (gomem_override_owns(payload))
		gomem_free_sensitive(payload);
	else
		user_free_preparse(prep);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_user_free_preparse, GOMEM_NS);

static void free_payload(struct rcu_head *head)
{
	gomem_free_sensitive(container_of(head, struct user_key_payload, rcu));
}

typeof(user_revoke) gomem_override_user_revoke;
void gomem_override_user_revoke(struct key *key)
{
	struct user_key_payload *payload = user_key_payload_locked(key);

	if (!gomem_override_owns(payload)) {
		user_revoke(key);
		return;
	}
	key_payload_reserve(key, 0);
	rcu_assign_keypointer(key, NULL);
	call_rcu(&payload->rcu, free_payload);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_user_revoke, GOMEM_NS);

typeof(user_destroy) gomem_override_user_destroy;
void gomem_override_user_destroy(struct key *key)
{
	void *payload = key->payload.data[0];

	if (gomem_override_owns(payload))
		gomem_free_sensitive(payload);
	else
		user_destroy(key);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_user_destroy, GOMEM_NS);
#endif /* CONFIG_KEYS */

#if IS_BUILTIN(CONFIG_CRYPTO_HASH2)
/* The callback by which hash templates with a single spawn free an instance. */
typeof(shash_free_singlespawn_instance) gomem_override_shash_free;
void gomem_override_shash_free(struct shash_instance *inst)
{
	if (!gomem_override_owns(inst)) {
		shash_free_singlespawn_instance(inst);
		return;
	}
	crypto_drop_spawn(shash_instance_ctx(inst));
	gomem_free(inst);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_shash_free, GOMEM_NS);
#endif

#if IS_BUILTIN(CONFIG_DMA_SHARED_BUFFER)
/* Replaces dma_fence_free(), which release functions of fences call last. */
typeof(dma_fence_free) gomem_override_dma_fence_free;
void gomem_override_dma_fence_free(struct dma_fence *fence)
{
	if (gomem_override_owns(fence))
		gomem_free_rcu(fence, rcu);
	else
		dma_fence_free(fence);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_dma_fence_free, GOMEM_NS);
#endif
