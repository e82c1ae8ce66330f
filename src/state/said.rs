//! What was said, so that the same trouble is not said each minute (`--repeat-after`).
//!
//! A trouble has a scope, what it is about, and reasons, the words for it without their numbers,
//! which change each time. A new reason is said at once, and each reason once in the time that the
//! user gave; the end of a trouble is said once. One that begins anew within that time after its
//! end is said again, but its next end has to last that long before it is believed: what comes and
//! goes each minute would otherwise be two lines in two minutes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::base::deadline::Deadline;
use crate::base::files;
use crate::base::lock::{self, Lock};

/// How long a trouble is remembered that nobody has seen again, in seconds.
const MEMORY: u64 = 30 * 24 * 3600;
/// How many troubles are remembered, and how many reasons of each.
const MOST_TROUBLES: usize = 200;
const MOST_REASONS: usize = 20;
/// How long to wait for another run that is speaking.
const PATIENCE: Duration = Duration::from_secs(1);

/// Everything that was said and may come up again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    troubles: Vec<Trouble>,
}

/// What a trouble is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Scope {
    /// Whose it is: a box, or a line of a crontab.
    pub(crate) of: String,
    /// What it is.
    pub(crate) name: String,
    /// Whether its end is worth a word: nobody waits for that of a passing remark.
    pub(crate) has_end: bool,
}

/// A trouble that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Trouble {
    scope: Scope,
    /// When it began, in seconds since 1970, as are all the times here.
    since: u64,
    /// When it was last there.
    seen: u64,
    reasons: Vec<Reason>,
    /// Since when it has not been there, as far as somebody looked.
    over: Option<u64>,
    /// Whether its end was said.
    end_said: bool,
    /// Whether it has come again soon after its end.
    comes_and_goes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reason {
    /// The words, without the numbers that change each time.
    words: String,
    said: u64,
}

/// A trouble that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// What it was about.
    pub(crate) scope: Scope,
    /// How long it lasted, in seconds.
    pub(crate) lasted: u64,
}

impl Said {
    /// Notes a trouble; whether it is to be said now.
    pub(crate) fn is_new(&mut self, scope: &Scope, words: &str, now: u64, after: u64) -> bool {
        let place = self.troubles.iter().position(|it| it.scope == *scope);
        let place = place.unwrap_or_else(|| {
            self.troubles.push(Trouble::new(scope, now));
            self.troubles.len() - 1
        });
        self.troubles[place].goes_on(words, now, after)
    }

    /// Notes that all other troubles are over that were looked at, and gives those whose end is to
    /// be said now.
    pub(crate) fn ended(
        &mut self,
        has_been_well: impl Fn(&Scope) -> bool,
        now: u64,
        after: u64,
    ) -> Vec<End> {
        let well = |it: &&mut Trouble| it.scope.has_end && !it.end_said && has_been_well(&it.scope);
        let over = self.troubles.iter_mut().filter(well);
        over.filter_map(|trouble| trouble.ends(now, after))
            .collect()
    }

    /// Forgets what will hardly come up again.
    pub(crate) fn forget(&mut self, now: u64, after: u64) {
        let is_old = |since: u64, age: u64| now.saturating_sub(since) > age;
        self.troubles.retain(|it| {
            let is_done = it.end_said && it.over.is_none_or(|over| is_old(over, after));
            !is_done && !is_old(it.seen, MEMORY.max(after.saturating_mul(2)))
        });
        self.troubles.sort_by_key(|it| it.seen);
        let too_many = self.troubles.len().saturating_sub(MOST_TROUBLES);
        self.troubles.drain(..too_many);
    }
}

impl Trouble {
    fn new(scope: &Scope, now: u64) -> Self {
        Trouble {
            scope: scope.clone(),
            since: now,
            seen: now,
            reasons: Vec::new(),
            over: None,
            end_said: false,
            comes_and_goes: false,
        }
    }

    /// It is there, for this reason; whether that is to be said.
    fn goes_on(&mut self, words: &str, now: u64, after: u64) -> bool {
        if self.end_said {
            let scope = self.scope.clone();
            let rest = now.saturating_sub(self.over.unwrap_or_default());
            *self = Trouble::new(&scope, now);
            self.comes_and_goes = rest < after;
        }
        self.over = None;
        self.seen = now;
        let words = without_numbers(words);
        // What was said in the future was said by another clock.
        let is_fresh = |reason: &Reason| reason.said <= now && now - reason.said < after;
        if self
            .reasons
            .iter()
            .any(|it| it.words == words && is_fresh(it))
        {
            return false;
        }
        self.reasons.retain(|it| it.words != words);
        self.reasons.push(Reason { words, said: now });
        let too_many = self.reasons.len().saturating_sub(MOST_REASONS);
        self.reasons.drain(..too_many);
        true
    }

