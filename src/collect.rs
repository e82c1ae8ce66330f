//! Asks for what the sections want to know, over a few connections side by side, each path once,
//! and lets each section make samples of the answers.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::api::{Client, Error, Kind, USUAL_SIZE};
use crate::base::threads;
use crate::base::words::{about, looked_at};
use crate::metrics::sample::Sample;
use crate::sections::Section;
use crate::sections::ask::{Answers, Ask, Shape, Then};

/// A further connection costs a TLS handshake, which so many requests make good.
const REQUESTS_A_CONNECTION: usize = 4;

/// What the sections gave.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The samples, in the order of the sections.
    pub(crate) samples: Vec<Sample>,
    /// What became of each section, in the same order.
    pub(crate) outcomes: Vec<Outcome>,
}

/// What became of a section.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its name.
    pub(crate) section: &'static str,
    /// The answers that were not usable, in the order in which they were asked for.
    pub(crate) failures: Vec<Error>,
    /// The permissions that kept answers back.
    pub(crate) forbidden: Vec<Error>,
    /// How long the box took for its answers, in sum.
    pub(crate) duration: Duration,
}

impl Collected {
    /// Says one line for each section that failed, or was kept back and is not in `told` yet;
    /// whether one failed.
    pub(crate) fn tell_failures(&self, told: &[String]) -> bool {
        let mut one_failed = false;
        for outcome in &self.outcomes {
            let section = outcome.section;
            let permission = format!("permission for section {section}");
            looked_at(&format!("section {section}"));
            if outcome.forbidden.is_empty() {
                looked_at(&permission);
            }
            let is_told = told.iter().any(|it| it == section);
            if let (Some(first), false) = (outcome.forbidden.first(), is_told) {
                log::warn!(target: &about(&permission), "section {section}: {first}");
            }
            if !outcome.failures.is_empty() {
                log::error!("section {section}: {}", in_words(&outcome.failures));
                one_failed = true;
            }
        }
        one_failed
    }
}

/// Several failures on one line; what happened to several paths alike is said once.
fn in_words(failures: &[Error]) -> String {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for failure in failures {
        let reason = failure.kind.to_string();
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, paths)) => paths.push(&failure.endpoint),
            None => reasons.push((reason, vec![&failure.endpoint])),
        }
    }
    let words = reasons
        .iter()
        .map(|(reason, paths)| match paths.as_slice() {
            [first, _, _, _, ..] => format!("{first} and {} more: {reason}", paths.len() - 1),
            few => format!("{}: {reason}", few.join(", ")),
        });
    words.collect::<Vec<_>>().join("; ")
}

