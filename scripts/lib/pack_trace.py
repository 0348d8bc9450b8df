# SPDX-License-Identifier: GPL-2.0
"""pack_trace.py OUTPUT <TRACE - convert a text trace for gomem_replay.ko.

tests/traces/README.md describes the text, tests/modules/gomem_replay.c the
output.
"""
import array
import struct
import sys

ZERO, ATOMIC, ACCOUNT, RECLAIMABLE = 1 << 28, 1 << 29, 1 << 30, 1 << 31
FREE = 1 << 31
CPU_SHIFT = 24
MAX_ID = (1 << 24) - 1
MAX_CPU = 63
MAX_SIZE = (1 << 28) - 1

# D, memory for DMA, is allocated like any other, since gomem has no DMA memory.
KINDS = {"N": 0, "C": ACCOUNT, "R": RECLAIMABLE, "D": 0}
ZEROED = {"Z": "N", "G": "C", "Q": "R", "X": "D"}


def flags_of(letter):
    upper = letter.upper()
    flags = KINDS[ZEROED.get(upper, upper)]
    if upper in ZEROED:
        flags |= ZERO
    if letter != upper:
        flags |= ATOMIC
    return flags


def pack(lines):
    """Return the operations as pairs of words, and the numbers of ids and CPUs."""
    flags = {c: flags_of(c) for u in "NCRDZGQX" for c in (u, u.lower())}
    words = array.array("I")
    ids = cpus = 0
    for line in lines:
        word = line.split()
        if not word or word[0].startswith("#"):
            continue
        if word[0] == "a" and len(word) == 5:
            number, cpu = int(word[1]), int(word[3])
            words.append(number | cpu << CPU_SHIFT)
            words.append(min(int(word[2]), MAX_SIZE) | flags[word[4]])
            ids = max(ids, number + 1)
        elif word[0] == "f" and len(word) == 3:
            number, cpu = int(word[1]), int(word[2])
            words.append(number | cpu << CPU_SHIFT | FREE)
            words.append(0)
        else:
            raise ValueError(line)
        if not 0 <= number <= MAX_ID or not 0 <= cpu <= MAX_CPU:
            raise ValueError(line)
        cpus = max(cpus, cpu + 1)
    return words, ids, cpus


def main():
    try:
        words, ids, cpus = pack(sys.stdin)
    except (KeyError, ValueError, OverflowError) as err:
        sys.exit(f"pack_trace.py: not a line of a trace: {err}")
    if not words:
        sys.exit("pack_trace.py: no operation")
    if sys.byteorder != "little":
        words.byteswap()
    with open(sys.argv[1], "wb") as out:
        out.write(struct.pack("<8sIIQ", b"gomemtr1", cpus, ids, len(words) // 2))
        words.tofile(out)


main()
