#!/usr/bin/env python3
"""Counts what is written to the write-ahead log of an SQLite store while others use it.

    Tests/Benchmarks/log_meter.py STORE      until standard input ends; prints the bytes

It reads the log's index, the file STORE-shm, 200 times per second and takes no lock, so that the store does not notice it. The
index says how many frames the log has (https://www.sqlite.org/walformat.html, section 2.1), and each frame is a page and a
header of 24 bytes. A log that begins anew has another salt; frames of the last 5 ms before it began anew are missed. It is a
process of its own because a process that closes a file loses all its locks on it.
"""
import mmap
import os
import select
import struct
import sys

HEADER = 48
FRAME_HEADER = 24


def state(index):
    """The salt, the frames and the page size; None while somebody writes them or before they are there."""
    first, second = index[:HEADER], index[HEADER:2 * HEADER]
    if first != second or not first[12]:
        return None
    size, frames = struct.unpack_from("=HI", first, 14)
    return first[32:40], frames, 65536 if size == 1 else size


def main(path):
    index, salt, seen, total = None, None, 0, 0
    # A log that is there at the start holds earlier frames.
    is_first = os.path.exists(path + "-shm")
    while True:
        is_over = select.select([sys.stdin], [], [], 0.005)[0]
        if index is None and os.path.exists(path + "-shm") and os.path.getsize(path + "-shm") >= 2 * HEADER:
            with open(path + "-shm", "rb") as file:
                index = mmap.mmap(file.fileno(), 2 * HEADER, access=mmap.ACCESS_READ)
        if index and (found := state(index)):
            now, frames, size = found
            seen = frames if is_first else 0 if now != salt else seen
            total += (frames - seen) * (size + FRAME_HEADER)
            salt, seen, is_first = now, frames, False
        if is_over:
            return print(total)


if __name__ == "__main__":
    main(sys.argv[1])
