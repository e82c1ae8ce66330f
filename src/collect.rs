//! Asks for what the sections want to know, over a few connections side by side, each path once,
//! and lets each section make samples of the answers.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::api::{Client, Error, Kind};
use crate::ask::{Answers, Ask, Shape, Then};
use crate::sample::Sample;
use crate::sections::Section;

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
    let mut asks: Vec<Wish> = sections
        .iter()
        .flat_map(|section| section.asks.iter().filter(wanted))
        .map(|ask| Wish {
            path: ask.path.to_owned(),
            shape: ask.shape,
            required: ask.required,
            then: ask.then,
            from: None,
        })
        .collect();
    // What leads to further questions comes first, so that they need not wait at the end.
    asks.sort_by_key(|wish| wish.then.is_none());
    let answered = Board::new(asks, time).work_off(client, jobs);
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
    required: bool,
    then: Option<Then>,
    /// The path whose result led to it.
    from: Option<String>,
}

impl Wish {
    /// Takes a result for what it should be. What every box has is never empty.
    fn check(&self, result: Json) -> Result<Json, Error> {
        let result = self.shape.checked(&self.path, result)?;
        let is_empty = result.as_object().is_some_and(serde_json::Map::is_empty);
        match self.required && is_empty {
            true => {
                let words = "there is nothing in the result".to_owned();
                Err(Error::new(self.path.as_str(), Kind::NotUnderstood(words)))
            }
            false => Ok(result),
        }
    }
}

/// What became of a path.
struct Answered {
    path: String,
    from: Option<String>,
    result: Result<Json, Error>,
    took: Duration,
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
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    // A machine that has no thread left for us gets by with fewer.
                    break;
                }
            }
            self.work(client, 0);
        });
        self.state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .answered
    }

    fn work(&self, client: &Client, number: usize) {
        while let Some(wish) = self.next(number) {
            let start = Instant::now();
            let result = client.get(&wish.path);
            let result = result.and_then(|result| wish.check(result));
            let took = start.elapsed();
            let following = match (&result, wish.then) {
                (Ok(result), Some(then)) => self.following(&wish.path, result, then),
                _ => Vec::new(),
            };
            let mut work = self.lock();
            work.busy -= 1;
            work.add(following);
            work.answered.push(Answered {
                path: wish.path,
                from: wish.from,
                result,
                took,
            });
            drop(work);
            self.changed.notify_all();
        }
    }

    fn following(&self, path: &str, result: &Json, then: Then) -> Vec<Wish> {
        let paths = (then.paths)(result, self.time).into_iter();
        let wish = |next| Wish {
            path: next,
            shape: then.shape,
            required: false,
            then: None,
            from: Some(path.to_owned()),
        };
        paths.map(wish).collect()
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
            work = self
                .changed
                .wait(work)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    bad: Vec<Answered>,
    took: Vec<(String, Duration)>,
}

impl Sorted {
    fn new(answered: Vec<Answered>) -> Self {
        let mut sorted = Sorted {
            good: HashMap::new(),
            bad: Vec::new(),
            took: Vec::new(),
        };
        for one in answered {
            let first = one.from.as_ref().unwrap_or(&one.path).clone();
            sorted.took.push((first, one.took));
            match one.result {
                Ok(result) => {
                    sorted.good.insert(one.path, result);
                }
                Err(_) => sorted.bad.push(one),
            }
        }
        // Threads finish as they may; what is said about it has an order.
        sorted.bad.sort_by(|a, b| a.path.cmp(&b.path));
        sorted
    }

    fn outcome(&self, section: &'static Section) -> Outcome {
        let mut outcome = Outcome {
            section: section.name,
            failures: Vec::new(),
            forbidden: Vec::new(),
            duration: Duration::ZERO,
        };
        for ask in section.asks {
            let of_ask = |path: &str| path == ask.path;
            let took = self.took.iter().filter(|(path, _)| of_ask(path));
            outcome.duration += took.map(|(_, took)| *took).sum::<Duration>();
            for one in &self.bad {
                if of_ask(one.from.as_ref().unwrap_or(&one.path)) {
                    outcome.judge(one, ask.required && one.from.is_none());
                }
            }
        }
        outcome
    }
}

impl Outcome {
    fn judge(&mut self, answered: &Answered, required: bool) {
        let Err(error) = &answered.result else { return };
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
