# SPDX-License-Identifier: GPL-2.0
"""bench_scenarios.py - what scripts/bench measures, and what it should come to.

A scenario says in one line what it shows, and in one what it does not.
"""
import os
import re
import subprocess
from typing import NamedTuple

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# The newest kernel that a stable Debian serves: the one that goals are for.
NEWEST = subprocess.run([os.path.join(TOP, "scripts/vm"), "newest"], stdout=subprocess.PIPE,
                        text=True, check=True).stdout.strip()

KIB = 1024
MIB = 1024 * KIB


def class_sizes():
    """The bytes of all size classes, from the generated table."""
    with open(os.path.join(TOP, "gomem/sizeclass_tables.h"), encoding="ascii") as file:
        text = file.read()
    table = re.search(r"gomem_class_to_size\[[^]]*\] = \{([^}]*)\}", text)
    sizes = [int(word) for word in re.findall(r"\d+", table.group(1))]
    return [size for size in dict.fromkeys(sizes) if 0 < size <= 32 * KIB]


class Scenario(NamedTuple):
    """In which modes, with which sizes; how it is run (a way of Machine.run())."""
    name: str
    modes: tuple
    sizes: tuple
    shows: str
    hides: str
    how: str = "module"


BOTH = ("icount", "native")
FEW = (8, 16, 64, 112, 256, 512, 1024, 2048, 4096, 8192)
FILLED = (8, 64, 256, 1024, 4096, 8192)

SCENARIOS = [
    Scenario("pair", BOTH, tuple(class_sizes()),
             "the hit path: one object goes back and forth",
             "not refills, cold caches or other CPUs"),
    Scenario("const_pair", BOTH, (16, 64, 100, 256, 1024, 4096, 8192),
             "the same where the compiler knows the size",
             "as pair; kmem_cache always knows it"),
    Scenario("zalloc", BOTH, (16, 64, 256, 1024, 4096, 8192, 32768),
             "the same with the object cleared, whatever the kernel's settings",
             "not what the caller saves whose object is in the cache then"),
    Scenario("batch64", BOTH, FEW,
             "64 objects are allocated, then freed: slots overflow where objects are large",
             "not fragmentation: all objects of a round die together"),
    Scenario("refill", BOTH, FEW,
             "4096 allocations, then 4096 frees: what is behind the hit path, on average",
             "not one refill's worst case"),
    Scenario("fill", BOTH, FILLED,
             "10 000 allocations, then 10 000 frees: spans are made and go back, too",
             "not reuse: memory is filled from nothing, and all of it freed, in order"),
    Scenario("fill_alloc", ("icount",), FILLED, "the allocations of fill", "as fill"),
    Scenario("fill_free", ("icount",), FILLED, "the frees of fill", "as fill"),
    Scenario("bulk4", BOTH, (16, 64, 256, 1024, 4096),
             "4 objects a call, against kmem_cache's bulk calls; gomem_cache: of a typed cache",
             "not kmalloc, which has no bulk allocation"),
    Scenario("bulk16", BOTH, (16, 64, 256, 1024, 4096), "the same with 16", "as bulk4"),
    Scenario("bulk64", BOTH, (16, 64, 256, 1024, 4096), "the same with 64", "as bulk4"),
    Scenario("bulk256", BOTH, (16, 64, 256, 1024, 4096), "the same with 256", "as bulk4"),
    Scenario("churn", BOTH, (64, 100, 256, 1024, 4096),
             "among 20 000 live objects 1 to 2048 random ones are freed, then allocated",
             "not objects of different age: each is as likely to die as any other"),
    Scenario("mixed", BOTH, (1,),
             "of 10 000 live objects of all sizes a random one is replaced by another size",
             "not bursts; the mix is that of a busy kernel, roughly"),
    Scenario("realloc_grow", BOTH, (256, 4096, 65536),
             "a buffer grows from 16 bytes by a quarter each time, copies included",
             "not neighbours in the way: nothing else is allocated meanwhile"),
    Scenario("large", BOTH, tuple((64 * KIB) << i for i in range(7)),
             "64 KiB to 4 MiB back and forth, against the page allocator",
             "not a fragmented machine, where the kernel has no such blocks"),
    Scenario("irq", BOTH, (16, 112, 1024, 8192),
             "the hit path in a hard interrupt, GFP_ATOMIC",
             "not the way into the interrupt"),
    Scenario("tiny", BOTH, (1, 2, 4, 8, 12, 15),
             "pointer-free objects below 16 bytes back and forth",
             "not what they save, which tiny_held shows"),
    Scenario("tiny_held", BOTH, (1, 4, 8, 12),
             "bytes taken from the kernel for each of 200 000 tiny objects",
             "not what is left when half of them are freed"),
    Scenario("cold_alloc", ("native",), (16, 112, 1024),
             "one allocation after others had the caches of the processor",
             "not the cache that processors share, which stays warm"),
    Scenario("cold_free", ("native",), (16, 112, 1024),
             "one free, the same", "as cold_alloc"),
    Scenario("remote_cost", ("icount2", "smp"), (64, 256, 1024),
             "1024 objects are allocated by one CPU, then freed by another: the cost of both",
             "not locks that both want, since they take turns"),
    Scenario("scale", ("icount2", "smp"), (64, 1024),
             "1, 2, 4 CPUs allocate and free 64 objects each, for themselves",
             "not cache misses; emulated CPUs share the host's, the empty loop says how"),
    Scenario("remote", ("icount2", "smp"), (64, 1024),
             "one CPU allocates, another one frees: 1 pair of CPUs, and 2",
             "not cache misses; passing the pointers on is part of the time"),
    Scenario("lines", ("icount",), (16, 64, 112, 256, 1024, 4096),
             "cache lines touched by one allocation and by one free on the hit path",
             "not which of them are in the cache; the stack's are counted, too", "lines"),
    Scenario("find", ("icount",), (),
             "a search for free pages in heaps of 64 MiB to 16 GiB",
             "not cache misses: no memory is behind the pages", "find"),
    Scenario("latency", ("icount",), (),
             "the longest time with interrupts off, and the longest that a task of highest "
             "priority waits, in operations on a heap of 256 MiB, of 4 GiB, and on one of 64 GiB "
             "without memory; includes what the kernel itself does (nothing: for a second)",
             "not cache misses, nor locks that other CPUs hold", "latency"),
    Scenario("footprint", ("memory",), (),
             "200 MB of all sizes, half of it freed in some order: held for what lives, right "
             "after, a second later, and when asked for more; sizes are a kernel's, up to 1 MiB, "
             "or log: as many from each power of two up to 128 KiB, or uniform: up to 64 KiB",
             "not speed", "footprint"),
    Scenario("replay", ("memory",), (),
             "held while a recorded trace is replayed, caches and metadata counted",
             "not time: pauses of the recorded machine are gone", "replay"),
]

