//! Asks: every path once, side by side over a few connections, and then for what follows from it.

use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::api::{Client, Meaning, Reason, RequestError, USUAL_ANSWER};
use crate::base::threads;
use crate::sections::Section;
use crate::sections::ask::{Ask, Detail, Shape, at_time, no_list_at, records};

/// A further connection costs a TLS handshake, which so many requests make good.
const REQUESTS_A_CONNECTION: usize = 4;

/// What to ask a box that speaks this version of the API. What leads to further questions comes
/// first, so that they need not wait at the end.
pub(super) fn wishes(sections: &[&'static Section], api_major: Option<u32>) -> Vec<Wish> {
    let is_there = |ask: &&Ask| api_major.is_none_or(|it| (ask.since..=ask.until).contains(&it));
    let asks = sections.iter().flat_map(|section| {
        let asks = section.asks.iter().filter(is_there);
        asks.map(|ask| (section.name, ask))
    });
    let mut wishes: Vec<Wish> = Vec::new();
    for (section, ask) in asks {
        match wishes.iter_mut().find(|wish| wish.path == ask.path) {
            Some(wish) => wish.is_also(section, ask),
            None => wishes.push(Wish::new(section, ask)),
        }
    }
    wishes.sort_by_key(|wish| wish.details.is_empty());
    wishes
}

/// How much a section counts on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Every box has it.
    Required,
    /// The box has just named it.
    Certain,
    /// Some boxes have it.
    Optional,
}

/// A path by the name that it has whatever the time, and the sections that want it.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// As it was asked for.
    pub(super) path: String,
    /// The same without the time.
    pub(super) name: String,
    /// The sections that want it, each with how much it counts on it.
    pub(super) sections: Vec<(&'static str, Standing)>,
}

impl Named {
    /// How much a section counts on it; `None` where it does not want it.
    pub(super) fn standing_in(&self, section: &str) -> Option<Standing> {
        let mut sections = self.sections.iter();
        sections
            .find(|(name, _)| *name == section)
            .map(|(_, it)| *it)
    }
}

/// A path to be asked for.
pub(super) struct Wish {
    path: String,
    name: String,
    shape: Shape,
    largest: u64,
    lists: &'static [&'static str],
    sections: Vec<(&'static str, Standing)>,
    /// What follows from the result, for which section.
    details: Vec<(&'static str, &'static Detail)>,
}

/// What became of a path.
pub(super) struct Answered {
    /// The path.
    pub(super) named: Named,
    /// What the box said.
    pub(super) result: Result<Json, RequestError>,
    /// What is strange in a result that can be used all the same.
    pub(super) complaint: Option<RequestError>,
    /// How long that took.
    pub(super) took: Duration,
}

impl Answered {
    /// Whether the box says not to have what every box has: it does not speak the version of the
    /// API that it was asked in.
    pub(super) fn lacks_what_every_box_has(&self) -> bool {
        let sections = &self.named.sections;
        let is_required = sections.iter().any(|(_, it)| *it == Standing::Required);
        let is_not_here = |error: &RequestError| error.meaning() == Meaning::NotHere;
        is_required && self.result.as_ref().is_err_and(is_not_here)
    }
}

impl Wish {
    fn new(section: &'static str, ask: &Ask) -> Self {
        let mut wish = Wish {
            path: ask.path.to_owned(),
            name: ask.path.to_owned(),
            shape: ask.shape,
            largest: USUAL_ANSWER,
            lists: ask.lists,
            sections: Vec::new(),
            details: Vec::new(),
        };
        wish.is_also(section, ask);
        wish
    }

    /// The same path is wanted by one section more.
    fn is_also(&mut self, section: &'static str, ask: &Ask) {
        let standing = match ask.required {
            true => Standing::Required,
            false => Standing::Optional,
        };
        self.sections.push((section, standing));
        self.details
            .extend(ask.details.iter().map(|it| (section, it)));
    }

    /// Takes a result for what it should be. What every box has is never empty.
    fn check(&self, result: Json) -> Result<Json, RequestError> {
        let result = self.shape.checked(&self.path, result)?;
        let is_required = |(_, standing): &(_, Standing)| *standing == Standing::Required;
        let is_empty = result.as_object().is_some_and(serde_json::Map::is_empty);
        match is_empty && self.sections.iter().any(is_required) {
            true => Err(self.not_understood("there is nothing in the result".to_owned())),
            false => Ok(result),
        }
    }

    /// What is strange in a result that can be used all the same.
    fn complaint(&self, result: &Json) -> Option<RequestError> {
        let place = no_list_at(result, self.lists)?;
        Some(self.not_understood(format!("'{place}' in the result is no list")))
    }

    fn not_understood(&self, words: String) -> RequestError {
        RequestError::new(self.path.as_str(), Reason::NotUnderstood(words))
    }

    /// The paths that follow from the result.
    fn following(&self, result: &Json, time: u64) -> Vec<Wish> {
        let of_detail = |(section, detail): &(&'static str, &'static Detail)| {
            let (section, detail) = (*section, *detail);
            let names = records(Some(result)).filter_map(|record| detail.of_record(record));
            let wish = |name: String| Wish {
                path: at_time(&name, time),
                name,
                shape: detail.shape,
                largest: detail.largest,
                lists: detail.lists,
                sections: vec![(section, Standing::of_detail(detail))],
                details: Vec::new(),
            };
            names.map(wish).collect::<Vec<_>>()
        };
        self.details.iter().flat_map(of_detail).collect()
    }
}

impl Standing {
    fn of_detail(detail: &Detail) -> Self {
        match detail.certain {
            true => Standing::Certain,
            false => Standing::Optional,
        }
    }
}

/// The paths that are still to be asked for, shared by the threads that ask.
pub(super) struct Board {
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
    /// For a run at this time, in seconds since 1970.
    pub(super) fn new(wishes: Vec<Wish>, time: u64) -> Self {
        let mut work = Work::default();
        work.add(wishes);
        Board {
            state: Mutex::new(work),
            changed: Condvar::new(),
            time,
        }
    }

    /// Asks for everything, and for what follows from it.
    pub(super) fn work_off(self, client: &Client, jobs: usize) -> Vec<Answered> {
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
            let (following, complaint) = match &result {
                Ok(result) => (wish.following(result, self.time), wish.complaint(result)),
                Err(_) => (Vec::new(), None),
            };
            let mut work = self.lock();
            work.busy -= 1;
            work.add(following);
            work.answered.push(Answered {
                named: Named {
                    path: wish.path,
                    name: wish.name,
                    sections: wish.sections,
                },
                result,
                complaint,
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
