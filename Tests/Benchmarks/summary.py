#!/usr/bin/env python3
"""The table at the end of `make bench`: each script adds its ratios to a file, and this prints them.

    Tests/Benchmarks/summary.py FILE

BENCH_SUMMARY in the environment names the file. Without it a script adds nothing.
"""
import json
import os
import statistics
import sys


def add(benchmark, ratios, aim=""):
    """Notes ours divided by theirs, one ratio per round: both were measured in that round, so the machine's drift cancels."""
    if path := os.environ.get("BENCH_SUMMARY"):
        with open(path, "a") as file:
            file.write(json.dumps([benchmark, list(ratios), aim, os.getloadavg()[0]]) + "\n")


def spread(values, form="{:.2f}"):
    """The median, and the smallest and the largest in parentheses."""
    middle = form.format(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({form.format(min(values))}-{form.format(max(values))})"


def table(rows):
    """Lines of a table in Markdown that can be read as text, too."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return [lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]]


def main(path):
    rows = [("ours / theirs", "median (smallest-largest)", "rounds", "aim", "load")]
    with open(path) as file:
        for benchmark, ratios, aim, load in map(json.loads, file):
            rows.append((benchmark, spread(ratios), str(len(ratios)), aim, f"{load:.1f}"))
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main(sys.argv[1])
