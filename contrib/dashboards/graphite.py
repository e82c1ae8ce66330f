"""How Graphite is asked: what a panel wants to know becomes a query.

The other files say what is to be shown in the words of this one. A path is what stands behind the
box, and what names a series stands in angle brackets: `switch.port.<*>.speed` gives one series for
each port, which is called as the port is.

Two things hold everywhere. A query survives a missing minute: amounts are counted over the gap.
And it survives a reboot: a counter that falls back costs one step, never a peak or a fall below 0.
"""

BOX = "freebox.$box."
# What there is to say of a collector that does not work.
NOT_WORKING, ABOUT_RUNS = "cannot reach the box", ""
ABOUT_DAYS = "Days begin at midnight UTC, as Graphite counts them."


def _marked(path):
    """The path as Graphite knows it, and which of its nodes name the series."""
    nodes = (BOX + path).split(".")
    names = [number for number, node in enumerate(nodes) if node.startswith("<")]
    return ".".join(node.strip("<>") for node in nodes), names


def _path(path):
    return _marked(path)[0]


def _called(query, path, name):
    """`name` as it is; or, around what the path's own nodes say, as `{} in` or `{} band {}`."""
    assert "'" not in name, "it would end the name for Graphite"
    if name and "{}" not in name:
        return f"alias({query}, '{name}')"
    nodes = _marked(path)[1]
    named = f"aliasByNode({query}, {', '.join(str(it) for it in nodes)})"
    if not name:
        return named
    parts = name.split("{}")
    words = parts[0] + "".join(f"\\{number}{part}" for number, part in enumerate(parts) if number)
    found = "[.]".join(["(.*)"] * (len(parts) - 1))
    return f"aliasSub({named}, '^{found}$', '{words}')"


def _scaled(path, scale):
    return _path(path) if scale == 1 else f"scale({_path(path)}, {scale})"


def _steps(path):
    """By how much a counter has grown at each step."""
    return f"nonNegativeDerivative(keepLastValue({_path(path)}))"


def value(path, name="", scale=1):
    """A number as it is; where there are more points than pixels, their average."""
    return _called(_scaled(path, scale), path, name)


def lowest(path, name=""):
    """A number of which the low moments matter: a state above all, which has no average."""
    return _called(f"consolidateBy({_path(path)}, 'min')", path, name)


def highest(path, name=""):
    """A number of which the peaks matter."""
    return _called(f"consolidateBy({_path(path)}, 'max')", path, name)


def last(path, name=""):
    """A number that names something, as a channel does: never an average of two."""
    return _called(f"consolidateBy({_path(path)}, 'last')", path, name)


def total(path, name):
    """The sum of one number over all entities."""
    return f"alias(sumSeries({_path(path)}), '{name}')"


def greatest(path, name):
    """The greatest of one number over all entities."""
    return f"alias(consolidateBy(maxSeries({_path(path)}), 'max'), '{name}')"


def _by_entity(query, path, how):
    nodes = ", ".join(str(it) for it in _marked(path)[1])
    return f"groupByNodes({query}, '{how}', {nodes})"


def summed_by(path, scale=1):
    """The sum of one number for each entity, over what its other nodes say."""
    return _by_entity(_scaled(path, scale), path, "sum")


def best_by(path):
    """The greatest of one number for each entity, over what its other nodes say."""
    return _by_entity(_path(path), path, "max")


def per_second(path, name="", scale=1):
    """How fast a counter grows; a gap stays one, where its growth would be a peak at its end."""
    query = f"perSecond({_path(path)})"
    return _called(query if scale == 1 else f"scale({query}, {scale})", path, name)


def per(span, path, name="", scale=1):
    """How much a counter grows in each hour (`1h`), each day (`1d`)."""
    query = f"summarize({_steps(path)}, '{span}', 'sum')"
    if scale != 1:
        query = f"scale({query}, {scale})"
    return _called(f"consolidateBy({query}, 'sum')", path, name)


def together_per(span, path):
    """The same for each entity, in sum over several counters (`{this,that}`)."""
    query = _by_entity(f"summarize({_steps(path)}, '{span}', 'sum')", path, "sum")
    # Its name would be that of the function around it.
    return f"aliasSub(consolidateBy({query}, 'sum'), '^[^(]*.(.*),.*$', '{chr(92)}1')"


def amount(path):
    """What a rate has come to since the period began: the last number is that of the period."""
    return _called(f"consolidateBy(integral(hitcount({_path(path)}, '1h')), 'max')", path, "")


def share(part, whole, name, scale=1):
    """One number in hundredths of another, of which the peaks matter."""
    query = f"asPercent({_scaled(part, scale)}, {_path(whole)})"
    return f"alias(consolidateBy({query}, 'max'), '{name}')"


def share_each(part, whole, node, name=""):
    """The same for each entity; `node` is the entity's place in the path."""
    where = len((BOX + part).split(".")) - len(part.split(".")) + node
    tail = lambda path: ".".join(path.split(".")[node + 1:])
    query = (
        f'applyByNode({_path(part)}, {where}, '
        f'"asPercent(%.{tail(part)}, %.{tail(whole)})", "%")'
    )
    return _called(query, part, name)


def days_left(used, free, node):
    """In how many days each volume is full, if it goes on as in the week before. One that does not
    fill by a megabyte a day is left out."""
    where = len(BOX.split(".")) - 1 + node
    tail = lambda path: ".".join(path.split(".")[node + 1:])
    growth = f"derivative(keepLastValue(%.{tail(used)}))"
    a_day = f"movingAverage(scaleToSeconds({growth}, 86400), '7d')"
    query = (
        f'applyByNode({_path(used)}, {where}, '
        f'"divideSeries(%.{tail(free)}, removeBelowValue({a_day}, 1000000))", "%")'
    )
    return _called(query, used, "")


def falls(path, name, by):
    """How often a number falls by at least so much: a state from 1 to 0, an uptime at a reboot."""
    steps = f"derivative(keepLastValue({_path(path)}))"
    return f"alias(consolidateBy(isNonNull(removeAboveValue({steps}, -{by})), 'sum'), '{name}')"


def seconds_without(path, name):
    """For how long a state was 0, in each hour."""
    without = f"offset(scale({_path(path)}, -1), 1)"
    return f"alias(consolidateBy(hitcount({without}, '1h'), 'sum'), '{name}')"


def failures(path, name=""):
    """The same in minutes and for each entity: in how many minutes its state was 0."""
    without = f"offset(scale({_path(path)}, -1), 1)"
    query = f"scale(hitcount({without}, '1h'), 0.016666666667)"
    return _called(f"consolidateBy({query}, 'sum')", path, name)


def minutes_told(path, name):
    """In how many minutes of each hour there was a number at all."""
    query = f"scale(hitcount(isNonNull({_path(path)}), '1h'), 0.016666666667)"
    return f"alias({query}, '{name}')"


def top(count, query):
    """The series that are the highest on the average."""
    return f"highestAverage({query}, {count})"


def most(count, query):
    """The series that come to most, the greatest first."""
    return f"limit(sortByMaxima({query}), {count})"


def each_highest(path, name=""):
    """The peaks of each entity, in as many queries as it takes."""
    return [highest(path, name)]


def works(name):
    """Whether the last run could use the box."""
    return last("exec.up", name)


def worked(name):
    """The same over time."""
    return lowest("exec.up", name)


def last_run(name):
    """When that was: no number for Graphite, where the last point says it."""
    return []
