"""Is it up, for how long, what happened, how much went through, and how good is the line.

This one is made for each home of the numbers: `ask` is the file that knows how that home is asked.
"""

from grafana import (
    DOWN_AND_UP, GREY, ON, UP, YES, bars, colored, dashboard, lines, override, row, stat, states,
    steps, timeline,
)

MEDIA = states(
    _0=("none", "red"), _1=("fibre", "green"), _2=("Ethernet", "green"), _3=("copper", "green"),
    _4=("4G backup", "orange"), _999=("unknown", GREY),
)
MODEM = states(
    _minus1=("disabled", GREY), _0=("down", "red"), _1=("training", "orange"),
    _2=("started", "orange"), _3=("channel analysis", "orange"), _4=("message exchange", "orange"),
    _5=("in sync", "green"), _999=("unknown", GREY),
)
FIREWALL = ("Whether the box lets this in. What is on here can be reached from the whole Internet; "
            "the box's pages for it are Parametres de la Freebox, Mode avance.")

BOTH = ("down", "up")
# What is no state but a moment, on a panel of states.
MOMENT = [override("^Last run", unit="dateTimeFromNow", mappings=[],
                   color={"mode": "fixed", "fixedColor": "text"})]


def now(ask):
    """What counts at this moment, in big numbers."""
    ran = ask.last_run("Last run")
    return [
        stat("Internet", "Whether the box says that its line is up. Dark red is down.",
             [ask.last("connection.state", "Internet")], meaning=UP, background=True,
             none="not told"),
        stat("Carried by", "What carries the line. 4G backup means that fibre or copper is lost "
             "and the box uses the mobile network (Ultra, Delta and Pro).",
             [ask.last("connection.media", "Medium")], meaning=MEDIA, none="not told"),
        stat("Download now", "What comes in over the line, in the last minute that was measured.",
             [ask.value("connection.rate_down", "Down", 8)], "bps", color="blue", graph=True,
             decimals=1),
        stat("Upload now", "What goes out over the line, in the last minute that was measured.",
             [ask.value("connection.rate_up", "Up", 8)], "bps", color="orange", graph=True,
             decimals=1),
        stat("Bandwidth of the line", "What the line could carry, as the box says: on fibre what "
             "Free has provisioned, on copper what the modem has negotiated.",
             [ask.value("connection.bandwidth_down", "Down"),
              ask.value("connection.bandwidth_up", "Up")],
             "bps", named=True),
        stat("Box up for", "Since the box started last.", [ask.last("system.uptime", "Up")],
             "dtdurations", decimals=1),
        stat("Outages", "How often the line went down in the period that is shown. Any is worth a "
             "look; more than three in a day on copper is a case for Free's support.",
             [ask.falls("connection.state", "Outages", 1)], calc="sum", decimals=0,
             limits=steps("green", (1, "orange"), (4, "red"))),
        stat("Time without Internet", "For how long the line was down in the period that is shown, "
             "as far as the box was there to tell. Half an hour of a day is 98 % of availability.",
             [ask.seconds_without("connection.state", "Down")], "s", calc="sum", decimals=1,
             limits=steps("green", (60, "orange"), (1800, "red"))),
        stat("Availability", "The part of the period in which the line was up, of the minutes that "
             "were told. 99.9 % is a minute and a half in a day.",
             [ask.value("connection.state", "Up", 100)], "percent", calc="mean", decimals=2,
             limits=steps("red", (98, "orange"), (99.9, "green"))),
        stat("Restarts of the box", "How often the box started anew in the period that is shown. "
             "It does so by itself for a new firmware, a few times in a year.",
             [ask.falls("system.uptime", "Restarts", 300)], calc="sum", decimals=0,
             limits=steps("green", (1, "orange"), (3, "red"))),
        stat("Hottest sensor", "The highest temperature that the box measures in itself. Free "
             "publishes no limits; its boxes run at 50 to 75 °C in a living room, and processors "
             "of their kind throttle from about 95 °C: so orange from 80 and red from 90.",
             [ask.greatest("system.sensor.*.temperature", "Hottest")], "celsius", graph=True,
             limits=steps("green", (80, "orange"), (90, "red"))),
        stat("Collector", "Whether the last run of freebox-monitor reached the box. All else on "
             "this page is as old as its last success." + ask.ABOUT_RUNS,
             [ask.works("Collector"), *ran],
             meaning=states(_0=(ask.NOT_WORKING, "red"), _1=("working", "green")),
             none="no run", named=bool(ran), below=bool(ran), overrides=MOMENT if ran else ()),
    ]


def history(ask):
    """States over time."""
    return timeline(
        "What happened",
        "The line and the collector over time. A gap is a time in which nothing was measured: the "
        "collector did not run, or it could not reach the box.",
        [ask.lowest("connection.state", "Internet"),
         ask.lowest("connection.ftth.link", "Optical link"),
         ask.worked("Collector")], UP,
    )


