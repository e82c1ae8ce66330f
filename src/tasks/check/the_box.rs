//! The steps at the box: the token, a session, and every section with its permission.

use super::report::Report;
use crate::api::{Client, Endpoint, Known, Search, Transport, permission};
use crate::base::error::{Error, Exit};
use crate::cli::Settings;
use crate::collect::{Collected, Outcome, collect, past};
use crate::history::DATABASES;
use crate::sections::Section;
use crate::state::credentials::Granted;
use crate::tasks::times::Times;
use crate::tasks::{gaps, target};

/// Token, session, and every section with its permission.
pub(super) fn the_box(
    settings: &Settings,
    times: &Times,
    granted: &Granted,
    search: Search,
    endpoint: Endpoint,
    report: &mut Report,
) -> Result<(), Error> {
    let transport = Transport::new(&settings.target.trust, times.collecting);
    let app = target::app(&settings.target, granted);
    let memory = target::folder(granted.uid.as_deref(), &search.address).memory();
    let known = Known {
        endpoint,
        session: None,
    };
    let client = Client::new(transport, search, app, Some(known));
    match client.missing_permissions() {
        Ok(_) => report.tick("session", "the token is good and a session is open")?,
        Err(error) => {
            let advice = format!(
                "freebox-monitor --register --force asks for access anew; Freebox OS lists the \
                 applications under {}",
                permission::ACCESS_PAGE
            );
            let exit = Error::from(error.clone()).exit();
            report.cross(exit, "session", &error.to_string(), &advice)?;
            return report.skip("sections", "not tried without a session");
        }
    }
    let collected = collect(
        &client,
        &settings.sections,
        settings.jobs,
        times.timestamp,
        &memory,
    );
    for (section, outcome) in settings.sections.iter().zip(&collected.outcomes) {
        let numbers = count(section, &collected);
        of_section(section, outcome, numbers, settings.all, report)?;
    }
    history(settings, &client, &collected, times.timestamp, report)?;
    match settings.all {
        true => Ok(()),
        false => report.skip(
            "other sections",
            "not collected with these options; --all or --status-NAME adds them",
        ),
    }
}

/// Whether the box gives its own history of what these sections collect. A run does without.
fn history(
    settings: &Settings,
    client: &Client,
    collected: &Collected,
    now: u64,
    report: &Report,
) -> Result<(), Error> {
    if !gaps::has_times(settings) {
        let words = format!(
            "gaps stay empty: the lines of -f {} have no time",
            settings.format
        );
        return report.skip("history", &words);
    }
    let known = DATABASES.iter().filter(|it| it.knows(&collected.samples));
    let (mut told, mut error) = (Vec::new(), None);
    for database in known {
        match past::answer(client, database, (now.saturating_sub(3600), now)) {
            Ok(answer) if answer.ends().is_some() => told.push(database.about),
            Ok(_) => {}
            Err(it) => error = error.or(Some(it)),
        }
    }
    if let told @ [_, ..] = told.as_slice() {
        let words = format!("the box remembers {}; gaps are filled", told.join(", "));
        report.tick("history", &words)?;
    }
    match error.map(|error| (past::consequence(&error), error.missing_right().is_some())) {
        Some(((trouble, advice), true)) => report.advise("history", &trouble, &advice),
        Some(((trouble, advice), false)) => report.skip("history", &format!("{trouble}; {advice}")),
        None if told.is_empty() => {
            report.skip("history", "the box remembers nothing of these sections")
        }
        None => Ok(()),
    }
}

fn count(section: &Section, collected: &Collected) -> usize {
    let is_its_own = |name: &str| section.groups.iter().any(|group| group.name == name);
    let samples = collected.samples.iter();
    let of_section = samples.filter(|sample| is_its_own(sample.group.name));
    let values = of_section.flat_map(|sample| &sample.values);
    values.filter(|it| it.value.is_number()).count()
}

fn of_section(
    section: &Section,
    outcome: &Outcome,
    numbers: usize,
    is_by_the_way: bool,
    report: &mut Report,
) -> Result<(), Error> {
    let what = format!("section {}", section.name);
    if let [_, ..] = outcome.failures.as_slice() {
        let why: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
        let advice = "try again; if it stays, --record FILE saves what the box says, without what \
                      is private, for a bug report";
        return report.cross(Exit::Partial, &what, &why.join("; "), advice);
    }
    let mut forbidden = outcome.forbidden.iter();
    match forbidden.find_map(|error| error.missing_right()) {
        Some(right) => {
            let (why, advice) = (permission::is_missing(right), permission::how_to_give());
            // A run says so and delivers the rest.
            match is_by_the_way {
                true => report.advise(&what, &why, &format!("to have it, {advice}")),
                false => report.cross(Exit::Done, &what, &why, &advice),
            }
        }
        None if numbers == 0 => report.skip(&what, "nothing of it on this box"),
        None if numbers == 1 => report.tick(&what, "1 number"),
        None => report.tick(&what, &format!("{numbers} numbers")),
    }
}
