"""The ports of the switch, who uses the line, and which devices there are."""

from grafana import (
    GREY, ON, bars, dashboard, gauge, lines, override, ranking, row, stat, states, steps, timeline,
    variable,
)
from graphite import (
    amount, highest, last, lowest, most, share, together_per, top, value,
)

PORT = variable("port", "Port", "freebox.$box.switch.port.*", several=True)
HOST = variable("host", "Device", "freebox.$box.lan.host.*", several=True,
                about="A device, as its name and the last four digits of its MAC address")
LINK = states(_0=("nothing", GREY), _1=("plugged in", "green"))
OF_PORT = "switch.port.<$port>."
# Told from the box: what it receives from a device is that device's upload.
MIRRORED = "Above: to the device, its download. Below: from the device, its upload."

PORTS = row(
    "Ports of the switch",
    timeline("Links", "Whether something is plugged into each port and awake.",
             [lowest(OF_PORT + "link")], LINK, width=16, height=7),
    ranking("Speed of the links", "What each port has agreed on with its device. 100 Mb/s on a "
            "device that can do more is most often a bad cable. A port with nothing in it says "
            "10 Mb/s or nothing.",
            [last(OF_PORT + "speed")], "bps", height=7, decimals=1,
            limits=steps(GREY, (100e6, "orange"), (1e9, "green"))),
    lines("Traffic of the ports", "What the box sends to a port (above) and receives from it "
          "(below).",
          [value(OF_PORT + "tx_bytes_rate", "{} to", 8),
           value(OF_PORT + "rx_bytes_rate", "{} from", 8)], "bps", width=16, height=9,
          overrides=[override(" from$", custom__transform="negative-Y")], beside=True, decimals=1,
          legend=("lastNotNull", "max")),
    bars("Errors per hour", "Broken, lost and collided frames of each port. A few in a day are "
         "usual; a steady flow is a bad cable or plug.",
         [together_per("1h", OF_PORT + "{rx_error_packets,rx_discard_packets,tx_collisions}")],
         height=9, width=8, decimals=0, stacked=True, legend=("sum",), low=0, least=10,
         beside=True),
)

USERS = row(
    "Who uses the line",
    lines("Top downloads", "The ten devices that downloaded most in the period. Only devices that "
          "the box itself or a repeater of Free serves are told apart.",
          [top(10, value("lan.host.<*>.tx_rate", "", 8))], "bps", height=9, stacked=True,
          beside=True, legend=("mean", "max"), decimals=1),
    lines("Top uploads", "The ten devices that uploaded most in the period.",
          [top(10, value("lan.host.<*>.rx_rate", "", 8))], "bps", height=9, stacked=True,
          beside=True, legend=("mean", "max"), decimals=1),
    ranking("Volume by device: down", "What each device received in the period, from its rate at "
            "each minute.", [most(12, amount("lan.host.<*>.tx_rate"))], "decbytes", width=12,
            height=9, decimals=1),
    ranking("Volume by device: up", "What each device sent in the period, from its rate at each "
            "minute.", [most(12, amount("lan.host.<*>.rx_rate"))], "decbytes", width=12, height=9,
            color="orange", decimals=1),
)

DEVICES = row(
    "Devices and addresses",
    lines("Devices by kind", "All devices that the box remembers, on or off, by what it takes them "
          "for.", [value("lan.type.<*>.hosts")], width=10, stacked=True, stepped=True,
          beside=True, decimals=0, low=0),
    lines("Devices that are on", "Devices that the box holds for active, by network.",
          [highest("lan.interface.<*>.hosts_active")], width=8, stepped=True, decimals=0, low=0),
    gauge("Addresses in use", "How much of the DHCP range is taken. Beyond 90 % new devices may "
          "soon get no address: make the range larger.",
          [share("dhcp.range_used", "dhcp.range_size", "DHCP")], width=3, low=0, high=100,
          decimals=0, limits=steps("green", (75, "orange"), (90, "red"))),
    stat("DHCP", "Leases that run, addresses that are reserved for a device, addresses that there "
         "are.",
         [last("dhcp.leases", "leases"), last("dhcp.static_leases", "reserved"),
          last("dhcp.range_size", "in the range")], width=3, height=8, named=True, decimals=0),
)

ONE = row(
    "The chosen devices",
    timeline("On and off", "When each device was on (green) and off (grey).",
             [lowest("lan.host.<$host>.active")], ON, height=18, said="never"),
    lines("Traffic of the devices", MIRRORED,
          [top(20, value("lan.host.<$host>.tx_rate", "{} to", 8)),
           top(20, value("lan.host.<$host>.rx_rate", "{} from", 8))], "bps", width=14, height=10,
          overrides=[override(" from$", custom__transform="negative-Y")], beside=True, decimals=1,
          legend=("mean", "max")),
    lines("Signal of the devices", "How strong the box or a repeater hears those that are on "
          "Wi-Fi. From -67 dBm speech and films are safe (Cisco's rule of design), below -75 it "
          "is slow.",
          [value("lan.host.<$host>.wifi_signal")], "dBm", width=10, height=10, fill=0,
          limited=True, limits=steps("red", (-75, "orange"), (-67, "green")), beside=True,
          decimals=0),
    closed=True,
)

DASHBOARD = dashboard(
    "Freebox LAN and Switch", "freebox-lan",
    "The ports of the switch, who uses the line, and which devices there are.", [PORT, HOST],
    [PORTS, USERS, DEVICES, ONE],
)
