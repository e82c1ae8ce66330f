//! `--record`: every answer of the box in one file, for somebody else to `--replay`.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value as Json, json};

use crate::api::{Client, Recording, Transport, history_path};
use crate::base::error::{Error, Exit};
use crate::base::stderr::say;
use crate::cli::Settings;
use crate::collect::{collect, past};
use crate::deliver::Output;
use crate::history::{DATABASES, Database};
use crate::sections::SECTIONS;
use crate::sections::ask::{Detail, at_time, records};
use crate::state::memory::Memory;
use crate::tasks::pseudonym::{Pseudonyms, masked};
use crate::tasks::target;
use crate::tasks::times::Times;

/// Asks the box for everything there is and writes the answers to `output`: with pseudonyms, or as
/// they came if `as_they_came`; never with a token or a key.
///
/// # Errors
/// When the box cannot be asked or the output cannot be written.
pub(crate) fn record(
    settings: &Settings,
    output: &Output,
    as_they_came: bool,
) -> Result<Exit, Error> {
    let times = Times::start(settings.timeout)?;
    output.must_be_open()?;
    let target = &settings.target;
    let (granted, search) = target::registered(target, settings.config.as_deref(), times.end)?;
    let transport = Transport::new(&target.trust, times.collecting).with_tape();
    let client = Client::new(transport, search, target::app(target, &granted), None);
    let every: Vec<_> = SECTIONS.iter().collect();
    let collected = collect(
        &client,
        &every,
        settings.jobs,
        times.timestamp,
        &Memory::default(),
    );
    if let Some(verdict) = client.verdict() {
        return Err(verdict.into());
    }
    let Some(mut heard) = client.heard() else {
        return Err(Error::new(
            Exit::Unreachable,
            "the box has answered nothing",
        ));
    };
    heard.answers.extend(remembered(&client, times.timestamp));
    let count = heard.answers.len();
    let pseudonyms = Pseudonyms::new(&granted.app_token);
    let recording = match as_they_came {
        true => raw(heard, &pseudonyms),
        false => anonymous(heard, pseudonyms, times.timestamp),
    };
    let text = recording.to_text();
    let text = text.map_err(|error| Error::misuse("cannot put it into words").because(error))?;
    // Whatever a box may echo, and wherever.
    let session = client.known().and_then(|known| known.session);
    let secrets = [Some(granted.app_token.clone()), session];
    let text = secrets
        .iter()
        .flatten()
        .fold(text, |text, secret| text.replace(secret.reveal(), ""));
    output.write_for_owner(&text, times.end)?;
    let failed = collected.tell_failures(&BTreeSet::new());
    let what = match as_they_came {
        true => "names, addresses and numbers are in it as they came",
        false => "names, addresses, numbers and serials in it are pseudonyms",
    };
    let place = match output {
        Output::Stdout => format!("on {output}"),
        Output::File(_) => format!("in {output}"),
    };
    say(&format!("{count} answers of the box are {place}; {what}"));
    Ok(if failed { Exit::Partial } else { Exit::Done })
}

/// What the box remembers of the last hour, as answers by the paths of the databases. One that it
/// does not give is not in a recording, as every other path that is not there.
fn remembered(client: &Client, now: u64) -> Vec<(String, Json)> {
    let once = DATABASES.iter().filter(|it| it.name == it.database);
    let answer = |database: &Database| {
        let result = past::remembered(client, database, (now.saturating_sub(3600), now));
        let result = result.inspect_err(|error| log::debug!("{error}")).ok()?;
        let answer = json!({"success": true, "result": result});
        Some((history_path(database.database), answer))
    };
    once.filter_map(answer).collect()
}

/// A body that is no JSON can hold anything: only its shape is kept.
fn changed(answer: Json, change: impl FnOnce(Json) -> Json) -> Json {
    match answer {
        Json::String(body) => Json::String(masked(&body)),
        other => change(other),
    }
}

fn raw(mut recording: Recording, pseudonyms: &Pseudonyms) -> Recording {
    for answer in recording.answers.values_mut() {
        *answer = changed(answer.take(), |it| pseudonyms.without_secrets(it));
    }
    recording
}

/// The same recording of nobody in particular. What a path says of an entity changes as the list
/// does that it comes from.
fn anonymous(mut recording: Recording, mut pseudonyms: Pseudonyms, time: u64) -> Recording {
    recording.api_version = changed(recording.api_version, |it| pseudonyms.answer(it));
    let of_history = DATABASES.iter().map(|it| history_path(it.database));
    let mut names: HashMap<String, String> = of_history.map(|it| (it.clone(), it)).collect();
    let mut answers = Vec::new();
    for (path, answer) in recording.answers {
        let after = changed(answer.clone(), |it| pseudonyms.answer(it));
        let bare = |path: &str| path.trim_end_matches('/').to_owned();
        for ask in SECTIONS.iter().flat_map(|section| section.asks) {
            if bare(ask.path) == bare(&path) {
                names.insert(path.clone(), path.clone());
                let details = ask.details.iter();
                names.extend(details.flat_map(|it| renamed(it, &answer, &after, time)));
            }
        }
        answers.push((path, after));
    }
    // A path that nobody knows might tell something.
    let known = |(path, answer)| Some((names.get(&path)?.clone(), answer));
    recording.answers = answers.into_iter().filter_map(known).collect();
    recording
}

/// The paths that follow from an answer, before and after: one record at a time, as a record whose
/// key cannot be in a path has none.
fn renamed(detail: &Detail, before: &Json, after: &Json, time: u64) -> Vec<(String, String)> {
    let path = |record: &Json| Some(at_time(&detail.of_record(record)?, time));
    let pairs = records(before.get("result")).zip(records(after.get("result")));
    pairs
        .filter_map(|(before, after)| path(before).zip(path(after)))
        .collect()
}
