# SPDX-License-Identifier: GPL-2.0
"""Shows gomem's heap in a dump of the kernel's memory, or in the running kernel.

  drgn [-c DUMP] scripts/drgn/gomem.py [OPTION]... [COMMAND] [ADDRESS]

The tool needs drgn (Debian: python3-drgn) and a gomem.ko with debug information, as make builds
it, of the very gomem that runs. It needs no debug information of the kernel, and no file of
debugfs, so it also works after a crash. DUMP is a vmcore of kdump, or is
written by QEMU's command "dump-guest-memory -p". For QEMU's dump the machine needs "-device
vmcoreinfo", and its kernel the module qemu_fw_cfg. Without -c the tool reads the running kernel,
and needs root.

  --ko=FILE        gomem.ko; build/*/gomem/gomem.ko has debug information
  --kallsyms=FILE  the addresses of symbols: a copy of /proc/kallsyms, read by root in the same boot
                   as the dump. Not needed for the running kernel, nor if drgn has the kernel's
                   debug information

Commands:

  summary          pages and objects of the heap (the default)
  classes          objects and spans of each size, and of each typed cache
  spans            each span
  whatis ADDRESS   what lies at an address: the span, the object, its state, its neighbours, and who
                   allocated it if the heap profile recorded that
  cpus             what each CPU's caches hold
  sites            the stacks of the heap profile's records, those with the most bytes first

Numbers are those of the moment of the dump. In the running kernel they may contradict each
other. A live object is one that is allocated and has no key of a free object.

Exit status: 0; 1 if memory or a symbol is missing; 2 for a wrong option.
"""
import argparse
import collections
import contextlib
import os
import sys
from collections import namedtuple

from drgn import FaultError, Object, Program, ProgramFlags

PAGE_SHIFT, CHUNK_SHIFT = 13, 22
PAGE, CHUNK_PAGES = 1 << PAGE_SHIFT, 512
# enum gomem_span_state
DEAD, CENTRAL, CACHED, LARGE, ARENA = range(5)
STATES = ("on its way to or from the heap", "in its central list", "cached by a CPU",
          "one large object", "a block of an arena")
TAG_LARGE, TAG_LIVE, TAG_SPC = 2, 1, 0xff << 5
SCRATCH_CLASS, TINY_CLASS, HANDLE_CLASS = 68, 73, 74
# The word of the key of an object that was not constructed: GOMEM_RAW_MARK.
RAW_MARK = 1
# Bytes of a block that tiny objects share, and the bit in its mask that says that a CPU holds it.
BLOCK, HELD = 16, 1 << 7
GOLDEN_RATIO = 0x61c8864680b583eb
WORD = (1 << 64) - 1
# Pages of a dump that are kept in memory.
CACHED_PAGES = 1 << 15
KERNEL_PAGE = 4096


class BadInput(Exception):
    """The dump cannot be read; the text is one line for the user."""


# --- The image --------------------------------------------------------------

def read_symbols(path):
    """Return a dict of addresses by name, and a sorted list of (address, name).

    If several symbols have one name, the dict has the address of gomem's symbol.
    """
    symbols, listed = {}, []
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if len(words) < 3:
                continue
            address, own = int(words[0], 16), words[3:] == ["[gomem]"]
            listed.append((address, words[2] + (f" {words[3]}" if words[3:] else "")))
            if own or words[2] not in symbols:
                symbols[words[2]] = address
    if not any(symbols.values()):
        raise BadInput(f"{path} has no addresses: only root can read them")
    listed.sort()
    return symbols, listed


