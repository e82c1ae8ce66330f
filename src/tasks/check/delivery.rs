//! The steps about where the lines go, and about those that wait.

use std::path::Path;

use super::report::Report;
use crate::base::error::{Error, Exit};
use crate::base::net::{self, Failure};
use crate::cli::Settings;
use crate::deliver::{self, Carbon, Destination, Output, Rules};
use crate::encode::Format;
use crate::state::folder::StateFolder;
use crate::tasks::times::{Times, how_long};

/// Whether the lines would get to where they are to go.
pub(super) fn delivery(
    settings: &Settings,
    times: &Times,
    folder: &StateFolder,
    report: &mut Report,
) -> Result<(), Error> {
    match &settings.destination {
        Destination::Output(Output::Stdout) => {
            let elsewhere = match settings.format {
                Format::Graphite => "--carbon HOST delivers them to a carbon",
                Format::Influxdb | Format::Prometheus => "--output FILE writes them into a file",
            };
            report.skip("delivery", &format!("lines go to stdout; {elsewhere}"))
        }
        // Looked at before.
        Destination::Output(Output::File(_)) => Ok(()),
        Destination::Carbons(carbons, rules) => {
            for to in carbons {
                carbon(to, times, report)?;
            }
            spools(carbons, times, &folder.spools(), report)?;
            verify(rules, times, report)
        }
    }
}

/// Whether a file takes the lines; a run looks before it asks the box.
pub(super) fn output(settings: &Settings, report: &mut Report) -> Result<(), Error> {
    let Destination::Output(output @ Output::File(_)) = &settings.destination else {
        return Ok(());
    };
    match output.must_be_open() {
        Ok(()) => report.tick("output", &format!("{output} can be written")),
        Err(error) => report.cross(
            error.exit(),
            "output",
            &error.to_string(),
            "name a file with --output that the user as whom this runs may write, in a folder \
             that is theirs",
        ),
    }
}

fn carbon(carbon: &Carbon, times: &Times, report: &mut Report) -> Result<(), Error> {
    match deliver::probe(carbon, times.end) {
        Ok(()) => {
            let words = format!("{carbon} takes connections and reads to their end");
            report.tick("carbon", &words)
        }
        Err(error) => {
            let advice = match net::resolve(carbon.host(), 0, times.end) {
                Err(Failure::NoAddress(_)) => {
                    "look at the name of the host after --carbon, and whether this machine can look \
                     it up"
                }
                _ => {
                    "make sure that carbon runs and that this is its port for plain lines \
                     (LINE_RECEIVER_PORT in carbon.conf, usually 2003)"
                }
            };
            report.cross(error.exit(), "carbon", &error.to_string(), advice)
        }
    }
}

/// The lines that wait for these carbons, and for others that nobody names any more.
fn spools(
    carbons: &[Carbon],
    times: &Times,
    folder: &Path,
    report: &mut Report,
) -> Result<(), Error> {
    let mut waiting = deliver::waiting(folder);
    for carbon in carbons {
        let place = waiting.iter().position(|it| it.is_for(carbon));
        let Some(found) = place.map(|place| waiting.remove(place)) else {
            report.tick("spool", &format!("no lines wait for {carbon}"))?;
            continue;
        };
        let since = how_long(times.timestamp.saturating_sub(found.since));
        let words = format!(
            "{} lines wait for {carbon}, the oldest since {since}; they go with the next run that \
             reaches it",
            found.lines
        );
        report.skip("spool", &words)?;
    }
    for other in waiting {
        let words = format!(
            "{} lines wait in {}, for a carbon that no --carbon names",
            other.lines,
            folder.join(other.spool).display()
        );
        report.skip("spool", &words)?;
    }
    Ok(())
}

fn verify(rules: &Rules, times: &Times, report: &mut Report) -> Result<(), Error> {
    let Some(web) = &rules.verify else {
        return Ok(());
    };
    match web.probe(&rules.trust, times.timestamp, times.end) {
        Ok(()) => report.tick("verify", &format!("{web} answers")),
        // A run does without.
        Err(error) => report.cross(
            Exit::Done,
            "verify",
            &format!("{error}; lines are confirmed twice instead"),
            "--verify wants the address of graphite-web itself, such as http://localhost:8080 on a \
             SexiGraf appliance",
        ),
    }
}