def traffic(ask):
    """What goes through."""
    return [
        lines("Traffic", "What came in (above) and went out (below). The box itself measures the "
              "rate, over the last seconds before each run.",
              [ask.value("connection.rate_down", "Down", 8),
               ask.value("connection.rate_up", "Up", 8)], "bps",
              width=16, height=9, legend=("lastNotNull", "mean", "max"), overrides=DOWN_AND_UP,
              decimals=1),
        lines("Use of the line", "The same in hundredths of the bandwidth, with peaks kept. "
              "Whoever is above 80 % for long is slowed down by the line.",
              [ask.share("connection.rate_down", "connection.bandwidth_down", "Down", 8),
               ask.share("connection.rate_up", "connection.bandwidth_up", "Up", 8)], "percent",
              width=8, height=9, low=0, limited=True, legend=("lastNotNull", "max"),
              limits=steps("green", (80, "red")),
              overrides=[colored("^Down", "blue"), colored("^Up", "orange")]),
        bars("Volume per day, last 30 days", "What went over the line on each day. "
             f"{ask.ABOUT_DAYS} What is lost: the bytes between the last run before a restart and "
             "the restart.",
             [ask.per("1d", "connection.bytes_down", "Down"),
              ask.per("1d", "connection.bytes_up", "Up")],
             "decbytes", width=16, since="30d", legend=("lastNotNull", "mean", "max", "sum"),
             overrides=DOWN_AND_UP, decimals=1),
        stat("Volume of the period", "What went over the line in the period that is shown.",
             [ask.per("1h", "connection.bytes_down", "Down"),
              ask.per("1h", "connection.bytes_up", "Up")],
             "decbytes", width=4, height=8, calc="sum", named=True, decimals=1,
             overrides=[colored("^Down", "blue"), colored("^Up", "orange")]),
        stat("Last 30 days", "What went over the line in the last 30 days.",
             [ask.per("1d", "connection.bytes_down", "Down"),
              ask.per("1d", "connection.bytes_up", "Up")],
             "decbytes", width=4, height=8, calc="sum", named=True, decimals=1,
             overrides=[colored("^Down", "blue"), colored("^Up", "orange")]) | {"timeFrom": "30d"},
    ]


def quality(ask):
    """How good the line is, whatever it is made of."""
    return [
        lines("How well the line is heard", "On fibre: the optical power that arrives. ITU-T "
              "G.984.2 (B+) and G.9807.1 (N1) want -8 to -27 dBm; below -25 there is little left. "
              "On copper: the noise margin. Modems aim at 6 dB (ITU-T G.997.1); below 3 the line "
              "is lost at the next disturbance.",
              [ask.value("connection.ftth.rx_power_dbm", "Light received"),
               ask.value("connection.xdsl.down.snr", "Margin down"),
               ask.value("connection.xdsl.up.snr", "Margin up")], "dB", decimals=2, fill=0,
              overrides=[override("^Light", unit="dBm"), colored("down$", "blue"),
                         colored("up$", "orange")], legend=("lastNotNull", "min", "max")),
        lines("What the line could carry", "On copper what the modem has negotiated, and what it "
              "could at the most; on fibre what Free has provisioned. A step is a new negotiation.",
              [ask.last("connection.xdsl.down.max_bitrate", "Down at the most"),
               ask.last("connection.xdsl.up.max_bitrate", "Up at the most"),
               ask.last("connection.bandwidth_down", "Down"),
               ask.last("connection.bandwidth_up", "Up")], "bps", stepped=True, fill=0, low=0,
              overrides=[override("most$", custom__lineStyle={"fill": "dash", "dash": [6, 6]}),
                         colored("^Down", "blue"), colored("^Up", "orange")], decimals=1),
    ]


def fibre(ask):
    """For boxes on fibre."""
    return row(
        "Fibre",
        lines("Optical power received", "What arrives at the box. ITU-T G.984.2 (B+) and G.9807.1 "
              "(N1): a receiver works from -27 or -28 dBm and is blinded above -8 or -9. A fall by "
              "more than 3 dB is a dirty or bent fibre.",
              [ask.value("connection.ftth.rx_power_dbm", "Received")], "dBm", width=8, decimals=2,
              limited=True, fill=0,
              limits=steps("red", (-27, "orange"), (-25, "green"), (-8, "red")),
              legend=("lastNotNull", "min", "max"), overrides=[colored("^Received", "blue")]),
        lines("Optical power sent", "What the box sends. ITU-T G.984.2 (B+) has 0.5 to 5 dBm, "
              "G.9807.1 (N1) 4 to 9 dBm.",
              [ask.value("connection.ftth.tx_power_dbm", "Sent")], "dBm", width=8, decimals=2,
              fill=0, legend=("lastNotNull", "min", "max"), overrides=[colored("^Sent", "orange")]),
        timeline("Optical module", "What the box says of the module that the fibre goes into.",
                 [ask.lowest("connection.ftth.sfp_present", "Plugged in"),
                  ask.lowest("connection.ftth.sfp_power_good", "Powered"),
                  ask.lowest("connection.ftth.sfp_has_signal", "Light arrives"),
                  ask.lowest("connection.ftth.link", "Link")], YES, width=8, height=8),
        closed=True,
    )


