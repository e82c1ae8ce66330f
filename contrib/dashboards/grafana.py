"""How Grafana 9.5 draws: the kinds of panels, the variables, and a dashboard that holds them."""

import json

DATASOURCE = {"type": "graphite", "uid": "local"}
# The data source that is chosen above a dashboard.
PICKED = {"type": None, "uid": "${datasource}"}
# A run or two may be missing in a line that goes on; more is a gap.
CONNECTED = 200_000
# The same where runs may be ten minutes apart.
CONNECTED_RARELY = 660_000
WIDTH = 24
# What is neither well nor bad, on dark and on light.
GREY = "#8e9199"


def steps(*pairs):
    """Thresholds: `steps("green", (70, "orange"), (80, "red"))`."""
    first, *others = pairs
    found = [{"color": first, "value": None}]
    found += [{"color": color, "value": value} for value, color in others]
    return {"mode": "absolute", "steps": found}


def states(**words):
    """What numbers mean: `states(_0=("down", "red"), _1=("up", "green"))`."""
    options = {
        key.lstrip("_").replace("minus", "-"): {"text": text, "color": color, "index": number}
        for number, (key, (text, color)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]


UP = states(_0=("down", "red"), _1=("up", "green"))
YES = states(_0=("no", "blue"), _1=("yes", "green"))
ON = states(_0=("off", GREY), _1=("on", "green"))


def override(names, **properties):
    """What is different for series with these names, a regular expression."""
    found = [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byRegexp", "options": f"/{names}/"}, "properties": found}


def colored(names, color, **more):
    return override(names, color={"mode": "fixed", "fixedColor": color}, **more)


# Both directions in one picture: what leaves hangs below the line.
DOWN_AND_UP = [
    colored("^Down", "blue"),
    colored("^Up", "orange", custom__transform="negative-Y"),
]


def _panel(kind, title, about, queries, width, height, defaults, options, overrides=(), **more):
    # Graphite is asked in one text; for others there is more to say.
    asked = [query if isinstance(query, dict) else {"target": query} for query in queries]
    targets = [
        {"refId": chr(ord("A") + number), **query, "datasource": DATASOURCE}
        for number, query in enumerate(asked)
    ]
    return {
        "type": kind,
        "title": title,
        "description": about,
        "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height},
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
        **more,
    }


def _defaults(unit, decimals=None, low=None, high=None, limits=None, meaning=None, none=None):
    defaults = {"unit": unit, "color": {"mode": "palette-classic"}}
    given = {"decimals": decimals, "min": low, "max": high, "noValue": none}
    defaults.update({key: value for key, value in given.items() if value is not None})
    defaults["mappings"] = meaning or []
    defaults["thresholds"] = limits or steps("green")
    if none:
        # Nothing is neither well nor bad: its colour is that below all numbers.
        first, *others = defaults["thresholds"]["steps"] if limits else [{"color": GREY}]
        below = steps(GREY, (-1_000_000_000, first["color"]))["steps"]
        defaults["thresholds"] = {"mode": "absolute", "steps": below + others}
    return defaults


def stat(title, about, queries, unit="short", width=4, height=4, calc="lastNotNull", color=None,
         graph=False, named=False, overrides=(), background=False, below=False, **field):
    """One number, or one for each series: big, and coloured by what it means. Several are beside
    or `below` each other."""
    defaults = _defaults(unit, **field)
    judged = field.get("limits") or field.get("meaning")
    defaults["color"] = {"mode": "thresholds"} if judged and not color else {
        "mode": "fixed", "fixedColor": color or "text"}
    options = {
        "reduceOptions": {"values": False, "calcs": [calc], "fields": ""},
        "orientation": "horizontal" if below else "auto",
        "textMode": "value_and_name" if named else "value",
        "colorMode": "background" if background else "value",
        "graphMode": "area" if graph else "none",
        "justifyMode": "auto",
    }
    if named:
        options["text"] = {"titleSize": 16, "valueSize": 24}
    return _panel("stat", title, about, queries, width, height, defaults, options, overrides)


def lines(title, about, queries, unit="short", width=12, height=8, fill=10, stacked=False,
          legend=("lastNotNull",), limited=False, stepped=False, bars=False, overrides=(),
          beside=False, since=None, least=None, **field):
    """Numbers over time. `limited` draws the thresholds, `beside` puts the legend to the right,
    `since` shows another period than the rest of the dashboard, and the axis goes to `least` where
    the numbers are smaller."""
    defaults = _defaults(unit, **field)
    defaults["custom"] = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": "stepAfter" if stepped else "linear",
        "barAlignment": 1 if bars else 0,
        "lineWidth": 0 if bars else 1,
        "fillOpacity": 80 if bars else 40 if stacked else fill,
        "gradientMode": "none",
        "showPoints": "never",
        "spanNulls": False if bars else CONNECTED,
        "pointSize": 4,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "axisPlacement": "auto",
        "axisLabel": "",
        "scaleDistribution": {"type": "linear"},
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        "thresholdsStyle": {"mode": "dashed" if limited else "off"},
    }
    if least is not None:
        defaults["custom"]["axisSoftMax"] = least
    options = {
        "legend": {
            "showLegend": True,
            "displayMode": "table" if legend else "list",
            "placement": "right" if beside else "bottom",
            "calcs": list(legend),
        },
        "tooltip": {"mode": "multi", "sort": "none" if overrides else "desc"},
    }
    more = {"timeFrom": since} if since else {}
    return _panel("timeseries", title, about, queries, width, height, defaults, options, overrides,
                  **more)


def bars(title, about, queries, unit="short", **more):
    """Amounts: one bar for each hour or day."""
    return lines(title, about, queries, unit, bars=True, **more)


def timeline(title, about, queries, meaning, width=24, height=5, said="auto", **more):
    """States over time, one band for each; `said` is whether the words are in it."""
    defaults = _defaults("short", meaning=meaning)
    defaults["custom"] = {"fillOpacity": 75, "lineWidth": 0, "spanNulls": CONNECTED,
                          "hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    options = {
        "mergeValues": True,
        "showValue": said,
        "alignValue": "left",
        "rowHeight": 0.85,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _panel("state-timeline", title, about, queries, width, height, defaults, options,
                  **more)


def ranking(title, about, queries, unit="short", width=8, height=8, calc="lastNotNull", color=None,
            few=False, overrides=(), **field):
    """One bar for each series; where there are `few`, their names shall not fill the panel."""
    defaults = _defaults(unit, low=field.pop("low", 0), **field)
    judged = field.get("limits")
    defaults["color"] = {"mode": "thresholds"} if judged else {
        "mode": "fixed", "fixedColor": color or "blue"}
    options = {
        "reduceOptions": {"values": False, "calcs": [calc], "fields": ""},
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "showUnfilled": True,
        "minVizWidth": 0,
        "minVizHeight": 10,
    }
    if few:
        options["text"] = {"titleSize": 14, "valueSize": 18}
    return _panel("bargauge", title, about, queries, width, height, defaults, options, overrides)


def gauge(title, about, queries, unit="percent", width=4, height=8, **field):
    """One number between its bounds."""
    defaults = _defaults(unit, **field)
    defaults["color"] = {"mode": "thresholds"}
    options = {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
        "orientation": "auto",
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
    }
    return _panel("gauge", title, about, queries, width, height, defaults, options)


def table(title, about, queries, first, columns, unit="short", width=12, height=8, colored=False,
          sorted_by=None, **field):
    """A row for each series, with what `columns` (calculations and their titles) make of it."""
    defaults = _defaults(unit, **field)
    defaults["color"] = {"mode": "thresholds"}
    defaults["custom"] = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    numbers = "|".join(title for _, title in columns)
    kind = {"type": "color-text"} if colored else {"type": "auto"}
    overrides = [override(f"^({numbers})$", custom__cellOptions=kind)]
    names = {"lastNotNull": "Last *", "mean": "Mean", "min": "Min", "max": "Max", "sum": "Total"}
    titles = {"Field": first, **{names[calc]: title for calc, title in columns}}
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False},
        "sortBy": [{"displayName": sorted_by, "desc": True}] if sorted_by else [],
    }
    transformations = [
        {"id": "reduce", "options": {"reducers": [calc for calc, _ in columns]}},
        {"id": "organize", "options": {"excludeByName": {}, "indexByName": {},
                                       "renameByName": titles}},
    ]
    return _panel("table", title, about, queries, width, height, defaults, options, overrides,
                  transformations=transformations)