    /// It is not there; its end, if that is to be said.
    fn ends(&mut self, now: u64, after: u64) -> Option<End> {
        let over = *self.over.get_or_insert(now);
        let is_believed = !self.comes_and_goes || now.saturating_sub(over) >= after;
        self.end_said = is_believed;
        is_believed.then(|| End {
            scope: self.scope.clone(),
            lasted: over.saturating_sub(self.since),
        })
    }
}

/// The words with each number as one `#`: counts and times change each minute, and the ports of
/// connections too. What names something stays: a short step of a path (`wifi/ap/0`), and the
/// status of an answer (`HTTP status 502`).
fn without_numbers(words: &str) -> String {
    let mut plain = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|c: char| !c.is_ascii_digit());
        let (number, after) = number.split_at(end.unwrap_or(number.len()));
        let is_a_name =
            number.len() <= 3 && (before.ends_with('/') || before.ends_with("HTTP status "));
        plain.push_str(before);
        plain.push_str(if is_a_name { number } else { "#" });
        rest = after;
    }
    plain + rest
}

/// The file with what was said. One run at a time speaks; the right to it ends with the value.
#[derive(Debug)]
pub(crate) struct SaidFile {
    path: PathBuf,
    _turn: Lock,
}

impl SaidFile {
    /// Opens the file in this folder, which is made if need be; `None` where that cannot be, or
    /// another run speaks for too long.
    pub(crate) fn open(folder: &Path) -> Option<Self> {
        files::make_folder(folder).ok()?;
        let deadline = Deadline::after(Instant::now(), PATIENCE);
        let turn = lock::take(&folder.join(".said.lock"), deadline).ok()?;
        Some(SaidFile {
            path: folder.join("said.json"),
            _turn: turn,
        })
    }

    /// What was said. A file that cannot be used is as good as none: things are said once more.
    pub(crate) fn load(&self) -> Said {
        let content = files::read_own(&self.path).unwrap_or_default();
        serde_json::from_slice(&content).unwrap_or_default()
    }

