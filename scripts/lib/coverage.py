#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Print which lines of gomem were executed.

  coverage.py DIR [FILE]...

DIR has what "gcov --json-format" wrote for each object file. A line of a header
that several objects include counts once, with the sum of its counts.
"""
import collections
import glob
import gzip
import json
import os
import sys


def read_counts(directory):
    """Return {source: {line: count}} of the files below gomem/."""
    counts = collections.defaultdict(collections.Counter)
    for name in glob.glob(os.path.join(directory, "*.json.gz")):
        with gzip.open(name) as data:
            for file in json.load(data)["files"]:
                source = path_in_tree(file["file"])
                for line in file["lines"] if source else []:
                    counts[source][line["line_number"]] += line["count"]
    return counts


def path_in_tree(path):
    """Return the path from gomem/ on, or None for a header of the kernel or include/."""
    if path.startswith("gomem/"):
        return path
    at = path.find("/build/uml-gcov/gomem/")
    return path[at + len("/build/uml-gcov/"):] if at >= 0 else None


def print_table(counts):
    """Print a row for each file, the sum of each layer, and the sum of all."""
    layers = collections.defaultdict(lambda: (0, 0))
    total = (0, 0)
    print(f"{'file':<32} {'lines':>6} {'executed':>9} {'%':>6}")
    for source, lines in sorted(counts.items()):
        row = (len(lines), sum(1 for count in lines.values() if count))
        print_row(source, row)
        layer = os.path.dirname(source)
        layers[layer] = add(layers[layer], row)
        total = add(total, row)
    print()
    for layer, row in sorted(layers.items()):
        print_row(layer + "/", row)
    print_row("all", total)


def add(left, right):
    """Return the sum of two rows."""
    return (left[0] + right[0], left[1] + right[1])


def print_row(name, row):
    """Print the number of lines, how many were executed, and the share."""
    print(f"{name:<32} {row[0]:>6} {row[1]:>9} {100 * row[1] / row[0]:>6.1f}")


def print_missed(counts, source):
    """Print the lines of a file that have code and were not executed."""
    if source not in counts:
        sys.exit(f"coverage: gcov knows no lines of {source}")
    with open(source, encoding="utf-8") as file:
        text = file.read().splitlines()
    for line, count in sorted(counts[source].items()):
        if not count:
            print(f"{source}:{line}:\t{text[line - 1].strip()}")


def main():
    """Print the table, or the missed lines of the named files."""
    counts = read_counts(sys.argv[1])
    if not counts:
        sys.exit("coverage: there are no counters: run scripts/coverage without --last")
    for source in sys.argv[2:]:
        print_missed(counts, source)
    if not sys.argv[2:]:
        print_table(counts)


if __name__ == "__main__":
    main()
