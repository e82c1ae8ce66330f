"""How InfluxDB is asked, in InfluxQL: the words of `graphite.py`, as far as the overview uses them.

A line of freebox-monitor is what freebox-monitoring 0.9.1 wrote, so the numbers are that script's.
What changes in a tag, as the medium of the line does, begins a new series there: all of them are
read as one. The queries are such as InfluxDB 1.6 understands.
"""

import catalogue
from grafana import choice, interval

NAME, KIND = "InfluxDB", "influxdb"
ABOUT_DAYS = "Days begin at midnight UTC, as InfluxDB counts them."
NOT_WORKING = "cannot reach the box"
ABOUT_RUNS = " With several boxes, pick its name above."
VARIABLES = [
    # The tag is the URL of the API. A new firmware has another version in it and is the same box.
    choice("box", "Box", "Where the API of the box is, as in the tag api_endpoint", KIND,
           'SHOW TAG VALUES FROM "freebox" WITH KEY = "api_endpoint"',
           regex=r"/^(.*)\/api\/v[0-9]+$/"),
    # The lines about a run have another tag, since they are there without the box as well.
    choice("collector", "Collector", "What the collector calls the box, as in the tag box", KIND,
           'SHOW TAG VALUES FROM "freebox_exec" WITH KEY = "box"'),
    interval("every", "Runs every", "How often Telegraf runs the program", "1m", "2m", "5m", "10m"),
]
INTERVAL = "$every"
OF_BOX = r'"api_endpoint" =~ /^${box:regex}\/api\/v/ AND $timeFilter'
OF_RUN = "\"box\" = '$collector' AND $timeFilter"

# What makes numbers of 0.9.1 those of the catalogue.
RAW = {
    "connection.ftth.rx_power_dbm": 0.01, "connection.ftth.tx_power_dbm": 0.01,
    "connection.xdsl.down.bitrate": 1000, "connection.xdsl.down.max_bitrate": 1000,
    "connection.xdsl.up.bitrate": 1000, "connection.xdsl.up.max_bitrate": 1000,
}
# By which tag the entities of a group are told apart.
TAGS = {"system.sensor": "sensor_name", "system.fan": "fan"}
# Boxes with an old firmware have a field for each sensor.
FLAT = {"system.sensor.temperature": ["system.temp_cpub", "system.temp_cpum", "system.temp_sw"]}


def _target(query, name):
    return {"query": query, "rawQuery": True, "resultFormat": "time_series", "alias": name}


def _from(metric):
    where = OF_RUN if metric.measurement == "freebox_exec" else OF_BOX
    return f'FROM "{metric.measurement}" WHERE {where}'


def _times(factor):
    if factor == 1:
        return ""
    return f" * {factor}" if factor > 1 else f" / {1 / factor:.0f}"


def _number(path, how, scale=1):
    """A field of each interval, in the unit of the catalogue."""
    metric = catalogue.metric(path)
    return f'{how}("{metric.field}"){_times(RAW.get(metric.name, 1) * scale)}'


def _over_time(path, name, how, scale=1):
    metric = catalogue.metric(path)
    tag = TAGS.get(metric.name.rpartition(".")[0])
    by = f', "{tag}"' if tag else ""
    query = (f"SELECT {_number(path, how, scale)} {_from(metric)} "
             f"GROUP BY time($__interval){by} fill(null)")
    return _target(query, f"$tag_{tag}" if tag else name)


def value(path, name="", scale=1):
    return _over_time(path, name, "mean", scale)


def lowest(path, name=""):
    return _over_time(path, name, "min")


def highest(path, name=""):
    return _over_time(path, name, "max")


def last(path, name="", scale=1):
    return _over_time(path, name, "last", scale)


def each_highest(path, name=""):
    """The same for each entity, those of an old firmware too."""
    metric = catalogue.metric(path)
    flat = [highest(it, it.rpartition("_")[2]) for it in FLAT.get(metric.name, [])]
    return [highest(path, name), *flat]


def greatest(path, name):
    metrics = [catalogue.metric(it) for it in [path, *FLAT.get(path.replace(".*", ""), [])]]
    each = ", ".join(f'(SELECT "{it.field}" AS "number" {_from(it)})' for it in metrics)
    return _target(f'SELECT max("number") FROM {each} WHERE $timeFilter '
                   "GROUP BY time($__interval) fill(null)", name)


def _steps(path, how):
    """By how much a number has changed at each point."""
    metric = catalogue.metric(path)
    return f'SELECT {how}("{metric.field}") AS "step" {_from(metric)}'


def per(span, path, name="", scale=1):
    steps = _steps(path, "non_negative_difference")
    return _target(f'SELECT sum("step"){_times(scale)} FROM ({steps}) WHERE $timeFilter '
                   f"GROUP BY time({span}) fill(none)", name)


def share(part, whole, name, scale=1):
    metric = catalogue.metric(part)
    query = (f"SELECT {_number(part, 'max', scale)} / {_number(whole, 'last')} * 100 "
             f"{_from(metric)} GROUP BY time($__interval) fill(null)")
    return _target(query, name)


def falls(path, name, by):
    """What does not fall at all is 0 all the same, thanks to the second."""
    metric = catalogue.metric(path)
    fallen = f'SELECT count("step") AS "falls" FROM ({_steps(path, "difference")}) ' \
             f'WHERE "step" <= -{by}'
    none = f'SELECT 0 * count("{metric.field}") AS "falls" {_from(metric)}'
    return _target(f'SELECT sum("falls") FROM ({fallen}), ({none}) WHERE $timeFilter', name)


def seconds_without(path, name):
    metric = catalogue.metric(path)
    without = f'SELECT 1 - "{metric.field}" AS "without" {_from(metric)}'
    return _target(f'SELECT integral("without") FROM ({without}) WHERE $timeFilter', name)


def worked(name):
    return lowest("exec.up", name)


def works(name):
    return last("exec.up", name)


def last_run(name):
    """In milliseconds, as Grafana has moments."""
    return [last("exec.started_time", name, 1000)]
