//! Asks for what the sections want to know, over a few connections side by side, each path once,
//! and lets each section make samples of the answers.

mod board;
pub(crate) mod past;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde_json::Value as Json;

use crate::api::{Client, Meaning, RequestError};
use crate::base::words::{about as topic, looked_at};
use crate::metrics::sample::Sample;
use crate::sections::Section;
use crate::sections::ask::{Answers, is_empty};
use crate::state::memory::{About, Brought, Memory};
use board::{Answered, Board, Named, Standing, wishes};

/// What the sections gave.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The samples, in the order of the sections.
    pub(crate) samples: Vec<Sample>,
    /// What became of each section, in the same order.
    pub(crate) outcomes: Vec<Outcome>,
    /// What was found out of paths that earlier runs have left open.
    pub(crate) brought: Brought,
}

/// What became of a section.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its name.
    pub(crate) section: &'static str,
    /// The answers that were not usable, in the order in which they were asked for.
    pub(crate) failures: Vec<RequestError>,
    /// The permissions that kept answers back.
    pub(crate) forbidden: Vec<RequestError>,
    /// How long the box took for its answers, in sum.
    pub(crate) duration: Duration,
}

impl Collected {
    /// Says one line for each section that failed, or was kept back and is not in `told` yet;
    /// whether one failed.
    pub(crate) fn tell_failures(&self, told: &BTreeSet<String>) -> bool {
        let mut one_failed = false;
        for outcome in &self.outcomes {
            let section = outcome.section;
            let permission = format!("permission for section {section}");
            looked_at(&format!("section {section}"));
            if outcome.forbidden.is_empty() {
                looked_at(&permission);
            }
            let is_told = told.contains(section);
            if let (Some(first), false) = (outcome.forbidden.first(), is_told) {
                log::warn!(target: &topic(&permission), "section {section}: {first}");
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
fn in_words(failures: &[RequestError]) -> String {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for failure in failures {
        let reason = failure.reason.to_string();
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
/// others nothing. `memory` is what earlier runs have found out of the paths.
pub(crate) fn collect(
    client: &Client,
    sections: &[&'static Section],
    jobs: usize,
    time: u64,
    memory: &Memory,
) -> Collected {
    let (answered, api_major) = answers(client, sections, jobs, time);
    let about = about(client).unwrap_or_default();
    let nothing = Brought::default();
    let before = memory.brought(&about).unwrap_or(&nothing);
    let mut sorted = Sorted::new(answered);
    let mut answers = Answers {
        by_path: std::mem::take(&mut sorted.good),
        time,
        api_major,
    };
    let mut collected = Collected::default();
    for section in sections {
        let outcome = sorted.outcome(section, before);
        let samples = (section.map)(&answers);
        log::debug!("{}: {} samples", section.name, samples.len());
        // Where something fails, something else may have to stand in for it.
        if outcome.failures.is_empty() {
            let count = numbers(&samples);
            for (name, brings) in found_out(section, &sorted.named, &mut answers, count, before) {
                collected.brought.note(section.name, &name, brings);
            }
        }
        collected.outcomes.push(outcome);
        collected.samples.extend(samples);
    }
    collected
}

/// Which box was asked, as far as it was found.
pub(crate) fn about(client: &Client) -> Option<About> {
    let endpoint = client.endpoint()?;
    Some(About {
        api_major: endpoint.major(),
        uid: endpoint.uid,
    })
}

/// The answers, and the version of the API that they are in. What there is to ask depends on the
/// version, which may turn out to be another one than when the box was last found.
fn answers(
    client: &Client,
    sections: &[&'static Section],
    jobs: usize,
    time: u64,
) -> (Vec<Answered>, Option<u32>) {
    // Whatever keeps it from being known comes up again with the first request.
    let api_major = client.api_major();
    let ask = |api_major| Board::new(wishes(sections, api_major), time).work_off(client, jobs);
    let answered = ask(api_major);
    let lacks = |it: &Answered| it.lacks_what_every_box_has();
    let is_elsewhere = answered.iter().any(lacks) && client.look_again();
    if client.verdict().is_some() || !is_elsewhere && client.api_major() == api_major {
        return (answered, api_major);
    }
    let api_major = client.api_major();
    log::debug!("the API is another one than before: asking for everything again");
    (ask(api_major), api_major)
}

/// How many numbers there are in samples. Texts are none.
fn numbers(samples: &[Sample]) -> usize {
    let values = samples.iter().flat_map(|sample| &sample.values);
    values.filter(|reading| reading.value.is_number()).count()
}

/// Which paths of a section bring numbers, of those that are not known to: without such an answer
/// there are fewer. In most runs nothing is left to find out.
fn found_out(
    section: &Section,
    named: &[Named],
    answers: &mut Answers,
    count: usize,
    before: &Brought,
) -> Vec<(String, bool)> {
    let is_open = |it: &&Named| match before.of(section.name, &it.name) {
        Some(brings) => !brings && !answers.by_path.get(&it.path).is_none_or(is_empty),
        None => answers.by_path.contains_key(&it.path),
    };
    let of_section = |it: &&Named| it.standing_in(section.name) == Some(Standing::Optional);
    let open: Vec<&Named> = named.iter().filter(of_section).filter(is_open).collect();
    let mut brings = |without: &[&Named]| {
        let paths = without.iter().map(|it| &it.path);
        let taken: Vec<_> = paths
            .filter_map(|path| answers.by_path.remove_entry(path))
            .collect();
        let fewer = numbers(&(section.map)(answers)) < count;
        answers.by_path.extend(taken);
        fewer
    };
    // Where all of them together bring nothing, none does.
    let some_do = !open.is_empty() && brings(&open);
    open.iter()
        .map(|it| (it.name.clone(), some_do && brings(&[*it])))
        .collect()
}

/// The answers of a run, good and bad.
struct Sorted {
    named: Vec<Named>,
    good: HashMap<String, Json>,
    bad: Vec<(Named, RequestError)>,
    took: HashMap<&'static str, Duration>,
}

impl Sorted {
    fn new(mut answered: Vec<Answered>) -> Self {
        // Threads finish as they may; what is said about it has an order.
        answered.sort_by(|a, b| a.named.path.cmp(&b.named.path));
        let mut sorted = Sorted {
            named: Vec::new(),
            good: HashMap::new(),
            bad: Vec::new(),
            took: HashMap::new(),
        };
        for one in answered {
            for (section, _) in &one.named.sections {
                *sorted.took.entry(section).or_default() += one.took;
            }
            let path = one.named.path.clone();
            let error = match one.result {
                Ok(result) => {
                    sorted.good.insert(path, result);
                    one.complaint
                }
                Err(error) => Some(error),
            };
            sorted
                .bad
                .extend(error.map(|error| (one.named.clone(), error)));
            sorted.named.push(one.named);
        }
        sorted
    }

    fn outcome(&self, section: &'static Section, before: &Brought) -> Outcome {
        let mut outcome = Outcome {
            section: section.name,
            failures: Vec::new(),
            forbidden: Vec::new(),
            duration: self.took.get(section.name).copied().unwrap_or_default(),
        };
        for (named, error) in &self.bad {
            if let Some(standing) = named.standing_in(section.name) {
                let has_brought = before.of(section.name, &named.name) == Some(true);
                outcome.judge(error, standing, has_brought);
            }
        }
        outcome
    }
}

impl Outcome {
    /// Absent is not broken, and broken is not absent. Where the box's words leave that open, what
    /// this box has given before tells.
    fn judge(&mut self, error: &RequestError, standing: Standing, has_brought: bool) {
        let is_failure = match (error.meaning(), standing) {
            (Meaning::Forbidden, _) => return self.forbidden.push(error.clone()),
            (Meaning::Broken, _) | (_, Standing::Required) => true,
            (Meaning::Unclear, Standing::Certain) => true,
            (Meaning::Unclear, Standing::Optional) => has_brought,
            (Meaning::NotHere, Standing::Certain | Standing::Optional) => false,
        };
        match is_failure {
            true => self.failures.push(error.clone()),
            // Another model, another firmware, or something that is not switched on.
            false => log::debug!("{error}"),
        }
    }
}