def copper(ask):
    """For boxes on copper."""
    return row(
        "Copper (xDSL)",
        timeline("Modem", "How far the modem has come. In sync is what it should always be.",
                 [ask.lowest("connection.xdsl.status", "Modem")], MODEM, height=3),
        lines("Rates", "What the modem has negotiated, and (dashed) what the line could carry.",
              [ask.last(f"connection.xdsl.{it}.bitrate", it.capitalize()) for it in BOTH]
              + [ask.last(f"connection.xdsl.{it}.max_bitrate", f"{it.capitalize()} at the most")
                 for it in BOTH], "bps", stepped=True, fill=0, low=0, decimals=1,
              overrides=[colored("^Down", "blue"), colored("^Up", "orange"),
                         override("most$", custom__lineStyle={"fill": "dash", "dash": [6, 6]})]),
        lines("Noise margin", "How much stronger the signal is than it has to be. Modems aim at 6 "
              "dB (ITU-T G.997.1); below 3 the line is lost at the next disturbance.",
              [ask.value(f"connection.xdsl.{it}.snr", it.capitalize()) for it in BOTH], "dB",
              fill=0, decimals=1, low=0, limited=True,
              limits=steps("red", (3, "orange"), (6, "green")),
              overrides=[colored("^Down", "blue"), colored("^Up", "orange")],
              legend=("lastNotNull", "min", "max")),
        lines("Attenuation", "What the copper takes away. About 14 dB for each kilometre of 0.4 mm "
              "wire at ADSL's frequencies: it only changes with the wire or the modem.",
              [ask.value(f"connection.xdsl.{it}.attenuation", it.capitalize()) for it in BOTH],
              "dB", width=8, fill=0, decimals=1, low=0,
              overrides=[colored("^Down", "blue"), colored("^Up", "orange")]),
        bars("Errors per hour", "Blocks that were lost (CRC), headers that were lost (HEC), and "
             "seconds with any such error. FEC, what was mended, is left out: many and harmless.",
             [ask.per("1h", f"connection.xdsl.{it}.{kind}", f"{words} {it}") for it in BOTH
              for kind, words in (("crc", "CRC"), ("hec", "HEC"), ("errored_seconds", "Seconds"))],
             "none", width=8, low=0, least=5, beside=True, decimals=0, legend=("sum",),
             stacked=True),
        bars("Retransmissions per hour", "What was sent again (G.INP or PhyR), and what was lost "
             "for good all the same.",
             [ask.per("1h", f"connection.xdsl.{it}.{kind}", f"{words} {it}") for it in BOTH
              for kind, words in (("retransmissions_corrected", "Mended"),
                                  ("retransmissions_uncorrected", "Lost"))],
             "none", width=8, low=0, least=5, beside=True, decimals=0, legend=("sum",),
             stacked=True),
        closed=True,
    )


def body(ask):
    """Heat and fans."""
    return row(
        "The box itself",
        lines("Temperatures", "All sensors of the box, peaks kept. Free publishes no limits: "
              "orange from 80 °C, red from 90 °C, since processors of this kind throttle from "
              "about 95 °C.",
              ask.each_highest("system.sensor.<*>.temperature"), "celsius", fill=0, limited=True,
              decimals=0, limits=steps("green", (80, "orange"), (90, "red")), beside=True,
              legend=("lastNotNull", "max")),
        lines("Fans", "How fast they turn. A fan that stands still in a warm box is broken; 0 on a "
              "box at rest is well.",
              [ask.highest("system.fan.<*>.rpm", "fan {}")], "rotrpm", fill=0, low=0, decimals=0,
              beside=True, legend=("lastNotNull", "max")),
    )


def settings(ask):
    """What somebody from outside could come in by."""
    return row(
        "What is open to the outside",
        stat("Open to the Internet", FIREWALL,
             [ask.last("connection.config.remote_access", "Pages of the box"),
              ask.last("connection.config.api_remote_access", "API of the box"),
              ask.last("connection.config.ping_external", "Answers to ping"),
              ask.last("connection.ipv6.enabled", "IPv6"),
              ask.last("connection.ipv6.firewall", "IPv6 firewall"),
              ask.last("nat.upnp_enabled", "UPnP may open ports"),
              ask.last("nat.dmz_enabled", "DMZ")], meaning=ON, width=16, named=True,
              none="not told"),
        stat("Redirections of ports", "How many ports are passed on to a device in the house: by "
             "hand, and by UPnP.",
             [ask.last("nat.redirections_enabled", "by hand"),
              ask.last("nat.upnp_redirections", "by UPnP")],
             width=8, named=True, decimals=0, none="none"),
        closed=True,
    )


def made_for(ask):
    """The dashboard for a home."""
    return dashboard(
        "Freebox Overview", "freebox-overview",
        "Whether the line is up, what went through, and how good it is.", [],
        [now(ask), [history(ask)], traffic(ask), quality(ask), fibre(ask), copper(ask), body(ask),
         settings(ask)],
    )
