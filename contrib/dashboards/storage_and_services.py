"""Disks and volumes, and what the box does besides: downloads, VPN, machines, telephony, 4G."""

from grafana import (
    DOWN_AND_UP, GREY, ON, UP, YES, bars, dashboard, lines, override, row, stat, states, steps,
    timeline,
)
from graphite import (
    days_left, highest, last, lowest, per, per_second, share_each, total, value,
)

DISK = states(
    _0=("not in use", GREY), _1=("in use", "green"), _99=("error", "red"),
    _999=("unknown", GREY),
)
SPINNING = states(_0=("at rest", "blue"), _1=("spinning", "green"))
RUNNING = states(_0=("stopped", GREY), _1=("running", "green"))
HOOK = states(_0=("in use", "blue"), _1=("hung up", "green"))
SMART = ("Makers of 3.5 inch disks allow up to 60 °C, and disks live longest below 45 (Google's "
         "study of 2007 saw more failures from 45 on); NVMe disks throttle from about 75.")

NOW = [
    stat("Free space", "What is left on all volumes together.",
         [total("storage.volume.*.free_bytes", "Free")], "decbytes", decimals=1,
         none="no volume"),
    stat("Downloads under way", "Tasks of the box's download manager that load right now.",
         [last("downloads.tasks_downloading", "Tasks")], decimals=0, none="not told"),
    stat("Loaded now", "What the download manager takes from the line right now.",
         [value("downloads.rx_rate", "Down", 8)], "bps", decimals=1, color="blue",
         none="not told"),
    stat("VPN users", "Who is connected to the VPN servers of the box.",
         [total("vpn.server.*.authenticated_connections", "Users")], decimals=0,
         none="no VPN server"),
    stat("Machines running", "Virtual machines that run on the box.",
         [total("vm.*.running", "Machines")], decimals=0, none="no machines"),
    stat("Missed calls", "Calls that nobody has looked at in the box's log.",
         [last("call.unseen_calls", "Calls")], decimals=0, none="not told",
         limits=steps("green", (1, "orange"))),
    stat("Firmware", "Whether the box is about to update itself.",
         [last("update.state", "Update")], none="not told", meaning=states(
             _0=("up to date", "green"), _1=("getting ready", "blue"), _2=("updating", "orange"),
             _99=("failed", "red"), _999=("unknown", GREY))),
    stat("Powerline plugs", "Freeplugs that the box knows.", [last("freeplug.plugs", "Plugs")],
         decimals=0, none="none"),
    stat("Telephone line", "Whether the telephone line of the box works.",
         [last("phone.config.network_working", "Line")], meaning=UP, none="not told"),
    stat("4G backup", "Whether the box's mobile link is connected now. It rests while the line "
         "is up.", [last("lte.<*>.connected")],
         meaning=states(_0=("at rest", "green"), _1=("connected", "orange")), none="no 4G"),
    stat("Disks", "How many disks the box has.",
         ["alias(countSeries(freebox.$box.storage.disk.*.state), 'Disks')"], decimals=0,
         none="no disk"),
    stat("Player", "How many Freebox Players answer the box.",
         [total("player.*.reachable", "Players")],
         decimals=0, none="none"),
]

# Where there is no disk these say so, and the graphs are in a row that is closed.
VOLUMES = [
    stat("How full", "How much of each volume is used. File systems get slow and broken when they "
         "are full: 80 % is a moment to look, 92 % to act.",
         [share_each("storage.volume.<*>.used_bytes", "storage.volume.<*>.total_bytes", 2)],
         "percent", width=8, height=5, named=True, decimals=0, none="no volume",
         limits=steps("green", (80, "orange"), (92, "red"))),
    stat("Days until full", "When each volume will be full, if it goes on as in the week before. "
         "What does not grow by a megabyte a day is not shown. Red: less than two weeks.",
         [days_left("storage.volume.<*>.used_bytes", "storage.volume.<*>.free_bytes", 2)],
         "suffix: days", width=8, height=5, named=True, decimals=0, none="nothing grows",
         limits=steps("red", (14, "orange"), (60, "green"))),
    stat("Temperature now", SMART, [last("storage.disk.<*>.temperature")], "celsius", width=8, height=5,
         named=True, decimals=0, none="no disk that tells",
         limits=steps("green", (50, "orange"), (60, "red"))),
]

