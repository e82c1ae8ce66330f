"""Puts lines into whisper files as carbon would, only at once.

    python fill.py ROOT CONF < LINES

CONF has storage-schemas.conf and storage-aggregation.conf; the first section that fits counts.
What no section fits is not written.
"""

import collections
import configparser
import os
import re
import sys

import whisper


def sections(file, key):
    parser = configparser.RawConfigParser()
    with open(file, encoding="utf-8") as text:
        parser.read_file(text)
    for name in parser.sections():
        section = dict(parser[name])
        yield re.compile(section["pattern"]), section


def first(found, path):
    return next((section for pattern, section in found if pattern.search(path)), None)


root, conf = sys.argv[1:]
schemas = list(sections(os.path.join(conf, "storage-schemas.conf"), "retentions"))
methods = list(sections(os.path.join(conf, "storage-aggregation.conf"), "aggregationMethod"))
series = collections.defaultdict(list)
for line in sys.stdin:
    path, value, timestamp = line.split(" ")
    series[path].append((int(timestamp), float(value)))
size = 0
for path, points in series.items():
    schema, method = first(schemas, path), first(methods, path)
    if schema is None or method is None:
        continue
    file = os.path.join(root, path.replace(".", os.sep) + ".wsp")
    os.makedirs(os.path.dirname(file), exist_ok=True)
    if not os.path.exists(file):
        archives = [whisper.parseRetentionDef(it) for it in schema["retentions"].split(",")]
        whisper.create(
            file, archives, float(method["xfilesfactor"]), method["aggregationmethod"], sparse=True
        )
    whisper.update_many(file, points)
    size += os.path.getsize(file)
print(len(series), size)
