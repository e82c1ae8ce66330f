//! What there is to say of the options: one description for the help, and for whatever else tells
//! people or shells about them. The options themselves are described where argh reads them.

#[cfg(test)]
use argh::Optionality;
use argh::{ArgsInfo, FlagInfo, FlagInfoKind};

use super::args::Args;

/// How much a word is like the option that was meant by it, from 0 to 1.
const ALIKE: f64 = 0.9;

/// An option, described.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described {
    /// Its name, with both dashes.
    pub(super) long: &'static str,
    /// Its letter, if it has one.
    pub(super) short: Option<char>,
    /// Whether something stands behind it.
    pub(super) value: Value,
    /// What it does, and what happens without it.
    pub(super) help: &'static str,
}

/// What stands behind an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing.
    None,
    /// Something that is called so.
    Needed(&'static str),
    /// Something that may be left out.
    Optional(&'static str),
}

/// A heading and the options below it.
pub(super) type Group = (&'static str, &'static [&'static str]);

/// Every option once, in the order in which people meet them.
pub(super) const GROUPS: [Group; 8] = [
    (
        "What to collect",
        &[
            "--all",
            "--status",
            "--host-age",
            "--patch-rate-up-bytes-up",
        ],
    ),
    (
        "From which box",
        &[
            "--register",
            "--force",
            "--register-status",
            "--endpoint",
            "--name",
            "--config",
        ],
    ),
    (
        "Where the lines go",
        &[
            "--carbon",
            "--output",
            "--format",
            "--influx-timestamp",
            "--strict-exit",
            "--resend",
            "--verify",
            "--spool-age",
            "--spool-size",
            "--backfill",
        ],
    ),
    (
        "What they are called",
        &[
            "--template",
            "--print-template",
            "--check-template",
            "--list-metrics",
        ],
    ),
    (
        "To look and to try",
        &[
            "--check",
            "--dry-run",
            "--record",
            "--record-raw",
            "--replay",
        ],
    ),
    (
        "Each run",
        &[
            "--repeat-after",
            "--every",
            "--heartbeat",
            "--timeout",
            "--jobs",
        ],
    ),
    (
        "How to speak to the box",
        &[
            "--api-endpoint-detect-force",
            "--api-endpoint-detect-ssl-domain",
            "--api-version-force",
            "--auth-hash-type",
            "--ssl-ca-bundle-file",
            "--ssl-no-verify",
        ],
    ),
    ("About the program", &["--debug", "--help", "--version"]),
];

/// The options that end in something to read; argh is not asked then.
const READING: [Described; 2] = [
    Described {
        long: "--help",
        short: Some('h'),
        value: Value::None,
        help: "show this help",
    },
    Described {
        long: "--version",
        short: Some('v'),
        value: Value::None,
        help: "print the version",
    },
];

/// The options whose value may be left out; for argh they have one.
const VALUE_OPTIONAL: [&str; 1] = ["--list-metrics"];
/// The options whose value says where something is on the network.
const ADDRESSES: [&str; 3] = ["--endpoint", "--carbon", "--verify"];

/// The exit codes, and when.
pub(super) const EXIT_CODES: [(u8, &str); 8] = [
    (0, "everything asked for was collected and delivered"),
    (
        1,
        "misuse, an unreadable file, a bad template: nothing was done",
    ),
    (2, "delivered, but some section failed"),
    (
        3,
        "the box refuses: not registered, not yet granted, revoked, another box",
    ),
    (4, "the box cannot be reached or does not speak the API"),
    (5, "carbon did not confirm; the lines wait in the spool"),
    (70, "a fault of this program; please report it"),
    (
        75,
        "another run was still delivering to that carbon when the time was over; the lines wait \
         in the spool",
    ),
];

/// The files, each with its places, of which the first that exists is taken.
pub(super) const FILES: [(&str, &[&str]); 3] = [
    (
        "credentials",
        &[
            "--config FILE",
            "~/.config/freebox-monitor/credentials.json",
            "/etc/freebox-monitor/credentials.json",
            ".credentials beside the program, of freebox_monitor.py",
        ],
    ),
    (
        "template",
        &[
            "--template FILE",
            "~/.config/freebox-monitor/template",
            "/etc/freebox-monitor/template",
            "the built-in one (dotted)",
        ],
    ),
    (
        "session, spool",
        &[
            "~/.local/state/freebox-monitor/",
            "/var/lib/freebox-monitor/ for root, and without a home",
        ],
    ),
];

/// The variables of the environment.
pub(super) const ENVIRONMENT: [(&str, &str); 2] = [
    (
        "RUST_LOG",
        "what is said on stderr: off, error, warn (default) or debug",
    ),
    (
        "XDG_STATE_HOME",
        "a place instead of ~/.local/state, as XDG_CONFIG_HOME is instead of ~/.config",
    ),
];

/// What people do most, and what it is for.
pub(super) const EXAMPLES: [(&str, &str); 4] = [
    (
        "freebox-monitor --register",
        "once: asks the box for access; say yes on its front panel",
    ),
    (
        "freebox-monitor --all --carbon HOST --dry-run",
        "shows every line that would be sent; --check says whether it would get there",
    ),
    (
        "freebox-monitor --all --carbon HOST --backfill 30d",
        "once: what the box remembers of the last month; gaps that come later fill by themselves",
    ),
    (
        "* * * * * /usr/local/bin/freebox-monitor -A --carbon HOST --repeat-after 1h",
        "in a crontab: delivers every minute, and says nothing while all is well",
    ),
];

/// Every option there is.
pub(super) fn described() -> Vec<Described> {
    let flags = Args::get_args_info().flags.iter();
    let of_argh = flags.filter(|flag| flag.long != "--help").map(of_flag);
    of_argh.chain(READING).collect()
}

/// The option that somebody most likely meant by a word that is none.
pub(super) fn meant_by(word: &str) -> Option<&'static str> {
    let likeness = |it: &Described| (strsim::jaro_winkler(it.long, word), it.long);
    let options = described();
    let likely = options
        .iter()
        .map(likeness)
        .filter(|(like, _)| *like >= ALIKE);
    let best = likely.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map(|(_, long)| long)
}

fn of_flag(flag: &FlagInfo<'static>) -> Described {
    let value = match flag.kind {
        FlagInfoKind::Switch => Value::None,
        FlagInfoKind::Option { arg_name } => match VALUE_OPTIONAL.contains(&flag.long) {
            true => Value::Optional(arg_name),
            false => Value::Needed(arg_name),
        },
    };
    Described {
        long: flag.long,
        short: flag.short,
        value,
        help: flag.description,
    }
}

/// Whether an option may be given more than once.
#[cfg(test)]
pub(super) fn repeats(long: &str) -> bool {
    let mut flags = Args::get_args_info().flags.iter();
    flags.any(|flag| flag.long == long && flag.optionality == Optionality::Repeating)
}

impl Described {
    /// Whether it is what somebody means by this word.
    pub(super) fn is_called(&self, word: &str) -> bool {
        let is_letter = |letter| {
            word.strip_prefix('-')
                .is_some_and(|it| it.chars().eq([letter]))
        };
        word == self.long || self.short.is_some_and(is_letter)
    }

    /// Whether its value says where something is on the network.
    pub(super) fn is_address(&self) -> bool {
        ADDRESSES.contains(&self.long)
    }
}
