"""Says why carbon would not do with a file what it should; nothing if all is well.

    check-carbon.py storage-schemas|storage-aggregation FILE

FILE is read by the rules of carbon (conf.py, storage.py) and of whisper. What ends carbon is said
wherever it stands; the rest only of our own sections, for some of the appliance's are not valid.
"""

import configparser
import re
import sys

BEGIN = "# BEGIN freebox-monitor"
END = "# END freebox-monitor"
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800, "years": 31536000}
METHODS = ["average", "sum", "last", "max", "min", "avg_zero", "absmax", "absmin"]
# One metric of each kind that another section might fit as well.
SAMPLES = """
    freebox.ultra.connection.state
    freebox.ultra.connection.bytes_down
    freebox.ultra.connection.ftth.sfp_pwr_rx
    freebox.ultra.system.uptime
    freebox.ultra.system.sensor.cpu0.temperature
    freebox.ultra.switch.port.1.rx_good_bytes
    freebox.ultra.wifi.ap.0.station.phone.rx_rate
    freebox.ultra.lan.host.nas.reachable
    freebox.ultra.dhcp.lease.nas.remaining
    freebox.ultra.storage.disk.internal.temperature
    freebox.ultra.exec.up
    freebox.ultra.exec.section.lan.duration
""".split()


class Unfit(Exception):
    """What carbon would not do, for people."""


def read(path):
    """The sections as carbon has them: (name, whether it is ours, options)."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    parser = configparser.ConfigParser()
    parser.read_string(text, "it")
    found, inside = [], False
    for line in map(str.strip, text.split("\n")):
        if line.startswith((BEGIN, END)):
            inside = line.startswith(BEGIN)
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
            try:
                options = dict(parser.items(name))
            except configparser.Error as error:
                raise Unfit("[%s]: %s" % (name, error))
            found.append((name, inside or name.startswith("freebox"), options))
    return found


def seconds(text):
    match = re.fullmatch(r"(\d+)([a-z]*)", text)
    fits = [it for it in UNITS if match and it.startswith(match[2] or "s")]
    if not fits:
        raise Unfit("no span of time: " + text)
    return int(match[1]) * UNITS[fits[0]]


def archives(retentions):
    """Pairs of step and number of points; carbon ends where it cannot read one."""
    pairs = []
    for text in retentions.split(","):
        step, _, span = text.strip().partition(":")
        step = seconds(step)
        points = int(span) if span.isdigit() else seconds(span) // max(step, 1)
        pairs.append((step, points))
    return pairs


def must_please_whisper(pairs):
    if any(step < 1 or points < 1 for step, points in pairs):
        raise Unfit("a retention without a point")
    for (step, points), (coarser, count) in zip(pairs, pairs[1:]):
        if coarser <= step or coarser % step:
            raise Unfit("%d s is not a multiple of %d s" % (coarser, step))
        if coarser * count <= step * points:
            raise Unfit("a coarser archive is not longer than a finer one")
        if points < coarser // step:
            raise Unfit("too few points to make a coarser one of")


def check_schema(ours, options):
    pairs = archives(options["retentions"])
    if ours:
        must_please_whisper(pairs)


def check_aggregation(ours, options):
    if not ours:
        return
    if options["aggregationmethod"] not in METHODS:
        raise Unfit("no aggregationMethod: " + options["aggregationmethod"])
    if not 0 <= float(options.get("xfilesfactor", 0)) <= 1:
        raise Unfit("xFilesFactor is not between 0 and 1")


CHECKS = {
    "storage-schemas": ("retentions", check_schema),
    "storage-aggregation": ("aggregationmethod", check_aggregation),
}


def check(kind, path):
    wanted, check_options = CHECKS[kind]
    patterns = []
    for name, ours, options in read(path):
        if "pattern" not in options or wanted not in options:
            if ours:
                raise Unfit("[%s] is not whole" % name)
            continue
        try:
            patterns.append((name, ours, re.compile(options["pattern"])))
            check_options(ours, options)
        except (Unfit, ValueError, re.error) as error:
            raise Unfit("[%s]: %s" % (name, error))
    for sample in SAMPLES:
        first = next((it for it in patterns if it[2].search(sample)), None)
        if first is None or not first[1]:
            raise Unfit("%s takes %s before our sections can" % ("[%s]" % first[0] if first else "nothing", sample))


try:
    check(*sys.argv[1:])
except (Unfit, UnicodeDecodeError, configparser.Error) as unfit:
    print(" ".join(str(unfit).split()))