class Image:
    """Memory with a gomem in it: objects by name and by address."""

    def __init__(self, memory, options):
        """Find the types and the symbols."""
        self.memory = memory
        self.pages = {}
        self.symbols, self.listed = {}, []
        live = bool(memory.flags & ProgramFlags.IS_LIVE)
        path = options.kallsyms or ("/proc/kallsyms" if live else None)
        if path:
            self.symbols, self.listed = read_symbols(path)
        self.types = memory
        if options.ko:
            # Read gomem's types into a separate drgn program. In the program of the dump, drgn
            # would need the kernel's debug information to find a module.
            self.types = Program(memory.platform)
            self.types.add_memory_segment(0, WORD, self.read_cached)
            self.load_types(options.ko)
        try:
            self.types.type("struct gomem_span")
        except LookupError as error:
            raise BadInput("no debug information of gomem: use --ko=FILE") from error
        self.secret = self.var("gomem_secret").value_()
        self.cpus = self.find_cpus()

    def load_types(self, path):
        """Read the debug information of a gomem.ko."""
        if not hasattr(self.types, "extra_module"):
            self.types.load_debug_info([path])
            return
        # From version 0.0.31 on, load_debug_info() ignores files of modules that are not loaded.
        self.types.extra_module("gomem", create=True).try_file(path, force=True)

    def read_cached(self, address, count, *_):
        """Read memory through a cache of pages."""
        parts, end = [], address + count
        while address < end:
            base = address & -KERNEL_PAGE
            page = self.pages.get(base)
            if page is None:
                if len(self.pages) > CACHED_PAGES:
                    self.pages.clear()
                page = self.pages[base] = self.memory.read(base, KERNEL_PAGE)
            stop = min(end, base + KERNEL_PAGE)
            parts.append(page[address - base:stop - base])
            address = stop
        return b"".join(parts)

    def address(self, name):
        """Return the address of a symbol."""
        if name in self.symbols:
            return self.symbols[name]
        with contextlib.suppress(LookupError):
            return self.memory.symbol(name).address
        raise BadInput(f"the address of {name} is not known: use --kallsyms=FILE")

    def var(self, name, file=None):
        """Return one of gomem's variables."""
        found = self.types.variable(name, file) if file else self.types[name]
        if self.types is self.memory:
            return found
        return Object(self.types, found.type_, address=self.address(name))

    def at(self, kind, address):
        """Read the object of a type at an address."""
        return Object(self.types, kind, address=address).read_()

    def word(self, address):
        """Return the word at an address."""
        return int.from_bytes(self.read_cached(address, 8), "little")

    def find_cpus(self):
        """Return the offset of the per-CPU variables of each possible CPU, by the CPU's number."""
        try:
            offsets, mask = self.address("__per_cpu_offset"), self.address("__cpu_possible_mask")
        except BadInput:
            # A kernel that is built for one CPU has no such symbols.
            return {0: 0}
        size = self.types.type("struct cpumask").size
        bits = int.from_bytes(self.read_cached(mask, size), "little")
        return {cpu: self.word(offsets + 8 * cpu) for cpu in range(8 * size) if bits >> cpu & 1}

    def name_of(self, address):
        """Return the name of an address in code."""
        low, high = 0, len(self.listed)
        while low < high:
            mid = (low + high) // 2
            low, high = (mid + 1, high) if self.listed[mid][0] <= address else (low, mid)
        if not low:
            return f"{address:#x}"
        start, name = self.listed[low - 1]
        name, _, module = name.partition(" ")
        return f"{name}+{address - start:#x}" + (f" {module}" if module else "")

    def listed_at(self, head, kind, member):
        """Yield the addresses of the entries of a list."""
        offset = offset_of(self.types.type(kind), member)
        link = self.word(head)
        while link != head:
            yield link - offset
            link = self.word(link)


def offset_of(kind, member):
    """Return the offset of a member of a struct."""
    return kind.member(member).offset


def bits_of(words):
    """Return an array of words as one number."""
    return sum(int(word) << 64 * i for i, word in enumerate(words))


# --- The heap ---------------------------------------------------------------

Pages = namedtuple("Pages", "chunks backed free holes")


