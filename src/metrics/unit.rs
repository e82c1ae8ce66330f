//! Units: the one that people read, and the base unit behind it.

use crate::metrics::value::{SAME, Scale};

/// Bits in a kilobit: a DSL modem tells its rates in kilobits a second.
pub(crate) const KILOBIT: i64 = 1000;
/// Bits in a megabit: sockets, cables and plugs tell their rates in megabits a second.
pub(crate) const MEGABIT: i64 = 1_000_000;
/// Bits in a tenth of a megabit: radios tell their rates in tenths of a megabit a second.
pub(crate) const TENTH_OF_MEGABIT: i64 = 100_000;
/// Bytes in what a box calls a megabyte of memory.
pub(crate) const MEBIBYTE: i64 = 1 << 20;

/// What a number counts or measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nothing: a state, an index, a number that names something.
    None,
    /// Things; the metric's name says which.
    Count,
    /// Frames or packets on a network.
    Packet,
    /// Packets in a second.
    PacketPerSecond,
    /// Bytes.
    Byte,
    /// Thousands of millions of bytes, as disks are sold.
    Gigabyte,
    /// Bytes in a second.
    BytePerSecond,
    /// Bits in a second.
    BitPerSecond,
    /// Seconds, of a length of time or since 1970.
    Second,
    /// Degrees Celsius.
    Celsius,
    /// Hundredths.
    Percent,
    /// Power, against a milliwatt.
    Dbm,
    /// A ratio of powers.
    Decibel,
    /// Millions of cycles in a second.
    Megahertz,
    /// Turns in a minute.
    Rpm,
}

impl Unit {
    /// How it is written behind a number; `-` for none.
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Unit::None => "-",
            Unit::Count => "count",
            Unit::Packet => "packet",
            Unit::PacketPerSecond => "packet/s",
            Unit::Byte => "byte",
            Unit::Gigabyte => "GB",
            Unit::BytePerSecond => "byte/s",
            Unit::BitPerSecond => "bit/s",
            Unit::Second => "s",
            Unit::Celsius => "°C",
            Unit::Percent => "%",
            Unit::Dbm => "dBm",
            Unit::Decibel => "dB",
            Unit::Megahertz => "MHz",
            Unit::Rpm => "rpm",
        }
    }

    /// The base unit as the end of a name in Prometheus, and what makes a number one of it. Bits
    /// become bytes, as Prometheus counts them.
    /// <https://prometheus.io/docs/practices/naming/#base-units>
    pub(crate) const fn base(self) -> Option<(&'static str, Scale)> {
        match self {
            Unit::None | Unit::Count => None,
            Unit::Packet => Some(("packets", SAME)),
            Unit::PacketPerSecond => Some(("packets_per_second", SAME)),
            Unit::Byte => Some(("bytes", SAME)),
            Unit::Gigabyte => Some(("bytes", Scale::times(1_000_000_000))),
            Unit::BytePerSecond => Some(("bytes_per_second", SAME)),
            Unit::BitPerSecond => Some(("bytes_per_second", Scale::over(8))),
            Unit::Second => Some(("seconds", SAME)),
            Unit::Celsius => Some(("celsius", SAME)),
            Unit::Percent => Some(("ratio", Scale::over(100))),
            Unit::Dbm => Some(("dbm", SAME)),
            Unit::Decibel => Some(("decibels", SAME)),
            Unit::Megahertz => Some(("hertz", Scale::times(1_000_000))),
            Unit::Rpm => Some(("rpm", SAME)),
        }
    }
}
