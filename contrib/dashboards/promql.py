"""How Prometheus is asked, in PromQL: the words of `graphite.py`, as far as the overview uses them.

Names and units are those of `--format prometheus`; what people read in bit/s and % is made of its
base units here.
"""

import catalogue
from grafana import choice

NAME, KIND = "Prometheus", "prometheus"
ABOUT_DAYS = "Days begin at midnight where you are."
NOT_WORKING = "not working"
ABOUT_RUNS = (" It counts as not working as well when its last run is more than a quarter of an "
              "hour old: node_exporter goes on handing out what that one has left.")
VARIABLES = [
    choice("box", "Box", "The box, as in the label box", KIND,
           "label_values(freebox_exec_up, box)"),
]
INTERVAL = "1m"
# What makes base units those of the catalogue.
UNITS = {"bit/s": 8, "%": 100}
# By which label the entities of a group are told apart.
KEYS = {"system.sensor": "sensor", "system.fan": "fan"}
# For how long a run may be over, in seconds, until the collector counts as stopped: node_exporter
# goes on handing out what the last run has left.
STOPPED = 900


def _target(query, name, step="1m", once=False):
    return {"expr": query, "legendFormat": name, "editorMode": "code", "interval": step,
            "instant": once, "range": not once}


def _family(metric):
    return f'{metric.family}{{box="$box"}}'


def _scaled(query, metric, scale=1):
    factor = UNITS.get(metric.unit, 1) * scale
    return query if factor == 1 else f"{query} * {factor}"


def _over_time(path, name, how, scale=1):
    metric = catalogue.metric(path)
    key = KEYS.get(metric.name.rpartition(".")[0])
    called = (name or "{}").replace("{}", f"{{{{{key}}}}}") if key else name
    query = f"{how}({_family(metric)}[$__interval])"
    return _target(_scaled(query, metric, scale), called)


def value(path, name="", scale=1):
    return _over_time(path, name, "avg_over_time", scale)


def lowest(path, name=""):
    return _over_time(path, name, "min_over_time")


def highest(path, name=""):
    return _over_time(path, name, "max_over_time")


def last(path, name=""):
    return _over_time(path, name, "last_over_time")


def each_highest(path, name=""):
    return [highest(path, name)]


def greatest(path, name):
    metric = catalogue.metric(path)
    return _target(f"max(max_over_time({_family(metric)}[$__interval]))", name)


def per(span, path, name="", scale=1):
    """A bar stands where its hour or its day begins."""
    metric = catalogue.metric(path)
    query = f"increase({_family(metric)}[$__interval] offset -$__interval)"
    return _target(_scaled(query, metric, scale), name, span)


def share(part, whole, name, scale=1):
    """`scale` brings both to one unit in the catalogue; here they have one."""
    part, whole = catalogue.metric(part), catalogue.metric(whole)
    query = f"max_over_time({_family(part)}[$__interval]) / {_family(whole)} * 100"
    return _target(query, name)


def falls(path, name, by):
    """Whatever falls at all falls far."""
    return _target(f"resets({_family(catalogue.metric(path))}[$__range])", name, once=True)


def seconds_without(path, name):
    without = f"(1 - {_family(catalogue.metric(path))})[$__range:1m]"
    return _target(f"sum_over_time({without}) * 60", name, once=True)


def _is_fresh():
    started = _family(catalogue.metric("exec.started_time"))
    return f"(time() - {started} < bool {STOPPED})"


def _working(name, how):
    up = _family(catalogue.metric("exec.up"))
    return _target(f"{how}({up}[$__interval]) * {_is_fresh()}", name)


def worked(name):
    return _working(name, "min_over_time")


def works(name):
    return _working(name, "last_over_time")


def last_run(name):
    """In milliseconds, as Grafana has moments."""
    metric = catalogue.metric("exec.started_time")
    return [_target(f"{_family(metric)} * 1000", name)]
