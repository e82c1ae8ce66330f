"""How freebox-monitor itself is doing."""

from grafana import (
    GREY, UP, bars, dashboard, lines, ranking, row, stat, states, steps, table, timeline, variable,
)
from graphite import failures, highest, last, lowest, minutes_told, top, value

SECTION = variable("section", "Section", "freebox.$box.exec.section.*", several=True,
                   about="A part of what the box can tell")
OF_SECTION = "exec.section.<$section>."
SECTION_OK = states(_0=("failed", "red"), _1=("well", "green"))

NOW = [
    stat("Last run", "Whether the last run reached the box.", [last("exec.up", "Up")],
         meaning=states(_0=("box away", "red"), _1=("reached the box", "green")),
         background=True, none="no run"),
    stat("Runs", "In how many of the period's minutes a run told something. Less than all is a "
         "machine that was off, or a cron that did not start it.",
         ["alias(scale(consolidateBy(isNonNull(freebox.$box.exec.duration), 'average'), 100), "
          "'Runs')"], "percent", calc="mean", decimals=1,
         limits=steps("red", (95, "orange"), (99, "green"))),
    stat("Reached the box", "In how many of the runs the box could be used.",
         [value("exec.up", "Up", 100)], "percent", calc="mean", decimals=1,
         limits=steps("red", (95, "orange"), (99.5, "green"))),
    stat("Duration of a run", "The average of the period. Runs have to end within a minute, "
         "before the next one starts; beyond 40 s they give up.",
         [value("exec.duration", "Duration")], "s", calc="mean", decimals=2, graph=True,
         limits=steps("green", (20, "orange"), (40, "red"))),
    stat("Numbers in a run", "How many numbers the last run delivered.",
         [last("exec.samples", "Numbers")], "none", decimals=0),
    stat("Waiting for carbon", "Lines of earlier runs that wait because carbon did not take them. "
         "They go out as soon as it does.",
         [highest("exec.spooled", "Lines")], "none", decimals=0,
         limits=steps("green", (5000, "orange"), (100000, "red"))),
]

RUNS = row(
    "Runs",
    timeline("The box, seen from the collector", "Whether each run reached the box. A gap is a "
             "time without runs.", [lowest("exec.up", "Box")], UP, height=3),
    bars("Minutes with a run, per hour", "60 is all of them. Where the graph shows more than a "
         "week, ten minutes with a run in them count as ten.",
         [minutes_told("exec.duration", "Minutes")], width=8, low=0, high=60, decimals=0,
         legend=("mean", "min")),
    lines("Duration of the runs", "From the start to the delivery, peaks kept. It has to stay "
          "well below a minute.",
          [highest("exec.duration", "Longest"), value("exec.duration", "On the average")], "s",
          width=8, low=0, limited=True, limits=steps("green", (40, "red")),
          legend=("mean", "max"), decimals=2),
    lines("Requests and log-ins", "Requests to the box in each run. A log-in now and then is "
          "usual; one in each run means that the session cannot be kept.",
          [value("exec.requests", "Requests"), highest("exec.logins", "Log-ins"),
           highest("exec.errors", "Answers that could not be used")], width=8, low=0, decimals=0,
          legend=("mean", "max")),
)

SECTIONS = row(
    "Sections",
    timeline("Sections", "Whether all answers of a section could be used. A section that fails "
             "brings no numbers; what is wrong is in syslog (journalctl -t freebox-monitor).",
             [lowest(OF_SECTION + "ok")], SECTION_OK, width=14, height=14),
    table("Minutes with a failure", "For how many minutes of the period each section failed.",
          [failures(OF_SECTION + "ok")], "Section", [("sum", "Minutes")],
          "none", width=5, height=14, colored=True, decimals=0, sorted_by="Minutes",
          limits=steps(GREY, (1, "orange"), (60, "red"))),
    ranking("Time for the answers", "How long the box took for the answers of the fifteen slowest "
            "sections, on the average.",
            [top(15, value(OF_SECTION + "duration"))], "s", width=5, height=14, calc="mean",
            decimals=1),
    stat("Permissions that are missing", "Sections that this application may not read: they bring "
         "no numbers until somebody ticks them in Freebox OS, Parametres de la Freebox, Gestion "
         "des acces, Applications.",
         ["aliasByNode(maximumAbove(consolidateBy("
          "freebox.$box.exec.section.*.forbidden, 'max'), 0), 4)"], width=24, height=4,
         named=True, none="none",
         meaning=states(_0=("given", "green"), _1=("missing", "orange"))),
)

DELIVERY = row(
    "Delivery",
    lines("Lines that wait", "Lines of earlier runs in the spool. They grow while carbon is away, "
          "and go out with their own times when it is back.",
          [highest("exec.spooled", "Waiting")], "none", width=8, low=0, decimals=0, least=100,
          legend=("lastNotNull", "max")),
    bars("Lines that were dropped", "Numbers that could not have a line, and lines that waited "
         "too long (--spool-age, --spool-size). None is right.",
         [highest("exec.dropped", "Dropped")], "none", width=8, low=0, decimals=0, least=10,
         legend=("sum", "max")),
    bars("Points from the box's own history", "What runs have fetched of the minutes without one, "
         "ten questions in a run at most.",
         [highest("exec.backfilled", "Points")], "none", width=8, low=0, decimals=0, least=100,
         legend=("sum", "max")),
)

DASHBOARD = dashboard(
    "Freebox Collector", "freebox-collector", "How freebox-monitor itself is doing.", [SECTION],
    [NOW, RUNS, SECTIONS, DELIVERY],
)
