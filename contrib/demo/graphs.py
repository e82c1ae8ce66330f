"""What the page shows: which graphs, how graphite-web is asked for them, and the page itself."""
import html
import json
import math
import os
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Optional

WIDTH, HEIGHT = 900, 300
BLUE, ORANGE, GREEN, RED, PURPLE, BROWN = "1f77b4", "ff7f0e", "2ca02c", "d62728", "9467bd", "8c564b"
MANY = [BLUE, ORANGE, GREEN, RED, PURPLE, BROWN, "e377c2", "7f7f7f", "bcbd22", "17becf"]
DAY = 86400
BOX = "freebox.ultra."


@dataclass
class Graph:
    name: str
    title: str
    unit: str
    # How far it goes back; None is as long as the demo has been collecting.
    span: Optional[int]
    targets: list
    colours: list
    # none, first or stacked, as graphite-web calls it.
    area: str = "none"
    low: int = 0
    high: Optional[int] = None
    # Large numbers are 1 k, 1 M.
    si: bool = False


def called(target, name):
    return f"alias({target}, '{name}')"


def bits(path, name):
    """A rate in byte/s as bit/s, with its numbers in the legend."""
    return f"cactiStyle({called(f'scale({BOX}{path}, 8)', name)}, 'si', 'bit/s')"


def traffic(name, title, span):
    down = bits("connection.rate_down", "download")
    up = bits("connection.rate_up", "upload")
    return Graph(name, title, "bit/s", span, [down, up], [GREEN, BLUE], "first", si=True)


def temperatures(name, title, span):
    target = f"aliasByNode({BOX}system.sensor.*.temperature, 4)"
    return Graph(name, title, "°C", span, [target], MANY, low=20)


def to_ports():
    rates = f"maximumAbove({BOX}switch.port.*.tx_bytes_rate, 0)"
    return f"aliasSub(aliasByNode(scale({rates}, 8), 4), '^', 'port ')"


def access_points():
    band = f"aliasSub(aliasByNode({BOX}wifi.ap.*.stations, 4), '_', '.')"
    return f"aliasSub(aliasSub({band}, 'g$', ' GHz'), 'g([0-9]+)$', ' GHz (\\1)')"


def busiest_stations():
    rates = f"highestAverage({BOX}wifi.ap.*.station.*.tx_rate, 5)"
    # A name ends with four digits of the address; those are for telling two of a name apart.
    return f"aliasSub(aliasByNode(scale({rates}, 8), 6), '_[0-9a-f]+$', '')"


def bandwidth():
    """Both are the same on fibre, so that one has to show between the dashes of the other."""
    down = called(f"{BOX}connection.bandwidth_down", "download")
    up = called(f"dashed({BOX}connection.bandwidth_up, 8)", "upload")
    return [f"cactiStyle({it}, 'si', 'bit/s')" for it in [down, up]]


GRAPHS = [
    traffic("traffic-day", "Internet traffic, the last 24 hours", DAY),
    traffic("traffic-month", "Internet traffic, the last 30 days", 30 * DAY),
    Graph(
        "bandwidth", "Bandwidth of the fibre, the last 24 hours", "bit/s", DAY,
        bandwidth(), [GREEN, BLUE], "first", high=10_000_000_000, si=True,
    ),
    temperatures("temperatures-day", "Temperatures in the box, the last 24 hours", DAY),
    temperatures("temperatures-month", "Temperatures in the box, the last 30 days", 30 * DAY),
    Graph(
        "fan", "Speed of the fan, the last 24 hours", "turns a minute", DAY,
        [called(f"{BOX}system.fan.0.rpm", "fan 0")], [PURPLE],
    ),
    Graph(
        "switch", "Traffic to the ports of the switch, the last 24 hours", "bit/s", DAY,
        [to_ports()], MANY, "stacked", si=True,
    ),
    Graph(
        "wifi-stations", "Wi-Fi stations by access point, since the demo began", "stations", None,
        [access_points()], MANY, "stacked",
    ),
    Graph(
        "wifi-traffic", "Traffic to the five busiest Wi-Fi stations, since the demo began", "bit/s",
        None, [busiest_stations()], MANY, "stacked", si=True,
    ),
    Graph(
        "collector", "The collector itself: how long each run took", "seconds", None,
        [called(f"{BOX}exec.duration", "duration of a run")], [RED],
    ),
]


