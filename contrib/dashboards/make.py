#!/usr/bin/env python3
"""Makes the dashboards of sexigraf/dashboards: `make.py [FOLDER]`.

Each of the five is described in a file of its own; `grafana.py` knows how Grafana draws, and
`graphite.py` how Graphite is asked. Nothing else is needed than Python 3.9.
"""

import json
import pathlib
import sys

import collector
import lan_and_switch
import overview
import storage_and_services
import wifi

DASHBOARDS = [overview, lan_and_switch, wifi, storage_and_services, collector]


def main(folder):
    for module in DASHBOARDS:
        dashboard = module.DASHBOARD
        name = dashboard["title"].replace(" ", "_") + ".json"
        text = json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")


here = pathlib.Path(__file__).resolve().parent
main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parents[1] / "sexigraf/dashboards")