    /// Keeps what was said; whether that could be done.
    pub(crate) fn keep(&self, said: &Said) -> bool {
        let content = serde_json::to_vec(said).unwrap_or_default();
        let kept = files::write_for_now(&self.path, &content);
        kept.inspect_err(|error| log::debug!("{error}")).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn scope(name: &str) -> Scope {
        Scope {
            of: "box".to_owned(),
            name: name.to_owned(),
            has_end: true,
        }
    }

    /// What runs say that find these reasons at these minutes, all of one scope; no reason is a
    /// run that looked and found nothing.
    fn minutes(runs: &[(u64, &[&str])]) -> Vec<String> {
        let mut said = Said::default();
        let mut lines = Vec::new();
        for (minute, reasons) in runs {
            let now = 1_700_000_000 + minute * 60;
            for reason in *reasons {
                if said.is_new(&scope("carbon"), reason, now, HOUR) {
                    lines.push(format!("{minute} {reason}"));
                }
            }
            let is_well = |_: &Scope| reasons.is_empty();
            let ends = said.ended(is_well, now, HOUR);
            lines.extend(
                ends.iter()
                    .map(|it| format!("{minute} end {}", it.lasted / 60)),
            );
            said.forget(now, HOUR);
        }
        lines
    }

    #[test]
    fn a_trouble_is_said_when_it_begins_then_once_in_the_time_and_its_end_once() {
        let mut runs: Vec<(u64, &[&str])> = (0..125).map(|it| (it, &["away"][..])).collect();
        runs.extend([(125, &[][..]), (126, &[]), (127, &[])]);
        let expected = ["0 away", "60 away", "120 away", "125 end 125"];
        assert_eq!(minutes(&runs), expected);
    }

    #[test]
    fn numbers_do_not_make_it_another_one() {
        let runs: [(u64, &[&str]); 3] = [
            (0, &["127.0.0.1:4711: 12 lines are kept"]),
            (1, &["127.0.0.1:4712: 134 lines are kept"]),
            (2, &["no route: 134 lines are kept"]),
        ];
        let expected = [
            "0 127.0.0.1:4711: 12 lines are kept",
            "2 no route: 134 lines are kept",
        ];
        assert_eq!(minutes(&runs), expected);
    }

    #[test]
    fn another_port_or_status_is_another_one() {
        let runs: [(u64, &[&str]); 5] = [
            (0, &["wifi/ap/0: HTTP status 502 after 12 ms"]),
            (1, &["wifi/ap/0: HTTP status 502 after 9 ms"]),
            (2, &["wifi/ap/1: HTTP status 502 after 9 ms"]),
            (3, &["wifi/ap/1: HTTP status 404 after 9 ms"]),
            (4, &["wifi/ap/1: HTTP status 404 after 10 ms"]),
        ];
        let expected = [0, 2, 3].map(|it| format!("{it} {}", runs[it].1[0]));
        assert_eq!(minutes(&runs), expected);
        assert_eq!(without_numbers("survey/1795621585000: 2"), "survey/#: #");
    }

    #[test]
    fn reasons_that_alternate_are_each_said_once_in_the_time() {
        let reasons: [&[&str]; 2] = [&["a"], &["b"]];
        let runs: Vec<_> = (0..70).map(|it| (it, reasons[it as usize % 2])).collect();
        assert_eq!(minutes(&runs), ["0 a", "1 b", "60 a", "61 b"]);
    }

    #[test]
    fn one_that_begins_anew_is_said_again() {
        let runs: [(u64, &[&str]); 5] = [
            (0, &["a"]),
            (3, &[]),
            (100, &["a"]),
            (101, &["a"]),
            (102, &[]),
        ];
        assert_eq!(minutes(&runs), ["0 a", "3 end 3", "100 a", "102 end 2"]);
    }

    #[test]
    fn what_comes_and_goes_each_minute_is_not_two_lines_each_time() {
        let away = |minute: u64| match minute < 120 && minute.is_multiple_of(2) {
            true => (minute, &["a"][..]),
            false => (minute, &[][..]),
        };
        let lines = minutes(&(0..200).map(away).collect::<Vec<_>>());
        // Its first end was believed; the next one only after an hour without it.
        assert_eq!(lines, ["0 a", "1 end 1", "2 a", "62 a", "179 end 117"]);
    }

    #[test]
    fn a_run_that_did_not_look_ends_nothing() {
        let mut said = Said::default();
        assert!(said.is_new(&scope("section lan"), "no", 100, HOUR));
        let of_carbon = |it: &Scope| it.name == "carbon";
        assert!(said.ended(of_carbon, 160, HOUR).is_empty());
        assert!(!said.is_new(&scope("section lan"), "no", 220, HOUR));
        let of_another_box = Scope {
            of: "another".to_owned(),
            ..scope("section lan")
        };
        assert!(said.is_new(&of_another_box, "no", 220, HOUR));
    }

    #[test]
    fn a_clock_that_was_set_back_hides_nothing() {
        let mut said = Said::default();
        assert!(said.is_new(&scope("x"), "no", 1_700_000_000, HOUR));
        assert!(said.is_new(&scope("x"), "no", 1_600_000_000, HOUR));
        assert!(!said.is_new(&scope("x"), "no", 1_600_000_060, HOUR));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let mut said = Said::default();
        for number in 0..1000 {
            let scope = scope(&format!("section {number}"));
            said.is_new(&scope, "no", 1000 + number, HOUR);
            let words = |letter: u8| String::from(char::from(b'a' + letter));
            for letter in 0..26 {
                said.is_new(&scope, &words(letter), 1000 + number, HOUR);
            }
            said.forget(1000 + number, HOUR);
        }
        assert_eq!(said.troubles.len(), MOST_TROUBLES);
        assert!(
            said.troubles
                .iter()
                .all(|it| it.reasons.len() <= MOST_REASONS)
        );
        said.forget(2000 + MEMORY, HOUR);
        assert!(said.troubles.is_empty());
    }

    #[test]
    fn a_file_that_is_broken_is_as_good_as_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = SaidFile::open(folder.path()).expect("the file");
        let mut said = Said::default();
        said.is_new(&scope("x"), "no", 100, HOUR);
        assert!(file.keep(&said));
        assert_eq!(file.load(), said);
        std::fs::write(folder.path().join("said.json"), "{\"troubles\":[{").expect("a file");
        assert_eq!(file.load(), Said::default());
    }
}