class Page:
    """The page and its pictures, written anew after each run."""

    def __init__(self, folder, web, live_since, kind, every):
        self.file = folder / "index.html"
        self.url = self.file.as_uri()
        self.folder = folder / "graphs"
        self.folder.mkdir()
        self.web, self.live_since, self.kind, self.every = web, live_since, kind, every
        self.runs = 0
        self.written = ""

    def write(self, runs):
        now = int(time.time())
        for graph in GRAPHS:
            replace(self.folder / f"{graph.name}.{self.kind}", self.picture(graph, now))
        self.runs = runs
        self.written = time.strftime("%H:%M:%S", time.localtime(now))
        state = f"As of {self.written}, after {runs} live runs; new every {self.every} seconds."
        self.put(state, f'<meta http-equiv="refresh" content="{self.every}">')

    def end(self):
        """Says that nothing more is to come."""
        self.put(f"The demo has ended. As of {self.written}, after {self.runs} live runs.", "")

    def put(self, state, refresh):
        # With the number of the run behind it, a browser does not show the picture of before.
        figures = "\n".join(
            f'<figure><img src="graphs/{it.name}.{self.kind}?{self.runs}" width="{WIDTH}"'
            f' height="{HEIGHT}" alt="{html.escape(it.title)}"></figure>'
            for it in GRAPHS
        )
        web = f', at <a href="{self.web}">{self.web}</a>' if refresh else ""
        text = PAGE.format(refresh=refresh, state=state, web=web, figures=figures)
        replace(self.file, text.encode())

    def picture(self, graph, now):
        span = graph.span
        if span is None:
            # An hour is kept to ten seconds.
            span = min(max(int(now - self.live_since) + 10, 30), 3500)
        query = [("from", now - span), ("until", now), ("noCache", 1)]
        query += [("target", it) for it in graph.targets]
        if self.kind == "svg":
            query += [("format", "json"), ("maxDataPoints", WIDTH // 2)]
            return draw_svg(graph, json.loads(self.get(query)), now - span, now)
        picture = self.get([*query, *look(graph)])
        if not picture.startswith(b"\x89PNG"):
            raise OSError(f"{graph.name} is no picture")
        return picture

    def get(self, query):
        data = urllib.parse.urlencode(query).encode()
        # No proxy of this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.web}/render", data, 30) as answer:
            return answer.read()


def look(graph):
    return {
        "format": "png", "width": WIDTH, "height": HEIGHT, "margin": 14,
        "title": f"{graph.title} ({graph.unit})", "tz": zone(),
        "bgcolor": "ffffff", "fgcolor": "333333", "majorGridLineColor": "d8d8d8",
        "minorGridLineColor": "f0f0f0", "colorList": ",".join(graph.colours),
        "fontName": "DejaVu Sans Mono", "fontSize": 11, "hideLegend": "false",
        "areaMode": graph.area, "areaAlpha": 0.5 if graph.area == "first" else 0.8,
        "yMin": graph.low, **({"yMax": graph.high} if graph.high else {}),
        "yUnitSystem": "si" if graph.si else "none", "lineWidth": 1.6,
        # The older the box's history, the coarser; a live run comes every ten seconds.
        "lineMode": "connected" if graph.span or graph.area == "none" else "staircase",
    }.items()


def zone():
    """The time zone of this machine, as graphite-web calls it."""
    name = os.environ.get("TZ", "") or os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    return name.removeprefix(":") or "UTC"


def replace(file, data):
    new = file.with_name(file.name + ".new")
    new.write_bytes(data)
    new.replace(file)


# Where there is no libcairo: the same from graphite-web's numbers


def draw_svg(graph, series, begin, end):
    left, top, right, bottom = 70, 34, WIDTH - 16, HEIGHT - 52
    lines = [(it["target"], it["datapoints"]) for it in series]
    if graph.area == "stacked":
        lines = stacked(lines)
    values = [value for _, points in lines for value, _ in points if value is not None]
    step, high = scale(graph.low, graph.high or max(values, default=1))
    x = lambda at: left + (right - left) * (at - begin) / (end - begin)
    y = lambda value: bottom - (bottom - top) * (value - graph.low) / (high - graph.low)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{WIDTH / 2}" y="20" text-anchor="middle" font-size="14">'
        f"{html.escape(graph.title)} ({graph.unit})</text>",
    ]
    for number in range(round((high - graph.low) / step) + 1):
        value = graph.low + number * step
        out.append(f'<path d="M{left} {y(value):.1f}H{right}" stroke="#ddd"/>')
        out.append(
            f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{short(value)}</text>'
        )
    for number in range(7):
        at = begin + (end - begin) * number / 6
        form = "%d %b" if end - begin > 2 * DAY else "%H:%M" if end - begin > 3600 else "%H:%M:%S"
        out.append(
            f'<text x="{min(x(at), WIDTH - 32):.1f}" y="{bottom + 19}" text-anchor="middle">'
            f"{time.strftime(form, time.localtime(at))}</text>"
        )
    # Of what is stacked the highest comes first, so that those below are seen.
    for number, (_, points) in reversed(list(enumerate(lines))):
        colour = graph.colours[number % len(graph.colours)]
        dots = [(x(at), y(value)) for value, at in points if value is not None]
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b in dots)
        if dots and (graph.area == "stacked" or (graph.area == "first" and number == 0)):
            around = f"M{dots[0][0]:.1f} {bottom}L{path}L{dots[-1][0]:.1f} {bottom}Z"
            strength = 1 if graph.area == "stacked" else 0.5
            out.append(f'<path d="{around}" fill="#{colour}" fill-opacity="{strength}"/>')
        if dots:
            out.append(
                f'<path d="M{path}" fill="none" stroke="#{colour}" stroke-width="1.6"'
                ' stroke-linecap="round"/>'
            )
    at = left
    for number, (name, _) in enumerate(lines):
        colour = graph.colours[number % len(graph.colours)]
        name = " ".join(name.split("Current")[0].split())
        out.append(f'<rect x="{at}" y="{HEIGHT - 20}" width="10" height="10" fill="#{colour}"/>')
        out.append(f'<text x="{at + 15}" y="{HEIGHT - 11}">{html.escape(name)}</text>')
        at += 35 + 7 * len(name)
    return "\n".join([*out, "</svg>", ""]).encode()


