"""Reads a tree of whisper files back.

    python read.py ROOT all                          every file with its points
    python read.py ROOT points PATH                  one file with its points
    python read.py ROOT archive PATH NUMBER          one of its coarser archives, from 1 on
    python read.py ROOT wait PATH TIMESTAMP SECONDS  until that point is there

Prints `F<tab>path` for a file, then one `P<tab>timestamp<tab>value` for each of its points.
Else only the finest archive is read, and all of it, not just the window that ends now: a point
stored ahead of the clock shows as well. A PATH may carry tags: name;tag=value.
"""

import hashlib
import os
import struct
import sys
import time

import whisper

POINT = struct.Struct("!Ld")
CHUNK = 4096 * POINT.size


def file_of(root, path):
    """Where carbon keeps a series; the tagged ones (TAG_HASH_FILENAMES) under a digest."""
    if ";" not in path:
        return os.path.join(root, path.replace(".", os.sep) + ".wsp")
    name, *tags = path.split(";")
    last = dict(tag.split("=", 1) for tag in tags)
    series = ";".join([name] + ["=".join(tag) for tag in sorted(last.items())])
    digest = hashlib.sha256(series.encode()).hexdigest()
    return os.path.join(root, "_tagged", digest[:3], digest[3:6], digest + ".wsp")


def points(file, number=0):
    """The points of an archive, oldest first; none while carbon makes the file."""
    try:
        archive = whisper.info(file)["archives"][number]
    except (OSError, TypeError, struct.error, whisper.CorruptWhisperFile):
        return []
    found = []
    with open(file, "rb") as stored:
        stored.seek(archive["offset"])
        left = archive["size"]
        while left > 0:
            chunk = stored.read(min(left, CHUNK))
            if not chunk:
                break
            left -= len(chunk)
            if chunk.count(0) < len(chunk):
                whole = chunk[: len(chunk) // POINT.size * POINT.size]
                found += [point for point in POINT.iter_unpack(whole) if point[0]]
    return sorted(found)


def show(path, found):
    print("F", path, sep="\t")
    for timestamp, value in found:
        print("P", timestamp, repr(value), sep="\t")


def show_all(root):
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".wsp"):
                file = os.path.join(folder, name)
                path = os.path.relpath(file, root)[: -len(".wsp")].replace(os.sep, ".")
                show(path, points(file))


def wait(root, path, timestamp, seconds):
    end = time.monotonic() + seconds
    while True:
        found = [point for point in points(file_of(root, path)) if point[0] == timestamp]
        if found or time.monotonic() > end:
            return show(path, found)
        time.sleep(0.02)


def main(root, task, *rest):
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    if task == "all":
        show_all(root)
    elif task == "points":
        show(rest[0], points(file_of(root, rest[0])))
    elif task == "archive":
        show(rest[0], points(file_of(root, rest[0]), int(rest[1])))
    else:
        wait(root, rest[0], int(rest[1]), float(rest[2]))


main(*sys.argv[1:])