def row(title, *panels, closed=False):
    """A headline with panels below it; a closed one is opened by a click."""
    return {"type": "row", "title": title, "collapsed": closed, "panels": list(panels)}


def variable(name, label, query, several=False, about=""):
    """A choice above the dashboard, of what Graphite finds."""
    chosen = {"selected": True, "text": ["All"], "value": ["$__all"]} if several else {}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": about,
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "regex": "",
        "refresh": 2 if several else 1,
        "sort": 3 if several else 5,
        "multi": several,
        "includeAll": several,
        "allValue": "*" if several else None,
        "current": chosen,
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
    }


def choice(name, label, about, kind, query, regex=""):
    """A choice of what a data source of another kind finds."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": about,
        "datasource": PICKED | {"type": kind},
        "query": {"query": query, "refId": name} if kind == "prometheus" else query,
        "definition": query,
        "regex": regex,
        "refresh": 1,
        "sort": 5,
        "multi": False,
        "includeAll": False,
        "current": {},
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
    }


def interval(name, label, about, *lengths):
    """A choice of how far apart the points of a graph are at the least."""
    return {
        "type": "custom",
        "name": name,
        "label": label,
        "description": about,
        "query": ",".join(lengths),
        "multi": False,
        "includeAll": False,
        "current": {"selected": True, "text": lengths[0], "value": lengths[0]},
        "options": [{"selected": it == lengths[0], "text": it, "value": it} for it in lengths],
        "hide": 0,
        "skipUrlSync": False,
    }


def _data_source(name, kind):
    """The choice of a data source: whoever imports the dashboard has nothing else to set."""
    return {
        "type": "datasource",
        "name": "datasource",
        "label": name,
        "description": f"Where the numbers are: a data source of the kind {name}",
        "query": kind,
        "regex": "",
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "current": {},
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
    }


BOX_VARIABLE = variable("box", "Box", "freebox.*", about="The box, as its node in Graphite")


def _place(entries):
    """Gives each panel its number and its place: from left to right, then the next line. An entry
    is a row, or a list of panels without a headline."""
    placed, x, y, tallest, number = [], 0, 0, 0, 0

    def put(panel, x, y):
        nonlocal number
        number += 1
        panel["id"] = number
        panel["gridPos"] = {"x": x, "y": y, **panel["gridPos"]}

    def flow(panels):
        nonlocal x, y, tallest
        for panel in panels:
            if x + panel["gridPos"]["w"] > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            put(panel, x, y)
            x += panel["gridPos"]["w"]
            tallest = max(tallest, panel["gridPos"]["h"])
        x, y, tallest = 0, y + tallest, 0

    for entry in entries:
        if isinstance(entry, list):
            flow(entry)
            placed += entry
            continue
        inner, entry["panels"] = entry["panels"], []
        entry["gridPos"] = {"w": WIDTH, "h": 1}
        put(entry, 0, y)
        placed.append(entry)
        y += 1
        below = y
        flow(inner)
        if entry["collapsed"]:
            entry["panels"], y = inner, below
        else:
            placed += inner
    return placed


def dashboard(title, uid, about, variables, entries):
    """The whole, as the appliance keeps it. An entry is a row, or a list of panels."""
    return {
        "title": title,
        "uid": uid,
        "description": about,
        "tags": ["freebox"],
        "schemaVersion": 37,
        "version": 1,
        "style": "dark",
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "weekStart": "",
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "refresh": "",
        "time": {"from": "now-24h", "to": "now"},
        "timepicker": {},
        "annotations": {"list": []},
        "links": [{
            "type": "dashboards",
            "title": "Freebox",
            "tags": ["freebox"],
            "asDropdown": False,
            "icon": "external link",
            "includeVars": True,
            "keepTime": True,
            "targetBlank": False,
            "tooltip": "",
            "url": "",
        }],
        "templating": {"list": [BOX_VARIABLE, *variables]},
        "panels": _place(entries),
    }


def for_import(made, home):
    """The same for another home, into which people import it themselves."""
    made["title"] += f" ({home.NAME})"
    made["uid"] += f"-{home.KIND}"
    made["editable"] = True
    made["templating"]["list"] = [_data_source(home.NAME, home.KIND), *home.VARIABLES]
    rows_and_panels = [it for panel in made["panels"] for it in [panel, *panel.get("panels", [])]]
    for panel in rows_and_panels:
        if panel["type"] != "row":
            _feed(panel, PICKED | {"type": home.KIND}, home.INTERVAL)
    return made


def for_any_grafana(made):
    """The same for a Grafana whose data source has another name than an appliance's."""
    picked = PICKED | {"type": DATASOURCE["type"]}
    made = json.loads(json.dumps(made).replace(json.dumps(DATASOURCE), json.dumps(picked)))
    made["uid"] += "-graphite"
    made["editable"] = True
    made["templating"]["list"].insert(0, _data_source("Graphite", "graphite"))
    return made


def _feed(panel, source, interval):
    for asker in [panel, *panel["targets"]]:
        asker["datasource"] = source
    # A graph that asks for points between the runs is full of gaps.
    panel["interval"] = interval
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    if custom.get("spanNulls"):
        custom["spanNulls"] = CONNECTED_RARELY