MODES = {
    "icount": "instructions, on an emulated machine of one CPU",
    "icount2": "instructions and operations in 10^9 of them, on two CPUs that take turns",
    "native": "nanoseconds of this processor, under User-Mode Linux",
    "smp": "operations a second, on an emulated machine of four CPUs",
    "memory": "bytes held, on an emulated machine of four CPUs",
}

# The metric of a cost.
METRICS = {"icount": "instructions", "icount2": "instructions", "native": "ns", "smp": "ns"}

# What kernels are measured by default, the newest first, and the settings they are
# booted with: what people have first.
ALL = (NEWEST, "stock-6.12", "stock")
# While 6.1 starts its second CPU, the first one looks for it in a loop that never waits. A
# QEMU that counts instructions and takes CPUs in turn then does not come to the second one.
TWO_CPUS = (NEWEST, "stock-6.12")
KERNELS = {"icount": ALL, "icount2": TWO_CPUS, "native": ("uml",), "smp": (NEWEST,), "memory": ALL}
OFF = "mitigations=off init_on_alloc=0"
SETTINGS = {"icount": ("", OFF), "icount2": ("", OFF), "native": ("", OFF), "smp": (OFF,),
            "memory": ("",)}

# gomem.ko built with the checks of UBSAN in its hot files, too, for these scenarios: on
# kernels that have UBSAN.
UBSAN = ("pair", "const_pair", "batch64", "bulk64", "churn", "fill", "tiny")
UBSAN_KERNELS = (NEWEST,)


class Goal(NamedTuple):
    """The ratio of gomem's value to another allocator's: at most this, or at least."""
    scenario: str
    mode: str
    metric: str
    other: str
    limit: float
    sizes: tuple = (0, 1 << 62)
    off: bool | None = None     # with this setting only
    at_least: bool = False


def _hit_goals():
    for name in ("pair", "const_pair", "batch64"):
        yield Goal(name, "icount", "instructions", "kmalloc", 0.4, (8, 8192), True)
        yield Goal(name, "icount", "instructions", "kmalloc", 0.45, (8, 128), False)
        yield Goal(name, "icount", "instructions", "kmalloc", 0.75, (129, 8192), False)
        yield Goal(name, "native", "ns", "kmalloc", 0.45, (8, 8192))
    yield Goal("pair", "icount", "instructions", "kmem_cache", 0.45, (8, 8192), True)
    yield Goal("pair", "native", "ns", "kmem_cache", 0.45, (8, 8192))


def _other_goals():
    for mode, metric in (("icount", "instructions"), ("native", "ns")):
        for n in (4, 16, 64, 256):
            yield Goal(f"bulk{n}", mode, metric, "kmem_cache", 0.5)
        yield Goal("churn", mode, metric, "kmalloc", 0.5)
        yield Goal("fill", mode, metric, "kmalloc", 0.75)
        yield Goal("tiny", mode, metric, "kmalloc", 0.6)
        for other in ("kmalloc", "alloc_pages_exact"):
            yield Goal("large", mode, metric, other, 0.4, (64 * KIB, 4 * MIB))
    yield Goal("remote_cost", "icount2", "instructions", "kmalloc", 0.5)
    yield Goal("remote", "icount2", "ops_per_s", "kmalloc", 2.2, at_least=True)
    yield Goal("remote", "smp", "ops_per_s", "kmalloc", 2.2, at_least=True)
    yield Goal("scale", "smp", "per_cpu", "1 CPU", 0.95, at_least=True)
    for metric in ("held_avg", "held_peak"):
        yield Goal("replay", "memory", metric, "kmalloc", 0.8)
    yield Goal("find", "icount", "ratio", "64 MiB", 1.2)
    # 100 microseconds and a millisecond, at an instruction a nanosecond.
    yield Goal("latency", "icount", "irqs_off", "instructions", 100e3)
    yield Goal("latency", "icount", "wait", "instructions", 1e6)
    yield Goal("footprint", "memory", "full", "live", 1.15)
    for order in ("other-log", "random-log", "other-uniform", "other"):
        for metric in ("half", "later"):
            yield Goal(f"footprint:{order}", "memory", metric, "live", 1.35)


GOALS = [*_hit_goals(), *_other_goals()]


def by_name(name):
    """The scenario; those of traces are called replay:TRACE and the like."""
    for scenario in SCENARIOS:
        if scenario.name == name.split(":")[0]:
            return scenario
    return None