DISKS = row(
    "Disks and volumes",
    lines("Free space over time", "What is left on each volume.",
          [value("storage.volume.<*>.free_bytes")], "decbytes", width=8, fill=0, decimals=1,
          low=0),
    lines("Temperature of the disks", SMART, [highest("storage.disk.<*>.temperature")], "celsius",
          width=8, fill=0, limited=True, limits=steps("green", (50, "orange"), (60, "red")),
          decimals=0, legend=("lastNotNull", "max")),
    lines("Requests to the disks", "How many reads (above) and writes (below) each disk serves in "
          "a second.",
          [per_second("storage.disk.<*>.read_requests", "{} reads"),
           per_second("storage.disk.<*>.write_requests", "{} writes")], "reqps", width=8,
          decimals=1, legend=("max",),
          overrides=[override(" writes$", custom__transform="negative-Y")]),
    timeline("Disks at work", "Whether each disk spins. A disk that spins up and down many times "
             "in a day wears out.", [lowest("storage.disk.<*>.spinning")], SPINNING, width=8),
    timeline("State of the disks", "What the box says of each disk.",
             [last("storage.disk.<*>.state")], DISK, width=8),
    bars("Errors of the disks per day", "Reads and writes that failed. Any is a reason for a "
         "backup.",
         [per("1d", "storage.disk.<*>.read_errors", "{} reads"),
          per("1d", "storage.disk.<*>.write_errors", "{} writes")], width=8, height=5, decimals=0,
         legend=("sum",), low=0, least=5, beside=True),
    closed=True,
)

RAID = row(
    "RAID",
    timeline("Arrays", "Whether an array has lost a member (yes is bad), and whether it mends "
             "itself.",
             [lowest("storage.raid.<*>.degraded", "{} degraded"),
              highest("storage.raid.<*>.sync_active", "{} syncs")],
             states(_0=("no", "green"), _1=("yes", "orange")), width=12),
    lines("Progress of the arrays", "How far an array has come in mending or checking itself.",
          [value("storage.raid.<*>.sync_percent")], "percent", height=5, width=6, low=0, high=100,
          decimals=0),
    bars("Errors of the members per day", "Read errors that the array has mended. A member with "
         "many is dying.",
         [per("1d", "storage.raid_member.<*>.corrected_read_errors")], height=5, width=6,
         decimals=0, legend=("sum",), low=0, least=5),
    closed=True,
)

DOWNLOADS = row(
    "Downloads",
    lines("Downloads: traffic", "What the box's download manager loads and seeds.",
          [value("downloads.rx_rate", "Down", 8), value("downloads.tx_rate", "Up", 8)], "bps",
          overrides=DOWN_AND_UP, decimals=1),
    lines("Downloads: tasks", "What the tasks of the download manager are at.",
          [value(f"downloads.tasks_{it}", it) for it in
           ("downloading", "queued", "seeding", "done", "stopped", "error")], stepped=True,
          stacked=True, decimals=0, low=0, beside=True),
    closed=True,
)