class Kind:
    """Objects of one size, or of one typed cache."""

    def __init__(self, image, address):
        """Read the kind."""
        kind = image.at("struct gomem_kind", address)
        self.address = address
        self.size = int(kind.size)
        self.object_size = int(kind.object_size)
        self.key = int(kind.key)
        # The module of the constructor was unloaded: see gomem_kind_is_raw().
        self.is_orphan = bool(int(kind.ctor)) and \
            int(kind.ctor) == image.address("gomem_kind_no_ctor")
        self.spc = int(kind.spc)
        self.cpu = int(kind.cpu)
        self.central = int(kind.central)
        self.is_cache = bool(int(kind.cache))
        self.name = kind.name.string_().decode(errors="replace") if self.is_cache else ""

    def word(self):
        """Return what the kind's objects are called."""
        if self.spc >> 1 == TINY_CLASS:
            return "shared block"
        if self.spc >> 1 == HANDLE_CLASS:
            return "handle"
        return "scratch buffer" if SCRATCH_CLASS <= self.spc >> 1 < TINY_CLASS else "object"


class Span:
    """A run of pages with objects."""

    def __init__(self, heap, address):
        """Read the descriptor."""
        self.image = heap.image
        span = self.image.at("struct gomem_span", address)
        self.address = address
        self.base = int(span.base)
        self.npages = int(span.npages)
        self.nelems = int(span.nelems)
        self.elemsize = int(span.elemsize)
        self.spc = int(span.spc)
        self.state = int(span.state)
        self.divmul = int(span.divmul)
        self.fresh = int(span.fresh)
        self.nwords = int(span.nwords)
        self.handed_out = int(span.handed_out)
        self.alloc_count = int(span.alloc_count)
        self.kind = heap.kind(int(span.kind))
        self.node = int(heap.image.at("struct gomem_heap", int(span.heap)).node)

    def is_small(self):
        """Tell whether the span is cut into objects."""
        return self.divmul != 0 and self.state != ARENA

    def allocated(self):
        """Return a bitmap of the objects that are live, or free in a CPU's cache."""
        start = self.address + offset_of(self.image.types.type("struct gomem_span"), "bits")
        data = self.image.read_cached(start, 16 * self.nwords)
        half = 8 * self.nwords
        bits = int.from_bytes(data[:half], "little") & ~int.from_bytes(data[half:], "little")
        return bits & ((1 << self.nelems) - 1)

    def is_free(self, i):
        """Tell whether an object has the key of a free one, or was never constructed."""
        at = self.base + i * self.elemsize + self.kind.key
        word = self.image.word(at)
        return word == self.image.secret ^ at or (self.kind.is_orphan and word == RAW_MARK)

    def live(self):
        """Return the numbers of the live objects."""
        bits = self.allocated()
        return [i for i in range(self.nelems) if bits >> i & 1 and not self.is_free(i)]