/// Asks for these sections with at most `jobs` requests at a time. One that fails costs the
/// others nothing.
pub(crate) fn collect(
    client: &Client,
    sections: &[&'static Section],
    jobs: usize,
    time: u64,
) -> Collected {
    // The version decides what there is to ask. Whatever keeps it from being known comes up
    // again with the first request.
    let api_major = client.api_major();
    let wanted = |ask: &&Ask| api_major.is_none_or(|it| (ask.since..=ask.until).contains(&it));
    let asks = sections.iter().flat_map(|section| {
        let asks = section.asks.iter().filter(wanted);
        asks.map(|ask| (section.name, ask))
    });
    let mut wishes: Vec<Wish> = Vec::new();
    for (section, ask) in asks {
        match wishes.iter_mut().find(|wish| wish.path == ask.path) {
            Some(wish) => wish.is_also(section, ask),
            None => wishes.push(Wish::new(section, ask)),
        }
    }
    // What leads to further questions comes first, so that they need not wait at the end.
    wishes.sort_by_key(|wish| wish.then.is_empty());
    let answered = Board::new(wishes, time).work_off(client, jobs);
    let mut sorted = Sorted::new(answered);
    let mut answers = Answers {
        by_path: std::mem::take(&mut sorted.good),
        time,
        api_major,
    };
    let mut collected = Collected::default();
    for section in sections {
        collected.outcomes.push(sorted.outcome(section));
        let samples = (section.map)(&answers);
        log::debug!("{}: {} samples", section.name, samples.len());
        collected.samples.extend(samples);
    }
    answers.by_path.clear();
    collected
}

/// A path to be asked for.
struct Wish {
    path: String,
    shape: Shape,
    largest: u64,
    /// The sections that want it, each with whether it cannot do without.
    sections: Vec<(&'static str, bool)>,
    /// What follows from the result, for which section.
    then: Vec<(&'static str, Then)>,
}

/// What became of a path.
struct Answered {
    path: String,
    sections: Vec<(&'static str, bool)>,
    result: Result<Json, Error>,
    took: Duration,
}

impl Wish {
    fn new(section: &'static str, ask: &Ask) -> Self {
        let mut wish = Wish {
            path: ask.path.to_owned(),
            shape: ask.shape,
            largest: USUAL_SIZE,
            sections: Vec::new(),
            then: Vec::new(),
        };
        wish.is_also(section, ask);
        wish
    }

    /// The same path is wanted by one section more.
    fn is_also(&mut self, section: &'static str, ask: &Ask) {
        self.sections.push((section, ask.required));
        self.then.extend(ask.then.map(|then| (section, then)));
    }

    /// Takes a result for what it should be. What every box has is never empty.
    fn check(&self, result: Json) -> Result<Json, Error> {
        let result = self.shape.checked(&self.path, result)?;
        let is_required = self.sections.iter().any(|(_, required)| *required);
        let is_empty = result.as_object().is_some_and(serde_json::Map::is_empty);
        match is_required && is_empty {
            true => {
                let words = "there is nothing in the result".to_owned();
                Err(Error::new(self.path.as_str(), Kind::NotUnderstood(words)))
            }
            false => Ok(result),
        }
    }

    /// The paths that follow from the result.
    fn following(&self, result: &Json, time: u64) -> Vec<Wish> {
        let of_then = |(section, then): &(&'static str, Then)| {
            let paths = (then.paths)(result, time).into_iter();
            let (section, shape, largest) = (*section, then.shape, then.largest);
            paths.map(move |path| Wish {
                path,
                shape,
                largest,
                sections: vec![(section, false)],
                then: Vec::new(),
            })
        };
        self.then.iter().flat_map(of_then).collect()
    }
}

/// The paths that are still to be asked for, shared by the threads that ask.
struct Board {
    state: Mutex<Work>,
    changed: Condvar,
    time: u64,
}

#[derive(Default)]
struct Work {
    waiting: VecDeque<Wish>,
    known: HashSet<String>,
    busy: usize,
    answered: Vec<Answered>,
}

impl Board {
    fn new(wishes: Vec<Wish>, time: u64) -> Self {
        let mut work = Work::default();
        work.add(wishes);
        Board {
            state: Mutex::new(work),
            changed: Condvar::new(),
            time,
        }
    }

    /// Asks for everything, and for what follows from it.
    fn work_off(self, client: &Client, jobs: usize) -> Vec<Answered> {
        thread::scope(|scope| {
            for number in 1..jobs.max(1) {
                let board = &self;
                let work = move || board.work(client, number);
                if threads::spawn_scoped(scope, work).is_err() {
                    // A machine that has no thread left for us gets by with fewer.
                    break;
                }
            }
            self.work(client, 0);
        });
        std::mem::take(&mut self.lock().answered)
    }

    fn work(&self, client: &Client, number: usize) {
        while let Some(wish) = self.next(number) {
            let start = Instant::now();
            let result = client.get(&wish.path, wish.largest);
            let result = result.and_then(|result| wish.check(result));
            let took = start.elapsed();
            let following = match &result {
                Ok(result) => wish.following(result, self.time),
                Err(_) => Vec::new(),
            };
            let mut work = self.lock();
            work.busy -= 1;
            work.add(following);
            work.answered.push(Answered {
                path: wish.path,
                sections: wish.sections,
                result,
                took,
            });
            drop(work);
            self.changed.notify_all();
        }
    }

    /// The next path for the thread with this number; `None` when nothing is left and nothing
    /// can follow. A thread steps in when there is enough to do to be worth its connection.
    fn next(&self, number: usize) -> Option<Wish> {
        let mut work = self.lock();
        loop {
            if work.waiting.is_empty() && work.busy == 0 {
                return None;
            }
            let is_worth_it = work.known.len() > number * REQUESTS_A_CONNECTION;
            let wish = if is_worth_it {
                work.waiting.pop_front()
            } else {
                None
            };
            if wish.is_some() {
                work.busy += 1;
                return wish;
            }
            work = threads::wait(&self.changed, work);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        threads::lock(&self.state)
    }
}

impl Work {
    fn add(&mut self, wishes: Vec<Wish>) {
        for wish in wishes {
            if self.known.insert(wish.path.clone()) {
                self.waiting.push_back(wish);
            }
        }
    }
}

/// The answers of a run, good and bad.
struct Sorted {
    good: HashMap<String, Json>,
    bad: Vec<(Vec<(&'static str, bool)>, Error)>,
    took: HashMap<&'static str, Duration>,
}

impl Sorted {
    fn new(mut answered: Vec<Answered>) -> Self {
        // Threads finish as they may; what is said about it has an order.
        answered.sort_by(|a, b| a.path.cmp(&b.path));
        let mut sorted = Sorted {
            good: HashMap::new(),
            bad: Vec::new(),
            took: HashMap::new(),
        };
        for one in answered {
            for (section, _) in &one.sections {
                *sorted.took.entry(section).or_default() += one.took;
            }
            match one.result {
                Ok(result) => drop(sorted.good.insert(one.path, result)),
                Err(error) => sorted.bad.push((one.sections, error)),
            }
        }
        sorted
    }

    fn outcome(&self, section: &'static Section) -> Outcome {
        let mut outcome = Outcome {
            section: section.name,
            failures: Vec::new(),
            forbidden: Vec::new(),
            duration: self.took.get(section.name).copied().unwrap_or_default(),
        };
        for (sections, error) in &self.bad {
            for (_, required) in sections.iter().filter(|(name, _)| *name == section.name) {
                outcome.judge(error, *required);
            }
        }
        outcome
    }
}

impl Outcome {
    fn judge(&mut self, error: &Error, required: bool) {
        if error.missing_right().is_some() {
            self.forbidden.push(error.clone());
        } else if error.is_declined() && !required {
            // Another model, another firmware, or something that is not switched on.
            log::debug!("{error}");
        } else {
            self.failures.push(error.clone());
        }
    }
}
