//! The habits from freebox_monitor.py that argh does not know: `--name=value`, `-HSW`, `-cFILE`,
//! `--status-sys`, `-P`; and what outweighs all other arguments.

use super::options::{self, Described, Value};
use crate::base::error::Error;
use crate::sections::{self, SECTIONS};

/// The pattern that an option for a list has when none stands behind it.
const ALL: &str = "**";
/// What 0.9.1 has had old names for, and does by itself.
const DONE_ANYWAY: [&str; 2] = ["-P", "--status-ports"];

/// What was typed, in argh's own manner.
#[derive(Debug, Default)]
pub(super) struct Typed {
    words: Vec<Word>,
    /// The first thing that is wrong with it.
    wrong: Option<Error>,
}

/// A part of what was typed.
#[derive(Debug)]
enum Word {
    /// An option.
    Option(String),
    /// What stands behind one, or alone.
    Value(String),
}

/// What somebody only wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Help,
    Version,
}

impl Typed {
    /// Takes the arguments apart.
    pub(super) fn of(args: Vec<String>) -> Self {
        let mut typed = Typed::default();
        let described = options::described();
        let mut rest = args.into_iter().peekable();
        while let Some(arg) = rest.next() {
            if arg == "--" {
                typed.option("--");
                rest.for_each(|arg| typed.value(arg));
                break;
            }
            let option = described.iter().find(|option| option.is_called(&arg));
            match option.map(|option| option.value) {
                Some(Value::Needed(_)) => {
                    typed.option(&arg);
                    rest.next().into_iter().for_each(|it| typed.value(it));
                }
                Some(Value::Optional(_)) => {
                    typed.option(&arg);
                    let value = rest.next_if(|next| !next.starts_with('-'));
                    typed.value(value.unwrap_or_else(|| ALL.to_owned()));
                }
                Some(Value::None) | None => typed.habit(&arg, &described),
            }
        }
        typed
    }

    fn option(&mut self, name: &str) {
        self.words.push(Word::Option(name.to_owned()));
    }

    fn value(&mut self, value: impl Into<String>) {
        self.words.push(Word::Value(value.into()));
    }

    /// What is no option with its value behind it.
    fn habit(&mut self, arg: &str, described: &[Described]) {
        match arg.strip_prefix("--").and_then(|long| long.split_once('=')) {
            Some((name, value)) => {
                let name = format!("--{name}");
                let option = described.iter().find(|option| option.is_called(&name));
                let is_switch = option.is_some_and(|option| option.value == Value::None);
                if is_switch || name.starts_with("--status-") {
                    self.refuse(format!("{name} takes no value"));
                }
                self.option(&name);
                self.value(value);
            }
            None if is_cluster(arg) => self.cluster(arg, described),
            None if arg.len() > 1 && arg.starts_with('-') => self.switch(arg),
            None => self.value(arg),
        }
    }

    /// `-HSW`, `-cFILE`, `-c=FILE`.
    fn cluster(&mut self, arg: &str, described: &[Described]) {
        let mut letters = arg.chars();
        letters.next();
        while let Some(letter) = letters.next() {
            let of_letter = |option: &&Described| option.short == Some(letter);
            let option = described.iter().find(of_letter);
            let wants_value = option.is_some_and(|option| option.value != Value::None);
            let value = letters.as_str();
            self.switch(&format!("-{letter}"));
            if wants_value && !value.is_empty() {
                self.value(value.strip_prefix('=').unwrap_or(value));
                break;
            }
        }
    }

    /// A single switch: `--status-sys` and `-H` are `--status sys`, and what 0.9.1 calls the use of
    /// the internal disk is a part of the disks.
    fn switch(&mut self, name: &str) {
        let of_letter = || {
            let letter = name.strip_prefix('-').and_then(|it| it.chars().next())?;
            SECTIONS.iter().find(|it| it.letter == Some(letter))
        };
        let section = match name {
            _ if DONE_ANYWAY.contains(&name) => return,
            "--internal-disk-usage" => sections::by_switch("disk"),
            _ if name.starts_with("--") => {
                let switch = name.strip_prefix("--status-");
                if switch.is_some_and(|it| sections::by_switch(it).is_none()) {
                    self.refuse(format!("{name}: there is no such section"));
                }
                switch.and_then(sections::by_switch)
            }
            _ => of_letter(),
        };
        match (section, name) {
            (Some(section), _) => {
                self.option("--status");
                self.value(section.switch);
            }
            (None, "-h") => self.option("--help"),
            (None, "-v") => self.option("--version"),
            (None, _) => self.option(name),
        }
    }

    fn refuse(&mut self, words: String) {
        let wrong = || Error::misuse(format!("{words} (--help lists the options)"));
        self.wrong.get_or_insert_with(wrong);
    }

    /// What somebody wants to read, whatever else is typed.
    pub(super) fn reading(&self) -> Option<Reading> {
        self.words.iter().find_map(|word| match word {
            Word::Option(name) if name == "--help" => Some(Reading::Help),
            Word::Option(name) if name == "--version" => Some(Reading::Version),
            // argh takes it for its own, and would print nothing.
            Word::Value(name) if name == "help" && self.words.len() == 1 => Some(Reading::Help),
            _ => None,
        })
    }

    /// The arguments for argh.
    ///
    /// # Errors
    /// A misuse that argh would not see, or would quote a password of.
    pub(super) fn args(self) -> Result<Vec<String>, Error> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let described = options::described();
        for pair in self.words.windows(2) {
            let [Word::Option(name), Word::Value(value)] = pair else {
                continue;
            };
            let option = described.iter().find(|option| option.is_called(name));
            if option.is_some_and(Described::is_address) && value.contains('@') {
                return Err(Error::misuse(format!(
                    "{name} takes no user and no password, which would be seen by everybody on \
                     this machine: leave out what stands before the @"
                )));
            }
        }
        let text = |word| match word {
            Word::Option(text) | Word::Value(text) => text,
        };
        Ok(self.words.into_iter().map(text).collect())
    }
}

/// `-HSW`, and not `-15`.
fn is_cluster(arg: &str) -> bool {
    let second = arg.strip_prefix('-').and_then(|rest| rest.chars().next());
    second.is_some_and(|c| c != '-' && !c.is_ascii_digit())
}