class Heap:
    """All of gomem's memory."""

    def __init__(self, image):
        """Find the page map."""
        self.image = image
        self.map = image.var("gomem_pagemap")
        self.base = int(self.map.base)
        self.entry = int(self.map.entry)
        self.nr_chunks = int(self.map.nr_chunks)
        self.no_chunk = int(image.var("gomem_no_chunk").address_of_())
        self.kinds = {}
        self.tag_bytes = 4 * CHUNK_PAGES

    def kind(self, address):
        """Return the kind at an address."""
        if address not in self.kinds:
            self.kinds[address] = Kind(self.image, address)
        return self.kinds[address]

    def all_kinds(self):
        """Return the kinds of span classes and of typed caches."""
        kinds = self.image.var("gomem_kinds")
        found = [self.kind(int(kind.address_of_())) for kind in kinds]
        head = int(self.image.var("typed", "kind.c").address_of_())
        listed = [self.kind(address) for address in
                  self.image.listed_at(head, "struct gomem_kind", "link")]
        # Code that walks the list inserts marks for its place. Skip them: they are no caches.
        return found + [kind for kind in listed if kind.is_cache]

    def chunk(self, ci):
        """Return the address of a chunk's descriptor, None if there is none."""
        if not 0 <= ci < self.nr_chunks:
            return None
        bias = ci % (1 << 32 - CHUNK_SHIFT) * self.tag_bytes
        address = (self.image.word(self.entry + 8 * ci) + bias) & WORD
        return None if address == self.no_chunk else address

    def chunks(self):
        """Yield the address of the first byte and the descriptor of each chunk."""
        kind = self.image.types.type("struct gomem_chunk")
        last = None
        for ci in range(self.nr_chunks):
            # Skip entries of chunks that are not registered.
            address = self.chunk(ci)
            if address is not None and address != last:
                last = address
                yield self.base + (ci << CHUNK_SHIFT), Object(self.image.types, kind,
                                                              address=address)

    def spans(self):
        """Yield each span, in the order of addresses."""
        for start, chunk in self.chunks():
            chunk = chunk.read_()
            if not int(chunk.heap):
                continue
            tags, spans = chunk.tag.value_(), chunk.span
            for i in range(CHUNK_PAGES):
                address = int(spans[i]) if tags[i] else 0
                if not address:
                    continue
                if self.image.word(address) == start + i * PAGE:
                    yield Span(self, address)

    def span_at(self, addr):
        """Return the span of an address and the tag of its page.

        In a free page of the heap, return None and 0; outside of the heap's pages, None and None.
        """
        address = self.chunk((addr - self.base) >> CHUNK_SHIFT) if addr >= self.base else None
        if address is None:
            return None, None
        chunk = self.image.at("struct gomem_chunk", address)
        i = (addr >> PAGE_SHIFT) % CHUNK_PAGES
        tag, span = int(chunk.tag[i]), int(chunk.span[i])
        hole = int(chunk.hole.word[i // 64]) >> i % 64 & 1
        if tag and span:
            return Span(self, span), tag
        return None, None if hole else 0

    def pages(self):
        """Count the pages."""
        n = backed = free = 0
        for _, chunk in self.chunks():
            chunk = chunk.read_()
            if not int(chunk.heap):
                continue
            holes, used = bits_of(chunk.hole.word), bits_of(chunk.inuse.word)
            n += 1
            backed += CHUNK_PAGES - bin(holes).count("1")
            free += CHUNK_PAGES - bin(holes | used).count("1")
        return Pages(n, backed, free, n * CHUNK_PAGES - backed)

    def tiny_mask(self, span, i):
        """Return the mask of a shared block: bit i is set if an object begins at byte 2 * i.

        If bit 7 is set, the block is a CPU's current one: the highest other bit is then not the
        start of an object, but of the rest, which the CPU has not cut yet.
        """
        at = span.base + span.nelems * BLOCK + 2 * i
        starts, gone = self.image.read_cached(at, 2)
        if starts & HELD:
            gone &= (1 << ((starts & ~HELD | 1).bit_length() - 1)) - 1
        return starts & ~gone

    def tiny_objects(self, span):
        """Count the objects in the shared blocks of a span."""
        masks = [self.tiny_mask(span, i) for i in range(span.nelems)]
        return sum(bin(mask & ~HELD).count("1") - (mask // HELD) for mask in masks)


# --- CPUs -------------------------------------------------------------------

Slot = namedtuple("Slot", "held has_span")


class Caches:
    """The free objects in the slots of all CPUs and in transfer caches."""

    def __init__(self, heap):
        """Look at all slots and transfer caches."""
        self.heap, self.image = heap, heap.image
        self.slots = collections.defaultdict(list)
        self.none = int(self.image.var("gomem_no_mcache").address_of_())
        for cpu in self.image.cpus:
            for name in ("task", "irq"):
                self.look(cpu, name)

    def note(self, cpu, name, kind, slot):
        """Note a slot."""
        held = (int(slot.top) - int(slot.end)) // 8 + int(slot.capacity)
        if held > 0 or int(slot.span):
            self.slots[kind.address].append((cpu, name, Slot(held, bool(int(slot.span)))))

    def look(self, cpu, name):
        """Note the slots of a CPU."""
        image = self.image
        offset = image.cpus[cpu]
        where = int(image.var(f"gomem_mcache_{name}").address_of_()) + offset
        mcache = image.word(where & WORD)
        kinds = self.heap.all_kinds()
        if mcache != self.none:
            slots = image.at("struct gomem_mcache", mcache).slot
            for kind in kinds:
                if not kind.is_cache:
                    self.note(cpu, name, kind, slots[kind.spc])
        for kind in kinds:
            if kind.is_cache and kind.cpu:
                both = image.at("struct gomem_cache_cpu", (kind.cpu + offset) & WORD)
                self.note(cpu, name, kind, getattr(both, name).slot)

    def transferred(self, kind):
        """Return the objects of a kind in transfer caches."""
        image, n = self.image, 0
        head = int(image.var("gomem_heap_list").address_of_())
        size = image.types.type("struct gomem_mcentral").size
        for address in image.listed_at(head, "struct gomem_heap", "link"):
            heap = image.at("struct gomem_heap", address)
            if kind.is_cache:
                central = image.word(kind.central + 8 * int(heap.node))
            else:
                central = int(heap.central) + kind.spc * size
            n += int(image.at("struct gomem_mcentral", central).transfer.n)
        return n

    def cached(self, kind):
        """Return the free objects of a kind in slots and transfer caches."""
        held = sum(slot.held for _, _, slot in self.slots[kind.address])
        return held + self.transferred(kind)


# --- Commands ---------------------------------------------------------------

class Count:
    """Objects of a kind."""

    def __init__(self):
        """Begin with none."""
        self.spans = self.live = self.held = self.free = self.tiny = 0

    def add(self, heap, span):
        """Count the objects of a span."""
        live = len(span.live())
        allocated = bin(span.allocated()).count("1")
        self.spans += 1
        self.live += live
        self.held += allocated - live
        self.free += span.nelems - allocated
        if span.spc >> 1 == TINY_CLASS:
            self.tiny += heap.tiny_objects(span)


def count_all(heap):
    """Return counts of objects by kind, the number and the bytes of large objects, the pages of
    all spans, and the pages of arenas.
    """
    counts, pages = collections.defaultdict(Count), 0
    large, bytes_large, arenas = 0, 0, 0
    for span in heap.spans():
        pages += span.npages
        if span.state == ARENA:
            arenas += span.npages
        elif span.is_small():
            counts[span.kind.address].add(heap, span)
        else:
            large += 1
            bytes_large += span.elemsize
    return counts, (large, bytes_large), pages, arenas


def summary(heap, _):
    """Print pages and objects."""
    pages = heap.pages()
    counts, (large, bytes_large), inuse, arenas = count_all(heap)
    kinds = {kind.address: kind for kind in heap.all_kinds()}
    small = sum(count.live * kinds[at].size for at, count in counts.items())
    scratch = [at for at in counts if kinds[at].word() == "scratch buffer"]
    print(f"chunks: {pages.chunks}")
    print(f"heap_sys: {pages.backed * PAGE}")
    print(f"spans_bytes: {inuse * PAGE}")
    print(f"heap_idle: {(pages.backed - inuse) * PAGE}")
    print(f"page_cache_bytes: {(pages.backed - inuse - pages.free) * PAGE}")
    print(f"holes: {pages.holes * PAGE}")
    print(f"small_objects: {sum(count.live for at, count in counts.items() if at not in scratch)}")
    print(f"small_bytes: {small}")
    print(f"large_objects: {large}")
    print(f"large_bytes: {bytes_large}")
    print(f"arena_bytes: {arenas * PAGE}")


def classes(heap, _):
    """Print the objects of each kind."""
    counts = count_all(heap)[0]
    caches = Caches(heap)
    print("#     size noscan    spans       live     cached       free  name")
    for kind in heap.all_kinds():
        count = counts.get(kind.address)
        if not count:
            continue
        live = count.tiny if kind.spc >> 1 == TINY_CLASS else count.live
        name = kind.name or ("" if kind.word() == "object" else f"({kind.word()}s)")
        print(f"{kind.object_size:10} {kind.spc & 1:6} {count.spans:8} {live:10} "
              f"{caches.cached(kind):10} {count.free:10}  {name}".rstrip())


def spans(heap, _):
    """Print each span."""
    print("#           base    bytes    object noscan  objects    live  state")
    for span in heap.spans():
        live = len(span.live()) if span.is_small() else 1
        size = span.kind.object_size if span.kind.is_cache else span.elemsize
        print(f"{span.base:16x} {span.npages * PAGE:8} {size:9} {span.spc & 1:6} "
              f"{span.nelems:8} {live:7}  {STATES[span.state]}"
              f"{' of ' + span.kind.name if span.kind.is_cache else ''}")


def cell_text(span, i):
    """Return the state of an object, in the words of the file whatis."""
    if span.allocated() >> i & 1 and not span.is_free(i):
        return "live"
    return "free" if i < span.fresh else "free, was never handed out"


def tiny_text(mask, offset):
    """Return where an offset in a shared block lies, and its state, in the words of whatis."""
    starts = [2 * i for i in range(7) if mask >> i & 1]
    lower, upper = [i for i in starts if i < offset], [i for i in starts if i > offset]
    behind = f", behind a live object at + {lower[-1]}" if lower else ""
    start = offset if offset in starts else lower[-1] if lower else None
    if start is None or (mask & HELD and start == starts[-1]):
        return behind, "no live object"
    return behind, f"live, {(upper[0] if upper else BLOCK) - offset} more bytes from here"


def say_cell(heap, span, addr):
    """Print what is known of an address in a span of small objects."""
    i = (addr - span.base) // span.elemsize
    if i >= span.nelems:
        print(f"what: tail of a span of {span.elemsize}-byte {span.kind.word()}s")
        return
    size = span.kind.object_size if span.kind.is_cache else span.elemsize
    cache = f" of cache {span.kind.name}" if span.kind.is_cache else ""
    behind, state = "", cell_text(span, i)
    if span.spc >> 1 == TINY_CLASS:
        behind, state = tiny_text(heap.tiny_mask(span, i), (addr - span.base) % BLOCK)
    print(f"what: {size}-byte {span.kind.word()} {i} of {span.nelems} in its span{cache}, "
          f"+ {(addr - span.base) % span.elemsize}{behind}")
    print(f"state: {state}")
    print(f"object: {span.base + i * span.elemsize:x}, {size} bytes")
    for key, other in (("below", i - 1), ("above", i + 1)):
        if 0 <= other < span.nelems:
            print(f"{key}: {span.base + other * span.elemsize:x}, {cell_text(span, other)}")
        else:
            print(f"{key}: none in this span")


def specials_of(heap, span, start):
    """Yield the specials of the object at an address."""
    image = heap.image
    table = image.var("table", "special.c")
    row = ((span.base >> PAGE_SHIFT) * GOLDEN_RATIO & WORD) >> 64 - 12
    link = int(table[row].list.first)
    while link:
        special = image.at("struct gomem_special", link)
        if ~int(special.hidden) & WORD == start:
            yield special
        link = int(special.link.next)


def say_stack(image, bucket):
    """Print the frames of a bucket."""
    names = int(bucket.names)
    if names:
        # Each line is "#", an address and a name. gomem keeps this text once a module that has
        # one of the functions is unloaded.
        for line in bucket.names.string_().decode(errors="replace").splitlines():
            print(f"at: {line.split(chr(9))[-1]}")
        return
    for i in range(int(bucket.nr)):
        print(f"at: {image.name_of(int(bucket.frame[i]))}")


def say_origin(heap, span, addr):
    """Print the stack that allocated an object, if the profile has it, and the object's charge."""
    start = span.base
    if span.is_small():
        start += (addr - span.base) // span.elemsize * span.elemsize
    for special in specials_of(heap, span, start):
        if int(special.bucket):
            comm = special.comm.string_().decode(errors="replace")
            print(f"allocated: by {comm}[{int(special.pid)}]")
            say_stack(heap.image, Object(heap.image.types, "struct gomem_bucket",
                                         address=int(special.bucket)))
        elif int(special.fn):
            print(f"cleanup: {heap.image.name_of(int(special.fn))}")
        else:
            name = special.account.name.string_().decode(errors="replace")
            print(f"account: {name}, {int(special.bytes)} bytes")


def whatis(heap, options):
    """Print what lies at an address."""
    addr = options.address
    print(f"address: {addr:x}")
    span, tag = heap.span_at(addr)
    if not span:
        print("what: " + ("not gomem's" if tag is None else "in a free page of the heap"))
        return
    if span.state == ARENA:
        print(f"what: in a {span.elemsize}-byte block of an arena, + {addr - span.base}")
        print(f"state: {span.handed_out} bytes of the block are handed out")
    elif span.is_small():
        say_cell(heap, span, addr)
    else:
        _, first = heap.span_at(span.base)
        live = first & ~TAG_SPC & ~4 == (span.base & 0xffffffff) + TAG_LARGE + TAG_LIVE
        print(f"what: {span.elemsize}-byte large object, + {addr - span.base}")
        print(f"state: {'live' if live else 'free'}")
        print(f"object: {span.base:x}, {span.elemsize} bytes")
    print(f"span: {span.base:x}, {span.npages * PAGE} bytes, {STATES[span.state]}")
    if span.is_small():
        print(f"objects: {span.alloc_count} of {span.nelems} are allocated, free ones that "
              "CPUs hold included")
    print(f"class: {span.spc >> 1}, "
          f"{'without pointers (noscan)' if span.spc & 1 else 'may have pointers'}")
    print(f"node: {span.node}")
    say_origin(heap, span, addr)


def cpus(heap, _):
    """Print what each CPU's slots hold."""
    caches = Caches(heap)
    print("# CPU caches    size noscan  held  span  name")
    rows = []
    for kind in heap.all_kinds():
        for cpu, name, slot in caches.slots[kind.address]:
            rows.append((cpu, name != "task", kind.is_cache, kind.spc, kind.object_size, slot,
                         kind.name))
    for cpu, irq, _, spc, size, slot, name in sorted(rows, key=lambda row: row[:5]):
        print(f"{cpu:5} {'irq' if irq else 'task':6} {size:7} {spc & 1:6} {slot.held:5} "
              f"{'yes' if slot.has_span else 'no':>5}  {name}".rstrip())


def sites(heap, _):
    """Print the stacks that have the most recorded memory."""
    image, rows = heap.image, []
    head = int(image.var("all_buckets", "profile.c").address_of_())
    for address in image.listed_at(head, "struct gomem_bucket", "all"):
        bucket = Object(image.types, "struct gomem_bucket", address=address)
        # The counters are in units of 2^-8 records.
        live = int(bucket.allocs.counter) - int(bucket.frees.counter) >> 8
        if live:
            rows.append((live * int(bucket.size), live, bucket))
    print("# Records in use, not scaled: one for so many bytes as the rate says")
    for size, live, bucket in sorted(rows, key=lambda row: -row[0]):
        print(f"{live} records, {size} bytes: {int(bucket.size)}-byte objects at a rate of "
              f"{int(bucket.rate)}, allocated")
        say_stack(image, bucket)


COMMANDS = {command.__name__: command for command in
            (summary, classes, spans, whatis, cpus, sites)}


# --- The command line -------------------------------------------------------

class Parser(argparse.ArgumentParser):
    """Parser of options whose errors are one line."""

    def error(self, message):
        """Print what is wrong with the command, and end."""
        print(f"gomem.py: {message} (see scripts/drgn/gomem.py --help)", file=sys.stderr)
        sys.exit(2)


def parse_options(words):
    """Return the options of a command line."""
    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--ko")
    parser.add_argument("--kallsyms")
    parser.add_argument("command", nargs="?", choices=COMMANDS, default="summary")
    parser.add_argument("address", nargs="?", type=lambda text: int(text, 16))
    options = parser.parse_args(words)
    if not options.help and (options.command == "whatis") != (options.address is not None):
        parser.error("whatis needs an address, and only whatis")
    for path in (options.ko, options.kallsyms):
        if path and not os.path.exists(path):
            parser.error(f"there is no file {path}")
    return options


def main(program):
    """Run the tool on a program of drgn's."""
    options = parse_options(sys.argv[1:])
    if options.help:
        print(__doc__.strip())
        return 0
    try:
        COMMANDS[options.command](Heap(Image(program, options)), options)
    except BadInput as error:
        print(f"gomem.py: {error}", file=sys.stderr)
        return 1
    except FaultError as error:
        print(f"gomem.py: the memory at {error.address:#x} is not in the dump", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of the pipe has ended. Python would print an error when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except (LookupError, OSError) as error:
        print(f"gomem.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(prog))  # pylint: disable=undefined-variable # drgn defines it