VPN = row(
    "VPN",
    timeline("VPN servers", "Which of the box's VPN servers run.",
             [lowest("vpn.server.<*>.enabled")], ON, width=8, height=8),
    lines("Users of the VPN servers", "How many are connected to each server.",
          [value("vpn.server.<*>.authenticated_connections")], width=8, stepped=True, decimals=0,
          low=0, beside=True),
    lines("Traffic of the VPN users", "What each user's connection carries, by its address in "
          "the house: to the user (above), from the user (below).",
          [per_second("vpn.server.*.connection.<*>.tx_bytes", "{} to", 8),
           per_second("vpn.server.*.connection.<*>.rx_bytes", "{} from", 8)], "bps", width=8,
          overrides=[override(" from$", custom__transform="negative-Y")], decimals=1),
    timeline("VPN client", "Whether the box itself goes out by a VPN.",
             [lowest("vpn.client.enabled", "Switched on"),
              lowest("vpn.client.connected", "Connected")], YES, width=12, height=7),
    lines("Traffic of the VPN client", "What the box's own VPN connection carries.",
          [value("vpn.client.rate_down", "Down", 8), value("vpn.client.rate_up", "Up", 8)], "bps",
          height=7, overrides=DOWN_AND_UP, decimals=1),
    closed=True,
)

MACHINES = row(
    "Virtual machines",
    timeline("Machines", "Which of the machines on the box run.", [lowest("vm.<*>.running")],
             RUNNING, width=12, height=7),
    lines("Memory for machines", "What the machines take of the memory that the box has for them.",
          [last("vm.host.used_memory_bytes", "Taken"), last("vm.host.total_memory_bytes", "All")],
          "bytes", height=7, width=6, stepped=True, low=0),
    lines("Processors for machines", "What the machines take of the processors for them.",
          [last("vm.host.used_cpus", "Taken"), last("vm.host.total_cpus", "All")], height=7,
          width=6, stepped=True, decimals=0, low=0),
    closed=True,
)

PHONE = row(
    "Telephony",
    bars("Calls per day, last 30 days", "New calls in the box's log, by kind. Days begin at "
         "midnight UTC.", [per("1d", "call.type.<*>.calls")], width=12, stacked=True, decimals=0,
         since="30d", legend=("sum", "max"), low=0, beside=True),
    timeline("Telephones", "Whether somebody is speaking on each telephone.",
             [lowest("phone.<*>.on_hook")], HOOK,
             width=12, height=8),
    closed=True,
)

MOBILE = row(
    "4G: backup and aggregation",
    timeline("Mobile link", "Switched on, a cell found, connected. A backup rests while the line "
             "is up.",
             [lowest("lte.<*>.enabled", "{} on"),
              lowest("lte.<*>.radio_associated", "{} has a cell"),
              lowest("lte.<*>.connected", "{} connected")], YES, width=12, height=8),
    lines("Power of the cells", "Reference power (RSRP) of each band. 3GPP TS 36.133 reports -44 "
          "to -140 dBm; from -90 it is good, below -105 it is weak.",
          [value("lte.<*>.band.<*>.rsrp", "{} band {}")], "dBm", width=12, fill=0, limited=True,
          decimals=0,
          limits=steps("red", (-105, "orange"), (-90, "green"))),
    lines("Traffic of the aggregation", "What each tunnel carries, on boxes that help copper "
          "with 4G.",
          [value("connection.aggregation.tunnel.<*>.rx_rate", "{} from", 8),
           value("connection.aggregation.tunnel.<*>.tx_rate", "{} to", 8)], "bps", width=24,
          decimals=1, overrides=[override(" to$", custom__transform="negative-Y")]),
    closed=True,
)

PLUGS = row(
    "Freeplugs",
    lines("Speed of the plugs", "What each plug receives and sends on the mains.",
          [value("freeplug.plug.<*>.rx_bitrate", "{} from"),
           value("freeplug.plug.<*>.tx_bitrate", "{} to")], "bps", width=16, fill=0, low=0,
          decimals=1, beside=True),
    timeline("Plugs", "Whether each plug is in the network.",
             [lowest("freeplug.plug.<*>.has_network")], UP, width=8, height=8),
    closed=True,
)

DASHBOARD = dashboard(
    "Freebox Storage and Services", "freebox-services",
    "Disks and volumes, and what the box does besides.", [],
    [NOW + VOLUMES, DISKS, RAID, DOWNLOADS, VPN, MACHINES, PHONE, MOBILE, PLUGS],
)
