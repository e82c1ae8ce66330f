#!/usr/bin/env python3
"""Makes the dashboards: `make.py [FOLDER]`, the folder of the project if none is named.

Five are for Graphite, in sexigraf/dashboards for an appliance and in contrib/dashboards for any other
Grafana; the overview is made for InfluxDB and for Prometheus too, in contrib/dashboards. Each of the
five is described in a file of its own; `grafana.py` knows how Grafana draws, and `graphite.py`,
`influxql.py` and `promql.py` how their homes are asked.
Nothing else is needed than Python 3.9.
"""

import json
import pathlib
import sys

import collector
import graphite
import influxql
import lan_and_switch
import overview
import promql
import storage_and_services
import wifi
from grafana import for_any_grafana, for_import

OTHERS = [lan_and_switch, wifi, storage_and_services, collector]


def write(folder, name, dashboard):
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"
    (folder / (name.replace(" ", "_") + ".json")).write_text(text, encoding="utf-8")


def main(project):
    for dashboard in [overview.made_for(graphite)] + [module.DASHBOARD for module in OTHERS]:
        write(project / "sexigraf/dashboards", dashboard["title"], dashboard)
        folder = project / "contrib/dashboards/graphite"
        write(folder, dashboard["title"], for_any_grafana(dashboard))
    for home in [influxql, promql]:
        made = overview.made_for(home)
        folder = project / "contrib/dashboards" / home.KIND
        write(folder, made["title"], for_import(made, home))


here = pathlib.Path(__file__).resolve().parent
main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parents[1])
