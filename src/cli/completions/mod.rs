//! What shells offer behind `freebox-monitor`, from the same description as the help. Only a test
//! writes it, into `contrib/completions`: the program itself knows nothing of shells.

pub(super) mod bash;
pub(super) mod fish;
pub(super) mod zsh;

use super::options::{self, Described, GROUPS, Value};
use crate::sections::{SECTIONS, Section};
use crate::template::SHIPPED;

/// What every script says of itself.
const MADE: &str = "# Made from the description of the options in the program; \
                    BLESS=1 cargo test in_step writes it anew.";
/// Lengths of time as people want them.
const TIMES: [&str; 4] = ["30d", "7d", "12h", "1h"];

/// An option as a shell offers it.
struct Offered {
    letter: Option<char>,
    /// With both dashes.
    long: String,
    /// What it does, in a few words.
    brief: String,
    /// Whether it may be given more than once.
    repeats: bool,
    /// What stands behind it, if something does.
    behind: Option<Behind>,
}

/// What stands behind an option.
struct Behind {
    /// What it is called.
    name: &'static str,
    /// Whether it may be left out.
    is_optional: bool,
    /// What can be offered there.
    offer: Offer,
}

/// What can be offered where a value stands.
enum Offer {
    /// Nothing that a shell would know.
    Nothing,
    /// The files there are.
    File,
    /// The names of machines.
    Host,
    /// The names of the sections.
    Section,
    /// One of these.
    Word(Vec<&'static str>),
    /// One of these, or a file.
    WordOrFile(Vec<&'static str>),
}

/// Every option and the switch of every section, in the order of the help.
fn offered() -> Vec<Offered> {
    let described = options::described();
    let mut offered = Vec::new();
    for (title, names) in GROUPS {
        let of_name = |name: &&str| described.iter().find(|it| it.long == *name);
        offered.extend(names.iter().filter_map(of_name).map(of_option));
        if title == GROUPS[0].0 {
            offered.extend(SECTIONS.iter().map(of_section));
        }
    }
    offered
}

fn of_option(option: &Described) -> Offered {
    let behind = |name, is_optional| Behind {
        name,
        is_optional,
        offer: offer(option.long, name),
    };
    Offered {
        letter: option.short,
        long: option.long.to_owned(),
        brief: brief(option.help).to_owned(),
        repeats: options::repeats(option.long),
        behind: match option.value {
            Value::None => None,
            Value::Needed(name) => Some(behind(name, false)),
            Value::Optional(name) => Some(behind(name, true)),
        },
    }
}

fn of_section(section: &Section) -> Offered {
    Offered {
        letter: section.letter,
        long: format!("--status-{}", section.switch),
        brief: section.brings.to_owned(),
        repeats: false,
        behind: None,
    }
}

/// What can be offered behind this option, whose value is called so.
fn offer(long: &str, name: &str) -> Offer {
    match (long, name) {
        ("--status", _) => Offer::Section,
        ("--template", _) => Offer::WordOrFile(SHIPPED.map(|(name, _)| name).to_vec()),
        ("--host-age", _) => Offer::Word([&["all"], &TIMES[..]].concat()),
        (_, "file") => Offer::File,
        (_, "host" | "box") => Offer::Host,
        (_, "time") => Offer::Word(TIMES.to_vec()),
        (_, "form") => Offer::Word(vec!["graphite", "influxdb", "prometheus"]),
        (_, "hash") => Offer::Word(vec!["sha1", "sha256"]),
        (_, "bytes" | "glob" | "name" | "number" | "seconds" | "url") => Offer::Nothing,
        _ => panic!("what can a shell offer behind {long}, for a {name}?"),
    }
}

/// What an option does, in the words that its help begins with: a shell has one line for each.
fn brief(help: &str) -> &str {
    // What the option goes with, or what it is for, is not what it does.
    let starts = ["with ", "for "].map(|start| help.starts_with(start));
    let start = match help.find(": ") {
        Some(colon) if starts.contains(&true) => colon + 2,
        _ => 0,
    };
    let words = &help[start..];
    let ends = ["; ", ": ", " ("].map(|end| words.find(end));
    let end = ends.into_iter().chain([clause(words)]).flatten().min();
    &help[..start + end.unwrap_or(words.len())]
}

/// Where the first clause of some words ends: at its comma, unless that begins an enumeration.
fn clause(words: &str) -> Option<usize> {
    let (clause, rest) = words.split_once(", ")?;
    let next = rest.split(' ').next()?;
    (!next.ends_with(',')).then_some(clause.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::request;

    #[test]
    fn what_is_offered_is_taken() {
        for option in offered() {
            let words = match option.behind.map(|it| it.offer) {
                Some(Offer::Word(words) | Offer::WordOrFile(words)) => words,
                Some(Offer::Section) => SECTIONS.iter().map(|it| it.switch).collect(),
                _ => continue,
            };
            assert!(!words.is_empty());
            for word in words {
                for typed in [
                    vec![option.long.clone(), word.to_owned()],
                    vec![format!("{}={word}", option.long)],
                ] {
                    let taken = request(typed.iter().map(Into::into));
                    assert!(taken.is_ok(), "{typed:?}: {taken:?}");
                }
            }
        }
    }

    #[test]
    fn a_few_words_say_what_an_option_does() {
        for (help, expected) in [
            ("say what happens", "say what happens"),
            ("ask for access; somebody has to say yes", "ask for access"),
            ("where it is: HOST or URL (default: there)", "where it is"),
            (
                "deliver at HOST[:PORT] over TCP (default 1)",
                "deliver at HOST[:PORT] over TCP",
            ),
            ("how often, a minute apart, it goes", "how often"),
            (
                "leave names, addresses, numbers as they are; so",
                "leave names, addresses, numbers as they are",
            ),
            (
                "with --record: leave it, as it is: so",
                "with --record: leave it",
            ),
            ("for cron: say it, once", "for cron: say it"),
        ] {
            assert_eq!(brief(help), expected);
        }
        for option in offered() {
            assert!(
                option.brief.len() <= 80,
                "{}: {}",
                option.long,
                option.brief
            );
        }
    }

    #[test]
    fn what_can_be_repeated_is_known() {
        let repeated: Vec<String> = offered()
            .into_iter()
            .filter(|it| it.repeats)
            .map(|it| it.long)
            .collect();
        assert_eq!(repeated, ["--status", "--carbon"]);
    }
}