def stacked(lines):
    sums, out = {}, []
    for name, points in lines:
        for value, at in points:
            sums[at] = sums.get(at, 0) + (value or 0)
        out.append((name, [(None if value is None else sums[at], at) for value, at in points]))
    return out


def scale(low, high):
    """A step that people like, and the end of the axis: four to eight steps."""
    rough = max(high - low, 1e-3) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(it * power for it in [1, 2, 5, 10] if it * power >= rough)
    return step, low + step * math.ceil(max(high - low, 1e-3) / step)


def short(value):
    for power, sign in [(1e9, " G"), (1e6, " M"), (1e3, " k")]:
        if value >= power:
            return f"{value / power:g}{sign}"
    return f"{value:.4g}"


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>freebox-monitor: the demo</title>
{refresh}
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; background: #f2f3f5; margin: 0 auto;
  padding: 16px; max-width: 932px; }}
h1 {{ font-size: 26px; margin: 8px 0; }}
p {{ margin: 8px 0; }}
.state {{ font-weight: 600; }}
figure {{ margin: 16px 0; background: #fff; padding: 8px; border: 1px solid #ddd; border-radius: 6px; }}
img {{ display: block; max-width: 100%; height: auto; }}
</style>
</head>
<body>
<h1>freebox-monitor</h1>
<p>A simulated Freebox Ultra, in a household of thirty devices. freebox-monitor registered at it,
fetched a month from the box's own history with <code>--backfill 30d</code>, and has collected live
since then. carbon stores it, as on a SexiGraf appliance, and graphite-web draws it{web}.</p>
<p>Of the past the box remembers its traffic, bandwidth, temperatures, fan and switch; all else
begins with the demo. Where a curve falls to nothing the line was down, and where one has a gap the
box restarted: that is how this household lives.</p>
<p class="state">{state}</p>
{figures}
</body>
</html>
"""
