"""The radios, the air around them, and who is on them."""

from grafana import (
    GREY, ON, dashboard, lines, ranking, row, stat, states, steps, table, timeline, variable,
)
from graphite import best_by, last, lowest, summed_by, top, total, value

RADIO = variable("radio", "Radio", "freebox.$box.wifi.ap.*", several=True,
                 about="A radio of the box, as its name or number")
STATION = variable("station", "Station", "freebox.$box.wifi.ap.$radio.station.*", several=True,
                   about="A device on Wi-Fi, as its name and the last four digits of its MAC")
OF_RADIO = "wifi.ap.<$radio>."
SIGNAL = steps("red", (-75, "orange"), (-67, "green"))
GOOD = ("From -67 dBm speech and films are safe (Cisco's rule of design); below -75 it is slow, "
        "below -80 it falls off.")
# What the box says of a radio, as far as it is not simply on.
STATES = states(
    _0=("scanning", "blue"), _1=("no settings", "red"), _2=("bad settings", "red"),
    _3=("off", GREY), _4=("off by plan", GREY), _5=("saving power", GREY),
    _6=("too hot", "red"), _7=("no network", GREY), _8=("starting", "blue"),
    _9=("stopping", "blue"), _10=("choosing channel", "blue"), _11=("scanning", "blue"),
    _12=("waiting for radar", "blue"), _13=("on", "green"), _14=("failed", "red"),
    _999=("unknown", GREY),
)

NOW = [
    stat("Wi-Fi", "Whether Wi-Fi is switched on in the box.", [last("wifi.enabled", "Wi-Fi")],
         meaning=ON, background=True, none="not told"),
    stat("Stations now", "Devices on all radios of the box. Those on a repeater count where the "
         "repeater is.",
         [total("wifi.ap.*.stations", "Stations")], graph=True, decimals=0, color="blue"),
    stat("Weakest station", "The signal of the station that is heard worst. " + GOOD,
         ["alias(minSeries(freebox.$box.wifi.ap.*.station.*.signal), 'Weakest')"], "dBm",
         decimals=0, limits=SIGNAL, none="nobody"),
    stat("Networks of neighbours", "How many networks of others each radio heard in its last "
         "scan.",
         [last(OF_RADIO + "neighbors")], decimals=0, named=True, none="none heard", width=6),
    stat("Findings of the box", "What the box's own diagnosis of Wi-Fi finds: Freebox OS, "
         "Parametres, Wi-Fi, Diagnostic, says what they are.",
         [last("wifi.diagnosis_minor_findings", "small"), last("wifi.diagnosis_major_findings", "great")],
         named=True, decimals=0, none="not told", width=6,
         limits=steps("green", (1, "orange"))),
]

RADIOS = row(
    "Radios",
    timeline("State of the radios", "What each radio does. Off by plan and too hot are the box's "
             "own doing; waiting for radar is the minute before a 5 GHz channel may be used.",
             [lowest(OF_RADIO + "state")], STATES, height=5),
    lines("Stations by radio", "How many devices are on each radio.",
          [value(OF_RADIO + "stations")], width=8, stacked=True, stepped=True, decimals=0, low=0,
          least=5,
          beside=True),
    lines("Channels", "Which channel each radio uses; the box moves by itself if it may choose.",
          [last(OF_RADIO + "primary_channel")], width=8, stepped=True, fill=0, decimals=0,
          beside=True),
    ranking("Width of the channels", "How wide each radio sends. Wider is faster, and meets more "
            "neighbours.", [last(OF_RADIO + "channel_width")], "suffix: MHz", width=8,
            decimals=0, few=True),
)

AIR = row(
    "The air",
    lines("Load of the channels", "How much of the time each radio's channel is in use, by "
          "whomever, when the box was asked. Beyond 50 % everybody waits (usual rule of design "
          "for Wi-Fi); beyond 75 % it is felt.",
          [value(OF_RADIO + "survey.busy_percent")], "percent", width=8, low=0, high=100,
          limited=True, limits=steps("green", (50, "orange"), (75, "red")), fill=0, decimals=0,
          beside=True, legend=("mean", "max")),
    lines("Load by the box itself", "How much of the time the box sends, and hears its own "
          "stations.",
          [value(OF_RADIO + "survey.tx_percent", "{} sends"),
           value(OF_RADIO + "survey.rx_bss_percent", "{} hears")], "percent",
          width=8, low=0, decimals=0, beside=True, fill=0, legend=("mean",)),
    lines("Noise", "The noise on each channel in the last scan of the box. -95 dBm and less is "
          "quiet.",
          [value("wifi.ap.<$radio>.channel.<*>.noise", "{} ch {}")], "dBm", width=8, fill=0,
          decimals=0,
          beside=True),
    ranking("Neighbours by channel", "How many networks of others the last scan of the box found "
            "on each channel of each radio.",
            [top(24, last("wifi.ap.<$radio>.channel.<*>.neighbors", "{} ch {}"))], width=12,
            height=9,
            decimals=0, limits=steps("green", (4, "orange"), (8, "red"))),
    ranking("Use of the channels", "How much of the time each channel was in use in the last "
            "scan of the box, for each radio.",
            [top(24, last("wifi.ap.<$radio>.channel.<*>.rx_busy_percent", "{} ch {}"))], "percent",
            width=12,
            height=9, high=100, decimals=0, limits=steps("green", (50, "orange"), (75, "red"))),
)

PICKED = "wifi.ap.$radio.station.<$station>."
STATIONS = row(
    "Stations",
    table("Signal of each station", "How strong the box heard each station in the period. " + GOOD,
          [best_by(PICKED + "signal")], "Station",
          [("lastNotNull", "Now"), ("mean", "On the average"), ("min", "At the worst")], "dBm",
          width=10, height=10, colored=True, limits=SIGNAL, decimals=0, sorted_by="Now"),
    lines("Signal over time", GOOD, [best_by(PICKED + "signal")], "dBm", width=14, height=10,
          fill=0, beside=True, limited=True, limits=SIGNAL, decimals=0),
    lines("Downloads of the stations", "The fifteen that received most.",
          [top(15, summed_by(PICKED + "tx_rate", 8))], "bps", height=9, stacked=True,
          beside=True, legend=("mean", "max"), decimals=1),
    lines("Uploads of the stations", "The fifteen that sent most.",
          [top(15, summed_by(PICKED + "rx_rate", 8))], "bps", height=9, stacked=True,
          beside=True, legend=("mean", "max"), decimals=1),
    lines("Speed on the air to the stations", "The rate of the last frame to each station: what "
          "its place and its radio allow, not what it uses.",
          [best_by(PICKED + "tx_bitrate")], "bps", height=9, fill=0, beside=True, decimals=1,
          low=0),
    lines("Speed on the air from the stations", "The rate of the last frame from each station.",
          [best_by(PICKED + "rx_bitrate")], "bps", height=9, fill=0, beside=True, decimals=1,
          low=0),
)

DASHBOARD = dashboard(
    "Freebox Wi-Fi", "freebox-wifi",
    "The radios of the box, the air around them, and who is on them.", [RADIO, STATION],
    [NOW, RADIOS, AIR, STATIONS],
)
